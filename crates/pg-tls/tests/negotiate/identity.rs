//! What goes with the server's certificate in a handshake.

use std::sync::Arc;

use pg_tls::{Acceptor, CryptoProvider, SslMode};
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
            for staple in [None, Some(b"one".to_vec()), Some(b"two".to_vec()), None] {
                identity.set_staple(staple.clone());
                assert_eq!(identity.staple(), staple);
                assert_eq!(
                    stapled(&acceptor, &client).await,
                    staple.unwrap_or_default()
                );
            }
        }
    }
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
