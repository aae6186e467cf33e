//! `TlsVersion`: the protocol versions a server may be limited to.

use std::fmt;
use std::str::FromStr;

/// A TLS version this library speaks, in the order of `ssl_min_protocol_version`'s values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), PostgreSQL's default minimum.
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// The version as PostgreSQL writes it in settings, in the log and in `pg_stat_ssl`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// The version rustls negotiated, if it is one of ours.
    pub(crate) fn from_rustls(version: rustls::ProtocolVersion) -> Option<Self> {
        match version {
            rustls::ProtocolVersion::TLSv1_2 => Some(Self::Tls12),
            rustls::ProtocolVersion::TLSv1_3 => Some(Self::Tls13),
            _ => None,
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TlsVersion {
    type Err = ParseTlsVersionError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "TLSv1.2" => Ok(Self::Tls12),
            "TLSv1.3" => Ok(Self::Tls13),
            "TLSv1" | "TLSv1.1" => Err(ParseTlsVersionError::NotSupported(s.to_owned())),
            _ => Err(ParseTlsVersionError::Unknown(s.to_owned())),
        }
    }
}

/// The text is no TLS version this library speaks; whoever wrote the setting can fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseTlsVersionError {
    /// A version PostgreSQL knows and rustls has left behind (1.0, 1.1).
    #[error("setting \"{0}\" not supported by this build; available values: TLSv1.2, TLSv1.3")]
    NotSupported(String),
    /// No TLS version.
    #[error("invalid TLS version: \"{0}\"; available values: TLSv1.2, TLSv1.3")]
    Unknown(String),
}

#[cfg(test)]
mod tests {
    use super::{ParseTlsVersionError, TlsVersion};

    #[test]
    fn text_form_round_trips() {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
    }

    #[test]
    fn dead_versions_are_told_from_typing_errors() {
        for text in ["TLSv1", "TLSv1.1"] {
            assert_eq!(
                text.parse::<TlsVersion>(),
                Err(ParseTlsVersionError::NotSupported(text.to_owned()))
            );
        }
        for text in ["", "tlsv1.2", "TLSv9", "1.3"] {
            assert_eq!(
                text.parse::<TlsVersion>(),
                Err(ParseTlsVersionError::Unknown(text.to_owned()))
            );
        }
    }
}
