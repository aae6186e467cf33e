//! What is wrong with a configuration, at the start or when it is read again.

use std::fmt;
use std::path::PathBuf;

use pg_tls::ConfigError;
use thiserror::Error;

use crate::access::{AccessError, AccessErrors};
use crate::error::OpenToAll;

/// One thing that is wrong with a configuration; the operator mends it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// The TLS settings do not load.
    #[error(transparent)]
    Tls(#[from] ConfigError),

    /// The development certificates could not be made.
    #[error("development certificates cannot be set up")]
    TestCertificates(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The files about access cannot be used.
    #[error(transparent)]
    Access(#[from] AccessError),

    /// Everybody who reaches the address would be let in.
    #[error(transparent)]
    OpenToAll(#[from] OpenToAll),

    /// A setting has a value that leaves nothing to serve.
    #[error("{setting} must not be zero")]
    Zero {
        /// PostgreSQL's name of the setting.
        setting: &'static str,
    },

    /// At a reload alone: the new certificate has expired, the one that is served has not.
    #[error(
        "could not load server certificate file \"{}\": certificate has expired at {not_after}",
        path.display()
    )]
    Expired {
        /// The certificate file.
        path: PathBuf,
        /// When it expired, in UTC.
        not_after: String,
    },

    /// At a reload alone: the [`ConfigSource`](super::ConfigSource) has nothing that could be loaded.
    #[error("{text}")]
    Source {
        /// What is wrong, and where.
        text: String,
        /// How to mend it.
        hint: Option<String>,
    },
}

impl ConfigurationError {
    /// How to mend it, where the text does not say it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Access(error) => error.hint(),
            Self::Source { hint, .. } => hint.clone(),
            Self::Expired { .. } => Some(
                "The certificate that is being served is still valid, so it is kept. Renew the new one."
                    .to_owned(),
            ),
            Self::Tls(_) | Self::TestCertificates(_) | Self::OpenToAll(_) | Self::Zero { .. } => None,
        }
    }
}

/// Everything that is wrong with a configuration, one a line.
#[derive(Debug)]
pub struct ConfigurationErrors(pub Vec<ConfigurationError>);

impl fmt::Display for ConfigurationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigurationErrors {}

impl From<ConfigurationError> for ConfigurationErrors {
    fn from(error: ConfigurationError) -> Self {
        Self(vec![error])
    }
}

impl From<AccessErrors> for ConfigurationErrors {
    fn from(errors: AccessErrors) -> Self {
        Self(errors.0.into_iter().map(Into::into).collect())
    }
}
