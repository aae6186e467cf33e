//! The configuration in use, and the one place that replaces it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use tokio::sync::watch;

use super::config::LiveConfig;
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
    /// Where the server listens.
    addresses: Mutex<Vec<SocketAddr>>,
    status: watch::Sender<ReloadStatus>,
}

impl Live {
    pub(crate) fn load(
        config: LiveConfig,
        source: Option<Arc<dyn ConfigSource>>,
        addresses: Vec<SocketAddr>,
    ) -> Result<Self, ConfigurationErrors> {
        let first = config.load(None, &addresses)?;
        Ok(Self {
            current: RwLock::new(Arc::new(first)),
            config: Mutex::new(config),
            source,
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

    /// Reads the configuration again, or takes the one that is given.
    pub(super) fn reload(
        &self,
        trigger: ReloadTrigger,
        given: Option<PgServerBuilder>,
    ) -> Result<(), ConfigurationErrors> {
        report::reloading(trigger);
        let mut config = lock(&self.config);
        let result = self.attempt(trigger, &mut config, given);
        if let Err(errors) = &result {
            report::not_reloaded(errors);
            self.status
                .send_modify(|status| status.failed(trigger, errors.to_string()));
        }
        result
    }

    fn attempt(
        &self,
        trigger: ReloadTrigger,
        config: &mut LiveConfig,
        given: Option<PgServerBuilder>,
    ) -> Result<(), ConfigurationErrors> {
        let proposal = match (given, &self.source) {
            (Some(builder), _) => Some(Proposal::new(builder)),
            (None, Some(source)) => Some(source.read()?),
            (None, None) => None,
        };
        let proposed = proposal.as_ref().map_or(&*config, |it| it.builder.live());
        let old = self.get();
        let addresses = lock(&self.addresses).clone();
        let new = proposed.load(Some(&old), &addresses)?;
        new.may_replace(&old, SystemTime::now())?;
        // Nothing can fail from here on.
        #[cfg(feature = "ocsp")]
        if new.ocsp_fetch {
            new.acceptor.tls().adopt_staples(old.acceptor.tls());
        }
        let new = Arc::new(new);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        if let Some(Proposal { builder, adopted }) = proposal {
            *config = builder.into_live();
            adopted();
        }
        report::reloaded(&new);
        self.status
            .send_modify(|status| status.succeeded(trigger, new.number));
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
