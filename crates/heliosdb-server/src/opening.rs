//! Opens the engine's side of a session, and makes its greeting the client's.

use std::borrow::Cow;

use bytes::BytesMut;
use pg_tls::{Peer, Session};
use pg_wire::backend::{
    Authentication, BackendKeyData, BackendMessage, ErrorResponse, ReportField, TransactionStatus,
};
use pg_wire::frame::{FrameDecoder, Side};
use pg_wire::startup::StartupMessage;
use pg_wire::{ProtocolVersion, Severity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::cancel::Registration;
use crate::context::Context;
use crate::engine::SessionInfo;
use crate::error::SessionError;

/// An engine's session that waits for its first query.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) stream: UnixStream,
    pub(crate) status: TransactionStatus,
    /// What the engine sent behind ReadyForQuery.
    pub(crate) early: BytesMut,
    /// Makes the session known to CancelRequests while it lives.
    pub(crate) registration: Registration,
}

/// Starts a session of the engine for an authenticated client.
///
/// Appends to `greeting` what the client hears of it: ParameterStatus, notices, a BackendKeyData of
/// our own and ReadyForQuery. The engine's authentication messages are swallowed.
///
/// # Errors
///
/// [`SessionError`] with what to tell the client instead; `greeting` is to be sent all the same.
pub(crate) async fn open<S>(
    context: &Context,
    session: &Session<S>,
    greeting: &mut BytesMut,
) -> Result<Opened, SessionError> {
    let startup = &session.startup;
    let backend = context.engine.connect(&session_info(session)).await?;
    let mut stream = backend.stream;

    let mut buf = BytesMut::with_capacity(BUFFER_SIZE);
    for_engine(startup).encode(&mut buf)?;
    stream
        .write_all(&buf)
        .await
        .map_err(SessionError::EngineIo)?;
    buf.clear();

    let mut process_id = None;
    let status = loop {
        match read_message(&mut stream, &mut buf).await? {
            BackendMessage::Authentication(Authentication::Ok) => {}
            BackendMessage::Authentication(_) => {
                return Err(problem("it asks for authentication of its own"));
            }
            BackendMessage::BackendKeyData(key) => process_id = Some(key.process_id),
            BackendMessage::ErrorResponse(error) => {
                return Err(SessionError::EngineRefused(as_fatal(error)));
            }
            BackendMessage::ReadyForQuery(status) => break status,
            message @ (BackendMessage::ParameterStatus(_)
            | BackendMessage::NoticeResponse(_)
            | BackendMessage::NotificationResponse(_)) => message.encode(greeting)?,
            _ => return Err(problem("it sends query results before ReadyForQuery")),
        }
    };

    let registration = context
        .cancels
        .register(session.protocol, process_id, backend.canceller)
        .map_err(|error| SessionError::RandomKey(std::io::Error::other(error.to_string())))?;
    BackendMessage::BackendKeyData(BackendKeyData {
        process_id: registration.process_id(),
        secret_key: registration.key().clone(),
    })
    .encode(greeting)?;
    BackendMessage::ReadyForQuery(status).encode(greeting)?;
    Ok(Opened {
        stream,
        status,
        early: buf,
        registration,
    })
}

fn session_info<S>(session: &Session<S>) -> SessionInfo {
    let text = |bytes: Option<&[u8]>| -> String {
        bytes
            .map(String::from_utf8_lossy)
            .map(Cow::into_owned)
            .unwrap_or_default()
    };
    let peer = match session.peer {
        Peer::Tcp(address) => Some(address),
        Peer::Unix => None,
    };
    let startup = &session.startup;
    SessionInfo::new(text(startup.user()), text(startup.database()), peer)
}

/// The StartupMessage without what concerned the way to the engine: protocol 3.0, no protocol options,
/// names cut to PostgreSQL's length, the database spelled out.
fn for_engine(startup: &StartupMessage) -> StartupMessage {
    let message = StartupMessage::new(ProtocolVersion::V3_0)
        .with_parameter("user", startup.user().unwrap_or_default())
        .with_parameter("database", startup.database().unwrap_or_default());
    startup
        .parameters()
        .filter(|(name, _)| *name != "user" && *name != "database" && !name.starts_with(b"_pq_."))
        .fold(message, |message, (name, value)| {
            message.with_parameter(name, value)
        })
}

async fn read_message(
    stream: &mut UnixStream,
    buf: &mut BytesMut,
) -> Result<BackendMessage, SessionError> {
    let decoder = FrameDecoder::new(Side::Backend);
    loop {
        match decoder.decode(buf).map_err(SessionError::EngineViolation)? {
            Some(frame) => {
                return BackendMessage::decode(frame)
                    .map_err(|_| problem("it sends a malformed message"));
            }
            None => {
                let count = stream.read_buf(buf).await.map_err(SessionError::EngineIo)?;
                if count == 0 {
                    return Err(SessionError::EngineEnded);
                }
            }
        }
    }
}

const fn problem(problem: &'static str) -> SessionError {
    SessionError::EngineProtocol { problem }
}

/// An error before the first ReadyForQuery ends the session, whatever the engine calls it.
fn as_fatal(error: ErrorResponse) -> ErrorResponse {
    let fatal = Severity::Fatal.as_str();
    error
        .with_field(ReportField::Severity, fatal)
        .with_field(ReportField::SeverityNonLocalized, fatal)
}

/// Room for the greeting of the usual engine in one read.
const BUFFER_SIZE: usize = 2048;

#[cfg(test)]
mod tests {
    use pg_wire::SqlState;

    use super::*;

    #[test]
    fn the_engine_gets_a_clean_startup_message() {
        let startup = StartupMessage::new(ProtocolVersion::V3_2)
            .with_parameter("_pq_.x", "1")
            .with_parameter("DateStyle", "ISO")
            .with_parameter("user", "a".repeat(70))
            .with_parameter("options", "-c geqo=off");
        let name = "a".repeat(63);
        let expected = StartupMessage::new(ProtocolVersion::V3_0)
            .with_parameter("user", &name)
            .with_parameter("database", &name)
            .with_parameter("DateStyle", "ISO")
            .with_parameter("options", "-c geqo=off");
        assert_eq!(for_engine(&startup), expected);
    }

    #[test]
    fn an_engines_error_becomes_fatal() {
        let error = ErrorResponse::error(SqlState::UNDEFINED_DATABASE, "no").with_hint("look");
        let expected = ErrorResponse::fatal(SqlState::UNDEFINED_DATABASE, "no").with_hint("look");
        assert_eq!(as_fatal(error), expected);
    }
}
