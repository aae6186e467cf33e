//! What was probably meant by an unknown name.

use super::definition::{Place, Setting};
use super::table::SETTINGS;

/// The setting that somebody who wrote `name` in a file probably meant.
///
/// A name that PostgreSQL has for the same thing comes first, then one that differs only in
/// typing, then one that was cut short (`ssl_cert`).
pub(super) fn meant(name: &str) -> Option<&'static Setting> {
    let name = normalized(name);
    let replaced = candidates().find(|setting| setting.replaces.contains(&name.as_str()));
    let shortened =
        || candidates().find(|setting| setting.name.strip_prefix(&name).is_some_and(starts_a_word));
    replaced.or_else(|| mistyped(&name)).or_else(shortened)
}

/// The setting whose name differs from `name` only in typing.
pub(super) fn mistyped(name: &str) -> Option<&'static Setting> {
    let name = normalized(name);
    candidates()
        .map(|setting| (distance(&name, setting.name), setting))
        .filter(|(distance, setting)| *distance <= tolerance(setting.name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, setting)| setting)
}

fn normalized(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

fn candidates() -> impl Iterator<Item = &'static Setting> {
    SETTINGS
        .iter()
        .filter(|setting| setting.place == Place::Everywhere)
}

/// Long names leave room for a second mistake; `ssl_dh_file` must not become `ssl_ca_file`.
const fn tolerance(name: &str) -> usize {
    if name.len() > 15 { 2 } else { 1 }
}

fn starts_a_word(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('_')
}

/// How many letters are missing, added, replaced or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, &letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &other) in right.iter().enumerate() {
            let at =
                |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&previous, column) + usize::from(letter != other);
            let mut best = replaced
                .min(at(&previous, column + 1) + 1)
                .min(at(&current, column) + 1);
            let swapped = row > 0
                && column > 0
                && left.get(row - 1) == Some(&other)
                && right.get(column - 1) == Some(&letter);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_typing_mistakes() {
        for (left, right, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "ac", 1),
            ("abc", "acb", 1),
            ("abc", "abd", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn the_meant_setting_is_found() {
        for (written, meant) in [
            ("ssl_mod", Some("ssl_mode")),
            ("SSL-Mode", Some("ssl_mode")),
            ("sslmode", Some("ssl_mode")),
            ("ssl", Some("ssl_mode")),
            ("ssl_cert_flie", Some("ssl_cert_file")),
            ("ssl_cert", Some("ssl_cert_file")),
            ("ssl_min_protocol", Some("ssl_min_protocol_version")),
            ("max_conections", Some("max_connections")),
            ("authentification_timeout", Some("authentication_timeout")),
            ("listen_addresses", Some("listen")),
            ("port", Some("listen")),
            ("data_directory", Some("data_dir")),
            ("ssl_dh_file", None),
            ("ssl_crl_flie", Some("ssl_crl_file")),
            ("shared_buffers", None),
            ("", None),
        ] {
            assert_eq!(
                super::meant(written).map(|setting| setting.name),
                meant,
                "{written}"
            );
        }
    }
}
