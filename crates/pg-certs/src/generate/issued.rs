//! A certificate that was made, with its key.

use std::fmt;
use std::path::Path;

use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use zeroize::{Zeroize, Zeroizing};

use super::error::GenerateError;
use super::key_type::key_pem;
use crate::files::{Existing, WriteError, write_pair};
use crate::info::CertificateInfo;
use crate::pem::encode_certificate;

/// A new certificate with its chain and its private key, in memory.
pub struct IssuedCertificate {
    info: CertificateInfo,
    certificate_pem: String,
    chain_pem: String,
    key_pem: Zeroizing<String>,
}

impl IssuedCertificate {
    pub(super) fn new(
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'static>],
        mut key: KeyPair,
    ) -> Result<Self, GenerateError> {
        let certificate_pem = encode_certificate(certificate);
        let mut chain_pem = certificate_pem.clone();
        chain_pem.extend(
            intermediates
                .iter()
                .map(|intermediate| encode_certificate(intermediate)),
        );
        let key_pem = key_pem(&key);
        key.zeroize();
        Ok(Self {
            info: CertificateInfo::from_der(certificate)
                .map_err(|error| GenerateError::Crypto(Box::new(error)))?,
            certificate_pem,
            chain_pem,
            key_pem,
        })
    }

    /// Puts the key as its owner has it in the place of the same key as it was read.
    pub(super) fn keep_key(&mut self, key_pem: Zeroizing<String>) {
        self.key_pem = key_pem;
    }

    /// What the certificate says.
    pub fn info(&self) -> &CertificateInfo {
        &self.info
    }

    /// The certificate alone, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The certificate and the intermediates up to, but without, the root, PEM: what a server sends.
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The private key, PKCS#8 PEM. A secret.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Writes the chain (0644) and the key (0600) as [`files`](crate::files) describes.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: one of the files exists and is to be kept, or the system refused.
    pub fn write(
        &self,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
        existing: Existing,
    ) -> Result<(), WriteError> {
        write_pair(
            (certificate.as_ref(), &self.chain_pem),
            (key.as_ref(), &self.key_pem),
            existing,
        )
    }
}

impl fmt::Debug for IssuedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCertificate")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}
