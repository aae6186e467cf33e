//! Listening, and the way out.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pg_tls::{Peer, Session};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::connection;
use crate::context::Context;
use crate::counters::CountersSnapshot;
use crate::error::{Result, ServeError};
use crate::handler::PgConnectionHandler;
use crate::listen::{Listeners, listen, set_options};
use crate::occasion::Occasion;
use crate::reload::ReloadHandle;
#[cfg(feature = "auto-renew")]
use crate::renewal;
use crate::report;
use crate::sessions::Order;
use crate::shutdown::{Phase, ShutdownHandle};

/// How long connections that have not logged in are waited for at shutdown.
const LOGIN_LIMIT: Duration = Duration::from_secs(1);

/// How long a session may take to say goodbye: more than the relay's and the close's own limits.
const SESSIONS_LIMIT: Duration = Duration::from_secs(10);

/// How long an engine may take to finish the statements of sessions that have ended.
const ENGINE_LIMIT: Duration = Duration::from_secs(10);

/// A server that is ready to listen; made by [`PgServerBuilder`](crate::PgServerBuilder).
#[derive(Debug)]
pub struct PgServer {
    context: Arc<Context>,
    addresses: Vec<SocketAddr>,
}

/// A server that listens and does not accept yet: clients may connect, and wait.
#[derive(Debug)]
pub struct BoundServer {
    context: Arc<Context>,
    listeners: Listeners,
    local_addrs: Vec<SocketAddr>,
}

impl PgServer {
    pub(crate) const fn new(context: Arc<Context>, addresses: Vec<SocketAddr>) -> Self {
        Self { context, addresses }
    }

    /// Listens on the addresses of the builder and serves until it is shut down.
    ///
    /// # Errors
    ///
    /// [`Error::Serve`](crate::Error::Serve) if an address cannot be bound. Once it serves, nothing
    /// but [`ShutdownHandle::shutdown`] ends it, and that is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the listeners and ends all sessions at once, without a farewell.
    pub async fn serve(&self) -> Result<()> {
        self.bind().await?.serve().await;
        Ok(())
    }

    /// Serves on a listener that is bound already instead of the builder's addresses.
    ///
    /// # Errors
    ///
    /// [`Error::Serve`](crate::Error::Serve) if it has no address, or one that `trust` is not allowed
    /// on.
    ///
    /// # Cancel safety
    ///
    /// As [`serve`](Self::serve).
    pub async fn serve_with_listener(&self, listener: TcpListener) -> Result<()> {
        let address = listener.local_addr().map_err(ServeError::Listener)?;
        let live = &self.context.live;
        live.get()
            .access
            .check_address(address)
            .map_err(ServeError::OpenToAll)?;
        live.also_listens_on(address);
        self.bound(vec![listener], vec![address]).serve().await;
        Ok(())
    }

    /// Listens on the addresses of the builder; port 0 lets the system choose. All or none.
    ///
    /// # Errors
    ///
    /// [`ServeError::Bind`] with the address that cannot be had.
    pub async fn bind(&self) -> Result<BoundServer, ServeError> {
        let mut listeners = Vec::new();
        let mut local_addrs = Vec::new();
        for &address in &self.addresses {
            let bind_error = |source| ServeError::Bind { address, source };
            let listener = listen(address).map_err(bind_error)?;
            local_addrs.push(listener.local_addr().map_err(bind_error)?);
            listeners.push(listener);
        }
        Ok(self.bound(listeners, local_addrs))
    }

    /// Stops the server from elsewhere.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.context.shutdown.clone()
    }

    /// Has the configuration read again, from elsewhere.
    pub fn reload_handle(&self) -> ReloadHandle {
        ReloadHandle::new(Arc::clone(&self.context.live))
    }

    /// The counters at this moment.
    pub fn counters(&self) -> CountersSnapshot {
        self.context.snapshot()
    }

    /// A handler for a connection that another accept loop has negotiated.
    ///
    /// It takes part in `max_connections`, cancellation, shutdown and counters like any other; the
    /// budget of connections before login is the other loop's business, as is waiting for it at
    /// shutdown. It is judged by the configuration of this moment; a loop that takes the TLS
    /// configuration from [`ReloadHandle::tls`] for each connection follows reloads.
    pub fn connection_handler<S>(&self, session: Session<S>) -> PgConnectionHandler<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let context = Arc::clone(&self.context);
        let generation = context.live.get();
        PgConnectionHandler::new(session, context, generation, None)
    }

    fn bound(&self, listeners: Vec<TcpListener>, local_addrs: Vec<SocketAddr>) -> BoundServer {
        for address in &local_addrs {
            report::listening(*address);
        }
        report::access(&self.context.live.get().access);
        BoundServer {
            context: Arc::clone(&self.context),
            listeners: Listeners::new(listeners),
            local_addrs,
        }
    }
}

impl BoundServer {
    /// Where clients can connect, in the builder's order, with the ports that the system chose.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.local_addrs
    }

    /// Stops the server from elsewhere.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.context.shutdown.clone()
    }

    /// The counters at this moment.
    pub fn counters(&self) -> CountersSnapshot {
        self.context.snapshot()
    }

    /// Serves until the server is shut down and its last connection is gone, or has had its time.
    ///
    /// # Cancel safety
    ///
    /// As [`PgServer::serve`].
    pub async fn serve(mut self) {
        #[cfg(feature = "ocsp")]
        let _until_the_end = crate::stapling::start(Arc::clone(&self.context.live));
        // Ends with this function.
        #[cfg(feature = "auto-renew")]
        let _renewal = self.look_after_certificate();
        let mut connections = JoinSet::new();
        let mut phase = self.context.shutdown.subscribe();
        let mut evictions = Occasion::default();
        let mut watching = JoinSet::new();
        let handle = ReloadHandle::new(Arc::clone(&self.context.live));
        watching.spawn(async move { handle.watch_files().await });
        loop {
            tokio::select! {
                biased;
                () = is_over(&mut phase, |phase| phase == Phase::Running) => break,
                Some(ended) = connections.join_next() => report_panic(ended),
                Some(ended) = watching.join_next() => report_panic(ended),
                (stream, peer) = self.listeners.accept() => {
                    self.spawn(&mut connections, stream, peer, &mut evictions);
                }
            }
        }
        drop(self.listeners);
        drop(watching);
        report::shutting_down();
        finish(&self.context, connections, phase).await;
        report::shut_down();
    }

    #[cfg(feature = "auto-renew")]
    fn look_after_certificate(&self) -> JoinSet<()> {
        let mut task = JoinSet::new();
        let handle = ReloadHandle::new(Arc::clone(&self.context.live));
        task.spawn(renewal::run(handle));
        task
    }

    fn spawn(
        &self,
        connections: &mut JoinSet<()>,
        stream: TcpStream,
        peer: SocketAddr,
        evictions: &mut Occasion,
    ) {
        let context = &self.context;
        let generation = context.live.get();
        // A peer that has gone already makes these fail; reading will tell.
        let _options = set_options(&stream, generation.keepalive);
        context.counters.connections.increment();
        let (place, evicted) = context.login_budget.enter(peer, &generation.logins);
        if let Some(evicted) = evicted {
            context.counters.connections_evicted.increment();
            report::evicted(evicted, evictions.is_due());
        }
        let ticket = place.ticket();
        let peer = Peer::Tcp(peer);
        let connection = connection::serve(stream, peer, Arc::clone(context), generation, place);
        let task = connections.spawn(connection);
        context.login_budget.attach(ticket, task);
    }
}

/// Ends all connections: idle sessions now, busy ones until the grace period is over.
async fn finish(
    context: &Context,
    mut connections: JoinSet<()>,
    mut phase: watch::Receiver<Phase>,
) {
    context.sessions.order_all(Order::EndWhenIdle);
    let login_limit = Instant::now() + LOGIN_LIMIT;
    let mut waits_for_login = true;
    while !connections.is_empty() {
        tokio::select! {
            Some(ended) = connections.join_next() => report_panic(ended),
            () = is_over(&mut phase, is_in_grace) => break,
            () = sleep_until(login_limit), if waits_for_login => {
                waits_for_login = false;
                context.login_budget.clear();
            }
        }
    }
    context.login_budget.clear();
    context.sessions.order_all(Order::EndNow);
    let all_gone = async {
        while let Some(ended) = connections.join_next().await {
            report_panic(ended);
        }
    };
    if timeout(SESSIONS_LIMIT, all_gone).await.is_err() {
        connections.shutdown().await;
    }
    if timeout(ENGINE_LIMIT, context.engine.close()).await.is_err() {
        report::engine_still_busy(context.engine.name(), ENGINE_LIMIT);
    }
}

fn is_in_grace(phase: Phase) -> bool {
    matches!(phase, Phase::Draining { until } if Instant::now() < until)
}

/// Waits until `goes_on` does not hold any more, be it that the phase changes or its time runs out.
async fn is_over(phase: &mut watch::Receiver<Phase>, goes_on: impl Fn(Phase) -> bool) {
    loop {
        let current = *phase.borrow_and_update();
        if !goes_on(current) {
            return;
        }
        let changed = phase.changed();
        match current {
            Phase::Draining { until } => {
                // Elapsed or changed: the loop looks again.
                let _either = timeout_at(until, changed).await;
            }
            Phase::Running | Phase::Ending => {
                // The context holds a sender, so there is no other end than a change.
                if changed.await.is_err() {
                    return;
                }
            }
        }
    }
}

fn report_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        report::task_failed(&error);
    }
}
