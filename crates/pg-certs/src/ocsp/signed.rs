//! What has a signature: a certificate or an OCSP response, and the key that it is checked with.

use rustls_pki_types::SignatureVerificationAlgorithm;

use crate::der::{self, BIT_STRING, SEQUENCE};
use crate::provider::provider;

/// The parts of `SEQUENCE { data, AlgorithmIdentifier, BIT STRING, … }` as they came: a signature is
/// over bytes, not over what a parser made of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    data: &'a [u8],
    /// Content of the AlgorithmIdentifier.
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads the parts; returns them with what follows the signature.
    pub(super) fn read(input: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let content = der::whole(SEQUENCE, input)?;
        let (data, rest) = der::bytes(SEQUENCE, content)?;
        let (algorithm, rest) = der::expect(SEQUENCE, rest)?;
        let (signature, rest) = bits(rest)?;
        let signed = Self {
            data,
            algorithm,
            signature,
        };
        Some((signed, rest))
    }

    /// Checks the signature with a key.
    pub(super) fn verify(&self, key: &PublicKey) -> Result<(), SignatureFault> {
        let mut known = false;
        for algorithm in algorithms() {
            if algorithm.signature_alg_id().as_ref() != self.algorithm
                || algorithm.public_key_alg_id().as_ref() != key.algorithm
            {
                continue;
            }
            known = true;
            if algorithm
                .verify_signature(&key.bits, self.data, self.signature)
                .is_ok()
            {
                return Ok(());
            }
        }
        match known {
            true => Err(SignatureFault::Invalid),
            false => Err(SignatureFault::Unsupported {
                algorithm: self.algorithm_text(),
            }),
        }
    }

    fn algorithm_text(&self) -> String {
        der::expect(der::OBJECT_IDENTIFIER, self.algorithm)
            .and_then(|(oid, _)| der::dotted(oid))
            .unwrap_or_else(|| "without a name".to_owned())
    }
}

/// Why a signature does not count.
#[derive(Debug)]
pub(super) enum SignatureFault {
    /// It does not fit to data and key.
    Invalid,
    /// No algorithm of this build is the one it names, for a key like this.
    Unsupported {
        /// Its object identifier.
        algorithm: String,
    },
}

/// A public key, from a SubjectPublicKeyInfo.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PublicKey {
    /// Content of the AlgorithmIdentifier.
    algorithm: Vec<u8>,
    bits: Vec<u8>,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    pub(super) fn read(info: &[u8]) -> Option<Self> {
        let (algorithm, rest) = der::expect(SEQUENCE, der::whole(SEQUENCE, info)?)?;
        let (bits, rest) = bits(rest)?;
        rest.is_empty().then(|| Self {
            algorithm: algorithm.to_vec(),
            bits: bits.to_vec(),
        })
    }

    /// The content of the BIT STRING, which names of keys are hashes of.
    pub(super) fn bits(&self) -> &[u8] {
        &self.bits
    }
}

/// The content of a BIT STRING of whole bytes.
fn bits(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (content, rest) = der::expect(BIT_STRING, input)?;
    match content.split_first()? {
        (0, bits) => Some((bits, rest)),
        _ => None,
    }
}

/// The signature algorithms of this build; none without cryptography.
pub(super) fn algorithms() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    provider().map_or(&[], |provider| {
        provider.signature_verification_algorithms.all
    })
}
