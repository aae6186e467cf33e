//! Why a certificate could not be made.

use std::error::Error as StdError;
use std::path::PathBuf;

use super::key_type::KeyType;
use crate::files::WriteError;
use crate::load::LoadError;

/// A certificate that could not be made, or not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The common name or user name cannot stand in a certificate.
    #[error("\"{}\" cannot be the name in a certificate: {reason}", name.escape_debug())]
    BadCommonName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A host name or address that cannot be a subject alternative name.
    #[error("\"{}\" is no host name or IP address for a certificate: {reason}", name.escape_debug())]
    BadHost {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A URL that cannot stand in a certificate.
    #[error("\"{}\" is no URL for a certificate: {reason}", url.escape_debug())]
    BadUrl {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The validity ends before it begins, or lies outside of what a certificate can express.
    #[error("the validity from {not_before} to {not_after} is not possible in a certificate")]
    BadValidity {
        /// Beginning, as text.
        not_before: String,
        /// End, as text.
        not_after: String,
    },
    /// The validity would leave that of the issuer, so that no client could verify it all the time.
    #[error(
        "the validity from {not_before} to {not_after} is not inside that of the authority \"{issuer}\", \
         which is from {issuer_not_before} to {issuer_not_after}; choose other dates or renew the authority"
    )]
    OutsideIssuer {
        /// Beginning, as text.
        not_before: String,
        /// End, as text.
        not_after: String,
        /// The authority.
        issuer: String,
        /// Beginning of its validity.
        issuer_not_before: String,
        /// End of its validity.
        issuer_not_after: String,
    },
    /// The certificate loaded as an authority is none.
    #[error("\"{subject}\" is not a certificate authority (basicConstraints CA:TRUE is missing)")]
    NotAnAuthority {
        /// Its subject.
        subject: String,
    },
    /// The key loaded for an authority is not the one of its certificate.
    #[error("the key does not belong to the certificate of the authority \"{subject}\"")]
    KeyMismatch {
        /// Subject of the certificate.
        subject: String,
    },
    /// An intermediate authority may issue certificates for servers and clients, not for authorities.
    #[error(
        "\"{subject}\" is an intermediate authority and may not issue another one; let the root do it"
    )]
    NotARoot {
        /// Its subject.
        subject: String,
    },
    /// The cryptography in use cannot make this kind of key.
    #[error(
        "this build uses ring, which cannot generate {key_type} keys; choose ecdsa-p256, ecdsa-p384 or \
         ed25519, or build pg-certs with the feature \"aws-lc-rs\""
    )]
    UnsupportedKeyType {
        /// The kind of key.
        key_type: KeyType,
    },
    /// A certificate to be revoked is of another authority.
    #[error(
        "the authority \"{authority}\" cannot revoke certificates that \"{issuer}\" issued; use the issuing authority"
    )]
    NotIssuedHere {
        /// Issuer of the certificate.
        issuer: String,
        /// The authority that was asked.
        authority: String,
    },
    /// A certificate that cannot be issued once more.
    #[error("the certificate of \"{subject}\" cannot be renewed: {reason}")]
    NotRenewable {
        /// Its subject.
        subject: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The subject of the loaded authority cannot be repeated in the certificates that it issues.
    #[error(
        "certificates of the authority \"{subject}\" cannot be issued here: its subject has repeated or \
         combined attributes; use another authority"
    )]
    UnsupportedIssuerName {
        /// Its subject.
        subject: String,
    },
    /// The environment variable names a directory that cannot be returned as text.
    #[error("the path \"{}\" is not UTF-8; choose another directory", path.display())]
    PathNotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library failed: {0}")]
    Crypto(#[source] Box<dyn StdError + Send + Sync>),
    /// An existing file could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The result could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<rcgen::Error> for GenerateError {
    fn from(error: rcgen::Error) -> Self {
        Self::Crypto(Box::new(error))
    }
}
