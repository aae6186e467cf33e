//! Direct TLS: specification §2 and rows X20 to X25 of §10.

use pg_tls::{CryptoProvider, HandshakeError, NegotiateError, Negotiated, Peer, SslMode};
use rustls::AlertDescription;
use tokio::io::AsyncWriteExt;

use crate::support::*;

#[tokio::test]
async fn x20_a05_alpn_decides() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        for version in rustls::ALL_VERSIONS {
            let client = pki.client(provider).with_version(version);
            for names in [&["postgresql"][..], &["h2", "postgresql"]] {
                let client = client.clone().with_alpn(names);
                let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
                    let mut stream = client.connect(stream).await.unwrap();
                    stream.write_all(&alice()).await.unwrap();
                })
                .await;
                let tls = session(outcome).tls.unwrap();
                assert!(tls.direct);
                assert_eq!(tls.alpn.as_deref(), Some("postgresql"));
            }

            // No ALPN: the handshake completes, then close_notify and not a byte of protocol.
            let without = client.clone().with_alpn(&[]);
            let (outcome, received) = run(&acceptor, tcp(), async |stream| {
                let mut stream = without.connect(stream).await.unwrap();
                read_to_end(&mut stream).await
            })
            .await;
            assert_eq!(received, b"");
            assert_eq!(
                logged(outcome),
                "LOG:  received direct SSL connection request without ALPN protocol negotiation extension"
            );

            let other = client.with_alpn(&["http/1.1"]);
            let (outcome, error) = run(&acceptor, tcp(), async |stream| {
                other.connect(stream).await.unwrap_err()
            })
            .await;
            assert_eq!(alert(&error), AlertDescription::NoApplicationProtocol);
            assert_eq!(
                logged(outcome),
                "LOG:  could not accept SSL connection: no application protocol"
            );
        }
    }
}

#[tokio::test]
async fn x21_x22_requests_inside_are_refused_and_the_session_served() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let client = pki.client(provider);
        for requests in [
            &[SSL_REQUEST][..],
            &[GSSENC_REQUEST],
            &[GSSENC_REQUEST, SSL_REQUEST],
            &[SSL_REQUEST, GSSENC_REQUEST],
        ] {
            let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
                let mut stream = client.connect(stream).await.unwrap();
                for request in requests {
                    stream.write_all(request).await.unwrap();
                    assert_eq!(read(&mut stream, 1).await, b"N");
                }
                stream.write_all(&alice()).await.unwrap();
            })
            .await;
            session(outcome);
        }
    }
}

#[tokio::test]
async fn a_second_request_inside_is_fatal() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let acceptor = pki.acceptor(SslMode::Require, provider);
    let client = pki.client(provider);
    for (request, code) in [(SSL_REQUEST, "1234.5679"), (GSSENC_REQUEST, "1234.5680")] {
        let (outcome, received) = run(&acceptor, tcp(), async |stream| {
            let mut stream = client.connect(stream).await.unwrap();
            stream.write_all(&request).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"N");
            stream.write_all(&request).await.unwrap();
            read_to_end(&mut stream).await
        })
        .await;
        assert_eq!(received, no_longer_honoured(code));
        outcome.unwrap_err();
    }
}

#[tokio::test]
async fn f01_cancel_requests_are_served_inside() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let client = pki.client(provider);
    let (outcome, ()) = run(
        &pki.acceptor(SslMode::Require, provider),
        tcp(),
        async |stream| {
            let mut stream = client.connect(stream).await.unwrap();
            stream.write_all(&CANCEL_REQUEST).await.unwrap();
        },
    )
    .await;
    assert!(matches!(outcome, Ok(Negotiated::Cancel(_))), "{outcome:?}");
}

#[tokio::test]
async fn x23_where_there_is_no_tls_it_is_closed_without_a_byte() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let hello = client_hello(pki.client(provider).config());
    let on = pki.acceptor(SslMode::Require, provider);
    for (acceptor, peer) in [(plain_acceptor(), tcp()), (on, Peer::Unix)] {
        let (outcome, received) = exchange(&acceptor, peer, &hello).await;
        assert_eq!(received, b"");
        let error = outcome.unwrap_err();
        assert!(matches!(error, NegotiateError::DirectTlsRejected));
        assert!(error.log_line().is_none());
    }
}

#[tokio::test]
async fn x24_g05_alpn_after_an_ssl_request() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        for (names, agreed) in [
            (&["postgresql"][..], Some("postgresql")),
            (&["h2", "postgresql"], Some("postgresql")),
            (&[], None),
        ] {
            let client = pki.client(provider).with_alpn(names);
            let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
                let mut stream = client.upgrade(stream).await.unwrap();
                stream.write_all(&alice()).await.unwrap();
            })
            .await;
            assert_eq!(session(outcome).tls.unwrap().alpn.as_deref(), agreed);
        }
        let client = pki.client(provider).with_alpn(&["http/1.1"]);
        let (outcome, error) = run(&acceptor, tcp(), async |stream| {
            client.upgrade(stream).await.unwrap_err()
        })
        .await;
        assert_eq!(alert(&error), AlertDescription::NoApplicationProtocol);
        outcome.unwrap_err();
    }
}

#[tokio::test]
async fn x25_a_record_that_is_no_client_hello_gets_an_alert() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let (outcome, received) = exchange(&acceptor, tcp(), b"\x16\x03\x01\x00\x05hello").await;
        assert_eq!(received, [0x15, 3, 3, 0, 2, 2, 0x0a]);
        assert_eq!(
            logged(outcome),
            "LOG:  could not accept SSL connection: unexpected message"
        );
    }
}

#[tokio::test]
async fn other_first_bytes_are_packets() {
    let pki = Pki::new();
    let acceptor = pki.acceptor(SslMode::Require, CryptoProvider::AVAILABLE[0]);
    for first in [0x15, 0x17, 0x80] {
        let (outcome, received) = exchange(&acceptor, tcp(), &[first, 3, 1, 0, 5]).await;
        assert_eq!(received, b"");
        assert_eq!(logged(outcome), "LOG:  invalid length of startup packet");
    }
}

#[tokio::test]
async fn leaving_in_the_middle_of_the_client_hello_is_logged() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let hello = client_hello(pki.client(provider).config());
    let acceptor = pki.acceptor(SslMode::Require, provider);
    for n in [1, 5, 8, 100] {
        let (outcome, received) = exchange(&acceptor, tcp(), &hello[..n]).await;
        assert_eq!(received, b"");
        match outcome.unwrap_err() {
            NegotiateError::Handshake(HandshakeError::Eof) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn plaintext_behind_a_direct_client_hello_breaks_the_handshake() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let hello = client_hello(pki.client(provider).config());
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let sent = [&hello[..], &alice()].concat();
        let (outcome, _) = exchange(&acceptor, tcp(), &sent).await;
        assert!(logged(outcome).starts_with("LOG:  could not accept SSL connection: "));
    }
}
