//! The two sides of a negotiation in one process, with certificates made on the spot.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use pg_certs::CertificateAuthority;
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, IssuedCertificate, ServerSpec};
use pg_tls::{
    Acceptor, CryptoProvider, NegotiateError, Negotiated, Peer, Session, SslConfig, SslMode,
};
use pg_wire::ProtocolVersion;
use pg_wire::backend::ErrorResponse;
use pg_wire::startup::StartupMessage;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CipherSuite, ClientConfig, NamedGroup, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::trusting::Trusting;

pub(crate) const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
pub(crate) const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
pub(crate) const CANCEL_REQUEST: [u8; 16] =
    [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 7, 1, 2, 3, 4];

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A server certificate for `localhost` and the authority behind it, in files.
pub(crate) struct Pki {
    dir: tempfile::TempDir,
    pub(crate) ca: CertificateAuthority,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = CertificateAuthority::create(&CaSpec::new("Test CA")).unwrap();
        let pki = Self { dir, ca };
        let server = pki
            .ca
            .issue_server(&ServerSpec::new(["localhost"]))
            .unwrap();
        pki.install(&server);
        pki.ca
            .write_certificate(pki.path("ca.crt"), Existing::Replace)
            .unwrap();
        pki
    }

    /// Makes `server` the server's certificate.
    pub(crate) fn install(&self, server: &IssuedCertificate) {
        server
            .write(
                self.path("server.crt"),
                self.path("server.key"),
                Existing::Replace,
            )
            .unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn config(&self, mode: SslMode) -> SslConfig {
        SslConfig::new(mode, self.path("server.crt"), self.path("server.key"))
    }

    /// An acceptor; with the CA file if the mode needs one.
    pub(crate) fn acceptor(&self, mode: SslMode, provider: CryptoProvider) -> Acceptor {
        let mut config = self.config(mode).with_crypto_provider(provider);
        if mode.requires_client_verification() {
            config = config.with_ca_cert(self.path("ca.crt"));
        }
        accept(config)
    }

    /// A client that trusts this authority and offers ALPN `postgresql`.
    pub(crate) fn client(&self, provider: CryptoProvider) -> Client {
        Client {
            ca: self.ca.certificate_pem(),
            provider,
            alpn: vec![b"postgresql".to_vec()],
            identity: None,
            versions: rustls::ALL_VERSIONS.to_vec(),
            schemes: None,
            suites: "",
            ciphers: Vec::new(),
            groups: Vec::new(),
        }
    }
}

pub(crate) fn accept(config: SslConfig) -> Acceptor {
    Acceptor::new(config.load().unwrap())
}

/// An acceptor without TLS.
pub(crate) fn plain_acceptor() -> Acceptor {
    accept(SslConfig::disabled())
}

pub(crate) fn tcp() -> Peer {
    Peer::Tcp("192.0.2.7:50000".parse().unwrap())
}

/// How a TLS client is set up.
#[derive(Clone)]
pub(crate) struct Client {
    ca: String,
    provider: CryptoProvider,
    alpn: Vec<Vec<u8>>,
    identity: Option<(String, String)>,
    versions: Vec<&'static rustls::SupportedProtocolVersion>,
    /// The only signatures it takes, if not all.
    schemes: Option<Vec<SignatureScheme>>,
    /// What the names of its cipher suites contain.
    suites: &'static str,
    /// All if empty, like the groups.
    ciphers: Vec<CipherSuite>,
    groups: Vec<NamedGroup>,
}

impl Client {
    pub(crate) fn with_alpn(mut self, names: &[&str]) -> Self {
        self.alpn = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    pub(crate) fn with_version(
        mut self,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Self {
        self.versions = vec![version];
        self
    }

    /// Offers these alone, in this order; of what is empty, all.
    pub(crate) fn with_offer(
        mut self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        ciphers: &[CipherSuite],
        groups: &[NamedGroup],
    ) -> Self {
        if !versions.is_empty() {
            self.versions = versions.to_vec();
        }
        self.ciphers = ciphers.to_vec();
        self.groups = groups.to_vec();
        self
    }

    /// The provider with what is offered of it.
    fn offered(&self) -> Arc<rustls::crypto::CryptoProvider> {
        let all = self.provider.to_rustls().unwrap();
        let mut offered = rustls::crypto::CryptoProvider::clone(&all);
        offered
            .cipher_suites
            .retain(|suite| format!("{:?}", suite.suite()).contains(self.suites));
        if !self.ciphers.is_empty() {
            let suites = self.ciphers.iter().map(|name| {
                let mut suites = all.cipher_suites.iter();
                *suites.find(|suite| suite.suite() == *name).unwrap()
            });
            offered.cipher_suites = suites.collect();
        }
        if !self.groups.is_empty() {
            let groups = self.groups.iter().map(|name| {
                let mut groups = all.kx_groups.iter();
                *groups.find(|group| group.name() == *name).unwrap()
            });
            offered.kx_groups = groups.collect();
        }
        Arc::new(offered)
    }

    pub(crate) fn with_identity(mut self, chain_pem: &str, key_pem: &str) -> Self {
        self.identity = Some((chain_pem.to_owned(), key_pem.to_owned()));
        self
    }

    pub(crate) fn with_issued(self, issued: &IssuedCertificate) -> Self {
        self.with_identity(issued.chain_pem(), issued.key_pem())
    }

    pub(crate) fn with_schemes(mut self, schemes: &[SignatureScheme]) -> Self {
        self.schemes = Some(schemes.to_vec());
        self
    }

    /// With the cipher suites alone whose names contain this.
    pub(crate) const fn with_suites(mut self, suites: &'static str) -> Self {
        self.suites = suites;
        self
    }

    /// Takes any certificate of the server, whatever its name and issuer.
    pub(crate) fn trusting_everybody(&self) -> ClientConfig {
        self.noting_the_staple(Arc::default())
    }

    /// Takes any certificate of the server, and notes the stapled OCSP response.
    pub(crate) fn noting_the_staple(&self, staple: Arc<Mutex<Vec<u8>>>) -> ClientConfig {
        let provider = self.provider.to_rustls().unwrap();
        let mut verifier = Trusting::new(provider.signature_verification_algorithms, staple);
        if let Some(schemes) = &self.schemes {
            verifier.schemes.clone_from(schemes);
        }
        let mut config = self.config();
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(verifier));
        config
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca) {
            roots.add(certificate).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(self.offered())
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(
                    certificates(chain),
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                )
                .unwrap(),
        };
        config.alpn_protocols = self.alpn.clone();
        config
    }

    /// The handshake, to the end of the client's part of it.
    pub(crate) async fn connect<S>(&self, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        connect(self.config(), "localhost", stream).await
    }

    /// `SSLRequest`, `S`, handshake.
    pub(crate) async fn upgrade<S>(&self, mut stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        stream.write_all(&SSL_REQUEST).await.unwrap();
        assert_eq!(read(&mut stream, 1).await, b"S");
        self.connect(stream).await
    }
}

pub(crate) async fn connect<S>(
    config: ClientConfig,
    name: &'static str,
    stream: S,
) -> std::io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from(name).unwrap(), stream)
        .await
}

/// The ClientHello that a client would send first.
pub(crate) fn client_hello(config: ClientConfig) -> Vec<u8> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    hello
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(Result::unwrap)
        .collect()
}

/// The alert in a failed TLS operation of the client.
pub(crate) fn alert(error: &std::io::Error) -> rustls::AlertDescription {
    match error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::AlertReceived(alert)) => *alert,
        other => panic!("no alert: {other:?} in {error:?}"),
    }
}

type Outcome = Result<Negotiated<DuplexStream>, NegotiateError>;

/// Runs a server and a client over a stream in memory until both are done.
pub(crate) async fn run<F, C>(acceptor: &Acceptor, peer: Peer, client: F) -> (Outcome, C::Output)
where
    F: FnOnce(DuplexStream) -> C,
    C: Future,
{
    let (server, stream) = duplex(64 * 1024);
    tokio::join!(acceptor.negotiate(server, peer, LONG), client(stream))
}

/// What a client gets to read that sends `bytes`, waits for the end and never does TLS.
pub(crate) async fn exchange(acceptor: &Acceptor, peer: Peer, bytes: &[u8]) -> (Outcome, Vec<u8>) {
    run(acceptor, peer, async |mut stream| {
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        read_to_end(&mut stream).await
    })
    .await
}

pub(crate) fn session<S: std::fmt::Debug>(
    outcome: Result<Negotiated<S>, NegotiateError>,
) -> Session<S> {
    match outcome {
        Ok(Negotiated::Session(session)) => session,
        other => panic!("no session: {other:?}"),
    }
}

/// The error's log line, as text.
#[track_caller]
pub(crate) fn logged<S: std::fmt::Debug>(outcome: Result<Negotiated<S>, NegotiateError>) -> String {
    outcome
        .expect_err("an error")
        .log_line()
        .expect("a line in the log")
        .to_string()
}

pub(crate) async fn read<S: AsyncRead + Unpin>(stream: &mut S, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

pub(crate) async fn read_to_end<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// A startup packet of version 3.0.
pub(crate) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    startup_version(ProtocolVersion::V3_0, parameters)
}

pub(crate) fn startup_version(version: ProtocolVersion, parameters: &[(&str, &str)]) -> Vec<u8> {
    let message = parameters
        .iter()
        .fold(StartupMessage::new(version), |message, (name, value)| {
            message.with_parameter(name, value)
        });
    let mut buf = BytesMut::new();
    message.encode(&mut buf).unwrap();
    buf.to_vec()
}

pub(crate) fn alice() -> Vec<u8> {
    startup(&[("user", "alice"), ("database", "app")])
}

/// A startup packet with any length word, code and body.
pub(crate) fn packet(length: u32, code: u32, body: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes(), &code.to_be_bytes(), body].concat()
}

/// The bytes of a FATAL.
pub(crate) fn fatal(code: &str, message: &str) -> Vec<u8> {
    let code = pg_wire::SqlState::new(code.as_bytes().try_into().unwrap()).unwrap();
    ErrorResponse::fatal(code, message).to_bytes().to_vec()
}

/// The FATAL for an encryption request that is no longer honoured.
pub(crate) fn no_longer_honoured(code: &str) -> Vec<u8> {
    fatal(
        "0A000",
        &format!("unsupported frontend protocol {code}: server supports 3.0 to 3.2"),
    )
}

/// The FATAL for bytes that came with a request answered `N`.
pub(crate) fn early(request: &str) -> Vec<u8> {
    ErrorResponse::fatal(
        pg_wire::SqlState::PROTOCOL_VIOLATION,
        format!("received unencrypted data after {request} request"),
    )
    .with_detail(
        "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.",
    )
    .to_bytes()
    .to_vec()
}
