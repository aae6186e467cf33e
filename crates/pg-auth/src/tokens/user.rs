//! A column of users, which both kinds of file have.

use super::{Fault, Pattern, Token};

/// One entry of the user column, or the user column of an identity map.
#[derive(Clone, Debug)]
pub(crate) enum UserToken {
    All,
    Pattern(Pattern),
    Name(String),
}

impl UserToken {
    pub(crate) fn new(token: &Token) -> Result<Self, Fault> {
        if token.group().is_some() {
            return Err(no_roles(&token.text));
        }
        Ok(match token.pattern() {
            _ if token.is_keyword("all") => Self::All,
            Some(pattern) => Self::Pattern(Pattern::new(pattern)?),
            None => Self::Name(token.text.clone()),
        })
    }

    /// `check_role` in PostgreSQL's `hba.c`.
    pub(crate) fn matches(&self, user: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Pattern(pattern) => pattern.is_match(user),
            Self::Name(name) => name.as_bytes() == user,
        }
    }
}

/// What there is to say about `+role`, `samerole` and `samegroup`.
pub(crate) fn no_roles(token: &str) -> Fault {
    Fault::new(format!(
        "\"{token}\" asks for membership in a role, and this server has no roles"
    ))
    .hint("List the names, or write a regular expression such as /^app_; quote the word if it is a name.")
}
