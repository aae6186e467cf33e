//! The types of settings that are one of a few words.

use pg_tls::SslMode;
use pg_tls::TlsVersion;
use pg_tls::{CryptoProfile, CryptoProvider};

use super::kind::{FromValue, Kind, Value};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for people, in the manner of PostgreSQL's.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// The words for [`SslMode`].
pub(super) const SSL_MODE: Kind = Kind::Choice {
    values: &[
        "disable",
        "allow",
        "prefer",
        "require",
        "verify-ca",
        "verify-full",
    ],
    unsupported: &[],
    optional: false,
};

/// The words for a protocol version that has to be given.
pub(super) const TLS_VERSION: Kind = Kind::Choice {
    values: TLS_VERSIONS,
    unsupported: OLD_TLS_VERSIONS,
    optional: false,
};

/// The words for a protocol version that may be left open.
pub(super) const OPTIONAL_TLS_VERSION: Kind = Kind::Choice {
    values: TLS_VERSIONS,
    unsupported: OLD_TLS_VERSIONS,
    optional: true,
};

/// The words for [`CryptoProfile`]; not every build has every one.
pub(super) const CRYPTO_PROFILE: Kind = Kind::Choice {
    values: &["modern", "intermediate", "fips"],
    unsupported: &[
        #[cfg(not(feature = "fips"))]
        "fips",
    ],
    optional: false,
};

/// The words for [`CryptoProvider`]; not every build has every one.
pub(super) const CRYPTO_PROVIDER: Kind = Kind::Choice {
    values: &["aws-lc-rs", "ring"],
    unsupported: &[
        #[cfg(not(feature = "aws-lc-rs"))]
        "aws-lc-rs",
        #[cfg(not(feature = "ring"))]
        "ring",
    ],
    optional: true,
};

/// The words for [`LogFormat`].
pub(super) const LOG_FORMAT: Kind = Kind::Choice {
    values: &["text", "json"],
    unsupported: &[],
    optional: false,
};

const TLS_VERSIONS: &[&str] = &["TLSv1.2", "TLSv1.3"];

/// PostgreSQL knows them, rustls does not have them.
const OLD_TLS_VERSIONS: &[&str] = &["TLSv1", "TLSv1.1"];

impl FromValue for SslMode {
    fn from_value(value: &Value) -> Option<Self> {
        word(value)?.parse().ok()
    }
}

impl FromValue for TlsVersion {
    fn from_value(value: &Value) -> Option<Self> {
        word(value)?.parse().ok()
    }
}

impl FromValue for CryptoProfile {
    fn from_value(value: &Value) -> Option<Self> {
        word(value)?.parse().ok()
    }
}

impl FromValue for CryptoProvider {
    fn from_value(value: &Value) -> Option<Self> {
        word(value)?.parse().ok()
    }
}

impl FromValue for LogFormat {
    fn from_value(value: &Value) -> Option<Self> {
        match word(value)? {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

fn word(value: &Value) -> Option<&'static str> {
    match value {
        Value::Choice(word) => Some(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn every_word_has_its_value<T: FromValue>(kind: Kind) {
        let Kind::Choice { values, .. } = kind else {
            panic!("{kind:?} is no choice");
        };
        for word in values {
            assert!(T::from_value(&Value::Choice(word)).is_some(), "{word}");
        }
    }

    #[test]
    fn words_and_types_agree() {
        every_word_has_its_value::<SslMode>(SSL_MODE);
        every_word_has_its_value::<TlsVersion>(TLS_VERSION);
        every_word_has_its_value::<CryptoProfile>(CRYPTO_PROFILE);
        every_word_has_its_value::<CryptoProvider>(CRYPTO_PROVIDER);
        every_word_has_its_value::<LogFormat>(LOG_FORMAT);
    }

    #[test]
    fn available_profiles_are_those_of_the_tls_layer() {
        for name in ["modern", "intermediate", "fips"] {
            let parsed = CRYPTO_PROFILE.parse("ssl_profile", name);
            let available = CryptoProfile::AVAILABLE.contains(&name.parse().unwrap());
            assert_eq!(parsed.is_ok(), available, "{name}");
        }
    }

    #[test]
    fn available_providers_are_those_of_the_tls_layer() {
        for provider in CryptoProvider::AVAILABLE {
            let parsed = CRYPTO_PROVIDER.parse("ssl_crypto_provider", provider.as_str());
            assert_eq!(parsed.unwrap().to_string(), provider.as_str());
        }
    }
}
