//! `CryptoProfile`: named choices of versions, suites and groups.

use std::fmt;
use std::str::FromStr;

use rustls::SupportedCipherSuite;
use rustls::crypto::SupportedKxGroup;

use super::provider::CryptoProvider;
use crate::version::TlsVersion;

/// What a server is ready to negotiate, by name. Other settings narrow it; they never widen it.
///
/// The first two are those of Mozilla's recommendations for servers, with a post-quantum group and
/// without finite-field Diffie-Hellman.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CryptoProfile {
    /// TLS 1.3 alone.
    Modern,
    /// TLS 1.2 and 1.3 with every suite and group that rustls has: forward secrecy and authenticated
    /// encryption always.
    #[default]
    Intermediate,
    /// TLS 1.2 (with extended master secret) and 1.3 with what FIPS 140-3 approves, computed by the
    /// validated module of aws-lc. Takes the feature `fips` and [`CryptoProvider::AwsLcRs`].
    Fips,
}

impl CryptoProfile {
    /// The profiles of this build.
    pub const AVAILABLE: &'static [Self] = &[
        Self::Modern,
        Self::Intermediate,
        #[cfg(feature = "fips")]
        Self::Fips,
    ];

    /// The name, as `ssl_profile` takes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Intermediate => "intermediate",
            Self::Fips => "fips",
        }
    }

    /// The oldest version that is spoken.
    pub(super) const fn min_version(self) -> TlsVersion {
        match self {
            Self::Modern => TlsVersion::Tls13,
            Self::Intermediate | Self::Fips => TlsVersion::Tls12,
        }
    }

    /// Whether a provider can do what the profile promises.
    pub(super) fn is_possible_with(self, provider: CryptoProvider) -> bool {
        let is_right = self != Self::Fips || provider == CryptoProvider::AwsLcRs;
        is_right && Self::AVAILABLE.contains(&self)
    }

    pub(super) fn admits_suite(self, suite: &SupportedCipherSuite) -> bool {
        self != Self::Fips || suite.fips()
    }

    pub(super) fn admits_group(self, group: &dyn SupportedKxGroup) -> bool {
        self != Self::Fips || group.fips()
    }
}

impl fmt::Display for CryptoProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for CryptoProfile {
    type Err = ParseCryptoProfileError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        [Self::Modern, Self::Intermediate, Self::Fips]
            .into_iter()
            .find(|profile| profile.as_str() == s)
            .ok_or_else(|| ParseCryptoProfileError(s.to_owned()))
    }
}

/// The text names no profile; whoever wrote the setting can fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid crypto profile: \"{0}\"; available values: modern, intermediate, fips")]
pub struct ParseCryptoProfileError(String);

#[cfg(test)]
mod tests {
    use super::CryptoProfile;

    #[test]
    fn text_form_round_trips() {
        for profile in [
            CryptoProfile::Modern,
            CryptoProfile::Intermediate,
            CryptoProfile::Fips,
        ] {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert_eq!(
            "old".parse::<CryptoProfile>().unwrap_err().to_string(),
            "invalid crypto profile: \"old\"; available values: modern, intermediate, fips"
        );
    }
}
