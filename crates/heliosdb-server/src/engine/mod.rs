//! What the server needs of a database engine, and nothing more.
//!
//! An engine is whatever gives, for one authenticated session, a byte stream that speaks the
//! PostgreSQL protocol from the backend's side. The server sends it a clean 3.0 StartupMessage,
//! keeps its authentication messages and its BackendKeyData to itself and relays the rest. TLS,
//! admission, login, cancellation keys, shutdown notices and counters are the server's business.

#[cfg(feature = "nano")]
mod nano;

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::UnixStream;

#[cfg(feature = "nano")]
pub use self::nano::NanoEngine;

/// A boxed future, so that [`Engine`] can be used as `dyn Engine`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A database engine: a source of backend sessions.
///
/// ```
/// use heliosdb_server::engine::{Backend, BoxFuture, Engine, EngineError, SessionInfo};
/// use tokio::net::UnixStream;
///
/// /// Hands every session to another task of this process.
/// struct MyEngine;
///
/// impl Engine for MyEngine {
///     fn name(&self) -> &str {
///         "mine"
///     }
///
///     fn connect<'a>(
///         &'a self,
///         _session: &'a SessionInfo,
///     ) -> BoxFuture<'a, Result<Backend, EngineError>> {
///         Box::pin(async {
///             let (ours, theirs) = UnixStream::pair().map_err(EngineError::Connect)?;
///             tokio::spawn(serve_session(theirs));
///             Ok(Backend::new(ours))
///         })
///     }
/// }
/// # async fn serve_session(_stream: UnixStream) {}
/// ```
pub trait Engine: Send + Sync + 'static {
    /// What the log calls this engine.
    fn name(&self) -> &str;

    /// Opens one backend session. The StartupMessage has not been sent yet.
    ///
    /// Called after admission and authentication only, and under a deadline: the future may be
    /// dropped before it is ready.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if no session can be had now; the client is told FATAL 57P03.
    fn connect<'a>(
        &'a self,
        session: &'a SessionInfo,
    ) -> BoxFuture<'a, Result<Backend, EngineError>>;

    /// Waits until the sessions whose streams were closed have really ended.
    ///
    /// The server calls it once at shutdown, after the last client has gone, and waits for a
    /// bounded time. The default has nothing to wait for.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Who asks for a backend session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The authenticated user, as the client named it.
    pub user: String,
    /// The database, which defaults to the user's name.
    pub database: String,
    /// The client's address; `None` on a Unix socket.
    pub peer: Option<SocketAddr>,
}

impl SessionInfo {
    /// Describes a session.
    pub fn new(
        user: impl Into<String>,
        database: impl Into<String>,
        peer: Option<SocketAddr>,
    ) -> Self {
        Self {
            user: user.into(),
            database: database.into(),
            peer,
        }
    }
}

/// One backend session of an engine.
pub struct Backend {
    pub(crate) stream: UnixStream,
    pub(crate) canceller: Option<Arc<dyn CancelStatement>>,
}

impl Backend {
    /// A session at the other end of `stream`, which awaits a StartupMessage. It cannot be
    /// interrupted.
    pub fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            canceller: None,
        }
    }

    /// Lets a CancelRequest with the right key interrupt the session's statement.
    #[must_use]
    pub fn with_canceller(mut self, canceller: Arc<dyn CancelStatement>) -> Self {
        self.canceller = Some(canceller);
        self
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("stream", &self.stream)
            .field("can_cancel", &self.canceller.is_some())
            .finish()
    }
}

/// Interrupts the running statement of one session.
pub trait CancelStatement: Send + Sync {
    /// Asks for the interruption; the statement itself reports it (SQLSTATE 57014).
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the request could not be delivered.
    fn cancel(&self) -> BoxFuture<'_, Result<(), EngineError>>;
}

/// An engine could not be started, reached or interrupted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The engine did not start: the operator looks at the cause.
    #[error("could not start the database engine \"{engine}\"")]
    Start {
        /// [`Engine::name`].
        engine: &'static str,
        /// The engine's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A session could not be opened.
    #[error("could not open a session of the database engine")]
    Connect(#[source] std::io::Error),

    /// A cancel request could not be delivered.
    #[error("could not deliver a cancel request to the database engine")]
    Cancel(#[source] std::io::Error),
}

/// What can be served: an [`Engine`] in an `Arc`, or (feature `nano`) an
/// `Arc<EmbeddedDatabase>`, which becomes a `NanoEngine`.
pub trait IntoEngine {
    /// Makes the engine.
    ///
    /// # Errors
    ///
    /// [`EngineError::Start`] if it needs to be started and that fails.
    fn into_engine(self) -> Result<Arc<dyn Engine>, EngineError>;
}

impl<E: Engine> IntoEngine for Arc<E> {
    fn into_engine(self) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(self)
    }
}

impl IntoEngine for Arc<dyn Engine> {
    fn into_engine(self) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(self)
    }
}
