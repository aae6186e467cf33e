//! SQLSTATE codes.

mod codes;

use std::fmt;

/// A five-character SQLSTATE: what went wrong, in a form that programs compare.
///
/// The constants carry the names of PostgreSQL's `errcodes.txt` without the `ERRCODE_` prefix.
///
/// ```
/// use pg_wire::SqlState;
///
/// assert_eq!(SqlState::PROTOCOL_VIOLATION.as_str(), "08P01");
/// assert_eq!(SqlState::new(*b"08P01"), Some(SqlState::PROTOCOL_VIOLATION));
/// assert_eq!(SqlState::PROTOCOL_VIOLATION.name(), Some("PROTOCOL_VIOLATION"));
/// assert_eq!(SqlState::new(*b"08p01"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// Takes five bytes if each is a digit or an upper-case letter, which is all the standard allows.
    pub const fn new(code: [u8; 5]) -> Option<Self> {
        let mut rest: &[u8] = &code;
        while let [first, tail @ ..] = rest {
            if !first.is_ascii_digit() && !first.is_ascii_uppercase() {
                return None;
            }
            rest = tail;
        }
        Some(Self(code))
    }

    /// The code as text, such as `08P01`.
    pub const fn as_str(&self) -> &str {
        match str::from_utf8(&self.0) {
            Ok(text) => text,
            // Not reachable: `new` admits ASCII alone.
            Err(_) => "XX000",
        }
    }

    /// The five bytes.
    pub const fn as_bytes(&self) -> &[u8; 5] {
        &self.0
    }

    /// PostgreSQL's name of the code without `ERRCODE_`, if it is one of PostgreSQL's. Six codes have
    /// two names there; this gives the first.
    pub fn name(&self) -> Option<&'static str> {
        let known = codes::NAMES.iter().find(|(code, _)| code == self);
        known.map(|(_, name)| *name)
    }

    /// For the table: a wrong literal is a compile error.
    const fn from_literal(code: &str) -> Self {
        if let Some(bytes) = code.as_bytes().first_chunk::<5>()
            && let Some(state) = Self::new(*bytes)
            && code.len() == 5
        {
            return state;
        }
        #[expect(
            clippy::panic,
            reason = "evaluated at compile time, over the table alone"
        )]
        {
            panic!("a SQLSTATE is five digits or upper-case letters")
        }
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "SqlState({} {name})", self.as_str()),
            None => write!(f, "SqlState({})", self.as_str()),
        }
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_carry_postgresql_codes() {
        for (state, text) in [
            (SqlState::SUCCESSFUL_COMPLETION, "00000"),
            (SqlState::CONNECTION_FAILURE, "08006"),
            (SqlState::PROTOCOL_VIOLATION, "08P01"),
            (SqlState::FEATURE_NOT_SUPPORTED, "0A000"),
            (SqlState::INVALID_PARAMETER_VALUE, "22023"),
            (SqlState::INVALID_AUTHORIZATION_SPECIFICATION, "28000"),
            (SqlState::INVALID_PASSWORD, "28P01"),
            (SqlState::UNDEFINED_OBJECT, "42704"),
            (SqlState::TOO_MANY_CONNECTIONS, "53300"),
            (SqlState::QUERY_CANCELED, "57014"),
            (SqlState::ADMIN_SHUTDOWN, "57P01"),
            (SqlState::CANNOT_CONNECT_NOW, "57P03"),
            (SqlState::CONFIG_FILE_ERROR, "F0000"),
            (SqlState::INTERNAL_ERROR, "XX000"),
        ] {
            assert_eq!(state.to_string(), text);
        }
    }

    #[test]
    fn only_digits_and_capitals_make_a_code() {
        assert_eq!(SqlState::new(*b"0800\0"), None);
        assert_eq!(SqlState::new(*b"08p01"), None);
        assert_eq!(
            SqlState::new(*b"ZZ999").map(|state| state.name()),
            Some(None)
        );
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut names: Vec<_> = codes::NAMES.iter().map(|(_, name)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), codes::NAMES.len());
    }
}
