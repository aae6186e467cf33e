//! Why nobody can be asked, and why an answer is not good enough to be stapled.

use std::fmt;
use std::time::SystemTime;

use super::reply::{MAX_AGE, MAX_RESPONSE_LEN, MAX_SKEW};
use crate::info::{CertificateError, RevocationReason, time_text};

/// A certificate whose status cannot be asked. The operator mends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InquiryError {
    /// The certificate itself cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// None of the certificates at hand issued it.
    #[error(
        "the certificate of its issuer (\"{issuer}\") is missing; append it to the file of the server \
         certificate"
    )]
    IssuerMissing {
        /// The issuer's name in RFC 2253 form.
        issuer: String,
    },
    /// The serial number is negative, or longer than a serial number may be.
    #[error("its serial number {serial} cannot be asked about; have the certificate reissued")]
    Serial {
        /// The serial number in decimal.
        serial: String,
    },
}

/// An OCSP response that cannot be stapled.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// Larger than a handshake should carry: the responder's fault.
    #[error(
        "the OCSP response has {len} bytes, more than the {MAX_RESPONSE_LEN} that are accepted"
    )]
    TooLarge {
        /// Its length in bytes.
        len: usize,
    },
    /// Not an OCSP response, or cut short: the responder's fault, or that of whoever stored it.
    #[error("it is not a valid OCSP response: {reason}")]
    Malformed {
        /// What the parser says.
        reason: String,
    },
    /// The responder has no answer.
    #[error("the OCSP responder answered \"{0}\"")]
    Refused(RefusedStatus),
    /// Signed with an algorithm that this build does not know.
    #[error("the OCSP response is signed by an algorithm that is not supported ({algorithm})")]
    UnsupportedSignature {
        /// The algorithm as a dotted object identifier.
        algorithm: String,
    },
    /// Signed by somebody who may not speak for the issuer.
    #[error(
        "the signer of the OCSP response is not the issuer of the certificate, nor authorized by it: {reason}"
    )]
    UnauthorizedSigner {
        /// Why not.
        reason: String,
    },
    /// The signer is the right one, and the signature is not valid.
    #[error("the signature of the OCSP response is not valid")]
    BadSignature,
    /// About other certificates only.
    #[error("the OCSP response is about another certificate; fetch one for this certificate")]
    OtherCertificate,
    /// From the future.
    #[error(
        "the OCSP response is not valid before {}, more than {} minutes from now; check the clock of this machine",
        time_text(*this_update),
        MAX_SKEW.as_secs() / 60
    )]
    NotYetValid {
        /// When it begins to be valid.
        this_update: SystemTime,
    },
    /// Its time is over.
    #[error("the OCSP response expired at {}", time_text(*valid_until))]
    Expired {
        /// When it stopped being valid.
        valid_until: SystemTime,
    },
    /// It does not say for how long it is valid, and is old.
    #[error(
        "the OCSP response of {} names no end of its validity (nextUpdate) and is older than {} minutes",
        time_text(*this_update),
        MAX_AGE.as_secs() / 60
    )]
    TooOld {
        /// When it began to be valid.
        this_update: SystemTime,
    },
    /// The certificate is revoked: the operator has to replace it.
    #[error(
        "the certificate was revoked at {}{}; replace it by a new one with a new key",
        time_text(*at),
        reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
    )]
    Revoked {
        /// Since when.
        at: SystemTime,
        /// Why.
        reason: Option<RevocationReason>,
    },
    /// The responder does not know the certificate: it was issued by somebody else, or just now.
    #[error("the OCSP responder does not know the certificate (status \"unknown\")")]
    Unknown,
}

/// A responseStatus other than `successful` (RFC 6960 section 4.2.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RefusedStatus {
    /// The responder cannot read the request.
    MalformedRequest,
    /// The responder is in trouble.
    InternalError,
    /// The responder is busy.
    TryLater,
    /// The responder wants signed requests.
    SigRequired,
    /// The responder has nothing to say about this issuer.
    Unauthorized,
}

/// The name in RFC 6960.
impl fmt::Display for RefusedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => "internalError",
            Self::TryLater => "tryLater",
            Self::SigRequired => "sigRequired",
            Self::Unauthorized => "unauthorized",
        })
    }
}
