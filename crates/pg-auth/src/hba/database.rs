//! The column for databases.

use super::connection::Connection;
use crate::tokens::{Fault, Pattern, Token, no_roles};

/// One entry of the database column.
#[derive(Clone, Debug)]
pub(super) enum DatabaseToken {
    All,
    SameUser,
    /// Physical replication, and nothing else.
    Replication,
    Pattern(Pattern),
    Name(String),
}

impl DatabaseToken {
    pub(super) fn new(token: &Token) -> Result<Self, Fault> {
        if token.is_keyword("samerole") || token.is_keyword("samegroup") {
            return Err(no_roles(&token.text));
        }
        Ok(match token.pattern() {
            _ if token.is_keyword("all") => Self::All,
            _ if token.is_keyword("sameuser") => Self::SameUser,
            _ if token.is_keyword("replication") => Self::Replication,
            Some(pattern) => Self::Pattern(Pattern::new(pattern)?),
            None => Self::Name(token.text.clone()),
        })
    }

    /// `check_db` in PostgreSQL's `hba.c`.
    pub(super) fn matches(&self, connection: &Connection<'_>) -> bool {
        if connection.physical_replication {
            return matches!(self, Self::Replication);
        }
        match self {
            Self::All => true,
            Self::SameUser => connection.database == connection.user,
            Self::Replication => false,
            Self::Pattern(pattern) => pattern.is_match(connection.database),
            Self::Name(name) => name.as_bytes() == connection.database,
        }
    }
}
