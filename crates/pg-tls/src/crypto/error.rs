//! `CryptoPolicyError`: settings that leave nothing to negotiate, or ask for what there is not.

use super::profile::CryptoProfile;
use super::provider::CryptoProvider;
use crate::version::TlsVersion;

/// Why settings make no [`CryptoPolicy`](crate::CryptoPolicy). The operator mends all of these;
/// [`hint`](Self::hint) says how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoPolicyError {
    /// `ssl_ciphers` leaves nothing.
    #[error("could not set the TLSv1.2 cipher list (no valid ciphers available)")]
    Ciphers {
        /// What there is to choose from, by OpenSSL's names.
        available: Vec<&'static str>,
    },
    /// `ssl_groups` names what is not available, or leaves nothing.
    #[error("could not set group names specified in ssl_groups: {reason}")]
    Groups {
        /// Which name, or what is missing.
        reason: String,
        /// What there is to choose from.
        available: Vec<&'static str>,
    },
    /// The profile needs cryptography that this build or the provider does not have.
    #[error("\"ssl_profile\" setting \"{profile}\" not supported by this build with {provider}")]
    ProfileNotPossible {
        /// The profile.
        profile: CryptoProfile,
        /// The provider that is in use.
        provider: CryptoProvider,
    },
    /// The profile begins above the newest version that is allowed.
    #[error(
        "could not set SSL protocol version range: \"ssl_profile\" setting \"{profile}\" begins above \"ssl_max_protocol_version\" ({max})"
    )]
    ProfileVersions {
        /// The profile.
        profile: CryptoProfile,
        /// `ssl_max_protocol_version`.
        max: TlsVersion,
    },
    /// The provider is not part of this build.
    #[error(
        "crypto provider {name} is not part of this build; available: {available}",
        name = .0.map_or("(default)", CryptoProvider::as_str),
        available = available_providers()
    )]
    ProviderNotBuilt(Option<CryptoProvider>),
    /// `ssl_ciphers` asks for a security level, which is about certificates and keys as well.
    #[error("\"ssl_ciphers\" setting \"{0}\" not supported by this build")]
    SecurityLevel(String),
    /// `ssl_tls13_ciphers` leaves nothing.
    #[error("could not set the TLSv1.3 cipher suites (no valid ciphers available)")]
    Tls13Ciphers {
        /// What there is to choose from.
        available: Vec<&'static str>,
    },
    /// No version is both new enough and old enough.
    #[error(
        "could not set SSL protocol version range: \"ssl_min_protocol_version\" ({min}) cannot be higher than \"ssl_max_protocol_version\" ({max})"
    )]
    VersionRange {
        /// `ssl_min_protocol_version`.
        min: TlsVersion,
        /// `ssl_max_protocol_version`.
        max: TlsVersion,
    },
}

impl CryptoPolicyError {
    /// The setting that has to be looked at.
    #[must_use]
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Ciphers { .. } | Self::SecurityLevel(_) => "ssl_ciphers",
            Self::Groups { .. } => "ssl_groups",
            Self::ProfileNotPossible { .. } => "ssl_profile",
            Self::ProfileVersions { .. } => "ssl_max_protocol_version",
            Self::ProviderNotBuilt(_) => "ssl_crypto_provider",
            Self::Tls13Ciphers { .. } => "ssl_tls13_ciphers",
            Self::VersionRange { .. } => "ssl_min_protocol_version",
        }
    }

    /// How to mend it: what there is to choose from.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Ciphers { available } => format!(
                "Available ciphers: {}; write them, or properties of them such as HIGH, ECDHE, AESGCM and CHACHA20.",
                available.join(", ")
            ),
            Self::Tls13Ciphers { available } => {
                format!("Available ciphers: {}.", available.join(", "))
            }
            // The first sentence is PostgreSQL's, but for the name of the library.
            Self::Groups { available, .. } => format!(
                "Ensure that each group name is spelled correctly and supported by this build. Available groups: {}.",
                available.join(", ")
            ),
            Self::ProfileNotPossible { .. } => {
                "The profile fips takes a build with the feature fips, and the provider aws-lc-rs."
                    .to_owned()
            }
            Self::ProfileVersions { .. } => {
                "Raise \"ssl_max_protocol_version\", or choose the profile intermediate.".to_owned()
            }
            Self::ProviderNotBuilt(_) => {
                format!("Available providers: {}.", available_providers())
            }
            Self::SecurityLevel(_) => {
                "Levels 0 to 2 can be written, and are always kept. Choose ciphers by name or by properties such as AES256."
                    .to_owned()
            }
            Self::VersionRange { .. } => {
                "Lower \"ssl_min_protocol_version\", or raise \"ssl_max_protocol_version\".".to_owned()
            }
        }
    }
}

/// The compiled-in providers as text.
fn available_providers() -> String {
    let names: Vec<&str> = CryptoProvider::AVAILABLE
        .iter()
        .map(|provider| provider.as_str())
        .collect();
    if names.is_empty() {
        return "none (build pg-tls with feature aws-lc-rs or ring)".to_owned();
    }
    names.join(", ")
}
