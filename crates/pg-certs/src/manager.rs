//! The published functions: certificates made and judged in one call.

use std::path::Path;
use std::time::SystemTime;

use crate::load::LoadError;
use crate::verify::{VerifyReport, verify};

/// Makes and judges certificates in one call; for finer control see
/// [`CertificateAuthority`](crate::CertificateAuthority).
#[derive(Clone, Copy, Debug)]
pub struct CertificateManager;

impl CertificateManager {
    /// Judges a certificate (or chain) file and a key file, as a server would use them: both parse, the
    /// key belongs to the certificate, the chain is in order and without gaps, the dates are right, there
    /// are names, it is no authority, it is for servers, and the key file has the owner and mode that
    /// PostgreSQL asks for.
    ///
    /// Whether the last certificate of the file leads to an authority that clients trust cannot be seen
    /// from the files; see [`verify_cert_files_with_ca`](Self::verify_cert_files_with_ca).
    ///
    /// # Errors
    ///
    /// [`LoadError`]: one of the files cannot be loaded at all. Everything else is in the report.
    pub fn verify_cert_files(
        cert_path: impl AsRef<Path>,
        key_path: impl AsRef<Path>,
    ) -> Result<VerifyReport, LoadError> {
        verify(
            cert_path.as_ref(),
            key_path.as_ref(),
            None,
            SystemTime::now(),
        )
    }

    /// As [`verify_cert_files`](Self::verify_cert_files), and the chain must lead to one of the authorities
    /// in `ca_path`, which clients trust.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: one of the files cannot be loaded at all. Everything else is in the report.
    pub fn verify_cert_files_with_ca(
        cert_path: impl AsRef<Path>,
        key_path: impl AsRef<Path>,
        ca_path: impl AsRef<Path>,
    ) -> Result<VerifyReport, LoadError> {
        verify(
            cert_path.as_ref(),
            key_path.as_ref(),
            Some(ca_path.as_ref()),
            SystemTime::now(),
        )
    }
}
