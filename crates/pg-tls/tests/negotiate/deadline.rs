//! The deadline over the whole phase, with the clock stopped: specification §7.1, row X26, bug K01.

use std::time::Duration;

use pg_tls::{CryptoProvider, NegotiateError, SslMode};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use crate::support::*;

const DEADLINE: Duration = Duration::from_secs(7);

/// A client that does its part and then waits for the end; what it reads after `part`.
async fn expire<F: AsyncFnOnce(&mut DuplexStream)>(
    acceptor: &pg_tls::Acceptor,
    part: F,
) -> Vec<u8> {
    let (server, mut stream) = duplex(64 * 1024);
    let start = Instant::now();
    let negotiate = async {
        let outcome = acceptor.negotiate(server, tcp(), DEADLINE).await;
        (outcome, start.elapsed())
    };
    let ((outcome, elapsed), rest) = tokio::join!(negotiate, async {
        part(&mut stream).await;
        read_to_end(&mut stream).await
    });
    let error = outcome.unwrap_err();
    assert!(matches!(error, NegotiateError::Timeout), "{error:?}");
    assert!(error.log_line().is_none());
    assert_eq!(elapsed.as_secs(), DEADLINE.as_secs());
    rest
}

#[tokio::test(start_paused = true)]
async fn k01_every_place_to_stop_ends_at_the_deadline_without_a_byte() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let acceptor = pki.acceptor(SslMode::Require, provider);
    let hello = client_hello(pki.client(provider).config());

    // Connected and silent.
    assert_eq!(expire(&acceptor, async |_| {}).await, b"");
    // Half a length word, half a request.
    for n in [2, 5] {
        let rest = expire(&acceptor, async |stream| {
            stream.write_all(&SSL_REQUEST[..n]).await.unwrap();
        })
        .await;
        assert_eq!(rest, b"");
    }
    // A body shorter than announced.
    let rest = expire(&acceptor, async |stream| {
        stream.write_all(&alice()[..15]).await.unwrap();
    })
    .await;
    assert_eq!(rest, b"");
    // After N, after S.
    for (request, answer) in [(GSSENC_REQUEST, b"N"), (SSL_REQUEST, b"S")] {
        let rest = expire(&acceptor, async |stream| {
            stream.write_all(&request).await.unwrap();
            assert_eq!(read(stream, 1).await, answer);
        })
        .await;
        assert_eq!(rest, b"");
    }
    // Half a ClientHello, after S and direct.
    let rest = expire(&acceptor, async |stream| {
        stream.write_all(&SSL_REQUEST).await.unwrap();
        stream.write_all(&hello[..50]).await.unwrap();
        assert_eq!(read(stream, 1).await, b"S");
    })
    .await;
    assert_eq!(rest, b"");
    let rest = expire(&acceptor, async |stream| {
        stream.write_all(&hello[..50]).await.unwrap();
    })
    .await;
    assert_eq!(rest, b"");
    // After the ServerHello flight: that is the last the client gets.
    let rest = expire(&acceptor, async |stream| {
        stream.write_all(&hello).await.unwrap();
        assert_eq!(read(stream, 1).await, [0x16]);
    })
    .await;
    assert_ne!(rest.last_chunk::<7>(), Some(&[0x15, 3, 3, 0, 2, 1, 0]));
}

#[tokio::test(start_paused = true)]
async fn k01_after_the_handshake_there_is_no_close_notify() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let (server, stream) = duplex(64 * 1024);
        let client = pki.client(provider);
        let (outcome, error) = tokio::join!(acceptor.negotiate(server, tcp(), DEADLINE), async {
            let mut stream = client.upgrade(stream).await.unwrap();
            let mut rest = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest)
                .await
                .unwrap_err()
        });
        assert!(matches!(outcome, Err(NegotiateError::Timeout)));
        // rustls' word for an end without close_notify.
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_last_message_is_dropped() {
    // The stream has no room for the ErrorResponse, and the client keeps it that way.
    let (server, mut stream) = duplex(16);
    let acceptor = plain_acceptor();
    let start = Instant::now();
    stream.write_all(&packet(8, 4 << 16, b"")).await.unwrap();
    let error = acceptor
        .negotiate(server, tcp(), DEADLINE)
        .await
        .unwrap_err();
    assert_eq!(error.sqlstate().as_str(), "0A000");
    assert!(start.elapsed() <= 2 * pg_tls::FAREWELL_LIMIT);
}
