//! The question: which certificate, issued by whom.

use std::time::SystemTime;

use rustls_pki_types::CertificateDer;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::der::asn1::{Null, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{CertId, OcspRequest, Request, TbsRequest};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::error::{InquiryError, ResponseError};
use super::reply::{self, Staple};
use super::signed::{PublicKey, Signed};
use crate::der;
use crate::info::CertificateInfo;

/// A certificate whose status is asked for, and the certificate of its issuer.
///
/// ```
/// # #[cfg(feature = "generate")] {
/// use pg_certs::generate::{CaSpec, ServerSpec};
/// use pg_certs::{CertificateAuthority, load_certificate_chain, ocsp::Inquiry};
///
/// # let dir = tempfile::tempdir()?;
/// # let (cert, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
/// # let (ca_cert, ca_key) = (dir.path().join("ca.crt"), dir.path().join("ca.key"));
/// # let keep = pg_certs::files::Existing::Keep;
/// let ca = CertificateAuthority::create(&CaSpec::new("Example CA"))?;
/// let spec = ServerSpec::new(["db.example"]).with_ocsp_responder("http://ocsp.example/");
/// ca.issue_server(&spec)?.write(&cert, &key, keep)?;
/// ca.write(&ca_cert, &ca_key, keep)?;
///
/// let [chain, ca] = [load_certificate_chain(&cert)?, load_certificate_chain(&ca_cert)?];
/// let inquiry = Inquiry::new(&chain[0], &ca)?;
/// assert_eq!(inquiry.responders(), ["http://ocsp.example/"]);
/// let body = inquiry.request(); // POST this, as application/ocsp-request
/// # assert!(inquiry.verify(body, std::time::SystemTime::now()).is_err());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inquiry {
    info: CertificateInfo,
    serial: SerialNumber,
    issuer: Issuer,
    request: Vec<u8>,
}

/// Who issued the certificate, and speaks for its status.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    pub(super) certificate: CertificateDer<'static>,
    /// The subject, a `SEQUENCE`.
    pub(super) name: Vec<u8>,
    pub(super) key: PublicKey,
}

impl Inquiry {
    /// Finds the issuer of a certificate (DER) among candidates: by name, and by its key, which must
    /// verify the certificate's signature.
    ///
    /// # Errors
    ///
    /// [`InquiryError`]: the certificate cannot be read, or none of the candidates issued it.
    pub fn new(
        certificate: &[u8],
        candidates: &[CertificateDer<'_>],
    ) -> Result<Self, InquiryError> {
        let info = CertificateInfo::from_der(certificate)?;
        let missing = || InquiryError::IssuerMissing {
            issuer: info.issuer().rfc2253(),
        };
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| missing())?;
        let (signed, _) = Signed::read(certificate).ok_or_else(missing)?;
        let issuer = candidates
            .iter()
            .filter_map(Issuer::read)
            .filter(|candidate| candidate.name == parsed.issuer().as_raw())
            .find(|candidate| signed.verify(&candidate.key).is_ok())
            .ok_or_else(missing)?;
        let unaskable = |_| InquiryError::Serial {
            serial: info.serial().to_owned(),
        };
        let mut integer = Vec::new();
        der::write(der::INTEGER, parsed.raw_serial(), &mut integer);
        let serial = SerialNumber::from_der(&integer).map_err(unaskable)?;
        let request = request(&issuer, &serial).map_err(unaskable)?;
        Ok(Self {
            serial,
            issuer,
            request,
            info,
        })
    }

    /// What the certificate says that is asked about.
    pub fn info(&self) -> &CertificateInfo {
        &self.info
    }

    /// Whom to ask: the URLs in the certificate.
    pub fn responders(&self) -> &[String] {
        self.info.ocsp_responders()
    }

    /// The request in DER, of media type `application/ocsp-request` (RFC 6960 appendix A.1). The same
    /// every time, so that answers can be cached by those who carry them.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Judges a response (DER) to this question at the time `now`.
    ///
    /// # Errors
    ///
    /// [`ResponseError`]: it cannot be stapled; among the reasons is that the certificate is revoked.
    pub fn verify(&self, response: &[u8], now: SystemTime) -> Result<Staple, ResponseError> {
        reply::verify(self, response, now)
    }

    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Whether an answer is about this certificate.
    pub(super) fn is_about(&self, id: &CertId) -> bool {
        let Some(hash) = hash_named(id.hash_algorithm.oid) else {
            return false;
        };
        id.serial_number == self.serial
            && id.issuer_name_hash.as_bytes() == hash(&self.issuer.name)
            && id.issuer_key_hash.as_bytes() == hash(self.issuer.key.bits())
    }
}

impl Issuer {
    fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        Some(Self {
            name: parsed.subject().as_raw().to_vec(),
            key: PublicKey::read(parsed.public_key().raw)?,
            certificate: certificate.clone().into_owned(),
        })
    }
}

/// A request by SHA-1, the only hash that every responder knows (RFC 5019 section 2.1.1). It names the
/// issuer, and protects nothing.
fn request(issuer: &Issuer, serial: &SerialNumber) -> x509_cert::der::Result<Vec<u8>> {
    let req_cert = CertId {
        hash_algorithm: AlgorithmIdentifierOwned {
            oid: SHA1,
            parameters: Some(Null.into()),
        },
        issuer_name_hash: OctetString::new(Sha1::digest(&issuer.name).as_slice())?,
        issuer_key_hash: OctetString::new(Sha1::digest(issuer.key.bits()).as_slice())?,
        serial_number: serial.clone(),
    };
    OcspRequest {
        tbs_request: TbsRequest {
            request_list: vec![Request {
                req_cert,
                single_request_extensions: None,
            }],
            ..TbsRequest::default()
        },
        optional_signature: None,
    }
    .to_der()
}

type Hash = fn(&[u8]) -> Vec<u8>;

/// The hash by which an answer names its issuer.
fn hash_named(oid: ObjectIdentifier) -> Option<Hash> {
    match oid {
        SHA1 => Some(|data| Sha1::digest(data).to_vec()),
        SHA256 => Some(|data| Sha256::digest(data).to_vec()),
        SHA384 => Some(|data| Sha384::digest(data).to_vec()),
        SHA512 => Some(|data| Sha512::digest(data).to_vec()),
        _ => None,
    }
}

pub(super) const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
pub(super) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
