//! What can go wrong: while building, while serving, and in one session.

use std::io;
use std::net::{AddrParseError, SocketAddr};

use pg_tls::Refusal;
use pg_wire::backend::ErrorResponse;
use pg_wire::frame::FrameError;
use pg_wire::{EncodeError, SqlState};
use thiserror::Error;

use crate::engine::EngineError;
use crate::reload::ConfigurationErrors;

/// What `main` of a small server returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Anything that keeps a server from serving; the paved path from an address to
/// [`PgServer::serve`](crate::PgServer::serve) needs no other error type.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no `IP:PORT`.
    #[error("not an address to listen on")]
    Address(#[from] AddrParseError),

    /// The database did not open.
    #[error(transparent)]
    Engine(#[from] EngineError),

    /// The configuration cannot work.
    #[error(transparent)]
    Build(#[from] BuildError),

    /// The server could not listen.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// A server's configuration cannot work; the operator mends it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Settings, or the files that they name, cannot be used.
    #[error(transparent)]
    Configuration(#[from] ConfigurationErrors),

    /// The engine did not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The server could not listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address could not be bound: in use, not ours, or a port below 1024.
    #[error("could not listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },

    /// The listener given is not a listening TCP socket.
    #[error("the listener has no address")]
    Listener(#[source] io::Error),

    /// Everybody who reaches the address would be let in.
    #[error(transparent)]
    OpenToAll(#[from] OpenToAll),
}

/// `trust` authentication on an address that other hosts can reach.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "authentication method \"trust\" lets everybody in who can reach {address}: listen on a loopback \
     address, or allow it with `PgServerBuilder::dangerous_trust_everywhere`"
)]
pub struct OpenToAll {
    /// The address in question.
    pub address: SocketAddr,
}

/// One session ended otherwise than by its client's wish.
///
/// `Display` is the text of PostgreSQL's log where PostgreSQL has one. [`response`](Self::response)
/// is what the client was told, if it could be told anything.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// By policy (spec §4).
    #[error(transparent)]
    Refused(#[from] Refusal),

    /// The server is stopping and takes no new sessions.
    #[error("the database system is shutting down")]
    ShuttingDown,

    /// `max_connections` sessions are live.
    #[error("sorry, too many clients already")]
    TooManyClients,

    /// The connection was dropped before login to make room for another.
    #[error("too many connections wait for login; dropped the oldest")]
    Evicted,

    /// Authentication took longer than `authentication_timeout`. The client is told nothing.
    #[error("canceling authentication due to timeout")]
    AuthenticationTimeout,

    /// The client closed the connection instead of proving who it is.
    #[error("the client left during authentication")]
    ClientLeft,

    /// A message of the client's during authentication is too long or incomplete.
    #[error("{0}")]
    DamagedMessage(&'static str),

    /// Authentication could not be carried out.
    #[error("could not authenticate")]
    Authentication(#[source] io::Error),

    /// A startup parameter is no setting that PostgreSQL knows.
    #[error("unrecognized configuration parameter \"{name}\"")]
    UnknownParameter {
        /// The name as sent.
        name: String,
    },

    /// The engine has no session for us.
    #[error("the database system is not accepting connections")]
    Engine(#[from] EngineError),

    /// The engine accepted a session and did not get it ready in time.
    #[error("the database system is not yet accepting connections")]
    EngineTimeout,

    /// The engine refused the session; the client got its words.
    #[error("the database engine refused the session: {}", .0.message())]
    EngineRefused(ErrorResponse),

    /// The engine did something at session start that it must not; a bug in the engine.
    #[error("the database engine does not start a session as the protocol demands: {problem}")]
    EngineProtocol {
        /// What it did.
        problem: &'static str,
    },

    /// The StartupMessage for the engine cannot be written.
    #[error("the startup packet cannot be passed on to the database engine")]
    EngineStartup(#[from] EncodeError),

    /// The engine sent bytes that are no message; a bug in the engine.
    #[error("the database engine sent an invalid message: {0}")]
    EngineViolation(#[source] FrameError),

    /// The engine ended the session without a word.
    #[error("the database engine ended the session unexpectedly")]
    EngineEnded,

    /// The connection to the engine broke.
    #[error("the connection to the database engine broke")]
    EngineIo(#[source] io::Error),

    /// No random bytes for a cancel key.
    #[error("could not generate random cancel key")]
    RandomKey(#[source] io::Error),

    /// The client sent bytes that are no message.
    #[error("{0}")]
    Violation(#[source] FrameError),

    /// The connection to the client broke, seen while reading.
    #[error("could not receive data from client")]
    ClientReceive(#[source] io::Error),

    /// The connection to the client broke, seen while writing.
    #[error("could not send data to client")]
    ClientSend(#[source] io::Error),

    /// The server stopped while the session was open.
    #[error("terminating connection due to administrator command")]
    AdminShutdown,
}

impl SessionError {
    /// The SQLSTATE that goes with it in PostgreSQL.
    pub fn sqlstate(&self) -> SqlState {
        match self {
            Self::Refused(refusal) => refusal.sqlstate(),
            Self::ShuttingDown | Self::Engine(_) | Self::EngineTimeout => {
                SqlState::CANNOT_CONNECT_NOW
            }
            Self::TooManyClients | Self::Evicted => SqlState::TOO_MANY_CONNECTIONS,
            Self::AuthenticationTimeout => SqlState::QUERY_CANCELED,
            Self::UnknownParameter { .. } => SqlState::UNDEFINED_OBJECT,
            Self::EngineRefused(response) => response.code().unwrap_or(SqlState::INTERNAL_ERROR),
            Self::EngineProtocol { .. }
            | Self::EngineStartup(_)
            | Self::EngineViolation(_)
            | Self::Authentication(_)
            | Self::RandomKey(_) => SqlState::INTERNAL_ERROR,
            Self::DamagedMessage(_) => SqlState::PROTOCOL_VIOLATION,
            Self::ClientLeft
            | Self::EngineEnded
            | Self::EngineIo(_)
            | Self::ClientReceive(_)
            | Self::ClientSend(_) => SqlState::CONNECTION_FAILURE,
            Self::Violation(error) => error.sqlstate(),
            Self::AdminShutdown => SqlState::ADMIN_SHUTDOWN,
        }
    }

    /// The FATAL that ends the session on the client's side; `None` if it is told nothing.
    pub fn response(&self) -> Option<ErrorResponse> {
        match self {
            Self::Refused(refusal) => Some(refusal.response().clone()),
            Self::EngineRefused(response) => Some(response.clone()),
            Self::Evicted
            | Self::AuthenticationTimeout
            | Self::ClientLeft
            | Self::DamagedMessage(_)
            | Self::ClientReceive(_)
            | Self::ClientSend(_) => None,
            // As PostgreSQL, which tells its log alone.
            Self::Violation(FrameError::InvalidLength { .. }) => None,
            Self::ShuttingDown
            | Self::TooManyClients
            | Self::Authentication(_)
            | Self::UnknownParameter { .. }
            | Self::Engine(_)
            | Self::EngineTimeout
            | Self::EngineProtocol { .. }
            | Self::EngineStartup(_)
            | Self::EngineViolation(_)
            | Self::EngineEnded
            | Self::EngineIo(_)
            | Self::RandomKey(_)
            | Self::Violation(_)
            | Self::AdminShutdown => Some(ErrorResponse::fatal(self.sqlstate(), self.to_string())),
        }
    }
}
