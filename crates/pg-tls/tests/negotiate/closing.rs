//! Ends of connections: `close`, `SecureConnection` and bugs I01 and I02.

use std::io::IoSlice;
use std::time::Duration;

use pg_tls::{CryptoProvider, SecureConnection, Session, SslMode};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use crate::support::*;

/// A TLS session and its client, on a stream that holds `size` bytes.
async fn established(
    pki: &Pki,
    provider: CryptoProvider,
    size: usize,
) -> (Session<DuplexStream>, TlsStream<DuplexStream>) {
    let acceptor = pki.acceptor(SslMode::Require, provider);
    let client = pki.client(provider);
    let (server, stream) = duplex(size);
    let (outcome, stream) = tokio::join!(acceptor.negotiate(server, tcp(), LONG), async {
        let mut stream = client.upgrade(stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
        stream.flush().await.unwrap();
        stream
    });
    (session(outcome), stream)
}

#[tokio::test]
async fn i01_close_says_close_notify() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let (session, mut client) = established(&pki, provider, 64 * 1024).await;
        let (closed, received) = tokio::join!(pg_tls::close(session.stream, LONG), async move {
            // An error without close_notify.
            read_to_end(&mut client).await
        });
        closed.unwrap();
        assert_eq!(received, b"");
    }
}

#[tokio::test]
async fn i02_the_last_message_arrives_whole_whatever_is_unread_on_the_other_side() {
    let pki = Pki::new();
    let last = vec![b'x'; 60_000];
    for &provider in CryptoProvider::AVAILABLE {
        // The stream is far too small for the message, and holds what the server never reads.
        let (mut session, mut client) = established(&pki, provider, 2_000).await;
        let server = async {
            session.stream.write_all(&last).await.unwrap();
            pg_tls::close(session.stream, LONG).await.unwrap();
        };
        let peer = async move {
            client.write_all(&[b'q'; 1_000]).await.unwrap();
            client.flush().await.unwrap();
            read_to_end(&mut client).await
        };
        let ((), received) = tokio::join!(server, peer);
        assert_eq!(received, last);
    }
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_the_peer_no_longer_than_its_limit() {
    let limit = Duration::from_secs(3);
    // A peer that neither reads nor leaves.
    let (server, peer) = duplex(64);
    let start = Instant::now();
    pg_tls::close(SecureConnection::Plain(server), limit)
        .await
        .unwrap();
    assert_eq!(start.elapsed().as_secs(), 3);
    drop(peer);

    // A peer that leaves ends the wait.
    let (server, peer) = duplex(64);
    drop(peer);
    let start = Instant::now();
    pg_tls::close(SecureConnection::Plain(server), limit)
        .await
        .unwrap();
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test]
async fn close_ends_a_peer_that_never_stops_sending() {
    let (server, mut peer) = duplex(64);
    let flood = tokio::spawn(async move { while peer.write_all(&[0; 64]).await.is_ok() {} });
    let limit = Duration::from_millis(10);
    pg_tls::close(SecureConnection::Plain(server), limit)
        .await
        .unwrap();
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn close_reports_a_farewell_that_could_not_be_written() {
    let pki = Pki::new();
    let (mut session, client) = established(&pki, CryptoProvider::AVAILABLE[0], 2_000).await;
    // Fills the stream, so that close_notify finds no room.
    let write = session.stream.write_all(&[0; 500_000]);
    assert!(tokio::time::timeout(LONG, write).await.is_err());
    let error = pg_tls::close(session.stream, LONG).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    drop(client);
}

#[tokio::test]
async fn secure_connections_carry_bytes_both_ways() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let (session, mut client) = established(&pki, provider, 64 * 1024).await;
        let mut stream = session.stream;
        assert!(stream.is_tls());
        assert!(stream.is_write_vectored());
        let slices = [IoSlice::new(b"one "), IoSlice::new(b"two")];
        let n = stream.write_vectored(&slices).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(n, 7, "both slices in one go");
        assert_eq!(read(&mut client, 7).await, b"one two");
        client.write_all(b"three").await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(read(&mut stream, 5).await, b"three");
        stream.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        // The other direction is still open.
        client.write_all(b"four").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(read_to_end(&mut stream).await, b"four");
    }
}

#[tokio::test]
async fn plain_connections_forward_to_the_stream() {
    let (server, mut peer) = duplex(64);
    let mut stream = SecureConnection::Plain(server);
    assert!(!stream.is_tls());
    assert_eq!(
        stream.is_write_vectored(),
        stream.get_ref().is_write_vectored()
    );
    stream.write_all(b"out").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut peer).await, b"out");
    peer.write_all(b"in").await.unwrap();
    assert_eq!(read(&mut stream, 2).await, b"in");
    stream.get_mut();
}
