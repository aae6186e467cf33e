//! Verification of client certificates: rustls' own rules, PostgreSQL's trust anchors, and a note of
//! what was refused for the log.

use std::cell::Cell;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

/// A client certificate that did not verify, for the DETAIL of the log line.
#[derive(Clone, Debug)]
pub(crate) struct RejectedCertificate {
    /// The leaf the client presented.
    pub(crate) der: CertificateDer<'static>,
    /// What is wrong with it, or with its chain.
    pub(crate) error: Error,
}

/// Asks every client for a certificate, demands none, and verifies what is presented.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    /// `None` if the CA file holds no root: then no chain can be complete.
    webpki: Option<Arc<dyn ClientCertVerifier>>,
    /// Certificates of the CA file that are not roots: they may complete a chain, never end one.
    intermediates: Vec<CertificateDer<'static>>,
    /// The names in the CertificateRequest: all certificates of the CA file.
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientVerifier {
    /// Sorts the certificates of the CA file into anchors (`roots`) and the rest.
    ///
    /// OpenSSL as PostgreSQL uses it wants a chain to end in a self-signed certificate of the CA
    /// file; webpki would be content with any certificate of it (specification §4.5, §11.2).
    pub(crate) fn new(
        roots: RootCertStore,
        intermediates: Vec<CertificateDer<'static>>,
        hints: Vec<DistinguishedName>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let webpki = if roots.is_empty() {
            None
        } else {
            Some(
                WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider))
                    .allow_unauthenticated()
                    .build()?,
            )
        };
        Ok(Self {
            webpki,
            intermediates,
            hints,
            algorithms: provider.signature_verification_algorithms,
        })
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        presented: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let Some(webpki) = &self.webpki else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        if self.intermediates.is_empty() {
            return webpki.verify_client_cert(end_entity, presented, now);
        }
        let all: Vec<CertificateDer<'_>> = presented
            .iter()
            .chain(&self.intermediates)
            .map(|certificate| CertificateDer::from(certificate.as_ref()))
            .collect();
        webpki.verify_client_cert(end_entity, &all, now)
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(end_entity, intermediates, now)
            .map_err(|error| {
                REJECTED.set(Some(RejectedCertificate {
                    der: end_entity.clone().into_owned(),
                    error: error.clone(),
                }));
                with_alert_of_openssl(error)
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The error whose alert is the one that OpenSSL sends: `bad_certificate` for a certificate of the
/// future, where rustls says `certificate_expired`.
fn with_alert_of_openssl(error: Error) -> Error {
    match error {
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => CertificateError::BadEncoding.into(),
        other => other,
    }
}

/// The certificate that the last failed verification on this thread was about.
pub(crate) fn take_rejected() -> Option<RejectedCertificate> {
    REJECTED.take()
}

thread_local! {
    /// The way from the verifier to the handshake that called it.
    ///
    /// A verifier is shared by all connections and can return nothing but one of rustls' errors,
    /// which decides the alert. Verification runs inside `process_new_packets`, so the note is taken
    /// on the same thread, without a suspension in between, by the handshake that it belongs to.
    static REJECTED: Cell<Option<RejectedCertificate>> = const { Cell::new(None) };
}
