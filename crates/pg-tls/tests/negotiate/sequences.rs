//! Every sequence of specification §1.4, on the wire.

use pg_tls::{CryptoProvider, NegotiateError, Negotiated, Peer, SslMode};
use pg_wire::startup::StartupError;
use tokio::io::AsyncWriteExt;

use crate::support::*;

const SSL_AGAIN: &str = "1234.5679";
const GSS_AGAIN: &str = "1234.5680";

fn is_unsupported(error: &NegotiateError) -> bool {
    matches!(
        error,
        NegotiateError::Startup(StartupError::UnsupportedProtocol { .. })
    )
}

/// In clear: sends the packets one by one, each after the answer to the one before; the last one is
/// not honoured.
async fn check_in_clear(acceptor: &pg_tls::Acceptor, peer: Peer, packets: &[[u8; 8]], code: &str) {
    let (outcome, received) = run(acceptor, peer, async |mut stream| {
        let (last, honoured) = packets.split_last().unwrap();
        for packet in honoured {
            stream.write_all(packet).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"N");
        }
        stream.write_all(last).await.unwrap();
        read_to_end(&mut stream).await
    })
    .await;
    assert_eq!(received, no_longer_honoured(code));
    assert!(is_unsupported(&outcome.unwrap_err()));
}

#[tokio::test]
async fn refused_requests_come_once_each_in_either_order() {
    let acceptor = plain_acceptor();
    for peer in [tcp(), Peer::Unix] {
        check_in_clear(&acceptor, peer, &[SSL_REQUEST, SSL_REQUEST], SSL_AGAIN).await;
        check_in_clear(
            &acceptor,
            peer,
            &[GSSENC_REQUEST, GSSENC_REQUEST],
            GSS_AGAIN,
        )
        .await;
        let packets = [SSL_REQUEST, GSSENC_REQUEST, SSL_REQUEST];
        check_in_clear(&acceptor, peer, &packets, SSL_AGAIN).await;
        let packets = [GSSENC_REQUEST, SSL_REQUEST, GSSENC_REQUEST];
        check_in_clear(&acceptor, peer, &packets, GSS_AGAIN).await;
    }
}

#[tokio::test]
async fn after_refusals_a_session_or_a_cancel_request_is_served() {
    for requests in [
        &[SSL_REQUEST][..],
        &[GSSENC_REQUEST],
        &[SSL_REQUEST, GSSENC_REQUEST],
        &[GSSENC_REQUEST, SSL_REQUEST],
    ] {
        for last in [alice(), CANCEL_REQUEST.to_vec()] {
            let (outcome, ()) = run(&plain_acceptor(), tcp(), async |mut stream| {
                for request in requests {
                    stream.write_all(request).await.unwrap();
                    assert_eq!(read(&mut stream, 1).await, b"N");
                }
                stream.write_all(&last).await.unwrap();
            })
            .await;
            match outcome.unwrap() {
                Negotiated::Session(_) => assert_eq!(last, alice()),
                Negotiated::Cancel(_) => assert_eq!(last, CANCEL_REQUEST),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a01_gss_first_then_tls() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let client = pki.client(provider);
        let (outcome, ()) = run(&acceptor, tcp(), async |mut stream| {
            stream.write_all(&GSSENC_REQUEST).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"N");
            let mut stream = client.upgrade(stream).await.unwrap();
            stream.write_all(&alice()).await.unwrap();
        })
        .await;
        let session = session(outcome);
        assert!(session.stream.is_tls());
        assert!(!session.tls.unwrap().direct);
    }
}

#[tokio::test]
async fn inside_negotiated_tls_no_request_is_honoured() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Allow, provider);
        let client = pki.client(provider);
        for (request, code) in [(SSL_REQUEST, SSL_AGAIN), (GSSENC_REQUEST, GSS_AGAIN)] {
            let (outcome, received) = run(&acceptor, tcp(), async |stream| {
                let mut stream = client.upgrade(stream).await.unwrap();
                stream.write_all(&request).await.unwrap();
                // Fails unless there is a close_notify.
                read_to_end(&mut stream).await
            })
            .await;
            assert_eq!(received, no_longer_honoured(code));
            assert!(is_unsupported(&outcome.unwrap_err()));
        }
    }
}

#[tokio::test]
async fn f01_cancel_requests_are_served_inside_tls() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::VerifyFull, provider);
        let client = pki.client(provider);
        let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
            let mut stream = client.upgrade(stream).await.unwrap();
            stream.write_all(&CANCEL_REQUEST).await.unwrap();
        })
        .await;
        let Ok(Negotiated::Cancel(cancel)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(cancel.stream.is_tls());
        assert_eq!(cancel.request.secret_key.as_bytes(), [1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn f02_f03_cancel_requests_in_clear_are_served_whatever_the_mode_and_end_without_a_byte() {
    let pki = Pki::new();
    for mode in SslMode::ALL {
        let acceptor = pki.acceptor(mode, CryptoProvider::AVAILABLE[0]);
        let (server, mut stream) = tokio::io::duplex(64);
        stream.write_all(&CANCEL_REQUEST).await.unwrap();
        let Negotiated::Cancel(cancel) = acceptor.negotiate(server, tcp(), LONG).await.unwrap()
        else {
            panic!("{mode}: not a cancel request");
        };
        let (closed, received) = tokio::join!(pg_tls::close(cancel.stream, LONG), async move {
            read_to_end(&mut stream).await
        });
        closed.unwrap();
        assert_eq!(received, b"", "{mode}");
    }
}

#[tokio::test]
async fn unix_sockets_get_no_tls_in_any_mode() {
    let pki = Pki::new();
    for mode in SslMode::ALL {
        let acceptor = pki.acceptor(mode, CryptoProvider::AVAILABLE[0]);
        let (outcome, ()) = run(&acceptor, Peer::Unix, async |mut stream| {
            for request in [SSL_REQUEST, GSSENC_REQUEST] {
                stream.write_all(&request).await.unwrap();
                assert_eq!(read(&mut stream, 1).await, b"N");
            }
            stream.write_all(&alice()).await.unwrap();
        })
        .await;
        session(outcome).admit(mode).unwrap();
    }
}

#[tokio::test]
async fn plaintext_startup_after_s_is_a_wrong_version_number() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Prefer, provider);
        let (outcome, received) = run(&acceptor, tcp(), async |mut stream| {
            stream.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"S");
            stream.write_all(&alice()).await.unwrap();
            read_to_end(&mut stream).await
        })
        .await;
        // A TLS alert and nothing else: no ErrorResponse.
        assert_eq!(received[..6], [0x15, 3, 3, 0, 2, 2], "{received:02x?}");
        assert_eq!(received.len(), 7);
        assert_eq!(
            logged(outcome),
            "LOG:  could not accept SSL connection: wrong version number\nHINT:  This may indicate that the client does not support any SSL protocol version between TLSv1.2 and TLSv1.3."
        );
    }
}

#[tokio::test]
async fn a13_leaving_after_the_answer_is_silent_and_leaving_in_the_handshake_is_not() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let acceptor = pki.acceptor(SslMode::Require, provider);
    let (outcome, received) = exchange(&acceptor, tcp(), &SSL_REQUEST).await;
    assert_eq!(received, b"S");
    assert!(matches!(outcome, Ok(Negotiated::Closed)), "{outcome:?}");

    let hello = client_hello(pki.client(provider).config());
    let (outcome, ()) = run(&acceptor, tcp(), async |mut stream| {
        stream.write_all(&SSL_REQUEST).await.unwrap();
        assert_eq!(read(&mut stream, 1).await, b"S");
        stream.write_all(&hello[..40]).await.unwrap();
    })
    .await;
    assert_eq!(
        logged(outcome),
        "LOG:  could not accept SSL connection: EOF detected"
    );

    // After the whole handshake it is a client that changed its mind.
    let client = pki.client(provider);
    let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
        let mut stream = client.upgrade(stream).await.unwrap();
        stream.shutdown().await.unwrap();
        // An error without the server's own close_notify.
        assert_eq!(read_to_end(&mut stream).await, b"");
    })
    .await;
    assert!(matches!(outcome, Ok(Negotiated::Closed)), "{outcome:?}");
}
