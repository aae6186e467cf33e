//! An exchange with a user who exists and one who does not: both hear the same, but for a right proof.
//!
//! The first byte says what the connection can be bound to; then come messages, each after a byte with
//! its length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pg_auth::scram::{
    ChannelBinding, Credential, Exchange, Iterations, MockSecret, Nonce, Reply, ScramError,
    Verifier,
};
use pg_wire::frontend::Password;

fuzz_target!(|input: &[u8]| {
    let Some((first, mut rest)) = input.split_first() else {
        return;
    };
    let binding = match first % 3 {
        0 => ChannelBinding::NoTls,
        1 => ChannelBinding::Undefined,
        _ => ChannelBinding::ServerEndPoint(vec![0xc5; 32]),
    };
    let verifier = Verifier::derive(b"pencil", &[0; 16], Iterations::MIN);
    let mut known = exchange(Some(&verifier), binding.clone());
    let mut unknown = exchange(None, binding);
    while let Some((length, after)) = rest.split_first() {
        let message;
        (message, rest) = after.split_at(usize::from(*length).min(after.len()));
        let message = Password::new(message.to_vec());
        compare(known.receive(&message), unknown.receive(&message));
    }
});

/// The nonce is fixed, so that the corpus can hold right proofs.
fn exchange(known: Option<&Verifier>, binding: ChannelBinding) -> Exchange {
    let mock = MockSecret::from_bytes([7; 32]);
    let credential = Credential::new(b"alice", known, &mock, Iterations::MIN);
    Exchange::with_nonce(credential, binding, Nonce::from_bytes([0; 18]))
}

fn compare(known: Result<Reply, ScramError>, unknown: Result<Reply, ScramError>) {
    match (known, unknown) {
        (Ok(Reply::Continue(known)), Ok(Reply::Continue(unknown))) => {
            let before_salt =
                |text: &[u8]| text.split(|byte| *byte == b',').next().map(<[u8]>::to_vec);
            assert_eq!(before_salt(&known), before_salt(&unknown));
            assert_eq!(known.len(), unknown.len());
        }
        (Ok(Reply::Final(signature)), Err(ScramError::PasswordFailed { .. })) => {
            assert!(signature.starts_with(b"v="));
        }
        (Err(known), Err(unknown)) => {
            assert_eq!(known, unknown);
            let _ = (known.response(), known.detail());
        }
        (known, unknown) => panic!("{known:?} but {unknown:?}"),
    }
}
