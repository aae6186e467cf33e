//! One state of the configuration, loaded and checked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pg_certs::CertificateInfo;
use pg_tls::{Acceptor, Identity};

use super::error::ConfigurationError;
use crate::access::AccessPolicy;
use crate::budget::LoginLimits;
use crate::listen::Keepalive;

/// What a connection uses from its accept to the end of its login: mode, certificate, rules and limits of
/// one reading of the files. Immutable; a reload makes another one.
#[derive(Debug)]
pub(crate) struct Generation {
    /// Counted from 1, the start.
    pub(crate) number: u64,
    pub(crate) acceptor: Acceptor,
    /// Where its certificates are, for messages.
    pub(super) certificate_files: Vec<PathBuf>,
    pub(crate) access: AccessPolicy,
    pub(crate) max_connections: usize,
    pub(crate) logins: LoginLimits,
    /// Runs twice: up to the StartupMessage, and for authentication (spec §7.1).
    pub(crate) authentication_timeout: Duration,
    pub(crate) keepalive: Keepalive,
    /// Whether OCSP responses are fetched to be stapled.
    #[cfg(feature = "ocsp")]
    pub(crate) ocsp_fetch: bool,
    pub(super) reload_on_change: bool,
}

impl Generation {
    /// Refuses to take the place of `old` with a certificate that no client would accept, if clients accept
    /// what `old` serves.
    pub(super) fn may_replace(
        &self,
        old: &Self,
        now: SystemTime,
    ) -> Result<(), ConfigurationError> {
        let served: Vec<_> = old.identities().collect();
        if served
            .iter()
            .all(|identity| expiry(identity, now).is_some())
        {
            return Ok(());
        }
        let is_new = |identity: &&Arc<Identity>| {
            let same = |other: &&Arc<Identity>| identity.certificate() == other.certificate();
            !served.iter().any(same)
        };
        let mut expired = self
            .identities()
            .filter(is_new)
            .filter_map(|identity| Some((identity, expiry(identity, now)?)));
        match expired.next() {
            Some((identity, not_after)) => Err(ConfigurationError::Expired {
                path: self.file_of(identity),
                not_after,
            }),
            None => Ok(()),
        }
    }

    fn identities(&self) -> impl Iterator<Item = &Arc<Identity>> {
        self.acceptor.tls().identities()
    }

    /// The file that a certificate was loaded from.
    fn file_of(&self, identity: &Identity) -> PathBuf {
        let holds = |path: &&PathBuf| {
            let chain = pg_certs::load_certificate_chain(path).unwrap_or_default();
            chain
                .first()
                .is_some_and(|leaf| **leaf == **identity.certificate())
        };
        let files = &self.certificate_files;
        let found = files.iter().find(holds).or_else(|| files.first());
        found.cloned().unwrap_or_default()
    }
}

/// When a certificate expired, if it has.
fn expiry(identity: &Identity, now: SystemTime) -> Option<String> {
    let info = CertificateInfo::from_der(identity.certificate()).ok()?;
    (info.not_after() < now).then(|| info.not_after_text())
}
