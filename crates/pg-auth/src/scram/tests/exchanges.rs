//! Exchanges that end well, and those that must not.

use pg_wire::backend::Authentication;
use proptest::prelude::*;

use super::super::keys::work;
use super::client::{Client, PLAIN, PLUS};
use super::*;

#[test]
fn rfc_7677_section_3() {
    let mut server = exchange(Some(&pencil()), ChannelBinding::NoTls);
    let first = choose(
        &mut server,
        "SCRAM-SHA-256",
        Some(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"),
    );
    assert_eq!(
        first,
        Ok(Reply::Continue(
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
                .into()
        ))
    );
    let last = answer(
        &mut server,
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    );
    assert_eq!(
        last,
        Ok(Reply::Final(
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".into()
        ))
    );
}

#[test]
fn e04_plus_is_offered_first_and_only_where_it_can_be_done() {
    let offered = |binding| exchange(None, binding).offer();
    let names = |names: &[&'static str]| {
        Authentication::Sasl(names.iter().map(|name| (*name).into()).collect())
    };
    assert_eq!(
        offered(tls()),
        names(&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])
    );
    for binding in [ChannelBinding::NoTls, ChannelBinding::Undefined] {
        assert_eq!(offered(binding), names(&["SCRAM-SHA-256"]));
    }
    assert_eq!(ChannelBinding::of_certificate(Some(&[0xc5; 32])), tls());
    assert_eq!(
        ChannelBinding::of_certificate(None),
        ChannelBinding::Undefined
    );
}

#[test]
fn every_honest_client_is_let_in() {
    let verifier = pencil();
    let unbound = |header| Client { header, ..PLAIN };
    for (client, binding) in [
        (unbound("n,,"), ChannelBinding::NoTls),
        (unbound("y,,"), ChannelBinding::NoTls),
        (unbound("n,,"), ChannelBinding::Undefined),
        (unbound("y,,"), ChannelBinding::Undefined),
        (unbound("n,,"), tls()),
        (PLUS, tls()),
    ] {
        let mut server = exchange(Some(&verifier), binding);
        assert_eq!(client.log_in(&mut server), Ok(()), "{}", client.header);
        assert_eq!(answer(&mut server, b"c=biws"), Err(ScramError::Over));
    }
}

#[test]
fn a_client_may_say_its_first_words_later() {
    let mut server = exchange(Some(&pencil()), tls());
    assert_eq!(
        choose(&mut server, "SCRAM-SHA-256-PLUS", None),
        Ok(Reply::Continue("".into()))
    );
    let bare = format!("n=,r={}", PLUS.nonce);
    let first = format!("{}{bare}", PLUS.header);
    let challenge = challenge(answer(&mut server, first.as_bytes()));
    let (last, signature) = PLUS.finish(&bare, &challenge);
    assert_eq!(
        answer(&mut server, last.as_bytes()),
        Ok(Reply::Final(format!("v={signature}").into()))
    );
}

#[test]
fn extensions_are_signed_and_otherwise_ignored() {
    let mut server = exchange(Some(&pencil()), ChannelBinding::NoTls);
    let bare = format!("n=somebody,r={},x=1,Y=", PLAIN.nonce);
    let challenge = challenge(choose(
        &mut server,
        "SCRAM-SHA-256",
        Some(format!("n,,{bare}").as_bytes()),
    ));
    let (last, _) = PLAIN.finish(&bare, &challenge);
    // Not covered by the client's signature, so it is as good as a wrong password.
    let (before, proof) = last.rsplit_once(",p=").unwrap();
    let added = format!("{before},x=1,p={proof}");
    assert_eq!(
        answer(&mut server, added.as_bytes()),
        Err(password_failed())
    );
}

#[test]
fn e08_wrong_password_and_unknown_user_cannot_be_told_apart() {
    let verifier = pencil();
    let wrong = Client {
        password: b"guess",
        ..PLAIN
    };
    let try_to_log_in = |client: &Client<'_>, known| {
        work::of(|| client.log_in(&mut exchange(known, ChannelBinding::NoTls)))
    };
    let (outcome, cost) = try_to_log_in(&wrong, Some(&verifier));
    assert_eq!(outcome, Err(password_failed()));
    assert_eq!(try_to_log_in(&wrong, None), (outcome, cost));
    assert_eq!(try_to_log_in(&PLAIN, None), (Err(password_failed()), cost));
    // Success costs nothing more on the server; the client computes the server's signature anyway.
    assert_eq!(try_to_log_in(&PLAIN, Some(&verifier)), (Ok(()), cost));

    let ask = |known| {
        let mut server = exchange(known, ChannelBinding::NoTls);
        challenge(choose(&mut server, "SCRAM-SHA-256", Some(b"n,,n=,r=x")))
    };
    let (known, unknown) = (ask(Some(&verifier)), ask(None));
    assert_eq!(unknown, ask(None));
    assert_eq!(known.len(), unknown.len());
    assert!(unknown.ends_with(b",i=4096"));
}

#[test]
fn a_right_proof_for_a_made_up_verifier_is_not_believed() {
    let verifier = pencil();
    let mut credential = Credential::new(b"alice", Some(&verifier), &mock(), Iterations::DEFAULT);
    credential.doomed = true;
    let mut server = Exchange::new(credential, ChannelBinding::NoTls).unwrap();
    assert_eq!(PLAIN.log_in(&mut server), Err(password_failed()));
}

#[test]
fn e09_nonces_are_fresh_and_long() {
    let ask = || {
        let credential = Credential::new(b"alice", None, &mock(), Iterations::DEFAULT);
        let mut server = Exchange::new(credential, ChannelBinding::NoTls).unwrap();
        challenge(choose(&mut server, "SCRAM-SHA-256", Some(b"n,,n=,r=x")))
    };
    let (one, other) = (ask(), ask());
    assert_ne!(one, other);
    assert_eq!(
        one.iter().position(|byte| *byte == b','),
        Some("r=x".len() + 24)
    );
}

#[test]
fn nothing_secret_is_shown() {
    let mut server = exchange(Some(&pencil()), tls());
    let _ = PLUS.log_in(&mut server);
    let shown = format!("{server:?}");
    assert!(
        shown.contains("Verifier { iterations: 4096, .. }"),
        "{shown}"
    );
}

fn password_failed() -> ScramError {
    ScramError::PasswordFailed {
        user: "alice".into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_password_and_any_hash_complete(
        password in proptest::collection::vec(1u8.., 1..40),
        text in "\\PC{1,12}",
        hash in proptest::collection::vec(any::<u8>(), 1..65),
        nonce in "[!-+--~]{1,40}",
        count in 1u32..20,
    ) {
        for password in [password.as_slice(), text.as_bytes()] {
            let verifier = Verifier::from_password(password, count.try_into().unwrap()).unwrap();
            let client = Client { certificate: &hash, nonce: &nonce, password, ..PLUS };
            let binding = ChannelBinding::ServerEndPoint(hash.clone());
            prop_assert_eq!(client.log_in(&mut exchange(Some(&verifier), binding)), Ok(()));
            let client = Client { certificate: b"", mechanism: "SCRAM-SHA-256", header: "y,,", ..client };
            let mut server = exchange(Some(&verifier), ChannelBinding::NoTls);
            prop_assert_eq!(client.log_in(&mut server), Ok(()));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_let_nobody_in(
        messages in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..80),
                "(SCRAM-SHA-256(-PLUS)?\0\\PC{0,4})?[nyp]?(=tls-server-end-point)?,,?n=,r=[ -~]{0,20}(,[a-z=]{0,5}){0,3}"
                    .prop_map(String::into_bytes),
                "c=(biws|eSws),r=[ -~]{0,20}(,p=[A-Za-z0-9+/=]{0,44})?".prop_map(String::into_bytes),
            ],
            1..4,
        ),
        bound in any::<bool>(),
    ) {
        let binding = if bound { tls() } else { ChannelBinding::NoTls };
        let mut server = exchange(None, binding.clone());
        let mut chosen = exchange(None, binding);
        let _ = choose(&mut chosen, "SCRAM-SHA-256", None);
        for message in messages {
            for server in [&mut server, &mut chosen] {
                match answer(server, &message) {
                    Ok(reply) => prop_assert!(matches!(reply, Reply::Continue(_))),
                    Err(error) => {
                        let _ = (error.to_string(), error.detail(), error.response());
                    }
                }
            }
        }
    }
}
