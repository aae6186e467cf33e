//! What an authority has issued and revoked, in a text file of OpenSSL's form.

mod line;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use self::line::{Line, Revocation, hex, normal, readable};
use super::authority::CertificateAuthority;
use super::crl::CrlSpec;
use super::error::GenerateError;
use super::validity::Validity;
use crate::files::{Existing, WriteError, WriteLock, write_certificate};
use crate::info::{CertificateInfo, RevocationList, RevocationReason};
use crate::os_error;

/// The certificates of an authority: a file beside the authority's own, one line for each, as
/// `openssl ca` keeps its `index.txt` and `openssl ocsp -index` reads it.
///
/// The lock on the directory is held from [`open`](Self::open) until the index is dropped, so that two
/// programs do not lose each other's lines.
///
/// ```
/// use pg_certs::CertificateAuthority;
/// use pg_certs::generate::{CaSpec, ClientSpec, Index, Validity};
/// use pg_certs::info::RevocationReason;
///
/// let dir = tempfile::tempdir().unwrap();
/// let ca = CertificateAuthority::create(&CaSpec::new("Example CA")).unwrap();
/// let alice = ca.issue_client(&ClientSpec::new("alice")).unwrap();
///
/// let mut index = Index::open(Index::beside(&dir.path().join("ca.crt"))).unwrap();
/// index.issued(alice.info());
/// index.revoke(alice.info(), RevocationReason::KeyCompromise).unwrap();
/// index.save().unwrap();
/// let list = index.sign_crl(&ca, None, Validity::days(30)).unwrap();
/// assert_eq!(list.revoked()[0].serial(), alice.info().serial());
/// ```
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    lines: Vec<Line>,
    _lock: WriteLock,
}

impl Index {
    /// Where the index of an authority is: `ca.index` beside `ca.crt`.
    #[must_use]
    pub fn beside(certificate: &Path) -> PathBuf {
        certificate.with_extension("index")
    }

    /// Reads the index; a file that does not exist is an empty one.
    ///
    /// # Errors
    ///
    /// [`IndexError`]: the file cannot be read or is no index, or another process is writing there.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, IndexError> {
        let path = path.into();
        let lock = WriteLock::beside(&path)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(IndexError::Read { path, source }),
        };
        let lines = (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                Line::parse(line).ok_or_else(|| IndexError::Damaged {
                    path: path.clone(),
                    line: number,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path,
            lines,
            _lock: lock,
        })
    }

    /// Notes that a certificate was issued.
    pub fn issued(&mut self, certificate: &CertificateInfo) {
        let line = Line::new(certificate);
        if !self.lines.iter().any(|known| known.serial == line.serial) {
            self.lines.push(line);
        }
    }

    /// Notes that a certificate is revoked from now on, known or not.
    ///
    /// # Errors
    ///
    /// [`IndexError::AlreadyRevoked`]: nothing is changed.
    pub fn revoke(
        &mut self,
        certificate: &CertificateInfo,
        reason: RevocationReason,
    ) -> Result<(), IndexError> {
        self.issued(certificate);
        self.revoke_serial(&hex(certificate.serial_bytes()), reason)
            .map(drop)
    }

    /// Notes that the certificate of this serial number, in hexadecimal (colons may stand between the
    /// bytes), is revoked from now on; returns its subject.
    ///
    /// # Errors
    ///
    /// [`IndexError`]: there is no such certificate in the index, or it was revoked before.
    pub fn revoke_serial(
        &mut self,
        serial: &str,
        reason: RevocationReason,
    ) -> Result<String, IndexError> {
        let wanted = normal(serial);
        let path = &self.path;
        let Some(line) = self
            .lines
            .iter_mut()
            .find(|line| normal(&line.serial) == wanted)
        else {
            return Err(IndexError::Unknown {
                serial: serial.to_owned(),
                path: path.clone(),
            });
        };
        if let Some(revocation) = line.revoked {
            return Err(IndexError::AlreadyRevoked {
                subject: line.subject.clone(),
                at: readable(revocation.at),
            });
        }
        line.revoked = Some(Revocation {
            at: SystemTime::now(),
            reason: Some(reason),
        });
        Ok(line.subject.clone())
    }

    /// Writes the file, in one step.
    ///
    /// # Errors
    ///
    /// [`IndexError::Write`]: the system refused. The old file is then in place.
    pub fn save(&self) -> Result<(), IndexError> {
        let text: String = self.lines.iter().map(|line| line.print() + "\n").collect();
        Ok(write_certificate(&self.path, &text, Existing::Replace)?)
    }

    /// Makes the list of everything that is revoked, here and in the `previous` list, with the number
    /// after that of `previous`, or 1.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: the previous list is of another authority, the dates are not possible, or the
    /// authority may not sign lists.
    pub fn sign_crl(
        &self,
        ca: &CertificateAuthority,
        previous: Option<&RevocationList>,
        validity: Validity,
    ) -> Result<RevocationList, GenerateError> {
        let spec = previous.map_or_else(CrlSpec::new, CrlSpec::after);
        let entries = self.lines.iter().filter_map(Line::entry);
        ca.sign_crl(&spec.with_entries(entries).with_validity(validity))
    }
}

/// Why an index could not be read, changed or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The certificate was revoked before.
    #[error("the certificate of \"{subject}\" was revoked already, on {at}")]
    AlreadyRevoked {
        /// Its subject.
        subject: String,
        /// When.
        at: String,
    },
    /// A line that is not of OpenSSL's form.
    #[error(
        "line {line} of \"{}\" is not a line of an index of certificates; restore the file or move it away",
        path.display()
    )]
    Damaged {
        /// The index.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
    },
    /// The file cannot be read.
    #[error("could not read \"{}\": {}", path.display(), os_error::text(source))]
    Read {
        /// The index.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No certificate of this serial number was issued here.
    #[error(
        "\"{}\" has no certificate with the serial number {}; name its file instead",
        path.display(),
        serial.escape_debug()
    )]
    Unknown {
        /// The serial number, as it was given.
        serial: String,
        /// The index.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

#[cfg(test)]
mod tests;
