//! Who signed an answer: the issuer of the certificate, or a responder that it authorized.

use std::time::SystemTime;

use rustls_pki_types::{CertificateDer, UnixTime};
use sha1::{Digest, Sha1};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::der::Encode;
use x509_ocsp::{BasicOcspResponse, ResponderId};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::error::ResponseError;
use super::inquiry::Issuer;
use super::reply::malformed;
use super::signed::{PublicKey, SignatureFault, Signed, algorithms};
use crate::der::{self, SEQUENCE};
use crate::info::CertificateInfo;

/// Checks that the issuer signed the response, or a responder that the issuer gave a certificate for it
/// (RFC 6960 section 4.2.2.2); returns when that certificate ends.
pub(super) fn verify_signature(
    issuer: &Issuer,
    basic: &[u8],
    parsed: &BasicOcspResponse,
    now: SystemTime,
) -> Result<Option<SystemTime>, ResponseError> {
    let (signed, rest) =
        Signed::read(basic).ok_or_else(|| malformed("its signature cannot be read"))?;
    let responder = &parsed.tbs_response_data.responder_id;
    if is_signer(responder, &issuer.name, &issuer.key) {
        signed.verify(&issuer.key)?;
        return Ok(None);
    }
    let certificates =
        certificates(rest).ok_or_else(|| malformed("its certificates cannot be read"))?;
    let delegate = certificates
        .into_iter()
        .filter_map(Delegate::read)
        .find(|delegate| is_signer(responder, &delegate.name, &delegate.key))
        .ok_or_else(|| unauthorized("its certificate is not in the response"))?;
    authorize(delegate.certificate, issuer, now).map_err(unauthorized)?;
    signed.verify(&delegate.key)?;
    Ok(Some(delegate.ends))
}

/// Whether the response says that it was signed by the owner of this name or key.
fn is_signer(responder: &ResponderId, name: &[u8], key: &PublicKey) -> bool {
    match responder {
        ResponderId::ByName(by) => by.to_der().is_ok_and(|by| by == name),
        ResponderId::ByKey(hash) => hash.as_bytes() == Sha1::digest(key.bits()).as_slice(),
    }
}

/// The certificates behind the signature, `[0] EXPLICIT SEQUENCE OF Certificate OPTIONAL`.
fn certificates(rest: &[u8]) -> Option<Vec<&[u8]>> {
    let mut certificates = Vec::new();
    if rest.is_empty() {
        return Some(certificates);
    }
    let mut list = der::whole(SEQUENCE, der::whole(CERTIFICATES, rest)?)?;
    while !list.is_empty() {
        let (certificate, behind) = der::bytes(SEQUENCE, list)?;
        certificates.push(certificate);
        list = behind;
    }
    Some(certificates)
}

/// A certificate of the response, whose owner may have signed it.
struct Delegate<'a> {
    certificate: &'a [u8],
    name: Vec<u8>,
    key: PublicKey,
    ends: SystemTime,
}

impl<'a> Delegate<'a> {
    fn read(certificate: &'a [u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        Some(Self {
            certificate,
            name: parsed.subject().as_raw().to_vec(),
            key: PublicKey::read(parsed.public_key().raw)?,
            ends: CertificateInfo::from_der(certificate).ok()?.not_after(),
        })
    }
}

/// Whether the issuer itself issued the certificate, for signing OCSP responses.
fn authorize(certificate: &[u8], issuer: &Issuer, now: SystemTime) -> Result<(), webpki::Error> {
    let certificate = CertificateDer::from(certificate);
    let anchor = anchor_from_trusted_cert(&issuer.certificate)?;
    let since = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    EndEntityCert::try_from(&certificate)?.verify_for_usage(
        algorithms(),
        &[anchor],
        &[],
        UnixTime::since_unix_epoch(since),
        KeyUsage::required(OCSP_SIGNING),
        None,
        None,
    )?;
    Ok(())
}

fn unauthorized(reason: impl ToString) -> ResponseError {
    ResponseError::UnauthorizedSigner {
        reason: reason.to_string(),
    }
}

impl From<SignatureFault> for ResponseError {
    fn from(fault: SignatureFault) -> Self {
        match fault {
            SignatureFault::Invalid => Self::BadSignature,
            SignatureFault::Unsupported { algorithm } => Self::UnsupportedSignature { algorithm },
        }
    }
}

/// `id-kp-OCSPSigning`, 1.3.6.1.5.5.7.3.9.
const OCSP_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09];
/// The tag of the certificates of a response.
const CERTIFICATES: u8 = 0xa0;
