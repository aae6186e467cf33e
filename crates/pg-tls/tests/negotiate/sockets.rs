//! The same over real TCP sockets, where a careless close is a reset.

use std::net::SocketAddr;
use std::time::Duration;

use pg_certs::generate::ClientSpec;
use pg_tls::{Acceptor, CryptoProvider, NegotiateError, Negotiated, Peer, SslMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::*;

type Outcome = Result<Negotiated<TcpStream>, NegotiateError>;

/// Accepts one connection on a free port.
pub(crate) async fn serve(acceptor: Acceptor) -> (SocketAddr, JoinHandle<Outcome>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (stream, peer) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        acceptor.negotiate(stream, Peer::Tcp(peer), LONG).await
    });
    (address, task)
}

#[tokio::test]
async fn sessions_over_tcp() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let (address, task) = serve(pki.acceptor(SslMode::Require, provider)).await;
        let stream = TcpStream::connect(address).await.unwrap();
        let local = stream.local_addr().unwrap();
        let mut client = pki.client(provider).upgrade(stream).await.unwrap();
        client.write_all(&alice()).await.unwrap();
        client.flush().await.unwrap();
        let mut session = session(task.await.unwrap());
        assert_eq!(session.peer, Peer::Tcp(local));
        session.stream.write_all(b"hello").await.unwrap();
        session.stream.flush().await.unwrap();
        assert_eq!(read(&mut client, 5).await, b"hello");
    }
}

#[tokio::test]
async fn x14_early_bytes_are_seen_in_a_socket() {
    let (address, task) = serve(plain_acceptor()).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let sent = [&SSL_REQUEST[..], &alice()].concat();
    client.write_all(&sent).await.unwrap();
    // All of it, in spite of what the server left unread.
    assert_eq!(
        read_to_end(&mut client).await,
        [b"N", &early("SSL")[..]].concat()
    );
    drop(client);
    task.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn x17_x25_alerts_arrive_in_spite_of_unread_input() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let (address, task) = serve(pki.acceptor(SslMode::Require, provider)).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let junk = [&SSL_REQUEST[..], &[b'X'; 100_000]].concat();
        client.write_all(&junk).await.unwrap();
        let received = read_to_end(&mut client).await;
        assert_eq!(received[..7], [b'S', 0x15, 3, 3, 0, 2, 2]);
        assert_eq!(received.len(), 8);
        drop(client);
        task.await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn d05_the_alert_about_a_client_certificate_can_be_read() {
    let pki = Pki::new();
    let stranger = Pki::new();
    let issued = stranger.ca.issue_client(&ClientSpec::new("alice")).unwrap();
    for &provider in CryptoProvider::AVAILABLE {
        let (address, task) = serve(pki.acceptor(SslMode::VerifyFull, provider)).await;
        let stream = TcpStream::connect(address).await.unwrap();
        let client = pki
            .client(provider)
            .with_issued(&issued)
            .with_version(&rustls::version::TLS13);
        let mut client = client.upgrade(stream).await.unwrap();
        // More than the server ever reads, so that a plain close would be a reset.
        let _ = client.write_all(&[0; 200_000]).await;
        let error = client.read_to_end(&mut Vec::new()).await.unwrap_err();
        // The two authorities share a name, so the signature is what is wrong.
        let alert = alert(&error);
        assert!(
            matches!(
                alert,
                rustls::AlertDescription::UnknownCA | rustls::AlertDescription::DecryptError
            ),
            "{alert:?}"
        );
        drop(client);
        task.await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn x23_direct_tls_where_there_is_none_ends_in_order() {
    let pki = Pki::new();
    let hello = client_hello(pki.client(CryptoProvider::AVAILABLE[0]).config());
    let (address, task) = serve(plain_acceptor()).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&hello).await.unwrap();
    assert_eq!(read_to_end(&mut client).await, b"");
    drop(client);
    task.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn x26_the_deadline_closes_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    let outcome = plain_acceptor()
        .negotiate(stream, Peer::Tcp(peer), Duration::from_millis(1))
        .await;
    assert!(matches!(outcome, Err(NegotiateError::Timeout)));
    assert_eq!(read_to_end(&mut client).await, b"");
}

#[tokio::test]
async fn a13_probes_are_silent() {
    for _ in 0..20 {
        let (address, task) = serve(plain_acceptor()).await;
        drop(TcpStream::connect(address).await.unwrap());
        assert!(matches!(task.await.unwrap(), Ok(Negotiated::Closed)));
    }
}
