//! Rules that load but can never match.

use std::fmt;

use super::Rules;
use super::rule::{ConnectionKind, Rule};

/// Whether the server speaks TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ssl {
    /// It does.
    On,
    /// It does not: `ssl=off`.
    Off,
}

/// A rule that loads but can never match. PostgreSQL logs it as LOG F0000 with a HINT and the CONTEXT
/// `line %d of configuration file "%s"`.
#[derive(Clone, Debug)]
pub struct Warning<'r> {
    rule: &'r Rule,
    message: &'static str,
    hint: &'static str,
}

impl<'r> Warning<'r> {
    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> &'r Rule {
        self.rule
    }

    /// PostgreSQL's text.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        self.message
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        self.hint
    }
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({})",
            self.rule.context(),
            self.message,
            self.hint
        )
    }
}

impl Rules {
    /// The rules that can never match on this server.
    pub fn warnings(&self, ssl: Ssl) -> impl Iterator<Item = Warning<'_>> {
        self.iter().filter_map(move |rule| {
            let (message, hint) = match (rule.kind, ssl) {
                (ConnectionKind::HostSsl, Ssl::Off) => (
                    "hostssl record cannot match because SSL is disabled",
                    "Set another SSL mode than \"disable\".",
                ),
                (ConnectionKind::HostGssEnc, _) => (
                    "hostgssenc record cannot match because GSSAPI is not supported by this build",
                    "Remove the line, or use hostssl.",
                ),
                _ => return None,
            };
            Some(Warning {
                rule,
                message,
                hint,
            })
        })
    }
}
