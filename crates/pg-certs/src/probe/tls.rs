//! A TLS client that looks at everything and trusts nothing it sees.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{
    CryptoProvider, SupportedKxGroup, verify_tls12_signature, verify_tls13_signature,
};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    SignatureScheme, StreamOwned, SupportedCipherSuite, SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::fault::Fault;
use super::transport::Socket;

/// The ALPN name of PostgreSQL, as IANA has it.
pub(super) const ALPN: &[u8] = b"postgresql";

/// Both versions that rustls speaks.
pub(super) const BOTH: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// What a client offers.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// Versions of TLS.
    pub(super) versions: &'static [&'static SupportedProtocolVersion],
    /// One suite alone.
    pub(super) suite: Option<SupportedCipherSuite>,
    /// The groups, the first of them with a key share.
    pub(super) groups: Option<Vec<&'static dyn SupportedKxGroup>>,
    /// The ALPN name, if one is offered.
    pub(super) alpn: Option<&'static [u8]>,
    /// Where sessions are kept to be offered again.
    pub(super) sessions: Option<Resumption>,
}

impl Offer {
    /// As a current libpq: TLS 1.2 and 1.3, ALPN `postgresql`.
    pub(super) const fn usual() -> Self {
        Self {
            versions: BOTH,
            suite: None,
            groups: None,
            alpn: Some(ALPN),
            sessions: None,
        }
    }

    /// Those versions alone.
    pub(super) fn versions(versions: &'static [&'static SupportedProtocolVersion]) -> Self {
        Self {
            versions,
            ..Self::usual()
        }
    }

    /// The client's configuration; a new one for each connection but for `sessions`' sake.
    pub(super) fn config(self, provider: &CryptoProvider) -> Result<Client, Fault> {
        let mut provider = provider.clone();
        if let Some(suite) = self.suite {
            provider.cipher_suites = vec![suite];
        }
        if let Some(groups) = self.groups {
            provider.kx_groups = groups;
        }
        let provider = Arc::new(provider);
        let seen = Arc::new(Observer {
            provider: Arc::clone(&provider),
            seen: Mutex::default(),
        });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .map_err(|error| Fault::Tls(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Observer>::clone(&seen))
            .with_client_cert_resolver(Arc::<Observer>::clone(&seen));
        config.alpn_protocols = self.alpn.map(<[u8]>::to_vec).into_iter().collect();
        config.resumption = self.sessions.unwrap_or_else(Resumption::disabled);
        Ok(Client {
            config: Arc::new(config),
            observer: seen,
        })
    }
}

/// A client that can connect more than once.
#[derive(Debug)]
pub(super) struct Client {
    config: Arc<ClientConfig>,
    observer: Arc<Observer>,
}

impl Client {
    /// Shakes hands; TLS begins with the next byte.
    pub(super) fn handshake(
        &self,
        mut socket: Socket,
        name: ServerName<'static>,
    ) -> Result<Session, Fault> {
        let mut tls = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| Fault::Tls(error.to_string()))?;
        let start = Instant::now();
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Session {
            took: start.elapsed(),
            stream: StreamOwned::new(tls, socket),
        })
    }

    /// What was seen in the newest full handshake.
    pub(super) fn seen(&self) -> Seen {
        match self.observer.seen.lock() {
            Ok(seen) => seen.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }
}

/// An established session.
#[derive(Debug)]
pub(super) struct Session {
    /// The stream of the session.
    pub(super) stream: StreamOwned<ClientConnection, Socket>,
    /// What the handshake took.
    pub(super) took: Duration,
}

/// What a handshake showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The certificates as sent.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// A stapled OCSP response; empty if there is none.
    pub(super) ocsp: Vec<u8>,
    /// Why the server did not prove to have the key, if it did not.
    pub(super) unproven: Option<String>,
    /// The authorities whose client certificates the server wants, DER, if it asks for one.
    pub(super) client_authorities: Option<Vec<Vec<u8>>>,
}

/// Notes what the server shows. It accepts every certificate and signature on purpose: what they are
/// worth is judged apart, and nothing secret is ever sent to a server met with it.
#[derive(Debug)]
struct Observer {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

impl Observer {
    fn note(&self, note: impl FnOnce(&mut Seen)) {
        match self.seen.lock() {
            Ok(mut seen) => note(&mut seen),
            Err(poisoned) => note(&mut poisoned.into_inner()),
        }
    }

    fn signature(
        &self,
        result: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Other errors say that rustls cannot check it, as with a certificate of version 1.
        if let Err(error @ Error::InvalidCertificate(CertificateError::BadSignature)) = result {
            self.note(|seen| seen.unproven = Some(error.to_string()));
        }
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.note(|seen| {
            seen.chain = std::iter::once(end_entity)
                .chain(intermediates)
                .map(|certificate| certificate.clone().into_owned())
                .collect();
            seen.ocsp = ocsp_response.to_vec();
            seen.unproven = None;
        });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signature(verify_tls12_signature(
            message,
            certificate,
            signed,
            algorithms,
        ))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signature(verify_tls13_signature(
            message,
            certificate,
            signed,
            algorithms,
        ))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl ResolvesClientCert for Observer {
    /// Notes that the server asks, and has none to give.
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let names = root_hint_subjects.iter().map(|name| name.to_vec());
        self.note(|seen| seen.client_authorities = Some(names.collect()));
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}
