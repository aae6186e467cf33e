//! Whole exchanges: the published ones, PostgreSQL's table of errors, a client of our own and one of
//! somebody else's.

mod client;
mod errors;
mod exchanges;
mod peer;

use pg_wire::frontend::{Password, SaslInitialResponse};

use super::{
    ChannelBinding, Credential, Exchange, Iterations, MockSecret, Nonce, Reply, ScramError,
    Verifier,
};

/// The salt and the iterations of RFC 7677 section 3, whose password is `pencil`.
const RFC_SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

fn pencil() -> Verifier {
    let salt = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, RFC_SALT);
    Verifier::derive(b"pencil", &salt.unwrap(), Iterations::DEFAULT)
}

fn mock() -> MockSecret {
    MockSecret::from_bytes([7; 32])
}

/// An exchange of the user `alice` with the server's nonce of RFC 7677.
fn exchange(known: Option<&Verifier>, binding: ChannelBinding) -> Exchange {
    let credential = Credential::new(b"alice", known, &mock(), Iterations::DEFAULT);
    let nonce = Nonce("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned());
    Exchange::with_nonce(credential, binding, nonce)
}

fn tls() -> ChannelBinding {
    ChannelBinding::ServerEndPoint(vec![0xc5; 32])
}

fn choose(
    exchange: &mut Exchange,
    mechanism: &str,
    data: Option<&[u8]>,
) -> Result<Reply, ScramError> {
    let first = SaslInitialResponse {
        mechanism: bytes::Bytes::copy_from_slice(mechanism.as_bytes()),
        data: data.map(bytes::Bytes::copy_from_slice),
    };
    exchange.receive(&first.to_password().unwrap())
}

fn answer(exchange: &mut Exchange, data: &[u8]) -> Result<Reply, ScramError> {
    exchange.receive(&Password::new(data.to_vec()))
}

#[track_caller]
fn challenge(reply: Result<Reply, ScramError>) -> Vec<u8> {
    match reply {
        Ok(Reply::Continue(data)) => data.to_vec(),
        other => panic!("not a challenge: {other:?}"),
    }
}
