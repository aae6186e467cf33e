//! OCSP stapling while the server serves: responses are fetched from the responders that the certificates
//! name, ahead of time and in the background. Handshakes take what is there and wait for nothing.
//!
//! - [`fetch`]: one question over HTTP;
//! - [`refresh`]: the life of one certificate's staple;
//! - [`schedule`]: when to ask next.

mod fetch;
mod refresh;
mod report;
mod schedule;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use pg_certs::CertificateInfo;
use pg_tls::Identity;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::reload::{Generation, Live, ReloadHandle};

/// How many certificates are looked into, and responses fetched, at a time, so that thousands of hosts do not ask all at once.
const FETCHES: usize = 4;

/// Keeps the certificates of each configuration stapled until the set is dropped.
pub(crate) fn start(live: Arc<Live>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(follow(live));
    tasks
}

async fn follow(live: Arc<Live>) {
    let mut status = ReloadHandle::new(Arc::clone(&live)).subscribe();
    let fetches = Arc::new(Semaphore::new(FETCHES));
    loop {
        let generation = live.get();
        let refreshers = begin(&generation, &fetches);
        let number = generation.number;
        // Only connections keep a configuration that has been replaced.
        drop(generation);
        if status
            .wait_for(|now| now.generation > number)
            .await
            .is_err()
        {
            return;
        }
        drop(refreshers);
    }
}

/// Says what is amiss with the staples of a configuration, and starts what keeps them fresh.
fn begin(generation: &Generation, fetches: &Arc<Semaphore>) -> JoinSet<()> {
    let tls = generation.acceptor.tls();
    let demands = tls.staple_demands(generation.ocsp_fetch);
    for text in tls.warnings().iter().chain(&demands) {
        report::warning(text);
    }
    let mut refreshers = JoinSet::new();
    if !generation.ocsp_fetch {
        return refreshers;
    }
    let mut silent = Vec::new();
    for identity in tls.identities() {
        let Ok(info) = CertificateInfo::from_der(identity.certificate()) else {
            continue;
        };
        if info.ocsp_responders().is_empty() {
            silent.push(info.subject().rfc2253());
        } else {
            let (identity, fetches) = (Arc::clone(identity), Arc::clone(fetches));
            refreshers.spawn(refresh::keep_fresh(identity, fetches));
        }
    }
    if let Some(example) = silent.first() {
        report::without_responder(silent.len(), example);
    }
    refreshers
}

/// The certificate's subject, for the log.
fn subject(identity: &Identity) -> String {
    CertificateInfo::from_der(identity.certificate())
        .map(|info| info.subject().rfc2253())
        .unwrap_or_default()
}
