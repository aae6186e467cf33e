//! A certificate and its key, replaced together.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::lock::WriteLock;
use super::single::{CERTIFICATE_MODE, KEY_MODE, Target, fill, sibling_name};
use super::{Existing, WriteError};

/// Writes a certificate (or chain) and its key, both PEM, in the order that the module describes.
///
/// # Errors
///
/// [`WriteError`]: one of the files exists and is to be kept, or the system refused. The old pair is
/// then whole and in place.
pub fn write_pair(
    certificate: (&Path, &str),
    key: (&Path, &str),
    existing: Existing,
) -> Result<(), WriteError> {
    let files = PairFiles::lock(certificate.0, key.0)?;
    if existing == Existing::Keep {
        files.refuse_existing()?;
    }
    files.replace(certificate.1, key.1)
}

/// Finishes or undoes a replacement of this pair that was cut off by a crash; does nothing otherwise.
///
/// # Errors
///
/// [`WriteError`]: the system refused.
pub fn finish_interrupted(certificate: &Path, key: &Path) -> Result<(), WriteError> {
    // Asking must neither make directories nor need the right to write.
    if leftover(certificate, NEW) || leftover(key, NEW) || leftover(key, OLD) {
        return PairFiles::lock(certificate, key).map(drop);
    }
    Ok(())
}

/// A pair of places to write to, locked against other writers.
#[derive(Debug)]
pub(crate) struct PairFiles {
    certificate: Target,
    key: Target,
    _lock: WriteLock,
}

/// The moments of a replacement, for tests to look or fail at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    WriteKey,
    WriteCertificate,
    FlushNew,
    LinkOldKey,
    FlushOld,
    PlaceKey,
    PlaceCertificate,
    FlushPlaced,
    RemoveOldKey,
}

impl PairFiles {
    /// Resolves both paths, makes their directories, waits for other writers, and settles what a crash
    /// has left behind.
    pub(crate) fn lock(certificate: &Path, key: &Path) -> Result<Self, WriteError> {
        let certificate = Target::new(certificate)?;
        let key = Target::new(key)?;
        if certificate.file == key.file {
            return Err(WriteError::SamePath { path: key.file });
        }
        let lock = WriteLock::of_directory(&key.directory)?;
        let files = Self {
            certificate,
            key,
            _lock: lock,
        };
        files.settle()?;
        Ok(files)
    }

    pub(crate) fn refuse_existing(&self) -> Result<(), WriteError> {
        match [&self.key, &self.certificate]
            .into_iter()
            .find(|target| target.exists())
        {
            Some(target) => Err(WriteError::WouldOverwrite {
                path: target.file.clone(),
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn replace(&self, certificate_pem: &str, key_pem: &str) -> Result<(), WriteError> {
        self.replace_observed(certificate_pem, key_pem, &mut |_| Ok(()))
    }

    /// `before` is asked before each step and may fail in its place.
    pub(super) fn replace_observed(
        &self,
        certificate_pem: &str,
        key_pem: &str,
        before: &mut dyn FnMut(Step) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let done = self.steps(certificate_pem, key_pem, before);
        if done.is_err() {
            // The first error is the one to report; what cannot be undone now is settled by the next writer.
            let _ = self.undecide().and_then(|()| self.settle());
        }
        done
    }

    fn steps(
        &self,
        certificate_pem: &str,
        key_pem: &str,
        before: &mut dyn FnMut(Step) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let mut before = |step, path: &Path| before(step).map_err(WriteError::io("write", path));

        before(Step::WriteKey, &self.key_new())?;
        write_new(&self.key, key_pem, KEY_MODE)?;
        before(Step::WriteCertificate, &self.certificate_new())?;
        write_new(&self.certificate, certificate_pem, CERTIFICATE_MODE)?;
        before(Step::FlushNew, &self.key.directory)?;
        self.flush_directories()?;

        before(Step::LinkOldKey, &self.key_old())?;
        if self.key.exists() {
            fs::hard_link(&self.key.file, self.key_old())
                .map_err(WriteError::io("link", &self.key_old()))?;
        }
        before(Step::FlushOld, &self.key.directory)?;
        self.key.flush_directory()?;

        before(Step::PlaceKey, &self.key.file)?;
        rename(&self.key_new(), &self.key.file)?;
        before(Step::PlaceCertificate, &self.certificate.file)?;
        rename(&self.certificate_new(), &self.certificate.file)?;
        before(Step::FlushPlaced, &self.key.directory)?;
        self.flush_directories()?;

        before(Step::RemoveOldKey, &self.key_old())?;
        remove(&self.key_old())
    }

    /// Takes the decision of step 3 back while the certificate is not in place: with a new key beside
    /// the target again, [`settle`](Self::settle) undoes.
    fn undecide(&self) -> Result<(), WriteError> {
        if self.certificate_new().exists() && !self.key_new().exists() && self.key.exists() {
            fs::hard_link(&self.key.file, self.key_new())
                .map_err(WriteError::io("link", &self.key_new()))?;
        }
        Ok(())
    }

    /// Finishes a replacement that was decided, undoes one that was not. Every prefix of this, too, can
    /// be settled again.
    fn settle(&self) -> Result<(), WriteError> {
        if self.key_new().exists() {
            remove(&self.certificate_new())?;
            if self.key_old().exists() {
                rename(&self.key_old(), &self.key.file)?;
                // Renaming one name of a file over another name of it does nothing.
                remove(&self.key_old())?;
            } else if same_file(&self.key_new(), &self.key.file) {
                remove(&self.key.file)?;
            }
            remove(&self.key_new())?;
            return self.flush_directories();
        }
        if self.certificate_new().exists() {
            rename(&self.certificate_new(), &self.certificate.file)?;
            self.flush_directories()?;
        }
        remove(&self.key_old())
    }

    fn flush_directories(&self) -> Result<(), WriteError> {
        self.key.flush_directory()?;
        self.certificate.flush_directory()
    }

    fn key_new(&self) -> PathBuf {
        self.key.sibling(NEW)
    }

    fn key_old(&self) -> PathBuf {
        self.key.sibling(OLD)
    }

    fn certificate_new(&self) -> PathBuf {
        self.certificate.sibling(NEW)
    }
}

/// Whether a crash has left a decided replacement of this pair unfinished.
pub(crate) fn is_interrupted(certificate: &Path, key: &Path) -> bool {
    leftover(certificate, NEW) && !leftover(key, NEW)
}

/// Whether a file of a replacement stands beside `path`.
fn leftover(path: &Path, role: &str) -> bool {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    path.file_name().is_some_and(|name| {
        path.with_file_name(sibling_name(&name.to_string_lossy(), role))
            .exists()
    })
}

/// Creates the new file beside its target; it is owner-only from the moment it exists.
fn write_new(target: &Target, pem: &str, mode: u32) -> Result<(), WriteError> {
    let path = target.sibling(NEW);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(KEY_MODE)
        .open(&path)
        .map_err(WriteError::io("create", &path))?;
    fill(&mut file, pem.as_bytes(), mode).map_err(WriteError::io("write", &path))
}

fn rename(from: &Path, to: &Path) -> Result<(), WriteError> {
    fs::rename(from, to).map_err(WriteError::io("put in place", to))
}

/// Removes a file that may be absent.
fn remove(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(WriteError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

const NEW: &str = "new";
const OLD: &str = "old";
