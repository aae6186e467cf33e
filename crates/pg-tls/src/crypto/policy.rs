//! `CryptoPolicy`: what profile and settings come to.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::SupportedKxGroup;
use rustls::{
    CipherSuite, NamedGroup, ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion,
};

use super::cipher_list::{self, CipherListError};
use super::error::CryptoPolicyError;
use super::groups::{self, GroupListError};
use super::profile::CryptoProfile;
use super::provider::CryptoProvider;
use crate::config::SslConfig;
use crate::names;
use crate::version::TlsVersion;

/// What a server negotiates, as its profile and the settings that narrow it have it.
///
/// [`Display`](fmt::Display) tells it in one line for the log.
///
/// # Examples
///
/// ```
/// use pg_tls::{CryptoProfile, SslConfig, SslMode, TlsVersion};
///
/// let policy = SslConfig::new(SslMode::Require, "server.crt", "server.key")
///     .with_profile(CryptoProfile::Modern)
///     .with_groups("X25519:prime256v1")
///     .crypto_policy()?;
/// assert_eq!(policy.versions(), (TlsVersion::Tls13, TlsVersion::Tls13));
/// assert_eq!(policy.groups(), ["X25519", "prime256v1"]);
/// # Ok::<(), pg_tls::CryptoPolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CryptoPolicy {
    profile: CryptoProfile,
    provider: CryptoProvider,
    versions: (TlsVersion, TlsVersion),
    prefer_server_ciphers: bool,
    session_tickets: bool,
    rustls: Arc<rustls::crypto::CryptoProvider>,
}

impl CryptoPolicy {
    /// Checks the settings in PostgreSQL's order: versions, groups, suites.
    pub(crate) fn new(config: &SslConfig) -> Result<Self, CryptoPolicyError> {
        let (provider, all) = provider(config)?;
        let profile = config.profile;
        if !profile.is_possible_with(provider) {
            return Err(CryptoPolicyError::ProfileNotPossible { profile, provider });
        }
        let versions = version_range(config)?;
        let kx_groups = choose_groups(config, &all, versions)?;
        let cipher_suites = choose_suites(config, &all, versions)?;
        Ok(Self {
            profile,
            provider,
            versions,
            prefer_server_ciphers: config.prefer_server_ciphers,
            session_tickets: config.session_tickets,
            rustls: Arc::new(rustls::crypto::CryptoProvider {
                cipher_suites,
                kx_groups,
                ..rustls::crypto::CryptoProvider::clone(&all)
            }),
        })
    }

    /// The profile that the settings have narrowed.
    #[must_use]
    pub const fn profile(&self) -> CryptoProfile {
        self.profile
    }

    /// The library that does the cryptography.
    #[must_use]
    pub const fn provider(&self) -> CryptoProvider {
        self.provider
    }

    /// The oldest and the newest version that is spoken.
    #[must_use]
    pub const fn versions(&self) -> (TlsVersion, TlsVersion) {
        self.versions
    }

    /// The cipher suites by OpenSSL's names, best first, those of TLS 1.3 before those of TLS 1.2.
    #[must_use]
    pub fn ciphers(&self) -> Vec<&'static str> {
        let suites = self.rustls.cipher_suites.iter();
        suites.map(|suite| suite_name(suite.suite())).collect()
    }

    /// The key exchange groups by the names that `ssl_groups` takes.
    #[must_use]
    pub fn groups(&self) -> Vec<&'static str> {
        let groups = self.rustls.kx_groups.iter();
        groups.map(|group| names::group(group.name())).collect()
    }

    /// Whether the server's order of suites counts, and not the client's.
    #[must_use]
    pub const fn prefers_server_ciphers(&self) -> bool {
        self.prefer_server_ciphers
    }

    /// Whether clients that are not asked for a certificate are given session tickets.
    #[must_use]
    pub const fn session_tickets(&self) -> bool {
        self.session_tickets
    }

    /// rustls' view: what is negotiated, and nothing else.
    pub(crate) const fn rustls(&self) -> &Arc<rustls::crypto::CryptoProvider> {
        &self.rustls
    }

    /// rustls' view of [`versions`](Self::versions), newest first.
    pub(crate) fn protocol_versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        spoken(self.versions)
            .map(|version| match version {
                TlsVersion::Tls12 => &rustls::version::TLS12,
                TlsVersion::Tls13 => &rustls::version::TLS13,
            })
            .collect()
    }
}

impl fmt::Display for CryptoPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<&str> = spoken(self.versions).map(TlsVersion::as_str).collect();
        let order = if self.prefer_server_ciphers {
            "server"
        } else {
            "client"
        };
        let tickets = if self.session_tickets {
            "session tickets for clients that are not asked for a certificate"
        } else {
            "no session tickets"
        };
        write!(
            f,
            "TLS profile {} with {}: {}; ciphers {} in the {order}'s order; groups {}; {tickets}",
            self.profile,
            self.provider,
            versions.join(" and "),
            self.ciphers().join(":"),
            self.groups().join(":"),
        )
    }
}

/// The provider that is set or the first of this build, and all that it has.
fn provider(
    config: &SslConfig,
) -> Result<(CryptoProvider, Arc<rustls::crypto::CryptoProvider>), CryptoPolicyError> {
    let first = || CryptoProvider::AVAILABLE.first().copied();
    config
        .crypto_provider
        .or_else(first)
        .and_then(|provider| Some((provider, provider.to_rustls()?)))
        .ok_or(CryptoPolicyError::ProviderNotBuilt(config.crypto_provider))
}

/// The oldest and the newest version that is spoken.
fn version_range(config: &SslConfig) -> Result<(TlsVersion, TlsVersion), CryptoPolicyError> {
    let min = config.min_protocol_version;
    let max = config.max_protocol_version.unwrap_or(TlsVersion::Tls13);
    if min > max {
        return Err(CryptoPolicyError::VersionRange { min, max });
    }
    let profile = config.profile;
    if profile.min_version() > max {
        return Err(CryptoPolicyError::ProfileVersions { profile, max });
    }
    Ok((min.max(profile.min_version()), max))
}

/// The versions from the minimum to the maximum, newest first.
fn spoken((min, max): (TlsVersion, TlsVersion)) -> impl Iterator<Item = TlsVersion> {
    [TlsVersion::Tls13, TlsVersion::Tls12]
        .into_iter()
        .filter(move |version| (min..=max).contains(version))
}

/// The groups of the profile that the setting names, in its order; without it, all.
fn choose_groups(
    config: &SslConfig,
    all: &rustls::crypto::CryptoProvider,
    versions: (TlsVersion, TlsVersion),
) -> Result<Vec<&'static dyn SupportedKxGroup>, CryptoPolicyError> {
    let usable = |version: TlsVersion| {
        move |group: &&&'static dyn SupportedKxGroup| {
            group.usable_for_version(match version {
                TlsVersion::Tls12 => ProtocolVersion::TLSv1_2,
                TlsVersion::Tls13 => ProtocolVersion::TLSv1_3,
            })
        }
    };
    let admitted: Vec<&'static dyn SupportedKxGroup> = all
        .kx_groups
        .iter()
        .copied()
        .filter(|group| config.profile.admits_group(*group))
        .filter(|group| spoken(versions).any(|version| usable(version)(&group)))
        .collect();
    let Some(list) = &config.groups else {
        return Ok(admitted);
    };
    let names: Vec<NamedGroup> = admitted.iter().map(|group| group.name()).collect();
    let available = || names.iter().copied().map(names::group).collect();
    let chosen = groups::parse(list, &names).map_err(|error| CryptoPolicyError::Groups {
        reason: match error {
            GroupListError::Unrecognized(name) => format!("unrecognized group \"{name}\""),
            GroupListError::Empty => "No valid groups found".to_owned(),
        },
        available: available(),
    })?;
    let chosen: Vec<&'static dyn SupportedKxGroup> = chosen
        .iter()
        .filter_map(|name| admitted.iter().find(|group| group.name() == *name).copied())
        .collect();
    for version in spoken(versions) {
        if !chosen.iter().any(|group| usable(version)(&group)) {
            return Err(CryptoPolicyError::Groups {
                reason: format!("no group for {version}"),
                available: available(),
            });
        }
    }
    Ok(chosen)
}

/// The suites of the profile that the settings name, in their order, those of TLS 1.3 first.
fn choose_suites(
    config: &SslConfig,
    all: &rustls::crypto::CryptoProvider,
    versions: (TlsVersion, TlsVersion),
) -> Result<Vec<SupportedCipherSuite>, CryptoPolicyError> {
    let of_version = |wanted: TlsVersion| -> Vec<CipherSuite> {
        let suites = all.cipher_suites.iter();
        suites
            .filter(|suite| config.profile.admits_suite(suite) && version_of(suite) == wanted)
            .map(SupportedCipherSuite::suite)
            .collect()
    };
    let names = |suites: &[CipherSuite]| suites.iter().copied().map(suite_name).collect();

    let available = of_version(TlsVersion::Tls12);
    let tls12 = match &config.ciphers {
        None => available,
        Some(list) => cipher_list::tls12(list, &available).map_err(|error| match error {
            CipherListError::NoneAvailable => CryptoPolicyError::Ciphers {
                available: names(&available),
            },
            CipherListError::SecurityLevel(level) => CryptoPolicyError::SecurityLevel(level),
        })?,
    };
    let available = of_version(TlsVersion::Tls13);
    let tls13 = match &config.tls13_ciphers {
        None => available,
        Some(list) => {
            cipher_list::tls13(list, &available).map_err(|_| CryptoPolicyError::Tls13Ciphers {
                available: names(&available),
            })?
        }
    };
    let chosen = tls13.iter().chain(&tls12);
    let chosen = chosen.filter_map(|name| all.cipher_suites.iter().find(|it| it.suite() == *name));
    Ok(chosen
        .filter(|suite| spoken(versions).any(|version| version == version_of(suite)))
        .copied()
        .collect())
}

const fn version_of(suite: &SupportedCipherSuite) -> TlsVersion {
    match suite {
        SupportedCipherSuite::Tls12(_) => TlsVersion::Tls12,
        SupportedCipherSuite::Tls13(_) => TlsVersion::Tls13,
    }
}

const fn suite_name(suite: CipherSuite) -> &'static str {
    names::cipher(suite).name
}
