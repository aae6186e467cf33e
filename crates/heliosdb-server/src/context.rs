//! What all connections of a server share.

use std::sync::Arc;

use crate::budget::LoginBudget;
use crate::cancel::CancelRegistry;
use crate::counters::{Counters, CountersSnapshot};
use crate::engine::Engine;
use crate::reload::Live;
use crate::sessions::SessionTable;
use crate::shutdown::ShutdownHandle;
use crate::slots::Slots;

/// The configuration, proven to work, and the state of a server.
pub(crate) struct Context {
    pub(crate) engine: Arc<dyn Engine>,
    /// A connection asks once, when it is accepted.
    pub(crate) live: Arc<Live>,
    pub(crate) slots: Arc<Slots>,
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
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}
