//! `ServerTls`: the proof that a configuration loads, ready to accept connections.
//!
//! - [`shared`]: what all certificates of a server have in common, such as versions and suites;
//! - [`identity`]: a certificate with its key, and what goes with it;
//! - [`authorities`]: the CA file, as a verifier of client certificates.

mod authorities;
mod identity;
mod shared;

use std::sync::Arc;

use crate::config::SslConfig;
use crate::config_error::ConfigError;
use crate::mode::SslMode;
use crate::version::TlsVersion;

pub use identity::Identity;
pub(crate) use shared::Shared;

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
    identity: Arc<Identity>,
}

impl ServerTls {
    /// Loads the files and settings; the order of checks is PostgreSQL's (specification §5.4).
    pub(crate) fn load(config: &SslConfig) -> Result<Self, ConfigError> {
        let loaded = config
            .mode
            .is_enabled()
            .then(|| Loaded::new(config).map(Arc::new))
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

    /// The certificates that are served; none if TLS is disabled.
    pub fn identities(&self) -> impl Iterator<Item = &Arc<Identity>> {
        self.loaded.iter().map(|loaded| &loaded.identity)
    }

    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        self.loaded.as_deref()
    }
}

impl Loaded {
    fn new(config: &SslConfig) -> Result<Self, ConfigError> {
        let provider = shared::provider(config)?;
        let key = identity::load_key(&config.cert_path, &config.key_path, &provider)?;
        let shared = Shared::new(config, provider)?;
        let verifier = authorities::client_verifier(config, shared.provider())?;
        let identity = Identity::new(key, verifier, &shared).map_err(ConfigError::Settings)?;
        Ok(Self {
            shared,
            identity: Arc::new(identity),
        })
    }

    /// What is served to a client.
    pub(crate) const fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// The oldest and the newest version that is spoken, for the HINT of version errors.
    pub(crate) const fn versions(&self) -> (TlsVersion, TlsVersion) {
        self.shared.versions()
    }
}
