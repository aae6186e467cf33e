//! The client side of TLS, with every knob a case may want to turn.

use std::sync::{Arc, Mutex};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, aws_lc_rs, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, NamedGroup, SignatureScheme, version,
};

use crate::pki::Identity;

/// ALPN name of PostgreSQL.
pub const ALPN: &str = "postgresql";

/// Which version of TLS the client speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// 1.2 alone.
    Tls12,
    /// 1.3 alone.
    Tls13,
}

/// Both versions, for cases that must hold in each.
pub const VERSIONS: [Version; 2] = [Version::Tls12, Version::Tls13];

/// How the client will shake hands.
#[derive(Clone, Debug)]
pub struct Tls {
    version: Option<Version>,
    alpn: Vec<Vec<u8>>,
    server_name: Option<String>,
    identity: Option<Identity>,
    fragment: Option<usize>,
    provider: Arc<CryptoProvider>,
    resumption: Option<Resumption>,
}

impl Tls {
    /// As libpq 17 and later does it behind an `SSLRequest` or directly: ALPN `postgresql`.
    #[must_use]
    pub fn new() -> Self {
        Self::without_alpn().alpn(&[ALPN])
    }

    /// As libpq 16 and earlier does it: no ALPN.
    #[must_use]
    pub fn without_alpn() -> Self {
        Self {
            version: None,
            alpn: Vec::new(),
            server_name: Some("localhost".into()),
            identity: None,
            fragment: None,
            provider: Arc::new(aws_lc_rs::default_provider()),
            resumption: None,
        }
    }

    /// The names the client offers by ALPN.
    #[must_use]
    pub fn alpn(self, names: &[&str]) -> Self {
        let alpn = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { alpn, ..self }
    }

    /// One version of TLS alone.
    #[must_use]
    pub fn version(self, version: Version) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }

    /// The name sent as SNI; `None` sends none.
    #[must_use]
    pub fn server_name(self, name: Option<&str>) -> Self {
        Self {
            server_name: name.map(Into::into),
            ..self
        }
    }

    /// A certificate to present when the server asks.
    #[must_use]
    pub fn identity(self, identity: &Identity) -> Self {
        Self {
            identity: Some(identity.clone()),
            ..self
        }
    }

    /// Cuts every message, the `ClientHello` included, into records of at most this many bytes in all.
    #[must_use]
    pub fn fragment(self, bytes: usize) -> Self {
        Self {
            fragment: Some(bytes),
            ..self
        }
    }

    /// The client's cryptography by *ring* instead of aws-lc-rs.
    #[must_use]
    pub fn ring(self) -> Self {
        Self {
            provider: Arc::new(ring::default_provider()),
            ..self
        }
    }

    /// Offers X25519MLKEM768 first, which makes a `ClientHello` larger than one TCP segment.
    #[must_use]
    pub fn post_quantum(self) -> Self {
        let mut provider = aws_lc_rs::default_provider();
        provider
            .kx_groups
            .retain(|group| group.name() != NamedGroup::X25519MLKEM768);
        provider
            .kx_groups
            .insert(0, aws_lc_rs::kx_group::X25519MLKEM768);
        Self {
            provider: Arc::new(provider),
            ..self
        }
    }

    /// Keeps sessions in a store that outlives the connection and offers them again.
    #[must_use]
    pub fn resumption(self, store: Resumption) -> Self {
        Self {
            resumption: Some(store),
            ..self
        }
    }

    /// A connection that has produced its `ClientHello`, and what will know the server's certificate.
    #[must_use]
    pub fn connect(&self) -> (ClientConnection, SeenCertificate) {
        let seen = SeenCertificate::default();
        let versions: &[_] = match self.version {
            None => &[&version::TLS13, &version::TLS12],
            Some(Version::Tls12) => &[&version::TLS12],
            Some(Version::Tls13) => &[&version::TLS13],
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Recorder {
                provider: Arc::clone(&self.provider),
                seen: seen.clone(),
            }));
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain(), identity.key())
                .unwrap(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_sni = self.server_name.is_some();
        config.max_fragment_size = self.fragment;
        config.resumption = self.resumption.clone().unwrap_or_else(Resumption::disabled);
        let name = self
            .server_name
            .clone()
            .unwrap_or_else(|| "localhost".into());
        let mut connection =
            ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap()).unwrap();
        connection.set_buffer_limit(None);
        (connection, seen)
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

/// The leaf certificate the server sent, DER, once the handshake got that far.
#[derive(Clone, Debug, Default)]
pub struct SeenCertificate(Arc<Mutex<Option<Vec<u8>>>>);

impl SeenCertificate {
    /// The DER, if a certificate was sent.
    #[must_use]
    pub fn der(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap().clone()
    }
}

/// Accepts any certificate whose key signs the handshake and keeps it: the cases compare it byte for byte with the
/// certificate the server was given, which is stricter than a chain of trust.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    seen: SeenCertificate,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.0.lock().unwrap() = Some(end_entity.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
