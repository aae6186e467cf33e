//! What is wrong with the files about access.

use std::fmt;

use pg_auth::scram::RandomError;
use pg_auth::users::UsersError;
use thiserror::Error;

/// One thing that is wrong with the files about access; the operator mends it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The users file cannot be used.
    #[error(transparent)]
    Users(#[from] UsersError),

    /// The system has no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl AccessError {
    /// The setting to look at.
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Users(_) | Self::Random(_) => "users_file",
        }
    }

    /// How to mend it, where the text does not say it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Users(error) => error.hint(),
            Self::Random(_) => None,
        }
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
