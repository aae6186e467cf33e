//! Resumption, where it is switched on: by tickets of this configuration, and never past a check.

use std::sync::Arc;

use pg_certs::generate::{ClientSpec, ServerSpec};
use pg_tls::{Acceptor, CryptoProvider, HostConfig, SslMode};
use rustls::HandshakeKind::{Full, Resumed};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::support::*;

/// A client that remembers tickets, of this version and with this provider.
fn client(
    pki: &Pki,
    provider: CryptoProvider,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    remembering(pki.client(provider).with_version(version).config())
}

fn remembering(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.resumption = Resumption::in_memory_sessions(64);
    config.enable_early_data = true;
    Arc::new(config)
}

/// Logs in, reads a byte, and with it the tickets before it; how the session came about.
async fn visit(acceptor: &Acceptor, client: &Arc<ClientConfig>, name: &str) -> HandshakeKind {
    let (server, mut stream) = tokio::io::duplex(64 * 1024);
    let serve = async {
        let mut session = session(acceptor.negotiate(server, tcp(), LONG).await);
        session.stream.write_all(b"x").await.unwrap();
        session.stream.flush().await.unwrap();
    };
    let visit = async {
        stream.write_all(&SSL_REQUEST).await.unwrap();
        assert_eq!(read(&mut stream, 1).await, b"S");
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::clone(client));
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
        assert_eq!(read(&mut stream, 1).await, b"x");
        let tls = stream.get_mut().1;
        assert!(tls.early_data().is_none());
        tls.handshake_kind().unwrap()
    };
    tokio::join!(serve, visit).1
}

#[tokio::test]
async fn sessions_are_resumed_where_tickets_are_on() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = accept(
            pki.config(SslMode::Require)
                .with_crypto_provider(provider)
                .with_session_tickets(true),
        );
        for version in rustls::ALL_VERSIONS {
            let client = client(&pki, provider, version);
            assert_eq!(visit(&acceptor, &client, "localhost").await, Full);
            for _ in 0..3 {
                assert_eq!(visit(&acceptor, &client, "localhost").await, Resumed);
            }
        }
    }
}

#[tokio::test]
async fn a_ticket_is_for_one_server_name() {
    let pki = Pki::new();
    let names = ServerSpec::new(["localhost", "other.example"]);
    pki.install(&pki.ca.issue_server(&names).unwrap());
    let acceptor = accept(pki.config(SslMode::Require).with_session_tickets(true));
    for version in rustls::ALL_VERSIONS {
        let client = client(&pki, CryptoProvider::AVAILABLE[0], version);
        assert_eq!(visit(&acceptor, &client, "localhost").await, Full);
        assert_eq!(visit(&acceptor, &client, "other.example").await, Full);
    }
}

/// What a reload replaces need not have changed: the keys go with the configuration.
#[tokio::test]
async fn g01_g02_a_ticket_does_not_outlive_its_configuration() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let config = pki
            .config(SslMode::Require)
            .with_crypto_provider(provider)
            .with_session_tickets(true);
        for version in rustls::ALL_VERSIONS {
            let client = client(&pki, provider, version);
            let before = accept(config.clone());
            assert_eq!(visit(&before, &client, "localhost").await, Full);
            assert_eq!(visit(&before, &client, "localhost").await, Resumed);
            // A ticket that nobody can open leads to a full handshake, not to an error.
            for after in [config.clone(), config.clone().with_session_tickets(false)] {
                assert_eq!(visit(&accept(after), &client, "localhost").await, Full);
            }
        }
    }
}

#[tokio::test]
async fn g02_where_client_certificates_are_asked_for_there_are_no_tickets() {
    let pki = Pki::new();
    let alice = pki.ca.issue_client(&ClientSpec::new("alice")).unwrap();
    for &provider in CryptoProvider::AVAILABLE {
        for mode in [SslMode::Require, SslMode::VerifyFull] {
            let acceptor = accept(
                pki.config(mode)
                    .with_crypto_provider(provider)
                    .with_ca_cert(pki.path("ca.crt"))
                    .with_session_tickets(true),
            );
            for version in rustls::ALL_VERSIONS {
                let client = remembering(
                    pki.client(provider)
                        .with_version(version)
                        .with_issued(&alice)
                        .config(),
                );
                for _ in 0..3 {
                    assert_eq!(visit(&acceptor, &client, "localhost").await, Full);
                }
            }
        }
    }
}

/// The certificate that would be checked no longer is, if the session came with a ticket.
#[tokio::test]
async fn g02_a_session_without_certificates_is_not_resumed_where_there_are_certificates() {
    let pki = Pki::new();
    let config = pki.config(SslMode::Require).with_session_tickets(true);
    for version in rustls::ALL_VERSIONS {
        let client = client(&pki, CryptoProvider::AVAILABLE[0], version);
        let without = accept(config.clone());
        assert_eq!(visit(&without, &client, "localhost").await, Full);
        let with = accept(config.clone().with_ca_cert(pki.path("ca.crt")));
        assert_eq!(visit(&with, &client, "localhost").await, Full);
    }
}

#[tokio::test]
async fn g02_hosts_with_and_without_certificates_do_not_share_tickets() {
    let pki = Pki::new();
    let names = ServerSpec::new(["localhost", "certs.example"]);
    pki.install(&pki.ca.issue_server(&names).unwrap());
    let host = |name| HostConfig::new([name], pki.path("server.crt"), pki.path("server.key"));
    let acceptor = accept(
        pki.config(SslMode::Require)
            .with_session_tickets(true)
            .with_hosts(vec![
                host("localhost"),
                host("certs.example").with_ca_cert(pki.path("ca.crt")),
            ]),
    );
    for version in rustls::ALL_VERSIONS {
        let client = client(&pki, CryptoProvider::AVAILABLE[0], version);
        for (name, kind) in [
            ("localhost", Full),
            ("localhost", Resumed),
            ("certs.example", Full),
            ("certs.example", Full),
            ("localhost", Resumed),
        ] {
            assert_eq!(visit(&acceptor, &client, name).await, kind, "{name}");
        }
    }
}
