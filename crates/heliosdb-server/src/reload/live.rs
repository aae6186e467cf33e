//! The configuration in use, and the one place that replaces it.

use std::hash::RandomState;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use tokio::sync::watch;

use super::config::LiveConfig;
use super::contents::Contents;
use super::error::ConfigurationErrors;
use super::generation::Generation;
use super::source::{ConfigSource, Proposal};
use super::status::{ReloadStatus, ReloadTrigger};
use crate::builder::PgServerBuilder;
#[cfg(feature = "auto-renew")]
use crate::renewal::OwnCertificate;
use crate::report;

/// What all connections of a server ask for the configuration.
#[derive(Debug)]
pub(crate) struct Live {
    current: RwLock<Arc<Generation>>,
    /// What it was loaded from. Held through an attempt, so that there is one at a time.
    config: Mutex<LiveConfig>,
    source: Option<Arc<dyn ConfigSource>>,
    seen: Mutex<Contents>,
    /// Of the hashes in `seen`.
    keys: RandomState,
    /// Where the server listens.
    addresses: Mutex<Vec<SocketAddr>>,
    status: watch::Sender<ReloadStatus>,
}

/// What the log is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Everything.
    Aloud,
    /// Nothing, nor is anything recorded, unless the new configuration is used.
    IfItWorks,
}

impl Live {
    pub(crate) fn load(
        config: LiveConfig,
        source: Option<Arc<dyn ConfigSource>>,
        addresses: Vec<SocketAddr>,
    ) -> Result<Self, ConfigurationErrors> {
        let keys = RandomState::new();
        let files = config.files().into_iter();
        let files = files.chain(source_files(source.as_ref()));
        let seen = Contents::look(files, &keys);
        let first = config.load(None, &addresses)?;
        Ok(Self {
            current: RwLock::new(Arc::new(first)),
            config: Mutex::new(config),
            source,
            seen: Mutex::new(seen),
            keys,
            addresses: Mutex::new(addresses),
            status: watch::Sender::new(ReloadStatus::at_start()),
        })
    }

    /// For one connection from its accept to the end of its login, whatever is reloaded meanwhile.
    pub(crate) fn get(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The certificate that the server is to renew, if it is to. Waits for a reload that is under way.
    #[cfg(feature = "auto-renew")]
    pub(super) fn own_certificate(&self) -> Option<OwnCertificate> {
        lock(&self.config).own_certificate()
    }

    /// Has every later configuration checked for this address, too.
    pub(crate) fn also_listens_on(&self, address: SocketAddr) {
        lock(&self.addresses).push(address);
    }

    pub(super) const fn status(&self) -> &watch::Sender<ReloadStatus> {
        &self.status
    }

    /// The files that the last attempt looked at, as they were just before it did.
    pub(super) fn seen(&self) -> Contents {
        lock(&self.seen).clone()
    }

    /// The files that have changed since they were seen.
    pub(super) fn changed(&self, seen: &Contents) -> Vec<PathBuf> {
        seen.changed(&seen.again(&self.keys))
    }

    /// Reads the configuration again, or takes the one that is given. The log names the files that have
    /// `changed`, if that is why.
    pub(super) fn reload(
        &self,
        trigger: ReloadTrigger,
        given: Option<PgServerBuilder>,
        voice: Voice,
        changed: &[PathBuf],
    ) -> Result<(), ConfigurationErrors> {
        let mut config = lock(&self.config);
        if voice == Voice::Aloud {
            report::reloading(trigger, changed);
        }
        let attempt = self.prepare(&config, given).map(|(new, proposal)| {
            if voice == Voice::IfItWorks {
                report::reloading(trigger, changed);
            }
            let number = new.number;
            self.adopt(&mut config, new, proposal);
            self.status
                .send_modify(|status| status.succeeded(trigger, number));
        });
        if let Err(errors) = &attempt
            && voice == Voice::Aloud
        {
            report::not_reloaded(errors);
            self.status
                .send_modify(|status| status.failed(trigger, errors.to_string()));
        }
        attempt
    }

    /// Everything that can fail.
    fn prepare(
        &self,
        config: &LiveConfig,
        given: Option<PgServerBuilder>,
    ) -> Result<(Generation, Option<Proposal>), ConfigurationErrors> {
        let of_source = source_files(self.source.as_ref());
        let of_source = Contents::look(of_source, &self.keys);
        let proposal = match (given, &self.source) {
            (Some(builder), _) => Some(Proposal::new(builder)),
            (None, Some(source)) => match source.read() {
                Ok(proposal) => Some(proposal),
                Err(errors) => {
                    let seen = self.seen().again(&self.keys);
                    *lock(&self.seen) = seen.and(of_source);
                    return Err(errors);
                }
            },
            (None, None) => None,
        };
        let proposed = proposal.as_ref().map_or(config, |it| it.builder.live());
        *lock(&self.seen) = Contents::look(proposed.files(), &self.keys).and(of_source);
        let old = self.get();
        let addresses = lock(&self.addresses).clone();
        let new = proposed.load(Some(&old), &addresses)?;
        new.may_replace(&old, SystemTime::now())?;
        Ok((new, proposal))
    }

    /// From here on nothing can fail.
    fn adopt(&self, config: &mut LiveConfig, new: Generation, proposal: Option<Proposal>) {
        #[cfg(feature = "ocsp")]
        if new.ocsp_fetch {
            new.acceptor.tls().adopt_staples(self.get().acceptor.tls());
        }
        let new = Arc::new(new);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        if let Some(Proposal { builder, adopted }) = proposal {
            *config = builder.into_live();
            adopted();
        }
        // It may read others from now on.
        let files = Contents::look(source_files(self.source.as_ref()), &self.keys);
        let mut seen = lock(&self.seen);
        *seen = files.and(std::mem::take(&mut *seen));
        drop(seen);
        report::reloaded(&new);
    }
}

fn source_files(source: Option<&Arc<dyn ConfigSource>>) -> Vec<PathBuf> {
    source.map(|source| source.files()).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
