//! What is wrong with the files about access.

use std::fmt;
use std::path::PathBuf;

use pg_auth::FileError;
use pg_auth::hba::{Method, Rule};
use pg_auth::scram::MockSecretError;
use pg_auth::users::UsersError;
use thiserror::Error;

/// One thing that is wrong with the files about access; the operator mends it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccessError {
    /// A line of `hba_file`, or the file.
    #[error("{}", .0.placed())]
    Hba(FileError),

    /// A line of `ident_file`, or the file.
    #[error("{}", .0.placed())]
    Ident(FileError),

    /// The users file cannot be used.
    #[error(transparent)]
    Users(#[from] UsersError),

    /// A rule asks for passwords and there are none.
    #[error("{place}: authentication method \"{method}\" needs users with passwords")]
    NoUsersFile {
        /// Where the rule stands.
        place: Place,
        /// The method.
        method: Method,
    },

    /// A rule lets everybody in from other hosts.
    #[error(
        "{place}: authentication method \"trust\" for addresses beyond this host lets everybody in as \
         any user"
    )]
    TrustBeyondThisHost {
        /// Where the rule stands.
        place: Place,
    },

    /// A rule asks for passwords in clear, where that is not allowed.
    #[error(
        "{place}: authentication method \"password\" on connections without TLS shows passwords to the \
         network"
    )]
    CleartextPassword {
        /// Where the rule stands.
        place: Place,
    },

    /// Maps without rules that could use them.
    #[error("\"ident_file\" is set, but \"hba_file\", whose rules could use its maps, is not")]
    MapsWithoutRules,

    /// What the salts of unknown users are made of cannot be had.
    #[error(transparent)]
    MockSecret(#[from] MockSecretError),
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, which may be an included one.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
}

impl From<&Rule> for Place {
    fn from(rule: &Rule) -> Self {
        Self {
            file: rule.file().to_owned(),
            line: rule.line(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl AccessError {
    /// The setting to look at.
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Hba(_) | Self::TrustBeyondThisHost { .. } | Self::CleartextPassword { .. } => {
                "hba_file"
            }
            Self::Ident(_) | Self::MapsWithoutRules => "ident_file",
            Self::Users(_) | Self::NoUsersFile { .. } => "users_file",
            Self::MockSecret(_) => "scram_mock_secret_file",
        }
    }

    /// How to mend it, where the text does not say it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Hba(error) | Self::Ident(error) => error.hint()?,
            Self::Users(error) => return error.hint(),
            Self::NoUsersFile { .. } => "Set \"users_file\".",
            Self::TrustBeyondThisHost { .. } => {
                "Use \"scram-sha-256\" or \"cert\", name loopback addresses only, or accept it by setting \
                 \"dangerous_trust_everywhere\" to on."
            }
            Self::CleartextPassword { .. } => {
                "Use \"scram-sha-256\" or a \"hostssl\" line, or accept it by setting \
                 \"dangerous_cleartext_passwords\" to on."
            }
            Self::MapsWithoutRules => "Set \"hba_file\", or remove \"ident_file\".",
            Self::MockSecret(_) => return None,
        };
        Some(text.to_owned())
    }
}

/// Everything that is wrong with the files about access, one a line.
#[derive(Debug)]
pub struct AccessErrors(pub Vec<AccessError>);

impl fmt::Display for AccessErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for AccessErrors {}
