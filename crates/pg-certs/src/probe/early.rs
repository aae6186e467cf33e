//! Bytes in the segment of the SSLRequest: may plaintext get into a session of TLS (CVE-2021-23214)?
//!
//! A whole StartupMessage goes with the request. After the handshake nothing more is sent: whoever answers
//! then has kept the plaintext, and read it as if it had come in TLS. Spec section 3.1.

use std::time::Duration;

use pg_wire::startup::SSL_REQUEST;

use super::fault::Fault;
use super::login::outcome;
use super::peer::{Peer, request};
use super::report::{EarlyBytes, Login, SslAnswer};
use super::tls::Offer;

/// How long a server that keeps plaintext may think before it answers it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends the request and `startup` at once.
pub(super) fn check(peer: &Peer, startup: &[u8]) -> EarlyBytes {
    attempt(peer, startup).unwrap_or_else(|fault| match fault.is_silence() {
        true => EarlyBytes::Unknown {
            reason: fault.to_string(),
        },
        false => EarlyBytes::Refused {
            reason: fault.to_string(),
        },
    })
}

fn attempt(peer: &Peer, startup: &[u8]) -> Result<EarlyBytes, Fault> {
    let mut socket = peer.connect()?;
    let bytes = [&SSL_REQUEST[..], startup].concat();
    match request(&mut socket, &bytes)? {
        SslAnswer::Accepted => {}
        SslAnswer::Refused => {
            socket.hurry(PATIENCE);
            return Ok(judge(outcome(&mut socket), |_| EarlyBytes::ServedInClear));
        }
        SslAnswer::Error => {
            return Ok(EarlyBytes::Refused {
                reason: "answered with an error instead of S or N".to_owned(),
            });
        }
        _ => return Err(Fault::NotTls),
    }
    let client = peer.client(Offer::usual())?;
    let mut session = client
        .handshake(socket, peer.name.clone())
        .map_err(|fault| match fault {
            Fault::OutOfTime | Fault::TimedOut | Fault::Io(_) => fault,
            other => Fault::Protocol(format!("in the handshake: {other}")),
        })?;
    session.stream.sock.hurry(PATIENCE);
    Ok(judge(outcome(&mut session.stream), |answer| {
        EarlyBytes::Executed { answer }
    }))
}

/// What the answer to the early bytes tells.
fn judge(login: Login, executed: impl FnOnce(String) -> EarlyBytes) -> EarlyBytes {
    match login {
        Login::Admitted => executed("in without a password".to_owned()),
        Login::Asks { methods } => executed(format!("asks for {}", methods.join(", "))),
        // Class 08: the connection is at fault, not who wants to log in.
        Login::Refused {
            sqlstate, message, ..
        } => match sqlstate.as_deref() {
            Some(code) if !code.starts_with("08") => executed(format!("FATAL {code}: {message}")),
            _ => EarlyBytes::Refused { reason: message },
        },
        Login::Ended { silent: true, .. } => EarlyBytes::Ignored,
        Login::Ended { reason, .. } => EarlyBytes::Refused { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let judged = |login| judge(login, |answer| EarlyBytes::Executed { answer });
        let refused = |sqlstate: &str| Login::Refused {
            sqlstate: Some(sqlstate.to_owned()),
            message: "text".to_owned(),
            authenticated: false,
        };
        assert_eq!(
            judged(refused("08P01")),
            EarlyBytes::Refused {
                reason: "text".to_owned()
            }
        );
        assert_eq!(
            judged(refused("28000")),
            EarlyBytes::Executed {
                answer: "FATAL 28000: text".to_owned()
            }
        );
        assert!(matches!(
            judged(Login::Admitted),
            EarlyBytes::Executed { .. }
        ));
        let ended = |silent| Login::Ended {
            reason: "why".to_owned(),
            silent,
        };
        assert_eq!(judged(ended(true)), EarlyBytes::Ignored);
        assert!(matches!(judged(ended(false)), EarlyBytes::Refused { .. }));
    }
}
