//! ALPN, and TLS from the first byte.

use super::fault::Fault;
use super::login::log_in;
use super::offers::attempt;
use super::peer::Peer;
use super::report::{Attempt, Login, Negotiation};
use super::tls::{ALPN, Offer};

/// Direct TLS with and without ALPN; with TLS by SSLRequest, also a foreign ALPN name in it.
pub(super) fn check(peer: &Peer, startup: &[u8], tls: bool) -> Negotiation {
    Negotiation {
        direct: Some(direct(peer, startup, Some(ALPN))),
        direct_without_alpn: Some(direct(peer, startup, None)),
        foreign_alpn: tls.then(|| {
            let session = peer.try_offer(Offer {
                alpn: Some(b"http/1.1"),
                ..Offer::usual()
            });
            attempt("http/1.1", session.map(drop))
        }),
    }
}

/// A handshake and a login without SSLRequest. A server that ends the session without a word, as PostgreSQL
/// does without ALPN, has not accepted it.
fn direct(peer: &Peer, startup: &[u8], alpn: Option<&'static [u8]>) -> Attempt {
    let accepted = || {
        let client = peer.client(Offer {
            alpn,
            ..Offer::usual()
        })?;
        let mut session = client.handshake(peer.connect()?, peer.name.clone())?;
        if alpn.is_some() && session.stream.conn.alpn_protocol() != alpn {
            return Err(Fault::Protocol(
                "direct SSL connection was established without ALPN protocol negotiation extension"
                    .to_owned(),
            ));
        }
        match log_in(&mut session.stream, startup) {
            Login::Ended { silent: true, .. } => Err(Fault::TimedOut),
            Login::Ended { reason, .. } => {
                Err(Fault::Protocol(format!("after the handshake: {reason}")))
            }
            Login::Admitted | Login::Asks { .. } | Login::Refused { .. } => Ok(()),
        }
    };
    attempt("direct", accepted())
}
