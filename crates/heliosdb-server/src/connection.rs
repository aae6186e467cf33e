//! One accepted connection: negotiation, then a session or a CancelRequest.

use std::sync::Arc;
use std::time::Duration;

use pg_tls::{Cancellation, FAREWELL_LIMIT, Negotiated, Peer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::budget::LoginPlace;
use crate::cancel::CancelOutcome;
use crate::context::Context;
use crate::handler::PgConnectionHandler;
use crate::reload::Generation;
use crate::report;

/// How long an engine may take to take a cancel request. The client waits that long for the close.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// Serves a connection from its first byte to its last, by the configuration of its accept.
pub(crate) async fn serve<S>(
    stream: S,
    peer: Peer,
    context: Arc<Context>,
    generation: Arc<Generation>,
    place: LoginPlace,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Boxed, so that the memory of the negotiation is not held as long as the session lasts.
    let negotiation = Box::pin(negotiate(stream, peer, context, generation, place));
    if let Some(handler) = negotiation.await {
        // It has been logged, and there is nobody else to tell.
        let _ended = handler.run().await;
    }
}

/// Finds out what the client wants; a session is left to the caller.
async fn negotiate<S>(
    stream: S,
    peer: Peer,
    context: Arc<Context>,
    generation: Arc<Generation>,
    place: LoginPlace,
) -> Option<PgConnectionHandler<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    report::connection_received(&peer);
    let deadline = generation.authentication_timeout;
    match generation.acceptor.negotiate(stream, peer, deadline).await {
        Ok(Negotiated::Session(session)) => {
            if session.tls.is_some() {
                context.counters.tls_connections.increment();
            }
            let place = Some(place);
            return Some(PgConnectionHandler::new(
                session, context, generation, place,
            ));
        }
        Ok(Negotiated::Cancel(cancellation)) => cancel(cancellation, &context).await,
        Ok(_) => {}
        Err(error) => {
            context.counters.startup_failures.increment();
            report::negotiation_failed(&peer, &error);
        }
    }
    None
}

/// Acts on a CancelRequest, then closes without a byte: the client takes the close for "processed".
async fn cancel<S>(cancellation: Cancellation<S>, context: &Context)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Cancellation {
        request,
        stream,
        peer,
        ..
    } = cancellation;
    context.counters.cancel_requests.increment();
    let process_id = request.process_id;
    let outcome = context.cancels.look_up(&request);
    match &outcome {
        CancelOutcome::ProcessIdZero | CancelOutcome::UnknownProcess | CancelOutcome::WrongKey => {
            report::cancel_unmatched(&peer, &outcome.text(process_id));
        }
        CancelOutcome::Interrupt(canceller) => {
            context.counters.cancels_matched.increment();
            match timeout(CANCEL_LIMIT, canceller.cancel()).await {
                Ok(Ok(())) => report::cancel_delivered(process_id),
                Ok(Err(error)) => report::cancel_failed(process_id, &error),
                Err(elapsed) => report::cancel_failed(process_id, &elapsed),
            }
        }
        CancelOutcome::CannotInterrupt => {
            context.counters.cancels_matched.increment();
            report::cancel_impossible(process_id, context.engine.name());
        }
    }
    if let Err(error) = pg_tls::close(stream, FAREWELL_LIMIT).await {
        report::close_failed(&peer, &error);
    }
}
