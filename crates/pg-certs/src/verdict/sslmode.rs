//! The modes of libpq.

use std::fmt;
use std::str::FromStr;

/// libpq's `sslmode`: what a client asks of a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ClientSslMode {
    /// No TLS.
    Disable,
    /// TLS only if the server refuses without.
    Allow,
    /// TLS if the server can; libpq's default.
    Prefer,
    /// TLS, with whoever answers.
    Require,
    /// TLS with a server that an authority in `sslrootcert` vouches for.
    VerifyCa,
    /// As `verify-ca`, and the certificate is for the host.
    VerifyFull,
}

impl ClientSslMode {
    /// All modes, the weakest first.
    pub const ALL: [Self; 6] = [
        Self::Disable,
        Self::Allow,
        Self::Prefer,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];

    /// As in a connection string.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl fmt::Display for ClientSslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ClientSslMode {
    type Err = UnknownSslMode;

    fn from_str(text: &str) -> Result<Self, UnknownSslMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| UnknownSslMode(text.to_owned()))
    }
}

/// A text that names no [`ClientSslMode`]. In libpq's words.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("invalid sslmode value: \"{}\"", .0.escape_debug())]
pub struct UnknownSslMode(String);
