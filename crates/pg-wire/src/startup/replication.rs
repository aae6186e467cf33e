//! The `replication` parameter.

/// What kind of session the `replication` parameter asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Replication {
    /// An ordinary session.
    #[default]
    Off,
    /// A walsender without a database (`replication=true`).
    Physical,
    /// A walsender in a database (`replication=database`).
    Database,
}

impl Replication {
    /// Reads the value: `database` exactly, or a boolean as PostgreSQL reads one (`parse_bool`): any
    /// unique prefix of `true`, `false`, `yes`, `no`, `on`, `off` in any case, `1` or `0`.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        if value == b"database" {
            return Some(Self::Database);
        }
        // "o" alone could be either of two.
        let words: [(&[u8], usize, Self); 8] = [
            (b"true", 1, Self::Physical),
            (b"false", 1, Self::Off),
            (b"yes", 1, Self::Physical),
            (b"no", 1, Self::Off),
            (b"on", 2, Self::Physical),
            (b"off", 2, Self::Off),
            (b"1", 1, Self::Physical),
            (b"0", 1, Self::Off),
        ];
        words.into_iter().find_map(|(word, shortest, meaning)| {
            let prefix = word.get(..value.len())?;
            let matches = value.len() >= shortest && prefix.eq_ignore_ascii_case(value);
            matches.then_some(meaning)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_as_postgresql_does() {
        for value in ["t", "TRUE", "tru", "y", "yes", "on", "1"] {
            let read = Replication::parse(value.as_bytes());
            assert_eq!(read, Some(Replication::Physical), "{value}");
        }
        for value in ["f", "False", "n", "NO", "of", "off", "0"] {
            let read = Replication::parse(value.as_bytes());
            assert_eq!(read, Some(Replication::Off), "{value}");
        }
        for value in ["", "o", "truee", "2", "10", "Database", "databas", " on"] {
            assert_eq!(Replication::parse(value.as_bytes()), None, "{value}");
        }
        assert_eq!(Replication::parse(b"database"), Some(Replication::Database));
    }
}
