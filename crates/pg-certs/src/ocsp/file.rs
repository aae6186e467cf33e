//! Responses in files, as `openssl ocsp -respout` writes them.

use std::path::{Path, PathBuf};

use super::error::ResponseError;
use super::reply;
use crate::load::{LoadFault, read_file};

/// Loads an OCSP response (DER) and checks its form; what it says is for
/// [`Inquiry::verify`](super::Inquiry::verify).
///
/// # Errors
///
/// [`ResponseFileError`]: the file cannot be read, or holds something else.
pub fn load_response(path: &Path) -> Result<Vec<u8>, ResponseFileError> {
    let bytes = read_file(path).map_err(|fault| ResponseFileError::Unreadable {
        path: path.to_owned(),
        fault,
    })?;
    match reply::parse(&bytes) {
        Err(fault @ (ResponseError::TooLarge { .. } | ResponseError::Malformed { .. })) => {
            Err(ResponseFileError::Malformed {
                path: path.to_owned(),
                fault,
            })
        }
        _ => Ok(bytes.to_vec()),
    }
}

/// An OCSP response file that cannot be used. The operator mends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseFileError {
    /// The file cannot be read.
    #[error(
        "could not load OCSP response file \"{}\": {fault}; check the path and that this user may read it",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: LoadFault,
    },
    /// The file holds no OCSP response.
    #[error(
        "could not load OCSP response file \"{}\": {fault}; write it as openssl ocsp -respout does, in DER",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: ResponseError,
    },
}
