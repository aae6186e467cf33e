//! SSLRequest, TLS 1.3 handshake and StartupMessage in memory, per provider and key type: in full, and
//! resumed by a ticket.
//!
//! Client and server share the core, so the figures compare providers and keys with each other; what a
//! server can carry is the load generator's to say (docs/PERFORMANCE.md).
#![expect(clippy::unwrap_used, reason = "a panic points at the line")]

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use criterion::{Criterion, criterion_group, criterion_main};
use pg_certs::CertificateAuthority;
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, KeyType, ServerSpec};
use pg_tls::{Acceptor, CryptoProvider, Negotiated, Peer, SslConfig, SslMode};
use pg_wire::ProtocolVersion;
use pg_wire::startup::StartupMessage;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const KEY_TYPES: [(&str, KeyType); 4] = [
    ("ecdsa-p256", KeyType::EcdsaP256),
    ("ecdsa-p384", KeyType::EcdsaP384),
    ("ed25519", KeyType::Ed25519),
    ("rsa-2048", KeyType::Rsa2048),
];
const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const DEADLINE: Duration = Duration::from_secs(10);

struct Pair {
    acceptor: Acceptor,
    connector: TlsConnector,
    startup: BytesMut,
}

impl Pair {
    fn new(provider: CryptoProvider, key_type: KeyType, tickets: bool) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let (certificate, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
        let authority = CertificateAuthority::create(&CaSpec::new("bench CA"))?;
        authority
            .issue_server(&ServerSpec::new(["localhost"]).with_key_type(key_type))?
            .write(&certificate, &key, Existing::Keep)?;
        let tls = SslConfig::new(SslMode::Require, certificate, key)
            .with_crypto_provider(provider)
            .with_session_tickets(tickets)
            .load()?;

        let mut roots = RootCertStore::empty();
        let pem = authority.certificate_pem();
        for root in rustls::pki_types::pem::PemObject::pem_slice_iter(pem.as_bytes()) {
            roots.add(CertificateDer::into_owned(root?))?;
        }
        // The client always uses the same provider, so that only the server's side differs.
        let client_provider = rustls::crypto::aws_lc_rs::default_provider();
        let client = ClientConfig::builder_with_provider(Arc::new(client_provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut startup = BytesMut::new();
        StartupMessage::new(ProtocolVersion::V3_0)
            .with_parameter("user", "postgres")
            .encode(&mut startup)?;
        Ok(Self {
            acceptor: Acceptor::new(tls),
            connector: TlsConnector::from(Arc::new(client)),
            startup,
        })
    }

    async fn connect(&self) -> anyhow::Result<()> {
        let (near, far) = duplex(64 * 1024);
        let server = self
            .acceptor
            .negotiate(far, Peer::Tcp(([127, 0, 0, 1], 1).into()), DEADLINE);
        let (client, negotiated) = tokio::join!(self.client(near), server);
        client?;
        anyhow::ensure!(matches!(negotiated?, Negotiated::Session(_)));
        Ok(())
    }

    /// Connects and reads a byte, and with it the tickets; whether the session was resumed.
    async fn visit(&self) -> anyhow::Result<bool> {
        let (near, far) = duplex(64 * 1024);
        let server = async {
            let negotiated =
                self.acceptor
                    .negotiate(far, Peer::Tcp(([127, 0, 0, 1], 1).into()), DEADLINE);
            let Negotiated::Session(mut session) = negotiated.await? else {
                anyhow::bail!("no session");
            };
            session.stream.write_all(b"x").await?;
            Ok(session.stream.flush().await?)
        };
        let client = async {
            let mut tls = self.client(near).await?;
            anyhow::ensure!(tls.read_u8().await? == b'x');
            Ok(tls.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed))
        };
        let (served, resumed) = tokio::join!(server, client);
        served?;
        resumed
    }

    async fn client(&self, mut stream: DuplexStream) -> anyhow::Result<TlsStream<DuplexStream>> {
        stream.write_all(SSL_REQUEST).await?;
        anyhow::ensure!(stream.read_u8().await? == b'S');
        let name = ServerName::try_from("localhost")?;
        let mut tls = self.connector.connect(name, stream).await?;
        tls.write_all(&self.startup).await?;
        tls.flush().await?;
        Ok(tls)
    }
}

fn handshake(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for provider in CryptoProvider::AVAILABLE {
        let mut group = criterion.benchmark_group(format!("handshake/{provider}"));
        for (name, key_type) in KEY_TYPES {
            let pair = Pair::new(*provider, key_type, false).unwrap();
            group.bench_function(name, |bencher| {
                bencher
                    .to_async(&runtime)
                    .iter(|| async { pair.connect().await.unwrap() });
            });
        }
        group.finish();
    }
}

fn resumption(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for provider in CryptoProvider::AVAILABLE {
        let mut group = criterion.benchmark_group(format!("resumption/{provider}"));
        for (name, key_type) in [KEY_TYPES[0], KEY_TYPES[3]] {
            for (what, tickets) in [("full", false), ("resumed", true)] {
                let pair = Pair::new(*provider, key_type, tickets).unwrap();
                // The first one cannot be resumed.
                runtime.block_on(pair.visit()).unwrap();
                group.bench_function(format!("{name}/{what}"), |bencher| {
                    bencher.to_async(&runtime).iter(|| async {
                        assert_eq!(pair.visit().await.unwrap(), tickets);
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, handshake, resumption);
criterion_main!(benches);
