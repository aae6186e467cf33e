//! What all connections of a server share.

use std::sync::Arc;
use std::time::Duration;

use pg_tls::Acceptor;
use tokio::sync::Semaphore;

use crate::access::CurrentAccess;
use crate::budget::LoginBudget;
use crate::cancel::CancelRegistry;
use crate::counters::{Counters, CountersSnapshot};
use crate::engine::Engine;
use crate::sessions::SessionTable;
use crate::shutdown::ShutdownHandle;

/// The configuration, proven to work, and the state of a server.
pub(crate) struct Context {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) acceptor: Acceptor,
    pub(crate) access: Arc<CurrentAccess>,
    /// Runs twice: up to the StartupMessage, and for authentication (spec §7.1).
    pub(crate) authentication_timeout: Duration,
    /// One permit per session: `max_connections`.
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) login_budget: Arc<LoginBudget>,
    pub(crate) sessions: Arc<SessionTable>,
    pub(crate) cancels: Arc<CancelRegistry>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) shutdown: ShutdownHandle,
}

impl Context {
    pub(crate) fn snapshot(&self) -> CountersSnapshot {
        let (live, traffic) = self.sessions.snapshot();
        self.counters.snapshot(live, traffic)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("engine", &self.engine.name())
            .field("acceptor", &self.acceptor)
            .field("access", &self.access)
            .field("authentication_timeout", &self.authentication_timeout)
            .finish_non_exhaustive()
    }
}
