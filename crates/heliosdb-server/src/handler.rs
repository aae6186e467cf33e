//! One negotiated connection: admission, login, engine, relay, farewell.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use pg_tls::{FAREWELL_LIMIT, Session};
use pg_wire::backend::{Authentication, BackendMessage};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::auth::authenticate;
use crate::budget::LoginPlace;
use crate::context::Context;
use crate::error::SessionError;
use crate::opening::{Opened, open};
use crate::relay::{Relay, RelayEnd};
use crate::reload::Generation;
use crate::sessions::LiveSession;
use crate::slots::Slot;
use crate::{parameters, report};

/// Serves one connection whose negotiation is over, whatever stream it came by.
///
/// [`PgServer`](crate::PgServer) makes one for each connection that it accepts; a program with an
/// accept loop of its own gets them from
/// [`PgServer::connection_handler`](crate::PgServer::connection_handler).
#[derive(Debug)]
pub struct PgConnectionHandler<S> {
    /// In memory of its own, so that what moves around and what awaits stays small.
    connection: Box<Connection<S>>,
    /// Let go of after the login: a session outlives many.
    generation: Arc<Generation>,
}

#[derive(Debug)]
struct Connection<S> {
    session: Session<S>,
    context: Arc<Context>,
    /// In the budget of connections that have not logged in.
    place: Option<LoginPlace>,
}

/// A session that is about to be told ReadyForQuery. Dropping it gives everything back.
struct Ready {
    opened: Opened,
    live: LiveSession,
    _slot: Slot,
}

impl<S: AsyncRead + AsyncWrite + Unpin> PgConnectionHandler<S> {
    pub(crate) fn new(
        session: Session<S>,
        context: Arc<Context>,
        generation: Arc<Generation>,
        place: Option<LoginPlace>,
    ) -> Self {
        Self {
            generation,
            connection: Box::new(Connection {
                session,
                context,
                place,
            }),
        }
    }

    /// Admits the client, lets it log in, opens the engine and relays until one side ends the
    /// session; then closes the connection in good order.
    ///
    /// # Errors
    ///
    /// [`SessionError`] if the session did not begin, or ended otherwise than by Terminate, a closed
    /// connection or the engine's own error. The client has been told what there is to tell and the
    /// log has the line.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session at once and without a farewell.
    pub async fn run(self) -> Result<(), SessionError> {
        let Self {
            mut connection,
            generation,
        } = self;
        let mut output = BytesMut::new();
        // Boxed, so that an idle session does not hold the memory of its beginning and its end.
        let login = Box::pin(connection.log_in(generation, &mut output)).await;
        let result = match login {
            Ok(ready) => connection.relay(ready, output).await,
            Err(error) => {
                Box::pin(connection.turn_away(output, &error)).await;
                Err(error)
            }
        };
        Box::pin(connection.close()).await;
        result
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Everything up to the first ReadyForQuery, in PostgreSQL's order (spec §1.3). What the client is
    /// to be told is appended to `output` and not sent yet.
    async fn log_in(
        &mut self,
        generation: Arc<Generation>,
        output: &mut BytesMut,
    ) -> Result<Ready, SessionError> {
        let context = Arc::clone(&self.context);
        if context.shutdown.is_shutting_down() {
            return Err(SessionError::ShuttingDown);
        }
        if !context.slots.has_room(generation.max_connections) {
            return Err(SessionError::TooManyClients);
        }
        let mode = generation.acceptor.tls().mode();
        let login = authenticate(&generation.access, mode, &mut self.session, output);
        timeout(generation.authentication_timeout, login)
            .await
            .map_err(|_| SessionError::AuthenticationTimeout)??;

        // Only now, so that a client that does not finish its login takes no slot.
        let slot = context
            .slots
            .take(generation.max_connections)
            .ok_or(SessionError::TooManyClients)?;
        if !self.place.take().is_none_or(LoginPlace::leave) {
            return Err(SessionError::Evicted);
        }
        let Session {
            peer, startup, tls, ..
        } = &self.session;
        report::connection_authorized(peer, startup, tls.as_ref());
        let live = context.sessions.begin(&context.counters);

        self.put_negotiate_protocol_version(output);
        BackendMessage::Authentication(Authentication::Ok).encode(output)?;
        self.check_parameters()?;
        let opening = open(&context, &self.session, output);
        let opened = timeout(generation.authentication_timeout, opening)
            .await
            .map_err(|_| SessionError::EngineTimeout)??;
        Ok(Ready {
            opened,
            live,
            _slot: slot,
        })
    }

    /// It goes out with the message that follows it, whichever that is (spec §1.5).
    fn put_negotiate_protocol_version(&mut self, output: &mut BytesMut) {
        if let Some(message) = self.session.negotiate_protocol_version.take() {
            message.encode(output);
        }
    }

    /// Spec §1.3 #19: after AuthenticationOk, as PostgreSQL does.
    fn check_parameters(&self) -> Result<(), SessionError> {
        for (name, _) in self.session.startup.parameters() {
            let name = String::from_utf8_lossy(name);
            if !parameters::is_known(&name) {
                return Err(SessionError::UnknownParameter {
                    name: name.into_owned(),
                });
            }
        }
        Ok(())
    }

    async fn relay(&mut self, ready: Ready, greeting: BytesMut) -> Result<(), SessionError> {
        let began = Instant::now();
        self.context.counters.sessions.increment();
        let control = Arc::clone(ready.live.control());
        let Opened {
            stream: engine,
            status,
            early,
            registration,
        } = ready.opened;
        let client = &mut self.session.stream;
        let end = Relay::new(client, engine, status, control)
            .run(greeting, early)
            .await;
        drop(registration);

        let peer = &self.session.peer;
        let result = match end {
            RelayEnd::Terminated | RelayEnd::EngineClosed => Ok(()),
            RelayEnd::ClientClosed { in_transaction } => {
                report::client_vanished(peer, in_transaction);
                Ok(())
            }
            RelayEnd::Failed(error) => {
                report::session_failed(peer, &error);
                Err(error)
            }
        };
        report::disconnection(&self.session.startup, peer, began.elapsed());
        result
    }

    /// Tells the log and the client why there is no session.
    async fn turn_away(&mut self, mut output: BytesMut, error: &SessionError) {
        self.context.counters.refusals.increment();
        report::session_failed(&self.session.peer, error);
        let Some(response) = error.response() else {
            return;
        };
        self.put_negotiate_protocol_version(&mut output);
        response.encode(&mut output);
        // Closing tells what went wrong, if anything did.
        let _told = timeout(FAREWELL_LIMIT, self.session.stream.write_all(&output)).await;
    }

    async fn close(self: Box<Self>) {
        let Session { stream, peer, .. } = self.session;
        if let Err(error) = pg_tls::close(stream, FAREWELL_LIMIT).await {
            report::close_failed(&peer, &error);
        }
    }
}
