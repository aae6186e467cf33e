//! Key and signature algorithms of a certificate, and the digest of `tls-server-end-point`.

use std::fmt;

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::der::{self, OBJECT_IDENTIFIER, SEQUENCE};

/// The kind and size of the public key in a certificate.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 (secp256r1).
    EcdsaP256,
    /// ECDSA on P-384 (secp384r1).
    EcdsaP384,
    /// ECDSA on P-521 (secp521r1).
    EcdsaP521,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSA.
    Rsa {
        /// Length of the modulus in bits.
        bits: usize,
    },
    /// Anything else, as a dotted object identifier.
    Other(String),
}

impl KeyAlgorithm {
    pub(crate) fn new(spki: &SubjectPublicKeyInfo<'_>) -> Self {
        let algorithm = spki.algorithm.algorithm.to_id_string();
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|any| any.as_oid().ok());
        match (
            algorithm.as_str(),
            curve.map(|curve| curve.to_id_string()).as_deref(),
        ) {
            ("1.2.840.10045.2.1", Some("1.2.840.10045.3.1.7")) => Self::EcdsaP256,
            ("1.2.840.10045.2.1", Some("1.3.132.0.34")) => Self::EcdsaP384,
            ("1.2.840.10045.2.1", Some("1.3.132.0.35")) => Self::EcdsaP521,
            ("1.2.840.10045.2.1", Some(curve)) => Self::Other(curve.to_owned()),
            ("1.3.101.112", _) => Self::Ed25519,
            (other, _) => match spki.parsed() {
                Ok(PublicKey::RSA(key)) => Self::Rsa {
                    bits: bits(key.modulus),
                },
                _ => Self::Other(other.to_owned()),
            },
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::EcdsaP521 => f.write_str("ECDSA P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::Other(oid) => f.write_str(oid),
        }
    }
}

/// Length in bits of a big-endian number.
fn bits(number: &[u8]) -> usize {
    let significant: Vec<u8> = number
        .iter()
        .copied()
        .skip_while(|&byte| byte == 0)
        .collect();
    match significant.first() {
        Some(first) => {
            significant.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or_default()
        }
        None => 0,
    }
}

/// The algorithm with which the issuer signed a certificate (its outer `signatureAlgorithm`).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SignatureAlgorithm {
    name: String,
    end_point: EndPointDigest,
    sha1_or_older: bool,
}

impl SignatureAlgorithm {
    pub(super) fn new(identifier: &AlgorithmIdentifier<'_>) -> Self {
        let oid = identifier.algorithm.to_id_string();
        let known = KNOWN.iter().find(|(known, ..)| *known == oid);
        let (name, hash) = match known {
            Some((_, name, Hash::OfParameters)) => {
                let parameters = identifier.parameters.as_ref().map(|any| any.data);
                (*name, pss_hash(parameters))
            }
            Some((_, name, hash)) => (*name, *hash),
            None => (oid.as_str(), Hash::Undefined),
        };
        Self {
            name: name.to_owned(),
            end_point: hash.end_point(),
            sha1_or_older: hash == Hash::Md5OrSha1,
        }
    }

    /// OpenSSL's name (`ecdsa-with-SHA256`, `sha256WithRSAEncryption`), or the dotted object identifier.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest that `tls-server-end-point` takes for a certificate signed like this.
    pub fn end_point_digest(&self) -> EndPointDigest {
        self.end_point
    }

    /// Whether the signature rests on MD5 or SHA-1, which modern clients refuse.
    pub(crate) fn is_weak(&self) -> bool {
        self.sha1_or_older
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The hash function of the channel binding `tls-server-end-point` (RFC 5929, section 4.1).
///
/// That of the signature algorithm in the certificate, with SHA-256 in place of MD5 and SHA-1;
/// spec section 6.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum EndPointDigest {
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// The signature algorithm has no single hash (Ed25519, Ed448) or an unknown one: a server must
    /// not offer channel binding with such a certificate.
    Undefined,
}

impl EndPointDigest {
    /// The channel binding data of the certificate with these DER bytes; `None` if undefined.
    pub fn hash(self, certificate: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Sha224 => Some(Sha224::digest(certificate).to_vec()),
            Self::Sha256 => Some(Sha256::digest(certificate).to_vec()),
            Self::Sha384 => Some(Sha384::digest(certificate).to_vec()),
            Self::Sha512 => Some(Sha512::digest(certificate).to_vec()),
            Self::Undefined => None,
        }
    }
}

/// The hash inside a signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hash {
    Md5OrSha1,
    OfParameters,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Undefined,
}

impl Hash {
    fn end_point(self) -> EndPointDigest {
        match self {
            Self::Md5OrSha1 | Self::Sha256 => EndPointDigest::Sha256,
            Self::Sha224 => EndPointDigest::Sha224,
            Self::Sha384 => EndPointDigest::Sha384,
            Self::Sha512 => EndPointDigest::Sha512,
            Self::OfParameters | Self::Undefined => EndPointDigest::Undefined,
        }
    }
}

/// Reads `RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] DEFAULT sha1, … }` (RFC 4055, section
/// 3.1); `parameters` is the content of the sequence.
fn pss_hash(parameters: Option<&[u8]>) -> Hash {
    let Some(parameters) = parameters else {
        return Hash::Undefined;
    };
    let Some((explicit, _)) = der::expect(PSS_HASH_ALGORITHM, parameters) else {
        return Hash::Md5OrSha1;
    };
    let oid = der::expect(SEQUENCE, explicit)
        .and_then(|(identifier, _)| der::expect(OBJECT_IDENTIFIER, identifier))
        .and_then(|(oid, _)| der::dotted(oid));
    match oid.as_deref() {
        Some("1.3.14.3.2.26") => Hash::Md5OrSha1,
        Some("2.16.840.1.101.3.4.2.4") => Hash::Sha224,
        Some("2.16.840.1.101.3.4.2.1") => Hash::Sha256,
        Some("2.16.840.1.101.3.4.2.2") => Hash::Sha384,
        Some("2.16.840.1.101.3.4.2.3") => Hash::Sha512,
        _ => Hash::Undefined,
    }
}

const PSS_HASH_ALGORITHM: u8 = 0xa0;

/// Object identifier, OpenSSL's long name, hash.
const KNOWN: &[(&str, &str, Hash)] = &[
    (
        "1.2.840.113549.1.1.4",
        "md5WithRSAEncryption",
        Hash::Md5OrSha1,
    ),
    (
        "1.2.840.113549.1.1.5",
        "sha1WithRSAEncryption",
        Hash::Md5OrSha1,
    ),
    ("1.2.840.113549.1.1.10", "rsassaPss", Hash::OfParameters),
    (
        "1.2.840.113549.1.1.11",
        "sha256WithRSAEncryption",
        Hash::Sha256,
    ),
    (
        "1.2.840.113549.1.1.12",
        "sha384WithRSAEncryption",
        Hash::Sha384,
    ),
    (
        "1.2.840.113549.1.1.13",
        "sha512WithRSAEncryption",
        Hash::Sha512,
    ),
    (
        "1.2.840.113549.1.1.14",
        "sha224WithRSAEncryption",
        Hash::Sha224,
    ),
    ("1.2.840.10040.4.3", "dsaWithSHA1", Hash::Md5OrSha1),
    ("2.16.840.1.101.3.4.3.1", "dsa_with_SHA224", Hash::Sha224),
    ("2.16.840.1.101.3.4.3.2", "dsa_with_SHA256", Hash::Sha256),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1", Hash::Md5OrSha1),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224", Hash::Sha224),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256", Hash::Sha256),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384", Hash::Sha384),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512", Hash::Sha512),
    ("1.3.101.112", "ED25519", Hash::Undefined),
    ("1.3.101.113", "ED448", Hash::Undefined),
];
