//! Self-signed certificates: made on request, renewed, and kept ready for development.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::CertificateManager;
use crate::files::{Existing, PairFiles, WriteError};
use crate::generate::{GenerateError, IssuedCertificate, ServerSpec, self_signed, server_names};
use crate::info::CertificateInfo;
use crate::load::load_private_key;
use crate::verify::{KeyMatch, key_match, verify};

/// Self-signed certificates.
impl CertificateManager {
    /// Makes a self-signed server certificate for 365 days and writes it (0644) and its key (0600).
    ///
    /// A common name that is a host name or IP address becomes the subject alternative name too;
    /// `localhost` brings 127.0.0.1 and ::1 along. Any other text is kept as it is, and the certificate
    /// is for `localhost`. Clients can trust the certificate itself (`sslrootcert=server.crt`).
    ///
    /// Calling it again renews: an existing pair is replaced, with a new key, if it is what this
    /// function makes, that is a self-signed certificate with this common name and its own key. Any
    /// other existing file is kept and reported; [`replace_self_signed`](Self::replace_self_signed)
    /// replaces those too. A failure, a full disk or a crash leaves the old pair whole, as
    /// [`files`](crate::files) describes.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: the common name cannot stand in a certificate or was meant as a host but is
    /// none (`host:5432`), a file exists, or the system refused.
    pub fn generate_self_signed(
        cert_path: impl AsRef<Path>,
        key_path: impl AsRef<Path>,
        common_name: &str,
    ) -> Result<(), GenerateError> {
        write_self_signed(
            cert_path.as_ref(),
            key_path.as_ref(),
            common_name,
            Existing::Keep,
        )
    }

    /// As [`generate_self_signed`](Self::generate_self_signed), but replaces whatever files stand at
    /// the two paths. Their content is lost.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: the common name cannot stand in a certificate, or the system refused.
    pub fn replace_self_signed(
        cert_path: impl AsRef<Path>,
        key_path: impl AsRef<Path>,
        common_name: &str,
    ) -> Result<(), GenerateError> {
        write_self_signed(
            cert_path.as_ref(),
            key_path.as_ref(),
            common_name,
            Existing::Replace,
        )
    }

    /// Makes a self-signed certificate for `localhost` in memory; returns certificate and key, both PEM.
    ///
    /// ```
    /// use pg_certs::CertificateManager;
    ///
    /// let (cert_pem, key_pem) = CertificateManager::generate_test_cert()?;
    /// assert!(cert_pem.starts_with("-----BEGIN CERTIFICATE-----"));
    /// assert!(key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    /// # Ok::<(), pg_certs::generate::GenerateError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: the cryptographic library failed.
    pub fn generate_test_cert() -> Result<(String, String), GenerateError> {
        let issued = self_signed_for("localhost")?;
        Ok((
            issued.certificate_pem().to_owned(),
            issued.key_pem().to_owned(),
        ))
    }

    /// Makes sure that there is a usable development certificate for `localhost`; returns the paths of
    /// certificate and key.
    ///
    /// They stand as `server.crt` and `server.key` in the directory that the environment variable
    /// [`HELIOSDB_CERTS_DIR`](CERTS_DIR_VARIABLE) names, else in `certs-dev` of the working directory.
    /// See [`setup_test_certs_in`](Self::setup_test_certs_in).
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: the directory cannot be written, or its path is not UTF-8.
    pub fn setup_test_certs() -> Result<(String, String), GenerateError> {
        let directory = std::env::var_os(CERTS_DIR_VARIABLE).filter(|value| !value.is_empty());
        Self::setup_test_certs_in(
            directory.map_or_else(|| PathBuf::from(CERTS_DIR_DEFAULT), PathBuf::from),
        )
    }

    /// As [`setup_test_certs`](Self::setup_test_certs), in the given directory.
    ///
    /// A pair without errors in its report and with more than a day to live is used as it is, whoever made
    /// it. Otherwise a new one is made; files that are not a pair of this function's making are kept
    /// beside it with `.old`, `.old2` … at the end of their names.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: the directory cannot be written, its path is not UTF-8, or there already are
    /// nine `.old` files.
    pub fn setup_test_certs_in(
        directory: impl AsRef<Path>,
    ) -> Result<(String, String), GenerateError> {
        let directory = directory.as_ref();
        let (certificate, key) = (directory.join("server.crt"), directory.join("server.key"));
        let paths = (utf8(&certificate)?, utf8(&key)?);
        let files = PairFiles::lock(&certificate, &key)?;
        if !is_usable(&certificate, &key) {
            if !is_own_pair(&certificate, &key, "localhost") {
                keep_old(&certificate)?;
                keep_old(&key)?;
            }
            let issued = self_signed_for("localhost")?;
            files.replace(issued.chain_pem(), issued.key_pem())?;
        }
        Ok(paths)
    }
}

/// The environment variable that names the directory of the development certificates.
pub const CERTS_DIR_VARIABLE: &str = "HELIOSDB_CERTS_DIR";

fn write_self_signed(
    certificate: &Path,
    key: &Path,
    common_name: &str,
    existing: Existing,
) -> Result<(), GenerateError> {
    let issued = self_signed_for(common_name)?;
    let files = PairFiles::lock(certificate, key)?;
    if existing == Existing::Keep && !is_own_pair(certificate, key, common_name) {
        files.refuse_existing()?;
    }
    Ok(files.replace(issued.chain_pem(), issued.key_pem())?)
}

fn self_signed_for(common_name: &str) -> Result<IssuedCertificate, GenerateError> {
    self_signed(&ServerSpec::new([server_names(common_name)?]).with_common_name(common_name))
}

fn is_usable(certificate: &Path, key: &Path) -> bool {
    let now = SystemTime::now();
    verify(certificate, key, None, now).is_ok_and(|report| {
        let lives_on = report
            .certificate()
            .is_some_and(|leaf| leaf.days_left(now) >= 1);
        report.is_ok() && lives_on
    })
}

/// Whether the files are a self-signed leaf with this common name and its own key, so that nothing is
/// lost when they are replaced by another such pair.
fn is_own_pair(certificate: &Path, key: &Path, common_name: &str) -> bool {
    let Ok(chain) = crate::load_certificate_chain(certificate) else {
        return false;
    };
    let [leaf] = chain.as_slice() else {
        return false;
    };
    let is_ours = CertificateInfo::from_der(leaf).is_ok_and(|info| {
        info.is_self_issued() && !info.is_ca() && info.common_name() == Ok(Some(common_name))
    });
    is_ours
        && load_private_key(key)
            .map(Zeroizing::new)
            .is_ok_and(|key| key_match(leaf, &key) == KeyMatch::Same)
}

/// Gives a file that may be worth something a second name, under which it survives its replacement.
fn keep_old(path: &Path) -> Result<(), GenerateError> {
    for number in 1..=OLD_FILES_MAX {
        let mut old = path.as_os_str().to_owned();
        old.push(".old");
        if number > 1 {
            old.push(number.to_string());
        }
        match fs::hard_link(path, &old) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => {
                return Err(WriteError::Io {
                    action: "keep the old file as",
                    path: PathBuf::from(old),
                    source,
                }
                .into());
            }
        }
    }
    Err(WriteError::WouldOverwrite {
        path: path.to_owned(),
    }
    .into())
}

fn utf8(path: &Path) -> Result<String, GenerateError> {
    path.to_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| GenerateError::PathNotUtf8 {
            path: path.to_owned(),
        })
}

const CERTS_DIR_DEFAULT: &str = "certs-dev";

/// Somebody should look before so many files have been set aside.
const OLD_FILES_MAX: u32 = 9;

#[cfg(test)]
mod tests;
