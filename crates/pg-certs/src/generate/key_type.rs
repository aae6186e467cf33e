//! Kinds of keys.

use std::fmt;
use std::str::FromStr;

use rcgen::KeyPair;
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use super::error::GenerateError;
use crate::der::{self, INTEGER, OCTET_STRING, SEQUENCE};
use crate::pem::encode_key;

/// The kind of key to generate.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on P-256: small, fast, known to every client. The default.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519. Not for certificates of authorities or servers if libpq clients are to use channel
    /// binding, which is undefined for Ed25519 signatures.
    Ed25519,
    /// RSA with 2048 bits. RSA needs the feature `aws-lc-rs`.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
}

impl KeyType {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::Ed25519,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    pub(super) fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }

    pub(super) fn generate(self) -> Result<KeyPair, GenerateError> {
        let algorithm = match self {
            Self::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => return self.generate_rsa(),
        };
        Ok(KeyPair::generate_for(algorithm)?)
    }

    #[cfg(feature = "aws-lc-rs")]
    fn generate_rsa(self) -> Result<KeyPair, GenerateError> {
        let size = match self {
            Self::Rsa4096 => rcgen::RsaKeySize::_4096,
            Self::Rsa3072 => rcgen::RsaKeySize::_3072,
            _ => rcgen::RsaKeySize::_2048,
        };
        Ok(KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)?)
    }

    #[cfg(not(feature = "aws-lc-rs"))]
    fn generate_rsa(self) -> Result<KeyPair, GenerateError> {
        Err(GenerateError::UnsupportedKeyType { key_type: self })
    }
}

/// The PEM of a generated key, in PKCS#8 version 1.
///
/// The libraries generate Ed25519 keys as version 2 (RFC 5958), with the public key at the end, which
/// OpenSSL 3.0, and PostgreSQL with it, cannot read. Version 1 is the same without that end.
pub(super) fn key_pem(key: &KeyPair) -> Zeroizing<String> {
    let first_version = |der| {
        let (version, rest) = der::expect(INTEGER, der::whole(SEQUENCE, der)?)?;
        let (algorithm, rest) = der::expect(SEQUENCE, rest)?;
        let (private_key, _) = der::expect(OCTET_STRING, rest)?;
        let mut content = Zeroizing::new(Vec::with_capacity(der.len()));
        der::write(INTEGER, &[0], &mut content);
        der::write(SEQUENCE, algorithm, &mut content);
        der::write(OCTET_STRING, private_key, &mut content);
        let mut whole = Zeroizing::new(Vec::with_capacity(der.len()));
        der::write(SEQUENCE, &content, &mut whole);
        (version == [1]).then_some(whole)
    };
    let der = key.serialized_der();
    match first_version(der) {
        Some(der) => encode_key(&PrivatePkcs8KeyDer::from(der.as_slice()).into()),
        None => encode_key(&PrivatePkcs8KeyDer::from(der).into()),
    }
}

/// As on a command line: `ecdsa-p256`, `rsa-2048`.
impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        })
    }
}

impl FromStr for KeyType {
    type Err = UnknownKeyType;

    fn from_str(text: &str) -> Result<Self, UnknownKeyType> {
        Self::ALL
            .into_iter()
            .find(|key_type| key_type.to_string() == text)
            .ok_or_else(|| UnknownKeyType(text.to_owned()))
    }
}

/// A text that names no [`KeyType`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown key type \"{}\"; there are ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 and rsa-4096", .0.escape_debug())]
pub struct UnknownKeyType(String);
