//! Bytes that come before the answer to an encryption request: specification §3.1, rows X14 to X19.

use pg_tls::{CryptoProvider, HandshakeError, NegotiateError, SslMode};
use pg_wire::startup::StartupError;
use tokio::io::AsyncWriteExt;

use crate::support::*;

#[tokio::test]
async fn x14_x15_early_bytes_with_a_refused_request_are_fatal() {
    let hello = client_hello(Pki::new().client(CryptoProvider::AVAILABLE[0]).config());
    let stray: [&[u8]; 3] = [b"X", &alice(), &hello];
    for bytes in stray {
        for (request, name, error) in [
            (
                SSL_REQUEST,
                "SSL",
                StartupError::UnencryptedDataAfterSslRequest,
            ),
            (
                GSSENC_REQUEST,
                "GSSAPI encryption",
                StartupError::UnencryptedDataAfterGssEncRequest,
            ),
        ] {
            let sent = [&request[..], bytes].concat();
            let (outcome, received) = exchange(&plain_acceptor(), tcp(), &sent).await;
            assert_eq!(received, [b"N", &early(name)[..]].concat());
            match outcome.unwrap_err() {
                NegotiateError::Startup(seen) => assert_eq!(seen, error),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn early_bytes_with_a_gss_request_are_fatal_where_tls_is_on_too() {
    let pki = Pki::new();
    let acceptor = pki.acceptor(SslMode::Require, CryptoProvider::AVAILABLE[0]);
    let sent = [GSSENC_REQUEST, SSL_REQUEST].concat();
    let (outcome, received) = exchange(&acceptor, tcp(), &sent).await;
    assert_eq!(received, [b"N", &early("GSSAPI encryption")[..]].concat());
    outcome.unwrap_err();
}

#[tokio::test]
async fn x16_a_client_hello_after_n_is_a_bad_length() {
    let hello = client_hello(Pki::new().client(CryptoProvider::AVAILABLE[0]).config());
    let (outcome, received) = run(&plain_acceptor(), tcp(), async |mut stream| {
        stream.write_all(&SSL_REQUEST).await.unwrap();
        assert_eq!(read(&mut stream, 1).await, b"N");
        stream.write_all(&hello).await.unwrap();
        read_to_end(&mut stream).await
    })
    .await;
    assert_eq!(received, b"");
    assert_eq!(logged(outcome), "LOG:  invalid length of startup packet");
}

/// Sends the bytes in one write and returns what comes after the `S`.
async fn after_s(acceptor: &pg_tls::Acceptor, sent: &[u8]) -> (HandshakeError, Vec<u8>) {
    let (outcome, mut received) = exchange(acceptor, tcp(), sent).await;
    assert_eq!(received.remove(0), b'S');
    match outcome.unwrap_err() {
        NegotiateError::Handshake(error) => (error, received),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn x17_a03_plaintext_behind_an_accepted_request_breaks_the_handshake() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let hello = client_hello(pki.client(provider).config());
        let injected = [&SSL_REQUEST[..], &alice(), b"Q\0\0\0\x0dselect 1\0", &hello].concat();
        let (error, received) = after_s(&acceptor, &injected).await;
        assert_eq!(error.reason(), "wrong version number");
        // One alert, no ErrorResponse, no ServerHello.
        assert_eq!(received.len(), 7, "{received:02x?}");
        assert_eq!(received[..6], [0x15, 3, 3, 0, 2, 2]);

        let stray = [&SSL_REQUEST[..], b"X", &hello].concat();
        let (_, received) = after_s(&acceptor, &stray).await;
        assert_eq!(received.len(), 7, "{received:02x?}");
    }
}

#[tokio::test]
async fn x18_an_early_client_hello_works() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        for version in rustls::ALL_VERSIONS {
            let acceptor = pki.acceptor(SslMode::Require, provider);
            let client = pki.client(provider).with_version(version);
            let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
                // The first write of the TLS engine is the ClientHello; the request goes with it.
                let stream = Glue::new(stream, &SSL_REQUEST);
                let mut stream = client.connect(stream).await.unwrap();
                stream.write_all(&alice()).await.unwrap();
            })
            .await;
            assert!(session(outcome).stream.is_tls());
        }
    }
}

#[tokio::test]
async fn x19_plaintext_behind_an_early_client_hello_breaks_the_handshake() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        for version in rustls::ALL_VERSIONS {
            let acceptor = pki.acceptor(SslMode::Require, provider);
            let hello = client_hello(pki.client(provider).with_version(version).config());
            let sent = [&SSL_REQUEST[..], &hello, &alice()].concat();
            let (error, received) = after_s(&acceptor, &sent).await;
            assert_eq!(error.reason(), "wrong version number", "{version:?}");
            assert!(error.hint().is_some());
            assert!(!received.windows(6).any(|w| w == b"SFATAL"));
        }
    }
}

#[tokio::test]
async fn early_bytes_inside_direct_tls_are_fatal_inside_tls() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let client = pki.client(provider);
        let (outcome, received) = run(&acceptor, tcp(), async |stream| {
            let mut stream = client.connect(stream).await.unwrap();
            let sent = [&SSL_REQUEST[..], &alice()].concat();
            stream.write_all(&sent).await.unwrap();
            read_to_end(&mut stream).await
        })
        .await;
        assert_eq!(received, [b"N", &early("SSL")[..]].concat());
        outcome.unwrap_err();
    }
}

/// Puts bytes in front of the first write and drops the answer byte in front of the first read.
struct Glue<S> {
    stream: S,
    first: Vec<u8>,
    answered: bool,
}

impl<S> Glue<S> {
    fn new(stream: S, first: &[u8]) -> Self {
        Self {
            stream,
            first: first.to_vec(),
            answered: false,
        }
    }
}

impl<S: tokio::io::AsyncRead + Unpin> tokio::io::AsyncRead for Glue<S> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        if !self.answered {
            let mut byte = [0];
            let mut answer = tokio::io::ReadBuf::new(&mut byte);
            std::task::ready!(std::pin::Pin::new(&mut self.stream).poll_read(cx, &mut answer))?;
            assert_eq!(answer.filled(), b"S");
            self.answered = true;
        }
        std::pin::Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: tokio::io::AsyncWrite + Unpin> tokio::io::AsyncWrite for Glue<S> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let glued = self.first.len();
        let all = [&self.first[..], buf].concat();
        let n = std::task::ready!(std::pin::Pin::new(&mut self.stream).poll_write(cx, &all))?;
        assert!(n >= glued, "the stream is large enough");
        self.first.clear();
        std::task::Poll::Ready(Ok(n - glued))
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
