//! SASLprep (RFC 4013) by PostgreSQL's rule: a password that it refuses is used as it is.

use stringprep::tables;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The bytes of the password that go into the hash.
///
/// Follows `pg_saslprep` in PostgreSQL's `saslprep.c` and its callers: ASCII stays as it is; what is not
/// UTF-8, prohibited, unassigned, against the rules for right-to-left text, or empty when mapped, is
/// used raw. PostgreSQL looks for what is prohibited before normalization and not, as RFC 4013 has it,
/// after; a client or a stored verifier made by libpq agrees with this and not with the RFC.
pub(super) fn prepare(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let prepared = match str::from_utf8(password) {
        Ok(text) if !text.is_ascii() => normalize(text),
        _ => None,
    };
    prepared.unwrap_or_else(|| Zeroizing::new(password.to_vec()))
}

fn normalize(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mapped: Zeroizing<String> = Zeroizing::new(
        text.chars()
            .map(|c| {
                if tables::non_ascii_space_character(c) {
                    ' '
                } else {
                    c
                }
            })
            .filter(|c| !tables::commonly_mapped_to_nothing(*c))
            .collect(),
    );
    if mapped.is_empty() || mapped.chars().any(prohibited) || !bidi_is_right(&mapped) {
        return None;
    }
    let normalized: String = mapped.nfkc().collect();
    Some(Zeroizing::new(normalized.into_bytes()))
}

/// RFC 4013 sections 2.3 and 2.5.
fn prohibited(c: char) -> bool {
    tables::non_ascii_space_character(c)
        || tables::ascii_control_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::surrogate_code(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
        || tables::unassigned_code_point(c)
}

/// RFC 3454 section 6: right-to-left text holds no left-to-right character, and begins and ends with
/// right-to-left ones.
fn bidi_is_right(text: &str) -> bool {
    if !text.contains(tables::bidi_r_or_al) {
        return true;
    }
    !text.contains(tables::bidi_l)
        && text.starts_with(tables::bidi_r_or_al)
        && text.ends_with(tables::bidi_r_or_al)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(password: &str, prepared: &str) {
        assert_eq!(*prepare(password.as_bytes()), prepared.as_bytes());
    }

    #[test]
    fn rfc_4013_section_3_where_postgresql_agrees() {
        check("I\u{ad}X", "IX");
        check("user", "user");
        check("USER", "USER");
        check("\u{aa}", "a");
        check("\u{2168}", "IX");
    }

    #[test]
    fn what_saslprep_refuses_stays_raw() {
        check("\u{7}", "\u{7}");
        check("\u{e9}\u{7}", "\u{e9}\u{7}");
        check("\u{627}1", "\u{627}1");
        check("\u{627}a\u{628}", "\u{627}a\u{628}");
        check("\u{ad}\u{200d}", "\u{ad}\u{200d}");
        check("\u{2168}\u{e000}", "\u{2168}\u{e000}");
        check("\u{2168}\u{1f600}", "\u{2168}\u{1f600}");
        assert_eq!(*prepare(b"\xe9\xaa"), b"\xe9\xaa");
        assert_eq!(*prepare(b""), b"");
    }

    #[test]
    fn spaces_and_right_to_left_text_are_prepared() {
        check("a\u{a0}b\u{3000}c", "a b c");
        // Both a space and to be mapped to nothing; PostgreSQL looks for spaces first.
        check("\u{ad}\u{200b}", " ");
        check("\u{fefb}", "\u{644}\u{627}");
        check("\u{627}1\u{628}", "\u{627}1\u{628}");
    }
}
