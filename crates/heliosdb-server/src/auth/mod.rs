//! How clients prove who they are: one file for each method, and here the order of things.

mod conversation;
mod scram;

use bytes::BytesMut;
use pg_tls::{AuthMethod, LogLine, Refusal, Session, SslMode};
use pg_wire::backend::ErrorResponse;
use pg_wire::{Severity, SqlState};
use tokio::io::{AsyncRead, AsyncWrite};

use self::conversation::Conversation;
use crate::access::{AccessPolicy, Method};
use crate::error::SessionError;
use crate::report;

/// Everything between the StartupMessage and AuthenticationOk, in PostgreSQL's order: rule, client
/// certificate, method, certificate's name (spec §1.2). Both the mode and the rule must be content.
///
/// Runs under `authentication_timeout`. What has been said and not sent is left in `output`.
pub(crate) async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
    access: &AccessPolicy,
    mode: SslMode,
    session: &mut Session<S>,
    output: &mut BytesMut,
) -> Result<(), SessionError> {
    session.check_encryption(mode)?;
    let rule = access.rule(session).await?;
    session.admit(mode)?;
    let user = session.startup.user().unwrap_or_default().to_vec();
    let mut conversation = Conversation::new(session, output);
    let credential = || access.credential(&user);
    let (proved, told_as) = match rule.method {
        Method::Trust => (Ok(()), AuthMethod::Trust),
        Method::ScramSha256 => {
            let proved = scram::run(&mut conversation, credential()).await;
            (proved, AuthMethod::Password)
        }
    };
    proved.map_err(|error| explain(error, access, &user))?;
    if rule.method != Method::Trust {
        report::identity(&session.peer, &user, &rule);
    }
    session.check_client_name(mode, told_as)?;
    if rule.method == Method::Trust {
        report::trusted(&session.peer, &user, &rule);
    }
    Ok(())
}

/// Adds to the log what the client must not know (`auth_failed` and `get_role_password` of PostgreSQL).
fn explain(error: SessionError, access: &AccessPolicy, user: &[u8]) -> SessionError {
    match error {
        SessionError::Refused(refusal)
            if refusal.sqlstate() == SqlState::INVALID_PASSWORD && !access.knows(user) =>
        {
            let name = String::from_utf8_lossy(user);
            let detail = format!("Role \"{name}\" does not exist.");
            refusal.with_log_detail(&detail).into()
        }
        error => error,
    }
}

/// The one text for wrong passwords, unknown users, and messages too long to be looked at (spec §6.4);
/// `logged` comes before it in the log.
fn password_failed(user: &[u8], logged: Option<&str>) -> Refusal {
    let text = [b"password authentication failed for user \"", user, b"\""].concat();
    let line = |text| LogLine::new(Severity::Log, SqlState::PROTOCOL_VIOLATION, text);
    Refusal::new(
        ErrorResponse::fatal(SqlState::INVALID_PASSWORD, text),
        logged.map(line).into_iter().collect(),
    )
}
