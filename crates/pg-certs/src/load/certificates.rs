//! Certificate files: a server's chain, and the authorities to trust.

use std::path::Path;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use super::error::{FileRole, LoadError, LoadFault};
use super::read_blocks;
use crate::info::CertificateInfo;
use crate::pem::{Block, BlockKind};

/// Loads the certificate chain of a server (`ssl_cert_file`): the leaf first, at least one.
///
/// The file may hold other blocks too (the key, parameters, text); they are passed over. Each
/// certificate must parse, and all but a self-signed root at the end must be X.509 version 3, since
/// rustls refuses older ones in every handshake. Order and completeness are judged by
/// [`CertificateManager::verify_cert_files`](crate::CertificateManager::verify_cert_files).
///
/// # Errors
///
/// [`LoadError`]: the file cannot be read, is no PEM, is damaged, holds no certificate, or holds a
/// certificate that cannot be served.
pub fn load_certificate_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    Ok(parse_chain(path)?
        .into_iter()
        .map(|certificate| certificate.der)
        .collect())
}

/// Loads a chain with the facts of each certificate; refuses what can never be served.
pub(crate) fn parse_chain(path: &Path) -> Result<Vec<ParsedCertificate>, LoadError> {
    let parsed = parse_certificates(path, FileRole::ServerCertificate)?;
    for (number, certificate) in (1..).zip(&parsed) {
        let root = number > 1 && certificate.info.is_self_issued();
        if certificate.info.version() < 3 && !root {
            return Err(LoadError::new(
                path,
                FileRole::ServerCertificate,
                LoadFault::Version1 {
                    line: certificate.line,
                    number,
                    version: certificate.info.version(),
                    subject: certificate.info.subject().rfc2253(),
                },
            ));
        }
    }
    Ok(parsed)
}

/// Loads the authorities to trust (`ssl_ca_file`), at least one, in the order of the file.
///
/// Version 1 certificates are taken here, as rustls takes them as trust anchors.
///
/// # Errors
///
/// [`LoadError`]: the file cannot be read, is no PEM, is damaged, holds no certificate, or holds one
/// that cannot be a trust anchor.
pub fn load_trust_anchors(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let parsed = parse_certificates(path, FileRole::RootCertificate)?;
    let mut store = RootCertStore::empty();
    for (number, certificate) in (1..).zip(&parsed) {
        store.add(certificate.der.clone()).map_err(|error| {
            LoadError::new(
                path,
                FileRole::RootCertificate,
                LoadFault::DamagedCertificate {
                    line: certificate.line,
                    number,
                    reason: error.to_string(),
                },
            )
        })?;
    }
    Ok(parsed
        .into_iter()
        .map(|certificate| certificate.der)
        .collect())
}

/// A certificate of a file, as bytes and as facts.
pub(crate) struct ParsedCertificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) info: CertificateInfo,
    /// Line of the BEGIN marker.
    pub(crate) line: usize,
}

/// Loads all certificates of a file, at least one.
pub(crate) fn parse_certificates(
    path: &Path,
    role: FileRole,
) -> Result<Vec<ParsedCertificate>, LoadError> {
    let fail = |fault| LoadError::new(path, role, fault);
    let blocks = read_blocks(path).map_err(fail)?;
    let parsed = (1..)
        .zip(
            blocks
                .iter()
                .filter(|block| block.kind == BlockKind::Certificate),
        )
        .map(|(number, block)| parse(number, block))
        .collect::<Result<Vec<_>, _>>()
        .map_err(fail)?;
    match blocks.first() {
        Some(first) if parsed.is_empty() => Err(fail(LoadFault::WrongBlock {
            found: first.kind.clone(),
            wanted: BlockKind::Certificate,
        })),
        _ => Ok(parsed),
    }
}

fn parse(number: usize, block: &Block) -> Result<ParsedCertificate, LoadFault> {
    let der = CertificateDer::from(block.der().map_err(LoadFault::Pem)?.to_vec());
    let info = CertificateInfo::from_der(&der).map_err(|error| LoadFault::DamagedCertificate {
        line: block.line,
        number,
        reason: error.to_string(),
    })?;
    Ok(ParsedCertificate {
        der,
        info,
        line: block.line,
    })
}
