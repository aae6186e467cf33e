//! Files of certificate revocation lists.

use std::path::Path;

use super::error::{FileRole, LoadError, LoadFault};
use super::read_blocks;
use crate::info::RevocationList;
use crate::pem::{Block, BlockKind};

/// Loads the revocation lists of a file (`ssl_crl_file`, or one of `ssl_crl_dir`), at least one.
///
/// Other blocks are passed over: authorities publish their certificate and their list in one file.
/// Whether a list is signed by an authority that is trusted shows when a chain is verified.
///
/// # Errors
///
/// [`LoadError`]: the file cannot be read, is no PEM, is damaged, holds no list, or one that rustls'
/// verifier cannot use.
pub fn load_revocation_lists(path: &Path) -> Result<Vec<RevocationList>, LoadError> {
    let fail = |fault| LoadError::new(path, FileRole::RevocationList, fault);
    let blocks = read_blocks(path).map_err(fail)?;
    let lists = (1..)
        .zip(
            blocks
                .iter()
                .filter(|block| block.kind == BlockKind::CertificateRevocationList),
        )
        .map(|(number, block)| parse(number, block))
        .collect::<Result<Vec<_>, _>>()
        .map_err(fail)?;
    match blocks.first() {
        Some(first) if lists.is_empty() => Err(fail(LoadFault::WrongBlock {
            found: first.kind.clone(),
            wanted: BlockKind::CertificateRevocationList,
        })),
        _ => Ok(lists),
    }
}

fn parse(number: usize, block: &Block) -> Result<RevocationList, LoadFault> {
    let der = block.der().map_err(LoadFault::Pem)?;
    RevocationList::from_der(&der).map_err(|error| LoadFault::RevocationList {
        line: block.line,
        number,
        error,
    })
}

#[cfg(test)]
mod tests;
