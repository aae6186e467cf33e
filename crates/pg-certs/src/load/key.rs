//! Private key files: PKCS#8, PKCS#1 and SEC1.

use std::path::Path;

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::Zeroizing;

use super::encrypted_key::EncryptedKey;
use super::error::{FileRole, LoadError, LoadFault};
use super::read_blocks;
use crate::der::{self, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use crate::pem::{Block, BlockKind};

/// A private key of a file: ready for use, or to be opened with a passphrase first.
#[derive(Debug)]
pub enum KeyInFile {
    /// Not encrypted.
    Plain(PrivateKeyDer<'static>),
    /// Encrypted in PKCS#8 (`ENCRYPTED PRIVATE KEY`).
    Encrypted(EncryptedKey),
}

/// Reads the private key of a server or client (`ssl_key_file`), encrypted or not; otherwise as
/// [`load_private_key`].
///
/// # Errors
///
/// Those of [`load_private_key`], but for keys that [`EncryptedKey::open`] can open.
pub fn read_private_key(path: &Path) -> Result<KeyInFile, LoadError> {
    read_blocks(path)
        .and_then(|blocks| first_key(path, &blocks))
        .map_err(|fault| LoadError::new(path, FileRole::PrivateKey, fault))
}

/// Loads the private key of a server or client (`ssl_key_file`): the first one of the file, as
/// PostgreSQL takes it.
///
/// Understood are PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) and SEC1 (`EC PRIVATE KEY`, with
/// `EC PARAMETERS` before or after it). The certificate may stand in the same file. A SEC1 key that
/// leaves its curve to the parameters block is returned as PKCS#8, which names the curve.
/// Permissions are judged apart, by [`check_key_file_permissions`](crate::check_key_file_permissions).
///
/// # Errors
///
/// [`LoadError`]: the file cannot be read, is no PEM, is damaged, holds no private key, or one that is
/// encrypted or of a kind that TLS here cannot sign with.
pub fn load_private_key(path: &Path) -> Result<PrivateKeyDer<'static>, LoadError> {
    match read_private_key(path)? {
        KeyInFile::Plain(key) => Ok(key),
        KeyInFile::Encrypted(key) => Err(key.without_passphrase()),
    }
}

fn first_key(path: &Path, blocks: &[Block]) -> Result<KeyInFile, LoadFault> {
    for block in blocks {
        match &block.kind {
            BlockKind::PrivateKey => {
                let bytes = block.der().map_err(LoadFault::Pem)?;
                return pkcs8(block.line, &block.kind, &bytes).map(KeyInFile::Plain);
            }
            BlockKind::RsaPrivateKey => return pkcs1(block).map(KeyInFile::Plain),
            BlockKind::EcPrivateKey => return sec1(block, blocks).map(KeyInFile::Plain),
            BlockKind::EncryptedPrivateKey => {
                return EncryptedKey::new(path, block).map(KeyInFile::Encrypted);
            }
            BlockKind::LegacyEncryptedPrivateKey => {
                return Err(LoadFault::UnsupportedEncryption {
                    line: block.line,
                    how: "in OpenSSL's old way (\"Proc-Type: 4,ENCRYPTED\")".to_owned(),
                });
            }
            BlockKind::DsaPrivateKey => {
                return Err(unsupported(block.line, "DSA"));
            }
            _ => {}
        }
    }
    // The parameters alone say less about the file than what stands beside them.
    let telling = blocks
        .iter()
        .find(|block| block.kind != BlockKind::EcParameters);
    match telling.or_else(|| blocks.first()) {
        Some(block) => Err(LoadFault::WrongBlock {
            found: block.kind.clone(),
            wanted: BlockKind::PrivateKey,
        }),
        None => Err(LoadFault::NotPem),
    }
}

/// `PrivateKeyInfo ::= SEQUENCE { version, SEQUENCE { algorithm, parameters }, OCTET STRING, … }`
/// (RFC 5958).
pub(super) fn pkcs8(
    line: usize,
    kind: &BlockKind,
    bytes: &[u8],
) -> Result<PrivateKeyDer<'static>, LoadFault> {
    let parts = || {
        let (_version, rest) = der::expect(INTEGER, der::whole(SEQUENCE, bytes)?)?;
        let (identifier, rest) = der::expect(SEQUENCE, rest)?;
        der::expect(OCTET_STRING, rest)?;
        der::expect(OBJECT_IDENTIFIER, identifier)
    };
    let (algorithm, parameters) = parts().ok_or_else(|| damaged(line, kind))?;
    match algorithm {
        OID_RSA | OID_ED25519 => {}
        OID_EC => match der::expect(OBJECT_IDENTIFIER, parameters) {
            Some((curve, _)) => check_curve(line, kind, curve)?,
            None => return Err(unsupported(line, "EC (with explicit curve parameters)")),
        },
        other => return Err(unsupported(line, &algorithm_name(other))),
    }
    Ok(PrivatePkcs8KeyDer::from(bytes.to_vec()).into())
}

/// `RSAPrivateKey ::= SEQUENCE { version 0, nine INTEGERs in all }` (RFC 8017, appendix A.1.2).
fn pkcs1(block: &Block) -> Result<PrivateKeyDer<'static>, LoadFault> {
    let bytes = block.der().map_err(LoadFault::Pem)?;
    let mut rest = der::whole(SEQUENCE, &bytes).ok_or_else(|| damaged(block.line, &block.kind))?;
    for _ in 0..9 {
        rest = der::expect(INTEGER, rest)
            .ok_or_else(|| damaged(block.line, &block.kind))?
            .1;
    }
    Ok(PrivatePkcs1KeyDer::from(bytes.to_vec()).into())
}

/// `ECPrivateKey ::= SEQUENCE { version 1, OCTET STRING, [0] curve OPTIONAL, [1] point OPTIONAL }`
/// (RFC 5915).
fn sec1(block: &Block, blocks: &[Block]) -> Result<PrivateKeyDer<'static>, LoadFault> {
    let bytes = block.der().map_err(LoadFault::Pem)?;
    let parts = || {
        let (_version, rest) = der::expect(INTEGER, der::whole(SEQUENCE, &bytes)?)?;
        Some(der::expect(OCTET_STRING, rest)?.1)
    };
    let optional = parts().ok_or_else(|| damaged(block.line, &block.kind))?;
    if let Some((curve, _)) = der::expect(SEC1_PARAMETERS, optional) {
        let Some(curve) = der::whole(OBJECT_IDENTIFIER, curve) else {
            return Err(unsupported(
                block.line,
                "EC (with explicit curve parameters)",
            ));
        };
        check_curve(block.line, &block.kind, curve)?;
        return Ok(PrivateSec1KeyDer::from(bytes.to_vec()).into());
    }
    let Some(outer) = blocks
        .iter()
        .find(|block| block.kind == BlockKind::EcParameters)
    else {
        return Err(LoadFault::UnknownCurve { line: block.line });
    };
    let outer_der = outer.der().map_err(LoadFault::Pem)?;
    let Some(curve) = der::whole(OBJECT_IDENTIFIER, &outer_der) else {
        return Err(unsupported(
            block.line,
            "EC (with explicit curve parameters)",
        ));
    };
    check_curve(block.line, &block.kind, curve)?;
    Ok(PrivatePkcs8KeyDer::from(pkcs8_around_sec1(curve, &bytes).to_vec()).into())
}

/// Wraps a SEC1 key into PKCS#8, which names the curve outside the key.
fn pkcs8_around_sec1(curve: &[u8], sec1: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut identifier = Vec::new();
    der::write(OBJECT_IDENTIFIER, OID_EC, &mut identifier);
    der::write(OBJECT_IDENTIFIER, curve, &mut identifier);
    let mut info = Zeroizing::new(Vec::with_capacity(sec1.len() + 64));
    der::write(INTEGER, &[0], &mut info);
    der::write(SEQUENCE, &identifier, &mut info);
    der::write(OCTET_STRING, sec1, &mut info);
    let mut whole = Zeroizing::new(Vec::with_capacity(info.len() + 8));
    der::write(SEQUENCE, &info, &mut whole);
    whole
}

fn check_curve(line: usize, kind: &BlockKind, curve: &[u8]) -> Result<(), LoadFault> {
    match curve {
        OID_P256 | OID_P384 | OID_P521 => Ok(()),
        OID_SECP256K1 => Err(unsupported(line, "EC (on the curve secp256k1)")),
        other => {
            let curve = der::dotted(other).ok_or_else(|| damaged(line, kind))?;
            Err(unsupported(line, &format!("EC (on the curve {curve})")))
        }
    }
}

fn algorithm_name(oid: &[u8]) -> String {
    match oid {
        OID_DSA => "DSA".to_owned(),
        OID_ED448 => "Ed448".to_owned(),
        OID_RSA_PSS => "RSA-PSS".to_owned(),
        OID_X25519 => "X25519".to_owned(),
        OID_X448 => "X448".to_owned(),
        other => der::dotted(other).unwrap_or_else(|| "unknown".to_owned()),
    }
}

fn damaged(line: usize, kind: &BlockKind) -> LoadFault {
    LoadFault::DamagedKey {
        line,
        kind: kind.clone(),
    }
}

fn unsupported(line: usize, algorithm: &str) -> LoadFault {
    LoadFault::UnsupportedKey {
        line,
        algorithm: algorithm.to_owned(),
    }
}

const SEC1_PARAMETERS: u8 = 0xa0;
const OID_DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const OID_ED448: &[u8] = &[0x2b, 0x65, 0x71];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const OID_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const OID_SECP256K1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x0a];
const OID_X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const OID_X448: &[u8] = &[0x2b, 0x65, 0x6f];
