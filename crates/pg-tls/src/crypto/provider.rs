//! The cryptography behind TLS: which provider, which suites and groups, in which order.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::CipherSuite;

/// The library that does the cryptography.
///
/// Each is a feature of this crate; with both compiled in, `aws-lc-rs` is the default. Choosing one
/// that is not compiled in is reported by [`SslConfig::load`](crate::SslConfig::load). The provider
/// is handed to rustls explicitly: no process-wide default is read or installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CryptoProvider {
    /// aws-lc-rs: the faster handshakes, and the post-quantum group X25519MLKEM768.
    AwsLcRs,
    /// ring: the leaner build, without post-quantum key exchange.
    Ring,
}

impl CryptoProvider {
    /// The providers of this build, the default one first.
    pub const AVAILABLE: &'static [Self] = &[
        #[cfg(feature = "aws-lc-rs")]
        Self::AwsLcRs,
        #[cfg(feature = "ring")]
        Self::Ring,
    ];

    /// The name of the provider, which is also the name of its feature.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwsLcRs => "aws-lc-rs",
            Self::Ring => "ring",
        }
    }

    /// rustls' view of this provider with all its suites and groups in the order that we prefer, or
    /// `None` if it is not compiled in. What a server offers of it is its
    /// [`CryptoPolicy`](crate::CryptoPolicy).
    ///
    /// # Design
    ///
    /// Groups: X25519MLKEM768 (aws-lc-rs only), X25519, P-256, P-384. rustls follows the client's
    /// order among them, so this is the set, and the order of a `HelloRetryRequest`.
    ///
    /// Suites: see [`SslConfig::with_prefer_server_ciphers`](crate::SslConfig::with_prefer_server_ciphers).
    #[must_use]
    pub fn to_rustls(self) -> Option<Arc<rustls::crypto::CryptoProvider>> {
        let mut provider = self.all()?;
        provider
            .cipher_suites
            .sort_by_key(|suite| preference(suite.suite()));
        Some(Arc::new(provider))
    }

    fn all(self) -> Option<rustls::crypto::CryptoProvider> {
        match self {
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => {
                use rustls::crypto::aws_lc_rs::{ALL_CIPHER_SUITES, default_provider, kx_group};
                Some(rustls::crypto::CryptoProvider {
                    // With `fips` the default is what is approved, whatever the profile.
                    cipher_suites: ALL_CIPHER_SUITES.to_vec(),
                    kx_groups: vec![
                        kx_group::X25519MLKEM768,
                        kx_group::X25519,
                        kx_group::SECP256R1,
                        kx_group::SECP384R1,
                    ],
                    ..default_provider()
                })
            }
            #[cfg(feature = "ring")]
            Self::Ring => {
                use rustls::crypto::ring::{default_provider, kx_group};
                Some(rustls::crypto::CryptoProvider {
                    kx_groups: vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
                    ..default_provider()
                })
            }
            #[cfg(not(all(feature = "aws-lc-rs", feature = "ring")))]
            _ => None,
        }
    }
}

impl fmt::Display for CryptoProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for CryptoProvider {
    type Err = ParseCryptoProviderError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        [Self::AwsLcRs, Self::Ring]
            .into_iter()
            .find(|provider| provider.as_str() == s)
            .ok_or_else(|| ParseCryptoProviderError(s.to_owned()))
    }
}

/// The text names no crypto provider; whoever wrote the setting can fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid crypto provider: \"{0}\"; available values: aws-lc-rs, ring")]
pub struct ParseCryptoProviderError(String);

/// Rank of a suite in the server's own order: lower is preferred.
fn preference(suite: CipherSuite) -> u8 {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => 0,
        CipherSuite::TLS13_AES_256_GCM_SHA384 => 1,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => 2,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 3,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use rustls::{CipherSuite, NamedGroup};

    use super::CryptoProvider;
    use crate::names;

    #[test]
    fn text_form_round_trips() {
        for provider in [CryptoProvider::AwsLcRs, CryptoProvider::Ring] {
            assert_eq!(provider.to_string().parse(), Ok(provider));
        }
        assert!("openssl".parse::<CryptoProvider>().is_err());
    }

    #[test]
    fn what_is_available_can_be_built() {
        for provider in [CryptoProvider::AwsLcRs, CryptoProvider::Ring] {
            assert_eq!(
                provider.to_rustls().is_some(),
                CryptoProvider::AVAILABLE.contains(&provider)
            );
        }
    }

    #[test]
    fn suites_and_groups_are_in_the_documented_order_and_all_have_names() {
        for provider in CryptoProvider::AVAILABLE {
            let rustls = provider.to_rustls().unwrap();
            let suites: Vec<CipherSuite> = rustls.cipher_suites.iter().map(|s| s.suite()).collect();
            assert_eq!(suites.len(), 9, "{provider}");
            assert_eq!(
                suites[..3],
                [
                    CipherSuite::TLS13_AES_128_GCM_SHA256,
                    CipherSuite::TLS13_AES_256_GCM_SHA384,
                    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
                ]
            );
            for suite in suites {
                assert_ne!(names::cipher(suite).name, "unknown", "{suite:?}");
            }
            let groups: Vec<NamedGroup> = rustls.kx_groups.iter().map(|g| g.name()).collect();
            let classical = [
                NamedGroup::X25519,
                NamedGroup::secp256r1,
                NamedGroup::secp384r1,
            ];
            match provider {
                CryptoProvider::AwsLcRs => {
                    assert_eq!(groups[0], NamedGroup::X25519MLKEM768);
                    assert_eq!(groups[1..], classical);
                }
                CryptoProvider::Ring => assert_eq!(groups, classical),
            }
            for group in groups {
                assert_ne!(names::group(group), "unknown", "{group:?}");
            }
        }
    }
}
