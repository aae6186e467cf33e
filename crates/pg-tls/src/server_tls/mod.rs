//! `ServerTls`: the proof that a configuration loads, ready to accept connections.
//!
//! - [`shared`]: what all certificates of a server have in common, such as versions and suites;
//! - [`identity`]: a certificate with its key, and what goes with it;
//! - [`authorities`]: a CA file, as a verifier of client certificates;
//! - [`hosts`]: which certificate is served to whom;
//! - [`served`]: the certificate as it goes into a handshake, with a staple while that is valid;
//! - `stapling`: staples from a file;
//! - [`load`]: how they come from the files of the configuration.

mod authorities;
mod hosts;
mod identity;
mod load;
mod served;
mod shared;
#[cfg(feature = "ocsp")]
mod stapling;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rustls::server::ClientHello;

use crate::config::SslConfig;
use crate::config_error::ConfigError;
use crate::crypto::CryptoPolicy;
use crate::mode::SslMode;
use crate::passphrase::LoadReason;
use crate::version::TlsVersion;

pub(crate) use hosts::{Chosen, Unserved};

use hosts::Hosts;
pub use identity::Identity;
use load::Loader;
pub use served::Staple;
use shared::Shared;

/// A loaded [`SslConfig`]: one that exists works. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerTls {
    mode: SslMode,
    loaded: Option<Arc<Loaded>>,
}

/// What there is unless TLS is disabled.
#[derive(Debug)]
pub(crate) struct Loaded {
    shared: Shared,
    hosts: Hosts,
    identities: Vec<Arc<Identity>>,
    warnings: Vec<String>,
}

impl ServerTls {
    /// Loads settings and files; the order of checks of a file is PostgreSQL's (specification §5.4).
    pub(crate) fn load(config: &SslConfig, reason: LoadReason) -> Result<Self, ConfigError> {
        let loaded = config
            .mode
            .is_enabled()
            .then(|| Loaded::new(config, reason).map(Arc::new))
            .transpose()?;
        Ok(Self {
            mode: config.mode,
            loaded,
        })
    }

    /// What is demanded of a connection.
    #[must_use]
    pub const fn mode(&self) -> SslMode {
        self.mode
    }

    /// The certificates that are served, in the order of the configuration; none if TLS is disabled.
    /// What several hosts have in common is there once.
    pub fn identities(&self) -> impl Iterator<Item = &Arc<Identity>> {
        self.loaded.iter().flat_map(|loaded| &loaded.identities)
    }

    /// What does not work as the configuration meant it, though the server can do without, such as an OCSP
    /// response in `ssl_ocsp_file` that has expired.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        self.loaded().map_or(&[], |loaded| &loaded.warnings)
    }

    /// Takes over what the same certificates have stapled in a configuration that this one replaces, where
    /// there is nothing newer.
    pub fn adopt_staples(&self, old: &Self) {
        let known: HashMap<&Bytes, &Arc<Identity>> = old
            .identities()
            .map(|identity| (identity.certificate(), identity))
            .collect();
        for identity in self.identities() {
            let staple = known
                .get(identity.certificate())
                .and_then(|old| old.staple());
            let end = |staple: &Option<Staple>| staple.as_ref().map(|it| it.valid_until);
            if end(&staple) > end(&identity.staple()) {
                identity.set_staple(staple);
            }
        }
    }

    /// What is negotiated; `None` if TLS is disabled.
    #[must_use]
    pub fn crypto_policy(&self) -> Option<&CryptoPolicy> {
        self.loaded().map(|loaded| loaded.shared.policy())
    }

    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        self.loaded.as_deref()
    }
}

impl Loaded {
    fn new(config: &SslConfig, reason: LoadReason) -> Result<Self, ConfigError> {
        let shared = Shared::new(config)?;
        let mut loader = Loader::new(config, reason, &shared);
        let hosts = loader.hosts()?;
        let Loader {
            identities,
            warnings,
            ..
        } = loader;
        Ok(Self {
            shared,
            hosts,
            identities,
            warnings,
        })
    }

    /// What is served to a client.
    pub(crate) fn choose(&self, hello: &ClientHello<'_>) -> Result<Chosen<'_>, Unserved> {
        self.hosts.choose(hello, &self.shared)
    }

    /// The oldest and the newest version that is spoken, for the HINT of version errors.
    pub(crate) const fn versions(&self) -> (TlsVersion, TlsVersion) {
        self.shared.policy().versions()
    }
}
