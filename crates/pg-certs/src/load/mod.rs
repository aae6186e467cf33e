//! Reads certificate and key files; every failure names the file, what was found and what to do.

mod certificates;
mod encrypted_key;
mod error;
mod key;
mod revocation_lists;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

pub use self::certificates::{load_certificate_chain, load_trust_anchors};
pub(crate) use self::certificates::{parse_certificates, parse_chain};
pub use self::encrypted_key::EncryptedKey;
pub use self::error::{DerKind, FileRole, LoadError, LoadFault};
pub use self::key::{KeyInFile, load_private_key, read_private_key};
pub use self::revocation_lists::load_revocation_lists;
use crate::der;
use crate::info::{RevocationList, RevocationListError};
use crate::pem::{self, Block};
pub use crate::pem::{BlockKind, PemFault};

/// Reads a file and takes it apart into PEM blocks, at least one.
pub(crate) fn read_blocks(path: &Path) -> Result<Vec<Block>, LoadFault> {
    let bytes = read_file(path)?;
    blocks_of(&bytes)
}

/// Takes the bytes of a file apart into PEM blocks, at least one.
fn blocks_of(bytes: &[u8]) -> Result<Vec<Block>, LoadFault> {
    if bytes.trim_ascii().is_empty() {
        return Err(LoadFault::Empty);
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(LoadFault::Utf16);
    }
    if let Some(content) = der::whole(der::SEQUENCE, bytes) {
        return Err(der_file(bytes, content));
    }
    let blocks = pem::blocks(bytes).map_err(LoadFault::Pem)?;
    if blocks.is_empty() {
        return Err(LoadFault::NotPem);
    }
    Ok(blocks)
}

/// Reads a regular file of bounded size into memory that is wiped afterwards.
pub(crate) fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, LoadFault> {
    // Asked before opening: opening a pipe that nobody writes to would wait for ever.
    if !std::fs::metadata(path).map_err(LoadFault::Io)?.is_file() {
        return Err(LoadFault::NotRegularFile);
    }
    let file = File::open(path).map_err(LoadFault::Io)?;
    let len = file.metadata().map_err(LoadFault::Io)?.len();
    // Room for the whole file at once, so that growing leaves no copies of a key behind.
    let capacity = usize::try_from(len.min(FILE_SIZE_MAX) + 1).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(FILE_SIZE_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(LoadFault::Io)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > FILE_SIZE_MAX) {
        return Err(LoadFault::TooLarge {
            limit: FILE_SIZE_MAX,
        });
    }
    Ok(bytes)
}

/// Says what a binary file holds.
fn der_file(bytes: &[u8], content: &[u8]) -> LoadFault {
    if crate::info::CertificateInfo::from_der(bytes).is_ok() {
        return LoadFault::Der(DerKind::Certificate);
    }
    if !matches!(
        RevocationList::from_der(bytes),
        Err(RevocationListError::Damaged { .. })
    ) {
        return LoadFault::Der(DerKind::RevocationList);
    }
    match der::read(content).map(|(first, _)| (first.tag, first.content)) {
        // PFX ::= SEQUENCE { version INTEGER (3), … } (RFC 7292, section 4).
        Some((der::INTEGER, [3])) => LoadFault::Pkcs12,
        Some((der::INTEGER, [0 | 1])) => LoadFault::Der(DerKind::PrivateKey),
        _ => LoadFault::Der(DerKind::Other),
    }
}

/// Largest file that is read: a bundle of all public authorities is about 250 kB.
const FILE_SIZE_MAX: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
