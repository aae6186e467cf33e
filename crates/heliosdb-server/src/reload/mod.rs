//! Reading the configuration again while the server serves, all or nothing.
//!
//! Every trigger takes one path: everything is read and checked, then what new connections use is swapped at
//! once. Any fault keeps all of the old. Sessions and logins under way are left alone.

mod config;
mod contents;
mod error;
mod generation;
mod live;
mod source;
mod status;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use pg_tls::ServerTls;
use tokio::sync::watch::Receiver;

pub(crate) use self::config::{LiveConfig, Tls};
pub use self::error::{ConfigurationError, ConfigurationErrors};
pub(crate) use self::generation::Generation;
pub(crate) use self::live::Live;
use self::live::Voice;
pub use self::source::{ConfigSource, Proposal};
pub use self::status::{ReloadAttempt, ReloadStatus, ReloadTrigger};
use crate::builder::PgServerBuilder;
#[cfg(feature = "auto-renew")]
use crate::renewal::OwnCertificate;

/// Has a server read its configuration again, from any task or thread; from
/// [`PgServer::reload_handle`](crate::PgServer::reload_handle). Clones act on the same server.
///
/// Certificate, key, client CA, rules, maps, users, [`SslMode`](crate::SslMode), limits and timeouts change
/// together: a connection uses those that were in force when it was accepted. The addresses stay.
///
/// ```no_run
/// # use heliosdb_server::PgServer;
/// # fn renewed(server: &PgServer) {
/// let handle = server.reload_handle();
/// match handle.reload() {
///     Ok(()) => println!("generation {}", handle.status().generation),
///     Err(errors) => println!("the old configuration stays: {errors}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReloadHandle {
    live: Arc<Live>,
    trigger: ReloadTrigger,
}

impl ReloadHandle {
    pub(crate) const fn new(live: Arc<Live>) -> Self {
        Self {
            live,
            trigger: ReloadTrigger::Program,
        }
    }

    /// What the reloads of this handle are recorded as.
    #[must_use]
    pub const fn triggered_by(mut self, trigger: ReloadTrigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// Reads everything again: from the [`ConfigSource`] if the server has one, else the files of the
    /// present configuration. Blocks while it reads; asynchronous callers use `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// [`ConfigurationErrors`]: everything that is wrong, in all files. Then all of the old holds on. The
    /// log has said so, and [`status`](Self::status) keeps it.
    pub fn reload(&self) -> Result<(), ConfigurationErrors> {
        self.live.reload(self.trigger, None, Voice::Aloud, &[])
    }

    /// Replaces the configuration by another one, which later [`reload`](Self::reload)s read again unless
    /// there is a [`ConfigSource`]. The addresses of the builder are not looked at.
    ///
    /// # Errors
    ///
    /// As [`reload`](Self::reload).
    pub fn reload_with(&self, builder: PgServerBuilder) -> Result<(), ConfigurationErrors> {
        self.live
            .reload(self.trigger, Some(builder), Voice::Aloud, &[])
    }

    /// Which configuration is in use, and what became of the last reload.
    pub fn status(&self) -> ReloadStatus {
        self.live.status().borrow().clone()
    }

    /// Tells of every later attempt, when it is over: [`changed`](Receiver::changed) wakes for those
    /// that succeed, when connections use the new configuration already, and for those that fail.
    pub fn subscribe(&self) -> Receiver<ReloadStatus> {
        self.live.status().subscribe()
    }

    #[cfg(feature = "auto-renew")]
    pub(crate) fn own_certificate(&self) -> Option<OwnCertificate> {
        self.live.own_certificate()
    }

    /// Watches the files of the configuration and reloads when one of them has changed, as long as
    /// [`PgServerBuilder::reload_on_change`] is on; never returns. [`serve`](crate::PgServer::serve) does
    /// this by itself; it is for programs with an accept loop of their own.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the watch; a reload that has begun goes on to its end.
    pub async fn watch_files(&self) {
        watch::run(Arc::clone(&self.live), watch::Pace::USUAL).await;
    }

    /// The TLS configuration of new connections.
    pub fn tls(&self) -> ServerTls {
        self.live.get().acceptor.tls().clone()
    }
}
