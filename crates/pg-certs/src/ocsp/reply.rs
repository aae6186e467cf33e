//! The answer: whether it is about the right certificate, current, and good.

use std::time::{Duration, SystemTime};

use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::CrlReason;
use x509_ocsp::{
    BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspResponse, OcspResponseStatus,
    SingleResponse,
};

use super::error::{RefusedStatus, ResponseError};
use super::inquiry::Inquiry;
use super::signer::verify_signature;
use crate::info::{RevocationReason, time_text};

/// The longest response that is accepted, in bytes. Usual ones have 300 to 3,000, and every handshake
/// with a client that asks for it carries the whole.
pub const MAX_RESPONSE_LEN: usize = 32 * 1024;

/// How far ahead of this machine's clock a response may be: OpenSSL's default.
pub const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// How long a response is used that does not say how long it is valid (no nextUpdate). Java refuses such
/// a response after 15 minutes.
pub const MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// An OCSP response that was verified and says "good", and until when it may be served.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Staple {
    response: Vec<u8>,
    this_update: SystemTime,
    valid_until: SystemTime,
}

impl Staple {
    /// The response in DER, as it came.
    pub fn response(&self) -> &[u8] {
        &self.response
    }

    /// Since when the certificate was known to be good (thisUpdate).
    pub fn this_update(&self) -> SystemTime {
        self.this_update
    }

    /// When clients stop accepting it: at nextUpdate, or [`MAX_AGE`] after thisUpdate where there is
    /// none; no later than the end of the certificate of the responder that signed it.
    pub fn valid_until(&self) -> SystemTime {
        self.valid_until
    }

    /// [`valid_until`](Self::valid_until) as text: `2026-11-25 03:26:14 UTC`.
    pub fn valid_until_text(&self) -> String {
        time_text(self.valid_until)
    }
}

/// Judges a response; see [`Inquiry::verify`].
pub(super) fn verify(
    inquiry: &Inquiry,
    response: &[u8],
    now: SystemTime,
) -> Result<Staple, ResponseError> {
    let (basic, parsed) = parse(response)?;
    let signer_ends = verify_signature(inquiry.issuer(), &basic, &parsed, now)?;
    let answer = find_answer(inquiry, &parsed)?;
    let (this_update, valid_until) = validity(answer, now)?;
    match answer.cert_status {
        CertStatus::Good(_) => Ok(Staple {
            response: response.to_vec(),
            this_update,
            valid_until: signer_ends.map_or(valid_until, |ends| valid_until.min(ends)),
        }),
        CertStatus::Revoked(info) => Err(ResponseError::Revoked {
            at: system_time(info.revocation_time),
            reason: info.revocation_reason.map(reason),
        }),
        CertStatus::Unknown(_) => Err(ResponseError::Unknown),
    }
}

/// Takes a response apart: the bytes of the BasicOCSPResponse, whose signature is over bytes, and what
/// they say.
pub(super) fn parse(response: &[u8]) -> Result<(Vec<u8>, BasicOcspResponse), ResponseError> {
    if response.len() > MAX_RESPONSE_LEN {
        return Err(ResponseError::TooLarge {
            len: response.len(),
        });
    }
    let basic = basic_response(response)?;
    let parsed = BasicOcspResponse::from_der(&basic).map_err(malformed)?;
    Ok((basic, parsed))
}

/// Opens the envelope: the DER of the BasicOCSPResponse, the only type there is.
fn basic_response(response: &[u8]) -> Result<Vec<u8>, ResponseError> {
    let response = OcspResponse::from_der(response).map_err(malformed)?;
    let refused = match response.response_status {
        OcspResponseStatus::Successful => {
            let bytes = response
                .response_bytes
                .ok_or_else(|| malformed("it has no content"))?;
            if bytes.response_type != BASIC {
                return Err(malformed(format!(
                    "it is of the unknown type {}",
                    bytes.response_type
                )));
            }
            return Ok(bytes.response.into_bytes());
        }
        OcspResponseStatus::MalformedRequest => RefusedStatus::MalformedRequest,
        OcspResponseStatus::InternalError => RefusedStatus::InternalError,
        OcspResponseStatus::TryLater => RefusedStatus::TryLater,
        OcspResponseStatus::SigRequired => RefusedStatus::SigRequired,
        OcspResponseStatus::Unauthorized => RefusedStatus::Unauthorized,
    };
    Err(ResponseError::Refused(refused))
}

/// The answer about the certificate, among those that the response may hold about others.
fn find_answer<'a>(
    inquiry: &Inquiry,
    response: &'a BasicOcspResponse,
) -> Result<&'a SingleResponse, ResponseError> {
    let data = &response.tbs_response_data;
    let answer = data
        .responses
        .iter()
        .find(|answer| inquiry.is_about(&answer.cert_id))
        .ok_or(ResponseError::OtherCertificate)?;
    let critical = |extensions: &Option<Extensions>| {
        extensions
            .iter()
            .flatten()
            .any(|extension| extension.critical)
    };
    match critical(&data.response_extensions) || critical(&answer.single_extensions) {
        true => Err(malformed("it has a critical extension that is not known")),
        false => Ok(answer),
    }
}

/// From when to when the answer counts, if it does so now.
fn validity(
    answer: &SingleResponse,
    now: SystemTime,
) -> Result<(SystemTime, SystemTime), ResponseError> {
    let this_update = system_time(answer.this_update);
    if this_update.duration_since(now).unwrap_or_default() > MAX_SKEW {
        return Err(ResponseError::NotYetValid { this_update });
    }
    match answer.next_update.map(system_time) {
        Some(next_update) if next_update < this_update => {
            Err(malformed("its validity ends before it begins"))
        }
        Some(next_update) if next_update <= now => Err(ResponseError::Expired {
            valid_until: next_update,
        }),
        Some(next_update) => Ok((this_update, next_update)),
        None => match this_update.checked_add(MAX_AGE) {
            Some(end) if now < end => Ok((this_update, end)),
            _ => Err(ResponseError::TooOld { this_update }),
        },
    }
}

fn system_time(time: OcspGeneralizedTime) -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(time.0.to_unix_duration())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

const fn reason(reason: CrlReason) -> RevocationReason {
    match reason {
        CrlReason::Unspecified => RevocationReason::Unspecified,
        CrlReason::KeyCompromise => RevocationReason::KeyCompromise,
        CrlReason::CaCompromise => RevocationReason::CaCompromise,
        CrlReason::AffiliationChanged => RevocationReason::AffiliationChanged,
        CrlReason::Superseded => RevocationReason::Superseded,
        CrlReason::CessationOfOperation => RevocationReason::CessationOfOperation,
        CrlReason::CertificateHold => RevocationReason::CertificateHold,
        CrlReason::RemoveFromCRL => RevocationReason::RemoveFromCrl,
        CrlReason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
        CrlReason::AaCompromise => RevocationReason::AaCompromise,
    }
}

pub(super) fn malformed(reason: impl ToString) -> ResponseError {
    ResponseError::Malformed {
        reason: reason.to_string(),
    }
}

/// `id-pkix-ocsp-basic`.
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
