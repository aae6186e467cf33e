//! The names that may stand in a startup packet.

use std::sync::LazyLock;

/// Names of PostgreSQL's settings in lower case, one per line, sorted bytewise: `pg_settings` of
/// PostgreSQL 15 and 18, and the names that these two accept but do not list (`role`, `seed`, …).
const NAMES: &str = include_str!("parameter_names.txt");

/// Parameters of a startup packet that are no settings.
const NOT_SETTINGS: [&str; 4] = ["database", "options", "replication", "user"];

/// Whether PostgreSQL accepts a startup parameter of this name (spec §1.3 #19).
///
/// Settings are found without regard to the case of ASCII letters; a name with a dot is a setting
/// of an extension and always allowed, and a protocol option (`_pq_.`) is answered elsewhere.
pub(crate) fn is_known(name: &str) -> bool {
    if name.contains('.') || NOT_SETTINGS.contains(&name) {
        return true;
    }
    SORTED
        .binary_search_by(|known| {
            let wanted = name.bytes().map(|byte| byte.to_ascii_lowercase());
            known.bytes().cmp(wanted)
        })
        .is_ok()
}

static SORTED: LazyLock<Vec<&str>> = LazyLock::new(|| NAMES.lines().collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_in_lower_case() {
        assert!(SORTED.is_sorted());
        assert!(SORTED.len() > 400);
        assert!(SORTED.iter().all(|name| *name == name.to_ascii_lowercase()));
    }

    #[test]
    fn settings_are_known_in_any_case() {
        for name in [
            "application_name",
            "DateStyle",
            "TIMEZONE",
            "role",
            "ssl_groups",
        ] {
            assert!(is_known(name), "{name}");
        }
        for name in ["user", "database", "options", "replication"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["pg_stat_statements.max", "my.setting", "_pq_.x"] {
            assert!(is_known(name), "{name}");
        }
    }

    #[test]
    fn others_are_not() {
        for name in [
            "",
            "no_such_parameter",
            "User",
            "application_nam",
            "work_mem\n",
        ] {
            assert!(!is_known(name), "{name}");
        }
    }
}
