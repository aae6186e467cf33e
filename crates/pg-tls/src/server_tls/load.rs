//! From files to what is served. A file that several hosts name is loaded once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::authorities;
use super::hosts::{Host, Hosts};
use super::identity::{self, Identity};
use super::shared::Shared;
#[cfg(feature = "ocsp")]
use super::stapling;
use crate::client_verifier::ClientVerifier;
use crate::config::SslConfig;
use crate::config_error::ConfigError;
use crate::host::HostConfig;
use crate::mode::SslMode;
use crate::passphrase::{LoadReason, PassphraseSource};
use crate::revocation::Revocation;

/// Everything that has been loaded so far.
pub(super) struct Loader<'a> {
    config: &'a SslConfig,
    reason: LoadReason,
    shared: &'a Shared,
    /// What all verifiers look certificates up in, once it has been loaded.
    revocation: Option<Option<Arc<Revocation>>>,
    authorities: HashMap<&'a Path, Arc<ClientVerifier>>,
    by_files: HashMap<Files<'a>, Arc<Identity>>,
    /// Those of `by_files`, in the order of the configuration.
    pub(super) identities: Vec<Arc<Identity>>,
    /// See [`ServerTls::warnings`](super::ServerTls::warnings).
    pub(super) warnings: Vec<String>,
}

/// The files that make an identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Files<'a> {
    certificate: &'a Path,
    key: &'a Path,
    authorities: Option<&'a Path>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(config: &'a SslConfig, reason: LoadReason, shared: &'a Shared) -> Self {
        Self {
            config,
            reason,
            shared,
            revocation: None,
            authorities: HashMap::new(),
            by_files: HashMap::new(),
            identities: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The hosts that are configured, or without any, the certificate of the configuration for all.
    pub(super) fn hosts(&mut self) -> Result<Hosts, ConfigError> {
        let hosts = self.certificates()?;
        // Whether or not an authority makes use of them.
        self.revocation()?;
        Ok(hosts)
    }

    fn certificates(&mut self) -> Result<Hosts, ConfigError> {
        let config = self.config;
        if config.hosts.is_empty() {
            if config.ca_path.is_none() && config.mode.requires_client_verification() {
                return Err(ConfigError::CaMissing { mode: config.mode });
            }
            let files = Files {
                certificate: &config.cert_path,
                key: &config.key_path,
                authorities: config.ca_path.as_deref(),
            };
            let passphrase = config.passphrase_source(self.reason);
            let identity = self.identity(files, passphrase)?;
            #[cfg(feature = "ocsp")]
            if let Some(path) = &config.ocsp_path {
                self.warnings.extend(stapling::load(path, &identity)?);
            }
            return Ok(Hosts::only(identity));
        }
        let mut hosts = Hosts::default();
        for host in &config.hosts {
            let loaded = Arc::new(self.host(host)?);
            for name in &host.names {
                hosts
                    .add(name, &loaded)
                    .map_err(|_taken| ConfigError::HostTwice {
                        context: host.described(),
                        name: name.clone(),
                    })?;
            }
        }
        Ok(hosts)
    }

    fn host(&mut self, host: &'a HostConfig) -> Result<Host, ConfigError> {
        let mode = checked_mode(host, self.config.mode)?;
        let second = host.second.as_ref().map(|(cert, key)| (cert, key));
        let mut identities = Vec::new();
        for (certificate, key) in [(&host.cert_path, &host.key_path)]
            .into_iter()
            .chain(second)
        {
            let files = Files {
                certificate,
                key,
                authorities: host.ca_path.as_deref(),
            };
            let passphrase = host.passphrase_source(self.reason);
            let identity =
                self.identity(files, passphrase)
                    .map_err(|source| ConfigError::Host {
                        context: host.described(),
                        source: Box::new(source),
                    })?;
            identities.push(identity);
        }
        if let [first, second] = identities.as_slice()
            && first.key_algorithm() == second.key_algorithm()
        {
            return Err(ConfigError::HostKeysAlike {
                context: host.described(),
            });
        }
        Ok(Host::new(identities, mode))
    }

    fn identity(
        &mut self,
        files: Files<'a>,
        passphrase: PassphraseSource<'_>,
    ) -> Result<Arc<Identity>, ConfigError> {
        if let Some(identity) = self.by_files.get(&files) {
            return Ok(Arc::clone(identity));
        }
        let provider = self.shared.provider();
        let key = identity::load_key(files.certificate, files.key, passphrase, provider)?;
        let verifier = match files.authorities {
            Some(path) => Some(self.verifier(path)?),
            None => None,
        };
        let identity = Identity::new(key, verifier, self.shared).map_err(ConfigError::Settings)?;
        #[cfg(feature = "ocsp")]
        let identity = identity.with_authorities(files.authorities);
        let identity = Arc::new(identity);
        self.by_files.insert(files, Arc::clone(&identity));
        self.identities.push(Arc::clone(&identity));
        Ok(identity)
    }

    fn verifier(&mut self, path: &'a Path) -> Result<Arc<ClientVerifier>, ConfigError> {
        if let Some(verifier) = self.authorities.get(path) {
            return Ok(Arc::clone(verifier));
        }
        let (config, provider) = (self.config, self.shared.provider());
        let verifier = authorities::load(path, config, || self.revocation(), provider)?;
        let verifier = Arc::new(verifier);
        self.authorities.insert(path, Arc::clone(&verifier));
        Ok(verifier)
    }

    /// The lists of all hosts. Read after the first CA file, as PostgreSQL does.
    fn revocation(&mut self) -> Result<Option<Arc<Revocation>>, ConfigError> {
        if let Some(loaded) = &self.revocation {
            return Ok(loaded.clone());
        }
        let (file, dir) = (&self.config.crl_file, &self.config.crl_dir);
        let loaded = Revocation::load(file.as_deref(), dir.as_deref())?;
        Ok(self.revocation.insert(loaded).clone())
    }
}

/// The mode of a host, if it has one of its own and that makes sense.
fn checked_mode(host: &HostConfig, server: SslMode) -> Result<Option<SslMode>, ConfigError> {
    if let Some(mode) = host.mode.filter(|mode| *mode < server) {
        return Err(ConfigError::HostModeWeaker {
            context: host.described(),
            mode,
            server,
        });
    }
    let mode = host.mode.unwrap_or(server);
    if mode.requires_client_verification() && host.ca_path.is_none() {
        return Err(ConfigError::HostCaMissing {
            context: host.described(),
            mode,
        });
    }
    Ok(host.mode)
}
