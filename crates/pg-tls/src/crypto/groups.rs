//! The list of key exchange groups, as `ssl_groups` is written.

use rustls::NamedGroup;

use crate::names;

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupListError {
    /// A name in it that is none, or that of a group that is not available.
    Unrecognized(String),
    /// There is nothing in it.
    Empty,
}

/// The groups that `list` names, in its order: names between colons, as OpenSSL has them.
///
/// Case does not matter. As in OpenSSL 3.5 a name behind a `?` is passed over if it is not available.
pub(crate) fn parse(
    list: &str,
    available: &[NamedGroup],
) -> Result<Vec<NamedGroup>, GroupListError> {
    let mut chosen = Vec::new();
    for word in list
        .split(':')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        let (name, optional) = match word.strip_prefix('?') {
            Some(name) => (name, true),
            None => (word, false),
        };
        match find(name, available) {
            Some(group) if !chosen.contains(&group) => chosen.push(group),
            Some(_) => {}
            None if optional => {}
            None => return Err(GroupListError::Unrecognized(name.to_owned())),
        }
    }
    if chosen.is_empty() {
        return Err(GroupListError::Empty);
    }
    Ok(chosen)
}

fn find(name: &str, available: &[NamedGroup]) -> Option<NamedGroup> {
    let is_meant = |group: &NamedGroup| {
        let spellings = [names::group(*group)].into_iter().chain(aliases(*group));
        spellings
            .into_iter()
            .any(|spelling| spelling.eq_ignore_ascii_case(name))
    };
    available.iter().copied().find(is_meant)
}

/// What OpenSSL calls a group besides its name in [`names::group`].
fn aliases(group: NamedGroup) -> impl Iterator<Item = &'static str> {
    let aliases: &[&str] = match group {
        NamedGroup::secp256r1 => &["P-256", "secp256r1"],
        NamedGroup::secp384r1 => &["P-384"],
        _ => &[],
    };
    aliases.iter().copied()
}

#[cfg(test)]
mod tests {
    use rustls::NamedGroup::{self, X25519, X25519MLKEM768, secp256r1, secp384r1};

    use super::{GroupListError, parse};

    const ALL: [NamedGroup; 4] = [X25519MLKEM768, X25519, secp256r1, secp384r1];

    #[test]
    fn lists_keep_their_order_whatever_the_spelling() {
        let cases: [(&str, &[NamedGroup]); 9] = [
            ("X25519:prime256v1", &[X25519, secp256r1]),
            ("prime256v1:X25519", &[secp256r1, X25519]),
            ("P-256", &[secp256r1]),
            ("secp256r1", &[secp256r1]),
            ("P-384:secp384r1:p-384", &[secp384r1]),
            ("x25519:x25519mlkem768", &[X25519, X25519MLKEM768]),
            ("X25519MLKEM768:X25519:prime256v1:secp384r1", &ALL),
            (" X25519 : P-256 :", &[X25519, secp256r1]),
            ("?nosuch:?X25519", &[X25519]),
        ];
        for (list, expected) in cases {
            assert_eq!(parse(list, &ALL).as_deref(), Ok(expected), "{list}");
        }
    }

    #[test]
    fn what_is_not_available_is_named() {
        for (list, name) in [
            ("nosuch", "nosuch"),
            ("X25519:secp521r1", "secp521r1"),
            ("X448:nosuch", "X448"),
            ("ffdhe2048", "ffdhe2048"),
            ("X25519,P-256", "X25519,P-256"),
            ("X25519/P-256", "X25519/P-256"),
        ] {
            let expected = Err(GroupListError::Unrecognized(name.to_owned()));
            assert_eq!(parse(list, &ALL), expected, "{list}");
        }
        assert_eq!(
            parse("X25519MLKEM768", &ALL[1..]),
            Err(GroupListError::Unrecognized("X25519MLKEM768".to_owned()))
        );
        for list in ["", ":", "?nosuch"] {
            assert_eq!(parse(list, &ALL), Err(GroupListError::Empty), "{list}");
        }
    }
}
