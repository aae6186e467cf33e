//! What goes with the server's certificate in a handshake.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pg_certs::generate::ServerSpec;
use pg_tls::{Acceptor, CryptoProvider, ServerTls, SslMode, Staple};
use tokio::io::AsyncWriteExt;

use crate::support::*;

#[tokio::test]
async fn a_staple_can_be_set_and_taken_away_while_the_server_runs() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let identity = acceptor.tls().identities().next().unwrap();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let client = pki.client(provider).with_version(version);
            for response in [None, Some(b"one"), Some(b"two"), None] {
                let staple = response.map(|response| Staple::new(response.to_vec(), after(60)));
                identity.set_staple(staple.clone());
                assert_eq!(identity.staple(), staple);
                let expected = response.map_or(&b""[..], |response| response);
                assert_eq!(stapled(&acceptor, &client).await, expected);
            }
        }
    }
}

#[tokio::test]
async fn a_staple_is_served_until_it_expires() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let acceptor = pki.acceptor(SslMode::Require, provider);
    let identity = acceptor.tls().identities().next().unwrap();
    for (valid_until, expected) in [(after(60), &b"staple"[..]), (SystemTime::now(), b"")] {
        identity.set_staple(Some(Staple::new(b"staple".to_vec(), valid_until)));
        assert_eq!(stapled(&acceptor, &pki.client(provider)).await, expected);
        assert_eq!(identity.staple().is_some(), !expected.is_empty());
    }
}

#[test]
fn staples_are_adopted_by_the_same_certificate_alone() {
    let pki = Pki::new();
    let load = || pki.config(SslMode::Require).load().unwrap();
    let staple = |tls: &ServerTls| tls.identities().next().unwrap().staple();
    let set = |tls: &ServerTls, staple: &Staple| {
        let identity = tls.identities().next().unwrap();
        identity.set_staple(Some(staple.clone()));
    };
    let [early, late] = [60, 90].map(|seconds| Staple::new(b"staple".to_vec(), after(seconds)));

    let (old, same, newer) = (load(), load(), load());
    set(&old, &early);
    set(&newer, &late);
    same.adopt_staples(&old);
    newer.adopt_staples(&old);
    assert_eq!(staple(&same), Some(early));
    assert_eq!(staple(&newer), Some(late));

    pki.install(
        &pki.ca
            .issue_server(&ServerSpec::new(["localhost"]))
            .unwrap(),
    );
    let other = load();
    other.adopt_staples(&old);
    assert_eq!(staple(&other), None);
}

fn after(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(seconds)
}

/// The response that a client is given.
async fn stapled(acceptor: &Acceptor, client: &Client) -> Vec<u8> {
    let staple = Arc::default();
    let config = client.noting_the_staple(Arc::clone(&staple));
    let (outcome, ()) = run(acceptor, tcp(), async |stream| {
        let mut stream = connect(config, "localhost", stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
    })
    .await;
    session(outcome);
    Arc::into_inner(staple).unwrap().into_inner().unwrap()
}
