//! SPIFFE IDs, by the SPIFFE standard "SPIFFE Identity and Verifiable Identity Document", section 2.

/// The longest SPIFFE ID (section 2.3), in bytes.
const MAX_ID: usize = 2048;

/// The longest trust domain name (section 2.1), in bytes.
const MAX_TRUST_DOMAIN: usize = 255;

/// Whether this can be the name of a trust domain (section 2.1).
pub(super) fn is_trust_domain(name: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
    };
    (1..=MAX_TRUST_DOMAIN).contains(&name.len()) && name.bytes().all(allowed)
}

/// Whether a URI is a well-formed SPIFFE ID of a workload of this trust domain: `spiffe://`, the domain
/// byte for byte, and a path of nonempty segments of letters, digits, dots, hyphens and underscores,
/// none of them `.` or `..`. No port, user, query, fragment or percent-encoding.
pub(super) fn is_member(uri: &str, trust_domain: &str) -> bool {
    let Some(rest) = uri.strip_prefix("spiffe://") else {
        return false;
    };
    let Some((domain, path)) = rest.split_once('/') else {
        return false;
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let segment = |segment: &str| {
        !segment.is_empty() && !matches!(segment, "." | "..") && segment.bytes().all(allowed)
    };
    uri.len() <= MAX_ID && domain == trust_domain && path.split('/').all(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_belong_to_exactly_one_domain() {
        #[track_caller]
        fn check(uri: &str, expected: bool) {
            assert_eq!(is_member(uri, "prod.example"), expected, "{uri}");
        }
        check("spiffe://prod.example/ns/db/sa/alice", true);
        check("spiffe://prod.example/Alice_1.x-y", true);
        check("spiffe://prod.example", false);
        check("spiffe://prod.example/", false);
        check("spiffe://prod.example/a/", false);
        check("spiffe://prod.example//a", false);
        check("spiffe://prod.example/a/../b", false);
        check("spiffe://prod.example/./a", false);
        check("spiffe://prod.example/a%2fb", false);
        check("spiffe://prod.example/a?b", false);
        check("spiffe://prod.example/a#b", false);
        check("spiffe://prod.example:443/a", false);
        check("spiffe://u@prod.example/a", false);
        check("spiffe://prod.example.evil/a", false);
        check("spiffe://evil.prod.example/a", false);
        check("spiffe://PROD.example/a", false);
        check("SPIFFE://prod.example/a", false);
        check("https://prod.example/a", false);
        check(&format!("spiffe://prod.example/{}", "a".repeat(2026)), true);
        check(
            &format!("spiffe://prod.example/{}", "a".repeat(2027)),
            false,
        );
    }

    #[test]
    fn trust_domains_are_plain_names() {
        for name in ["example.org", "a", "prod_1-x.y", &"a".repeat(255)] {
            assert!(is_trust_domain(name), "{name}");
        }
        for name in [
            "",
            "Example.org",
            "spiffe://a",
            "a/b",
            "a:1",
            &"a".repeat(256),
        ] {
            assert!(!is_trust_domain(name), "{name}");
        }
    }
}
