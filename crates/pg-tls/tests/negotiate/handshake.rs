//! The handshake itself: versions, suites, names, key types, fragments, what is known afterwards.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pg_certs::generate::{KeyType, ServerSpec};
use pg_tls::{CryptoProvider, SslMode, TlsInfo, TlsVersion};
use rustls::AlertDescription;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::support::*;

/// A whole negotiation after an SSLRequest; what the server knows of TLS afterwards.
async fn info(acceptor: &pg_tls::Acceptor, client: &Client) -> TlsInfo {
    let (outcome, ()) = run(acceptor, tcp(), async |stream| {
        let mut stream = client.upgrade(stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
    })
    .await;
    session(outcome).tls.unwrap()
}

#[tokio::test]
async fn what_is_known_afterwards() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let tls = info(&acceptor, &pki.client(provider)).await;
        assert_eq!(tls.version, TlsVersion::Tls13);
        assert_eq!(tls.cipher, "TLS_AES_128_GCM_SHA256");
        assert_eq!(tls.bits, 128);
        assert_eq!(
            tls.to_string(),
            "SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_128_GCM_SHA256, bits=128)"
        );
        let group = match provider {
            CryptoProvider::AwsLcRs => "X25519MLKEM768",
            _ => "X25519",
        };
        assert_eq!(tls.group, group);
        assert_eq!(tls.sni.as_deref(), Some("localhost"));
        assert!(tls.client_certificate.is_none());
        let identity = acceptor.tls().identities().next().unwrap();
        assert_eq!(&tls.server_certificate, identity.certificate());

        let old = pki.client(provider).with_version(&rustls::version::TLS12);
        let tls = info(&acceptor, &old).await;
        assert_eq!(tls.version, TlsVersion::Tls12);
        assert_eq!(tls.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
        assert_eq!(tls.bits, 128);
        assert_eq!(tls.group, "X25519");
    }
}

#[tokio::test]
async fn the_clients_order_of_ciphers_counts_if_asked_to() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let config = pki
            .config(SslMode::Require)
            .with_crypto_provider(provider)
            .with_prefer_server_ciphers(false);
        let acceptor = accept(config);
        let mut crypto = (*provider.to_rustls().unwrap()).clone();
        crypto.cipher_suites.reverse();
        let client = rustls::ClientConfig::builder_with_provider(crypto.into())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates({
                let mut roots = rustls::RootCertStore::empty();
                let chain = pg_certs::load_certificate_chain(&pki.path("ca.crt")).unwrap();
                roots.add(chain[0].clone()).unwrap();
                roots
            })
            .with_no_client_auth();
        let (outcome, ()) = run(&acceptor, tcp(), async |mut stream| {
            stream.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"S");
            let mut stream = connect(client, "localhost", stream).await.unwrap();
            stream.write_all(&alice()).await.unwrap();
        })
        .await;
        let tls = session(outcome).tls.unwrap();
        assert_eq!(tls.cipher, "TLS_CHACHA20_POLY1305_SHA256");
        assert_eq!(tls.bits, 256);
    }
}

#[tokio::test]
async fn x29_versions_that_do_not_meet() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let new_only = accept(
            pki.config(SslMode::Require)
                .with_crypto_provider(provider)
                .with_min_protocol_version(TlsVersion::Tls13),
        );
        let old_only = accept(
            pki.config(SslMode::Require)
                .with_crypto_provider(provider)
                .with_max_protocol_version(TlsVersion::Tls12),
        );
        for (acceptor, version, range) in [
            (&new_only, &rustls::version::TLS12, "TLSv1.3 and TLSv1.3"),
            (&old_only, &rustls::version::TLS13, "TLSv1.2 and TLSv1.2"),
        ] {
            let client = pki.client(provider).with_version(version);
            let (outcome, error) = run(acceptor, tcp(), async |stream| {
                client.upgrade(stream).await.unwrap_err()
            })
            .await;
            assert_eq!(alert(&error), AlertDescription::ProtocolVersion);
            assert_eq!(
                logged(outcome),
                format!(
                    "LOG:  could not accept SSL connection: unsupported protocol\nHINT:  This may indicate that the client does not support any SSL protocol version between {range}."
                )
            );
        }
        // And where they meet.
        info(&new_only, &pki.client(provider)).await;
        let tls = info(&old_only, &pki.client(provider)).await;
        assert_eq!(tls.version, TlsVersion::Tls12);
    }
}

#[tokio::test]
async fn every_key_type_is_served() {
    let pki = Pki::new();
    for key_type in KeyType::ALL {
        // ring cannot make RSA keys; slow sizes add nothing to the first.
        let rsa = matches!(
            key_type,
            KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096
        );
        if rsa && (!cfg!(feature = "aws-lc-rs") || key_type != KeyType::Rsa2048) {
            continue;
        }
        let spec = ServerSpec::new(["localhost"]).with_key_type(key_type);
        pki.install(&pki.ca.issue_server(&spec).unwrap());
        for &provider in CryptoProvider::AVAILABLE {
            let acceptor = pki.acceptor(SslMode::Require, provider);
            for version in rustls::ALL_VERSIONS {
                let client = pki.client(provider).with_version(version);
                info(&acceptor, &client).await;
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_server_is_logged_with_its_alert() {
    let pki = Pki::new();
    let stranger = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        for version in rustls::ALL_VERSIONS {
            let acceptor = pki.acceptor(SslMode::Require, provider);
            let client = stranger.client(provider).with_version(version);
            let (outcome, _) = run(&acceptor, tcp(), async |stream| {
                client.upgrade(stream).await.unwrap_err()
            })
            .await;
            let log = logged(outcome);
            // The authorities have the same name and different keys, so either alert is right.
            assert!(
                log == "LOG:  could not accept SSL connection: tlsv1 alert unknown ca"
                    || log == "LOG:  could not accept SSL connection: tlsv1 alert decrypt error",
                "{log}"
            );
        }
    }
}

#[tokio::test]
async fn no_common_cipher_is_a_handshake_failure() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let mut crypto = (*provider.to_rustls().unwrap()).clone();
        // The server's certificate is ECDSA; this client takes RSA alone.
        crypto.cipher_suites.retain(|suite| {
            suite.suite() == rustls::CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        });
        let client = rustls::ClientConfig::builder_with_provider(crypto.into())
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let (outcome, error) = run(&acceptor, tcp(), async |stream| {
            connect(client, "localhost", stream).await.unwrap_err()
        })
        .await;
        assert_eq!(alert(&error), AlertDescription::HandshakeFailure);
        assert_eq!(
            logged(outcome),
            "LOG:  could not accept SSL connection: no shared cipher"
        );
    }
}

/// A ClientHello with another server name in place of `localhost`, its lengths put right.
fn hello_with_sni(hello: &[u8], name: &[u8]) -> Vec<u8> {
    let at = hello
        .windows(9)
        .position(|window| window == b"localhost")
        .unwrap();
    let old = b"localhost".len();
    let mut bytes = [&hello[..at], name, &hello[at + old..]].concat();
    let mut grow = |offset: usize| {
        let field = [bytes[offset], bytes[offset + 1]];
        let length = usize::from(u16::from_be_bytes(field)) + name.len() - old;
        let length = u16::try_from(length).unwrap().to_be_bytes();
        bytes[offset..offset + 2].copy_from_slice(&length);
    };
    // Name, list, extension; then record and handshake message.
    for offset in [at - 2, at - 5, at - 7, 3, 7] {
        grow(offset);
    }
    // All extensions: behind version, random, session id, suites, compression.
    let session = 44 + usize::from(hello[43]);
    let suites = usize::from(u16::from_be_bytes([hello[session], hello[session + 1]]));
    let compression = session + 2 + suites;
    grow(compression + 1 + usize::from(hello[compression]));
    bytes
}

#[tokio::test]
async fn g04_server_names_that_rustls_takes_and_those_it_does_not() {
    let pki = Pki::new();
    let long = "a.".repeat(149) + "aa";
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let hello = client_hello(pki.client(provider).config());
        let cases: [(&[u8], bool); 12] = [
            (b"127.0.0.1", true),
            (b"::1", true),
            (b"LOCALHOST", true),
            (b"localhost.", true),
            (b"db_1.local", true),
            (b"nonexistent.example", true),
            (b"a.b.wildcard.example", true),
            (b"xn--bcher-kva.example", true),
            (b"[::1]", false),
            (b"with space", false),
            (b"", false),
            (long.as_bytes(), false),
        ];
        for (name, served) in cases {
            let (server, mut stream) = tokio::io::duplex(64 * 1024);
            stream
                .write_all(&hello_with_sni(&hello, name))
                .await
                .unwrap();
            let shown = String::from_utf8_lossy(name);
            let negotiate = acceptor.negotiate(server, tcp(), LONG);
            let client = async {
                let head = read(&mut stream, 6).await;
                // ServerHello, or an alert.
                if served {
                    assert_eq!((head[0], head[5]), (0x16, 2), "{shown}");
                } else {
                    assert_eq!((head[0], head[5]), (0x15, 2), "{shown}");
                }
                stream.shutdown().await.unwrap();
                stream.read_to_end(&mut Vec::new()).await.unwrap();
            };
            let (outcome, ()) = tokio::join!(negotiate, client);
            outcome.unwrap_err();
        }
    }
}

#[tokio::test]
async fn a12_the_client_hello_may_come_in_any_pieces() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        for size in [1, 7, 100, 1500] {
            let (server, stream) = tokio::io::duplex(64 * 1024);
            let server = Trickle {
                stream: server,
                size,
            };
            let client = pki.client(provider);
            let (outcome, ()) = tokio::join!(acceptor.negotiate(server, tcp(), LONG), async {
                let mut stream = client.upgrade(stream).await.unwrap();
                stream.write_all(&alice()).await.unwrap();
                stream.flush().await.unwrap();
            });
            session(outcome);
        }
    }
}

/// Gives and takes at most `size` bytes at a time.
#[derive(Debug)]
struct Trickle {
    stream: tokio::io::DuplexStream,
    size: usize,
}

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut piece = buf.take(self.size);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece))?;
        let bytes = piece.filled().to_vec();
        buf.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Trickle {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = buf.len().min(self.size);
        Pin::new(&mut self.stream).poll_write(cx, &buf[..n])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a12_one_client_hello_in_many_records() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let hello = client_hello(pki.client(provider).config());
        let mut records = Vec::new();
        for chunk in hello[5..].chunks(10) {
            records.extend_from_slice(&[0x16, 3, 1, 0, u8::try_from(chunk.len()).unwrap()]);
            records.extend_from_slice(chunk);
        }
        let (outcome, received) = exchange(&acceptor, tcp(), &records).await;
        assert_eq!((received[0], received[5]), (0x16, 2), "a ServerHello");
        outcome.unwrap_err();
    }
}

#[tokio::test]
async fn a07_startup_packets_in_records_of_one_byte() {
    let pki = Pki::new();
    let long = startup(&[("user", "alice"), ("options", &"x".repeat(2_000))]);
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let client = pki.client(provider);
        let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
            let mut stream = client.upgrade(stream).await.unwrap();
            for byte in &long {
                stream.write_all(&[*byte]).await.unwrap();
                stream.flush().await.unwrap();
            }
        })
        .await;
        assert_eq!(session(outcome).startup.options().unwrap().len(), 2_000);
    }
}

#[tokio::test]
async fn bytes_behind_the_startup_packet_stay_in_the_stream() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let client = pki.client(provider);
        let (outcome, stream) = run(&acceptor, tcp(), async |stream| {
            let mut stream = client.upgrade(stream).await.unwrap();
            let both = [&alice()[..], b"p\0\0\0\x08abc\0"].concat();
            stream.write_all(&both).await.unwrap();
            stream
        })
        .await;
        let mut session = session(outcome);
        assert_eq!(read(&mut session.stream, 9).await, b"p\0\0\0\x08abc\0");
        drop(stream);
    }
}

#[tokio::test]
async fn g01_no_session_is_resumed() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        for version in rustls::ALL_VERSIONS {
            // One configuration, so one cache, for all three.
            let config = std::sync::Arc::new(pki.client(provider).with_version(version).config());
            for _ in 0..3 {
                let config = std::sync::Arc::clone(&config);
                let (outcome, kind) = run(&acceptor, tcp(), async |stream| {
                    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
                    let mut stream = tokio_rustls::TlsConnector::from(config)
                        .connect(name, stream)
                        .await
                        .unwrap();
                    stream.write_all(&alice()).await.unwrap();
                    let kind = stream.get_ref().1.handshake_kind();
                    // Would read a ticket, if there was one.
                    stream.shutdown().await.unwrap();
                    assert_eq!(stream.get_ref().1.tls13_tickets_received(), 0);
                    kind
                })
                .await;
                session(outcome);
                assert_ne!(kind, Some(rustls::HandshakeKind::Resumed));
            }
        }
    }
}

#[tokio::test]
async fn the_record_size_is_kept() {
    let pki = Pki::new();
    let config = pki
        .config(SslMode::Require)
        .with_max_record_size(Some(8 * 1024));
    let acceptor = accept(config);
    let client = pki.client(CryptoProvider::AVAILABLE[0]);
    let (server, stream) = tokio::io::duplex(256 * 1024);
    let (outcome, stream) = tokio::join!(acceptor.negotiate(server, tcp(), LONG), async {
        let mut stream = client.upgrade(stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
        stream
    });
    let mut session = session(outcome);
    session.stream.write_all(&vec![0; 64 * 1024]).await.unwrap();
    drop(session);
    let (mut raw, _) = stream.into_inner();
    let records = read_to_end(&mut raw).await;
    let mut rest = &records[..];
    let mut sizes = Vec::new();
    while rest.len() > 5 {
        let size = usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        sizes.push(size);
        rest = &rest[5 + size..];
    }
    // Plaintext, content type, tag.
    assert_eq!(sizes, vec![8 * 1024 + 17; 8]);
}

#[tokio::test]
async fn a_client_that_begins_with_something_else_than_a_handshake() {
    let pki = Pki::new();
    let acceptor = pki.acceptor(SslMode::Require, CryptoProvider::AVAILABLE[0]);
    let unexpected: &[u8] = &[0x15, 3, 3, 0, 2, 2, 10];
    let cases: [(&[u8], &[u8], &str); 4] = [
        // An alert tells why there will be no handshake; nothing is to be answered.
        (
            &[0x15, 3, 1, 0, 2, 2, 40],
            b"",
            "sslv3 alert handshake failure",
        ),
        (&[0x15, 3, 1, 0, 2, 1, 0], b"", "EOF detected"),
        (&[0x14, 3, 1, 0, 1, 1], unexpected, "unexpected message"),
        (&[0x17, 3, 1, 0, 1, 1], unexpected, "unexpected message"),
    ];
    for (sent, answer, reason) in cases {
        let (outcome, received) = run(&acceptor, tcp(), async |mut stream| {
            stream.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"S");
            stream.write_all(sent).await.unwrap();
            stream.shutdown().await.unwrap();
            read_to_end(&mut stream).await
        })
        .await;
        assert_eq!(received, answer, "{sent:?}");
        assert_eq!(
            logged(outcome),
            format!("LOG:  could not accept SSL connection: {reason}")
        );
    }
}
