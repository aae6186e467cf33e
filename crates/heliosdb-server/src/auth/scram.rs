//! Method `scram-sha-256`: the exchange of `pg_auth` over a session's stream.

use pg_auth::scram::{ChannelBinding, Credential, Exchange, Reply, ScramError};
use pg_tls::{Refusal, Session};
use pg_wire::backend::ErrorResponse;
use pg_wire::frame::Phase;
use pg_wire::frontend::Password;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Unproven;
use super::conversation::{Conversation, Unreadable};
use crate::error::SessionError;

/// Lets the client prove that it knows the password, and proves to it that the server does.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
    credential: Credential,
) -> Result<(), Unproven> {
    let binding = binding(conversation.session());
    let mut exchange = Exchange::new(credential, binding)
        .map_err(|error| SessionError::Authentication(std::io::Error::other(error)))?;
    let mut message = exchange.offer();
    loop {
        let body = match conversation.ask(message, Phase::Sasl).await? {
            Ok(body) => body,
            Err(Unreadable::Damaged(text)) => return Err(Unproven::Wrong(Some(text))),
            Err(Unreadable::Ended(error)) => return Err(error.into()),
        };
        match exchange.receive(&Password::new(body)) {
            Ok(reply @ Reply::Continue(_)) => message = reply.into(),
            Ok(reply @ Reply::Final(_)) => return Ok(conversation.say(reply.into())?),
            Err(ScramError::PasswordFailed { .. }) => return Err(Unproven::Wrong(None)),
            Err(ScramError::Message(error)) => {
                let response = ErrorResponse::fatal(error.sqlstate(), error.postgresql_text());
                return Err(Refusal::new(response, Vec::new()).into());
            }
            Err(error) => return Err(Refusal::new(error.response(), Vec::new()).into()),
        }
    }
}

fn binding<S>(session: &Session<S>) -> ChannelBinding {
    match &session.tls {
        Some(tls) => ChannelBinding::of_certificate(tls.tls_server_end_point.as_deref()),
        None => ChannelBinding::NoTls,
    }
}
