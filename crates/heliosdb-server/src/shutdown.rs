//! Asking a server to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How far the server is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Serving.
    Running,
    /// No new connections; sessions may finish until then.
    Draining {
        /// When the grace period ends.
        until: Instant,
    },
    /// Sessions end at their next message boundary.
    Ending,
}

/// Stops a [`PgServer`](crate::PgServer), from any task or thread. Clones act on the same server.
#[derive(Clone, Debug)]
pub struct ShutdownHandle {
    phase: watch::Sender<Phase>,
}

impl ShutdownHandle {
    pub(crate) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Running),
        }
    }

    /// Asks the server to stop, and returns at once; `serve` returns when all sessions are gone.
    ///
    /// Listeners are closed. A session that is idle outside a transaction is told FATAL 57P01 at
    /// once; the others when they become idle, or when `grace` is over. Clients that are about to
    /// log in are told FATAL 57P03. The second call ends the grace period of the first.
    pub fn shutdown(&self, grace: Duration) {
        self.phase.send_modify(|phase| {
            *phase = match phase {
                // A grace period too long for the clock is none that will ever end.
                Phase::Running => match Instant::now().checked_add(grace) {
                    Some(until) => Phase::Draining { until },
                    None => Phase::Draining {
                        until: Instant::now() + LONG,
                    },
                },
                Phase::Draining { .. } | Phase::Ending => Phase::Ending,
            };
        });
    }

    /// Whether somebody has asked the server to stop.
    pub fn is_shutting_down(&self) -> bool {
        *self.phase.borrow() != Phase::Running
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }
}

/// Stands for "for ever": 30 years, which tokio's clock can represent.
const LONG: Duration = Duration::from_secs(86_400 * 365 * 30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_second_call_ends_the_grace_period() {
        let handle = ShutdownHandle::new();
        let phase = handle.subscribe();
        assert!(!handle.is_shutting_down());
        handle.shutdown(Duration::from_secs(5));
        assert!(handle.is_shutting_down());
        let until = Instant::now() + Duration::from_secs(5);
        assert_eq!(*phase.borrow(), Phase::Draining { until });
        handle.shutdown(Duration::from_secs(5));
        assert_eq!(*phase.borrow(), Phase::Ending);
    }

    #[tokio::test]
    async fn a_grace_period_beyond_the_clock_is_no_panic() {
        let handle = ShutdownHandle::new();
        handle.shutdown(Duration::MAX);
        assert!(handle.is_shutting_down());
    }
}
