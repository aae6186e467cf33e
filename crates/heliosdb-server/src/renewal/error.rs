//! Why a certificate was not renewed.

use pg_certs::LoadError;
use pg_certs::generate::GenerateError;
use thiserror::Error;

/// The old certificate and its key are in place and served.
#[derive(Debug, Error)]
pub(crate) enum RenewalError {
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(
        "the key is protected by ssl_passphrase_command, and a new one would not be; renew it by hand"
    )]
    Passphrase,
}
