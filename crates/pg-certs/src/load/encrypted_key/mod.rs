//! Encrypted private keys: PKCS#8 with PBES2 (RFC 8018, section 6.2), opened by the crate `pkcs8`.

use std::fmt;
use std::path::{Path, PathBuf};

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, ScryptParams};
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::error::{FileRole, LoadError, LoadFault};
use super::key::pkcs8;
use crate::der::{self, OBJECT_IDENTIFIER, SEQUENCE};
use crate::pem::{Block, BlockKind};

/// A private key that a passphrase opens, as `openssl pkcs8 -topk8` writes it.
///
/// Ciphers are AES and triple DES, keys are derived by PBKDF2 or scrypt. How much work opening takes is
/// up to the file, so it is limited: 5,000,000 rounds of PBKDF2, or 64 MiB and 32 times the work of
/// OpenSSL's default for scrypt. At these limits it takes some seconds.
pub struct EncryptedKey {
    path: PathBuf,
    line: usize,
    der: Zeroizing<Vec<u8>>,
}

impl EncryptedKey {
    /// Takes a block whose scheme is known and whose cost is acceptable, so that nobody is asked for
    /// a passphrase in vain.
    pub(super) fn new(path: &Path, block: &Block) -> Result<Self, LoadFault> {
        let der = block.der().map_err(LoadFault::Pem)?;
        Self::from_der(path, block.line, der)
    }

    fn from_der(path: &Path, line: usize, der: Zeroizing<Vec<u8>>) -> Result<Self, LoadFault> {
        let info = EncryptedPrivateKeyInfoRef::try_from(der.as_slice())
            .map_err(|_| unsupported(line, &der))?;
        let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
            return Err(unsupported(line, &der));
        };
        if let Some((cost, limit)) = excess(&parameters.kdf) {
            return Err(LoadFault::CostlyKey { line, cost, limit });
        }
        Ok(Self {
            path: path.to_owned(),
            line,
            der,
        })
    }

    /// The file that it is in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the key. Takes from a millisecond to some seconds, as the file demands.
    ///
    /// # Errors
    ///
    /// [`LoadError`] with [`LoadFault::WrongPassphrase`], or because of what is inside.
    pub fn open(&self, passphrase: &[u8]) -> Result<PrivateKeyDer<'static>, LoadError> {
        self.decrypt(passphrase).map_err(|fault| self.error(fault))
    }

    fn decrypt(&self, passphrase: &[u8]) -> Result<PrivateKeyDer<'static>, LoadFault> {
        let line = self.line;
        let info = EncryptedPrivateKeyInfoRef::try_from(self.der.as_slice())
            .map_err(|_| unsupported(line, &self.der))?;
        let mut buffer = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
        let key = info
            .encryption_algorithm
            .decrypt_in_place(passphrase, &mut buffer)
            .map_err(|_| LoadFault::WrongPassphrase { line })?;
        // A wrong passphrase leaves noise with well-formed padding behind once in 256 times.
        match pkcs8(line, &BlockKind::PrivateKey, key) {
            Err(LoadFault::DamagedKey { .. }) => Err(LoadFault::WrongPassphrase { line }),
            result => result,
        }
    }

    /// The error of those who have no passphrase to open it with.
    pub fn without_passphrase(&self) -> LoadError {
        self.error(LoadFault::EncryptedKey { line: self.line })
    }

    fn error(&self, fault: LoadFault) -> LoadError {
        LoadError::new(&self.path, FileRole::PrivateKey, fault)
    }
}

impl fmt::Debug for EncryptedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedKey")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// How a key is encrypted that the crate does not know, if it is an encrypted key at all.
fn unsupported(line: usize, der: &[u8]) -> LoadFault {
    match scheme(der) {
        Some(how) => LoadFault::UnsupportedEncryption { line, how },
        None => LoadFault::DamagedKey {
            line,
            kind: BlockKind::EncryptedPrivateKey,
        },
    }
}

fn scheme(der: &[u8]) -> Option<String> {
    let (algorithm, _) = der::expect(SEQUENCE, der::whole(SEQUENCE, der)?)?;
    let (oid, _) = der::expect(OBJECT_IDENTIFIER, algorithm)?;
    Some(match oid {
        OID_PBES2 => {
            "with PBES2, but with a cipher, salt or key derivation unknown here".to_owned()
        }
        other => match other.strip_prefix(OID_PKCS5) {
            Some([1 | 3 | 4 | 6 | 10 | 11]) => "in the old way of PKCS#5 (PBES1)".to_owned(),
            _ => format!("with the algorithm {}", der::dotted(other)?),
        },
    })
}

/// What the file asks for and what is allowed, if it asks for too much.
fn excess(kdf: &Kdf) -> Option<(String, &'static str)> {
    match kdf {
        Kdf::Pbkdf2(parameters) => (parameters.iteration_count > PBKDF2_ROUNDS_MAX).then(|| {
            (
                format!("{} rounds of PBKDF2", parameters.iteration_count),
                "5000000",
            )
        }),
        Kdf::Scrypt(parameters) => {
            let (memory, work) = scrypt_cost(parameters);
            (memory > SCRYPT_MEMORY_MAX || work > SCRYPT_WORK_MAX).then(|| {
                (
                    format!(
                        "scrypt with N={}, r={}, p={}",
                        parameters.cost_parameter,
                        parameters.block_size,
                        parameters.parallelization
                    ),
                    "64 MiB, and N*r*p of 4194304",
                )
            })
        }
        _ => None,
    }
}

/// Bytes of memory, and N*r*p (RFC 7914, sections 2 and 6).
fn scrypt_cost(parameters: &ScryptParams) -> (u64, u64) {
    let block_size = u64::from(parameters.block_size);
    let lanes = u64::from(parameters.parallelization);
    let blocks = parameters.cost_parameter.saturating_mul(block_size);
    (
        blocks
            .saturating_add(block_size.saturating_mul(lanes))
            .saturating_mul(128),
        blocks.saturating_mul(lanes),
    )
}

/// Ten times what OWASP recommends for passwords; OpenSSL's default is 2,048.
const PBKDF2_ROUNDS_MAX: u32 = 5_000_000;

/// Twice what OpenSSL itself allows; its default takes 16 MiB.
const SCRYPT_MEMORY_MAX: u64 = 64 * 1024 * 1024;

/// 32 times OpenSSL's default (N=16384, r=8, p=1).
const SCRYPT_WORK_MAX: u64 = 4_194_304;

const OID_PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const OID_PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];

#[cfg(test)]
mod tests;
