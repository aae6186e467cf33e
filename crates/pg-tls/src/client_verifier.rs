//! Verification of client certificates: rustls' own rules, PostgreSQL's trust anchors, and a note of
//! what was refused for the log.

use std::cell::Cell;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertRevocationListError, CertificateError, DigitallySignedStruct, DistinguishedName, Error,
    OtherError, RootCertStore, SignatureScheme,
};

use crate::revocation::{Chain, Revocation};

/// A client certificate that did not verify, for the DETAIL of the log line.
#[derive(Clone, Debug)]
pub(crate) struct RejectedCertificate {
    /// The certificate that is at fault; the client's own unless it is known to be another.
    pub(crate) der: CertificateDer<'static>,
    /// How far it is from the client's own, which is 0.
    pub(crate) depth: usize,
    /// What is wrong with it, or, if it is the client's own, with its chain.
    pub(crate) error: Error,
}

/// Asks every client for a certificate, demands none, and verifies what is presented.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    /// `None` if the CA file holds no root: then no chain can be complete.
    webpki: Option<Arc<dyn ClientCertVerifier>>,
    anchors: Arc<RootCertStore>,
    /// The certificates of `anchors`, in the same order.
    roots: Vec<CertificateDer<'static>>,
    /// What certificates are looked up in after their chain has verified, if anything.
    revocation: Option<Arc<Revocation>>,
    /// Certificates of the CA file that are not roots: they may complete a chain, never end one.
    intermediates: Vec<CertificateDer<'static>>,
    /// The names in the CertificateRequest: all certificates of the CA file.
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientVerifier {
    /// Takes the certificates of the CA file, those that are anchors (`roots`) and the rest.
    ///
    /// OpenSSL as PostgreSQL uses it wants a chain to end in a self-signed certificate of the CA
    /// file; webpki would be content with any certificate of it (specification §4.5, §11.2).
    pub(crate) fn new(
        roots: Vec<CertificateDer<'static>>,
        intermediates: Vec<CertificateDer<'static>>,
        hints: Vec<DistinguishedName>,
        revocation: Option<Arc<Revocation>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let mut anchors = RootCertStore::empty();
        for root in &roots {
            anchors.add(root.clone())?;
        }
        let anchors = Arc::new(anchors);
        let webpki = if roots.is_empty() {
            None
        } else {
            let builder = WebPkiClientVerifier::builder_with_provider(
                Arc::clone(&anchors),
                Arc::clone(provider),
            );
            let built = builder.allow_unauthenticated().build();
            Some(built.map_err(|error| Error::General(error.to_string()))?)
        };
        Ok(Self {
            webpki,
            anchors,
            roots,
            revocation,
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
    ) -> Result<ClientCertVerified, RejectedCertificate> {
        let rejected = |error| RejectedCertificate {
            der: end_entity.clone().into_owned(),
            depth: 0,
            error,
        };
        let Some(webpki) = &self.webpki else {
            return Err(rejected(CertificateError::UnknownIssuer.into()));
        };
        let all: Vec<CertificateDer<'_>> = presented
            .iter()
            .chain(&self.intermediates)
            .map(|certificate| CertificateDer::from(certificate.as_ref()))
            .collect();
        let verified = webpki
            .verify_client_cert(end_entity, &all, now)
            .map_err(rejected)?;
        if let Some(revocation) = &self.revocation {
            revocation.check(&Chain {
                end_entity,
                intermediates: &all,
                anchors: &self.anchors.roots,
                roots: &self.roots,
                algorithms: &self.algorithms,
                now,
            })?;
        }
        Ok(verified)
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
            .map_err(|rejected| {
                let error = with_alert_of_openssl(&rejected.error);
                REJECTED.set(Some(Box::new(rejected)));
                error
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
/// future, where rustls says `certificate_expired`; and for revocation lists that of the certificate.
fn with_alert_of_openssl(error: &Error) -> Error {
    let certificate = match error {
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => CertificateError::BadEncoding,
        Error::InvalidCertificate(
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. },
        ) => CertificateError::Expired,
        Error::InvalidCertRevocationList(CertRevocationListError::BadSignature) => {
            CertificateError::BadSignature
        }
        Error::InvalidCertRevocationList(list) => {
            CertificateError::Other(OtherError(Arc::new(Error::from(list.clone()))))
        }
        other => return other.clone(),
    };
    certificate.into()
}

/// The certificate that the last failed verification on this thread was about.
pub(crate) fn take_rejected() -> Option<Box<RejectedCertificate>> {
    REJECTED.take()
}

thread_local! {
    /// The way from the verifier to the handshake that called it.
    ///
    /// A verifier is shared by all connections and can return nothing but one of rustls' errors,
    /// which decides the alert. Verification runs inside `process_new_packets`, so the note is taken
    /// on the same thread, without a suspension in between, by the handshake that it belongs to.
    static REJECTED: Cell<Option<Box<RejectedCertificate>>> = const { Cell::new(None) };
}
