//! Whether a certificate is for a host, by the rule of libpq.

use std::net::{IpAddr, Ipv4Addr};

use crate::info::{CertificateInfo, SubjectAltName};

/// What clients make of the names in a certificate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum HostMatch {
    /// A subject alternative name of the right kind matches: every client agrees.
    Every,
    /// Only the common name matches, and there is no subject alternative name of the host's kind. libpq
    /// takes it; Go, Java, rustls and others do not.
    CommonNameOnly,
    /// The host is an IP address that stands in the certificate as a DNS name. libpq takes it; others do
    /// not.
    AddressAsDnsName,
    /// No name matches.
    None,
}

impl HostMatch {
    /// Matches as libpq 15 and later do with `sslmode=verify-full`.
    ///
    /// A DNS name matches if it is the host, or if its first label is `*` and stands for exactly one label
    /// of the host; an address matches by value; the common name counts if no alternative name is of the
    /// host's kind. Source: `pgtls_verify_peer_name_matches_certificate_guts` in PostgreSQL's
    /// `fe-secure-openssl.c`; spec section 8.2.
    #[must_use]
    pub fn of(certificate: &CertificateInfo, host: &str) -> Self {
        let address = address(host);
        let names = certificate.subject_alt_names();
        let is_for = |name: &SubjectAltName| match name {
            SubjectAltName::Dns(name) => is_dns_match(name, host),
            SubjectAltName::Ip(name) => address == Some(*name),
            _ => false,
        };
        match names.iter().find(|name| is_for(name)) {
            Some(SubjectAltName::Dns(_)) if address.is_some() => Self::AddressAsDnsName,
            Some(_) => Self::Every,
            None if names.iter().any(|name| is_kind_of(name, address)) => Self::None,
            None => match certificate.common_name() {
                Ok(Some(name)) if is_dns_match(name, host) => Self::CommonNameOnly,
                _ => Self::None,
            },
        }
    }

    /// Whether libpq accepts the host.
    #[must_use]
    pub const fn is_match(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Why clients other than libpq refuse what libpq accepts.
    #[must_use]
    pub const fn caution(self) -> Option<&'static str> {
        match self {
            Self::CommonNameOnly => Some(
                "only the common name matches: clients in Go, Java, Rust and others ask for a subjectAltName",
            ),
            Self::AddressAsDnsName => Some(
                "the address stands in the certificate as a DNS name: clients in Go, Java, Rust and others \
                 ask for an IP address",
            ),
            Self::Every | Self::None => None,
        }
    }
}

/// The text with which libpq refuses a host that matches none of the names.
pub(crate) fn mismatch_text(certificate: &CertificateInfo, host: &str) -> String {
    let address = address(host);
    let names = certificate.subject_alt_names();
    let mut examined: Vec<String> = names
        .iter()
        .filter_map(|name| match name {
            SubjectAltName::Dns(name) => Some(name.clone()),
            SubjectAltName::Ip(address) => Some(address.to_string()),
            _ => None,
        })
        .collect();
    if let (false, Ok(Some(name))) = (
        names.iter().any(|name| is_kind_of(name, address)),
        certificate.common_name(),
    ) {
        examined.push(name.to_owned());
    }
    match examined.as_slice() {
        [] => "could not get server's host name from server certificate".to_owned(),
        [only] => format!("server certificate for \"{only}\" does not match host name \"{host}\""),
        [first, others @ ..] => format!(
            "server certificate for \"{first}\" (and {} other name{}) does not match host name \"{host}\"",
            others.len(),
            if others.len() == 1 { "" } else { "s" }
        ),
    }
}

/// Whether the name is of the kind that the host is of, so that the common name does not count.
fn is_kind_of(name: &SubjectAltName, address: Option<IpAddr>) -> bool {
    match name {
        SubjectAltName::Dns(_) => address.is_none(),
        SubjectAltName::Ip(_) => address.is_some(),
        _ => false,
    }
}

/// The address that libpq takes a host for: it reads IPv4 by `inet_aton`, IPv6 by `inet_pton`.
fn address(host: &str) -> Option<IpAddr> {
    let strict = host.parse().ok();
    strict.or_else(|| inet_aton(host).map(IpAddr::V4))
}

/// One to four numbers in C's notation, of which the last fills what the others leave.
fn inet_aton(host: &str) -> Option<Ipv4Addr> {
    let number = |text: &str| match text.to_ascii_lowercase().strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    };
    if !host
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || b".xX".contains(&byte))
    {
        return None;
    }
    let mut parts = host.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let last = parts.pop()?;
    let width = 32_u32.checked_sub(u32::try_from(parts.len()).ok()?.checked_mul(8)?)?;
    if width == 0 || (width < 32 && last >> width != 0) {
        return None;
    }
    let octets = parts.into_iter().map(|part| u8::try_from(part).ok());
    let head = octets.enumerate().try_fold(0_u32, |head, (at, octet)| {
        let shift = 24_u32.checked_sub(u32::try_from(at).ok()?.checked_mul(8)?)?;
        Some(head | u32::from(octet?) << shift)
    })?;
    Some(Ipv4Addr::from(head | last))
}

fn is_dns_match(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let (Some(parent), Some((label, rest))) = (pattern.strip_prefix("*."), host.split_once('.'))
    else {
        return false;
    };
    !parent.is_empty() && !label.is_empty() && parent.eq_ignore_ascii_case(rest)
}

#[cfg(test)]
#[cfg(feature = "generate")]
mod tests {
    use super::*;
    use crate::testing::{EC, openssl_self_signed};

    fn certificate(common_name: &str, alt_names: &str) -> CertificateInfo {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.crt");
        let subject = format!("/CN={common_name}");
        let extension = format!("subjectAltName={alt_names}");
        let more: &[&str] = match alt_names {
            "" => &[],
            _ => &["-addext", &extension],
        };
        let key = ["-keyout", "/dev/null", "-subj", subject.as_str()];
        std::fs::write(&path, openssl_self_signed(&[EC, &key, more])).unwrap();
        CertificateInfo::from_pem_file(&path).unwrap()
    }

    #[test]
    fn names_match_as_in_libpq() {
        let cn = certificate("cn.example", "");
        let ip_cn = certificate("192.0.2.1", "");
        let dns = certificate("cn.example", "DNS:a.example,DNS:*.wild.example");
        let ip = certificate("cn.example", "IP:192.0.2.1,IP:2001:db8::1");
        let ip_as_dns = certificate("cn.example", "DNS:192.0.2.1");
        for (certificate, host, expected) in [
            (&cn, "cn.example", HostMatch::CommonNameOnly),
            (&cn, "CN.Example", HostMatch::CommonNameOnly),
            (&cn, "other.example", HostMatch::None),
            (&ip_cn, "192.0.2.1", HostMatch::CommonNameOnly),
            (&ip_cn, "192.000.002.001", HostMatch::None),
            (&dns, "A.example", HostMatch::Every),
            (&dns, "cn.example", HostMatch::None),
            (&dns, "x.wild.example", HostMatch::Every),
            (&dns, "x.y.wild.example", HostMatch::None),
            (&dns, "wild.example", HostMatch::None),
            (&dns, ".wild.example", HostMatch::None),
            (&dns, "192.0.2.1", HostMatch::None),
            (&ip, "192.0.2.1", HostMatch::Every),
            (&ip, "2001:DB8:0::1", HostMatch::Every),
            (&ip, "192.000.002.001", HostMatch::Every),
            (&ip, "192.0.2.2", HostMatch::None),
            // No alternative name of the host's kind, so the common name counts.
            (&ip, "cn.example", HostMatch::CommonNameOnly),
            (&ip_as_dns, "192.0.2.1", HostMatch::AddressAsDnsName),
        ] {
            assert_eq!(HostMatch::of(certificate, host), expected, "{host}");
            let cautious = matches!(
                expected,
                HostMatch::CommonNameOnly | HostMatch::AddressAsDnsName
            );
            assert_eq!(expected.caution().is_some(), cautious);
        }
    }

    #[test]
    fn addresses_are_read_as_in_c() {
        for (host, expected) in [
            ("127.0.0.1", Some([127, 0, 0, 1])),
            ("127.1", Some([127, 0, 0, 1])),
            ("127.0.258", Some([127, 0, 1, 2])),
            ("2130706433", Some([127, 0, 0, 1])),
            ("0x7f.010.0X3.4", Some([127, 8, 3, 4])),
            ("255.255.255.255", Some([255, 255, 255, 255])),
            ("4294967295", Some([255, 255, 255, 255])),
            ("256.1", None),
            ("1.16777216", None),
            ("1.2.3.256", None),
            ("1.2.3.4.5", None),
            ("08.1", None),
            ("1..2", None),
            ("1.2.3.", None),
            ("", None),
            ("0x", None),
            ("+1.2.3.4", None),
            ("a.example", None),
        ] {
            let expected = expected.map(|octets: [u8; 4]| IpAddr::from(octets));
            assert_eq!(address(host), expected, "{host}");
        }
    }

    #[test]
    fn a_mismatch_is_told_in_the_words_of_libpq() {
        for (common_name, names, expected) in [
            (
                "a",
                "",
                "server certificate for \"a\" does not match host name \"h\"",
            ),
            (
                "a",
                "DNS:b",
                "server certificate for \"b\" does not match host name \"h\"",
            ),
            (
                "a",
                "DNS:b,IP:192.0.2.1",
                "server certificate for \"b\" (and 1 other name) does not match host name \"h\"",
            ),
            (
                "a",
                "IP:192.0.2.1,IP:192.0.2.2",
                "server certificate for \"192.0.2.1\" (and 2 other names) does not match host name \"h\"",
            ),
        ] {
            assert_eq!(
                mismatch_text(&certificate(common_name, names), "h"),
                expected
            );
        }
    }
}
