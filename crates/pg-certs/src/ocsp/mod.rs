//! Asks by OCSP whether a certificate is revoked, and judges the answer, for servers that staple it
//! (RFC 6960, in the light form of RFC 5019: one certificate, no nonce, no signed request).
//!
//! No sockets: whoever has an [`Inquiry`] sends [`request`](Inquiry::request) to one of
//! [`responders`](Inquiry::responders) and gives the answer to [`verify`](Inquiry::verify). What that
//! returns is a [`Staple`]: current, signed by the issuer or in its name, about this very certificate,
//! and saying "good".
//!
//! The formats are read and written by the crate `x509-ocsp`; signatures are checked by the
//! cryptography this crate is built with, and certificates of responders by webpki, as rustls does it.

mod error;
mod file;
mod inquiry;
mod reply;
mod signed;
mod signer;

pub use self::error::{InquiryError, RefusedStatus, ResponseError};
pub use self::file::{ResponseFileError, load_response};
pub use self::inquiry::Inquiry;
pub use self::reply::{MAX_AGE, MAX_RESPONSE_LEN, MAX_SKEW, Staple};

#[cfg(feature = "generate")]
#[cfg(test)]
mod tests;
