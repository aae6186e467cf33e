//! Method `password`: the password itself.

use bytes::Bytes;
use pg_auth::scram::Credential;
use pg_tls::Refusal;
use pg_wire::SqlState;
use pg_wire::backend::{Authentication, ErrorResponse};
use pg_wire::frame::Phase;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_blocking;
use zeroize::Zeroize;

use super::Unproven;
use super::conversation::{Conversation, Unreadable};
use crate::error::SessionError;

/// Asks for the password. Whether it may be asked for on this connection is the caller's to decide.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
    credential: Credential,
) -> Result<(), Unproven> {
    let question = Authentication::CleartextPassword;
    let body = match conversation.ask(question, Phase::Password).await? {
        Ok(body) => body,
        // PostgreSQL takes it for a client that has gone.
        Err(Unreadable::Damaged(text)) => return Err(SessionError::DamagedMessage(text).into()),
        Err(Unreadable::Ended(error)) => return Err(error.into()),
    };
    // Thousands of hash rounds: not on a thread that serves others.
    match spawn_blocking(move || judge(body, &credential)).await {
        Ok(Verdict::Right) => Ok(()),
        Ok(Verdict::Wrong) => Err(Unproven::Wrong(None)),
        Ok(Verdict::Refused(code, text)) => {
            Err(Refusal::new(ErrorResponse::fatal(code, text), Vec::new()).into())
        }
        Err(error) => Err(SessionError::Authentication(std::io::Error::other(error)).into()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Wrong,
    /// Not looked at (`recv_password_packet` in `auth.c`).
    Refused(SqlState, &'static str),
}

fn judge(body: Bytes, credential: &Credential) -> Verdict {
    let verdict = match body.split_last() {
        Some((0, password)) if !password.contains(&0) => match password {
            [] => Verdict::Refused(
                SqlState::INVALID_PASSWORD,
                "empty password returned by client",
            ),
            _ if credential.password_matches(password) => Verdict::Right,
            _ => Verdict::Wrong,
        },
        _ => Verdict::Refused(SqlState::PROTOCOL_VIOLATION, "invalid password packet size"),
    };
    if let Ok(mut body) = body.try_into_mut() {
        body.as_mut().zeroize();
    }
    verdict
}

#[cfg(test)]
mod tests {
    use pg_auth::scram::{Iterations, MockSecret, Verifier};

    use super::*;

    #[test]
    fn a_password_is_one_string_that_is_not_empty() {
        let verifier = Verifier::from_password(b"secret", Iterations::DEFAULT).unwrap();
        let mock = MockSecret::random().unwrap();
        let known = |verifier| Credential::new(b"alice", verifier, &mock, Iterations::DEFAULT);
        let size = Verdict::Refused(SqlState::PROTOCOL_VIOLATION, "invalid password packet size");
        let empty = Verdict::Refused(
            SqlState::INVALID_PASSWORD,
            "empty password returned by client",
        );
        for (body, expected) in [
            (&b"secret\0"[..], Verdict::Right),
            (b"Secret\0", Verdict::Wrong),
            (b"secret", size),
            (
                b"sec\0ret\0",
                Verdict::Refused(SqlState::PROTOCOL_VIOLATION, "invalid password packet size"),
            ),
            (
                b"",
                Verdict::Refused(SqlState::PROTOCOL_VIOLATION, "invalid password packet size"),
            ),
            (b"\0", empty),
        ] {
            let body = Bytes::from_static(body);
            assert_eq!(judge(body, &known(Some(&verifier))), expected);
        }
        let body = Bytes::from_static(b"secret\0");
        assert_eq!(judge(body, &known(None)), Verdict::Wrong);
    }
}
