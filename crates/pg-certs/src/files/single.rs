//! One file: where it really is, writing it beside its target, flushing directories.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{self as unix_fs, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Existing, WriteError};

/// Writes one certificate or bundle (PEM, mode 0644) in one step: readers see the old file or the new.
///
/// # Errors
///
/// [`WriteError`]: the file exists and is to be kept, or the system refused.
pub fn write_certificate(path: &Path, pem: &str, existing: Existing) -> Result<(), WriteError> {
    write(path, pem.as_bytes(), existing, |_, _| Ok(CERTIFICATE_MODE))
}

/// Writes one file of secrets (mode 0600 from the moment it exists) in one step: readers see the old
/// file or the new.
///
/// A file that is replaced hands on its owner, its group and its mode, as far as this process may and
/// as [`check_key_file_permissions`](crate::check_key_file_permissions) allows: a server that runs as
/// somebody else can read it as before.
///
/// # Errors
///
/// [`WriteError`]: the file exists and is to be kept, or the system refused.
pub fn write_secret(path: &Path, content: &[u8], existing: Existing) -> Result<(), WriteError> {
    write(path, content, existing, |new, old| match old {
        Some(old) => inherit(new, old),
        None => Ok(KEY_MODE),
    })
}

/// `mode` is told the new file, which is owner-only, and what it replaces.
fn write(
    path: &Path,
    content: &[u8],
    existing: Existing,
    mode: impl FnOnce(&File, Option<&Metadata>) -> io::Result<u32>,
) -> Result<(), WriteError> {
    let target = Target::new(path)?;
    if existing == Existing::Keep && target.exists() {
        return Err(WriteError::WouldOverwrite {
            path: path.to_owned(),
        });
    }
    let mut temporary = tempfile::Builder::new()
        .prefix(&sibling_name(&target.name, "new-"))
        .tempfile_in(&target.directory)
        .map_err(WriteError::io("create a file in", &target.directory))?;
    let old = fs::metadata(&target.file).ok();
    mode(temporary.as_file(), old.as_ref())
        .and_then(|mode| fill(temporary.as_file_mut(), content, mode))
        .map_err(WriteError::io("write", temporary.path()))?;
    let persisted = match existing {
        Existing::Keep => temporary.persist_noclobber(&target.file),
        Existing::Replace => temporary.persist(&target.file),
    };
    persisted.map_err(|error| WriteError::io("put in place", &target.file)(error.error))?;
    target.flush_directory()
}

/// Gives the file the owner and group of the old one, and answers the mode that goes with them.
fn inherit(new: &File, old: &Metadata) -> io::Result<u32> {
    let mine = new.metadata()?;
    if (mine.uid(), mine.gid()) != (old.uid(), old.gid()) {
        match unix_fs::fchown(new, Some(old.uid()), Some(old.gid())) {
            // Then it stays ours, and ours alone.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(KEY_MODE),
            done => done?,
        }
    }
    let allowed = if old.uid() == ROOT {
        KEY_MODE_OF_ROOT
    } else {
        KEY_MODE
    };
    Ok(old.mode() & allowed)
}

/// A place to write to, with symbolic links resolved.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) directory: PathBuf,
    pub(super) file: PathBuf,
    name: String,
}

impl Target {
    /// Resolves `path` and makes the directories it needs.
    pub(super) fn new(path: &Path) -> Result<Self, WriteError> {
        let not_a_file = || WriteError::NotAFile {
            path: path.to_owned(),
        };
        path.file_name().ok_or_else(not_a_file)?;
        let file = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => {
                fs::canonicalize(path).map_err(|_| WriteError::DanglingLink {
                    path: path.to_owned(),
                })?
            }
            Ok(_) => path.to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(WriteError::io("look at", path)(error)),
        };
        let parent = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(WriteError::io("create the directory", parent))?;
        // Absolute, so that two spellings of one place are seen to be one.
        let directory = fs::canonicalize(parent).map_err(WriteError::io("look at", parent))?;
        let name = file.file_name().ok_or_else(not_a_file)?;
        let target = Self {
            file: directory.join(name),
            name: name.to_string_lossy().into_owned(),
            directory,
        };
        match fs::metadata(&target.file) {
            Ok(metadata) if !metadata.is_file() => Err(not_a_file()),
            _ => Ok(target),
        }
    }

    pub(super) fn exists(&self) -> bool {
        self.file.exists()
    }

    /// A hidden file beside the target.
    pub(super) fn sibling(&self, role: &str) -> PathBuf {
        self.directory.join(sibling_name(&self.name, role))
    }

    /// Makes the renames in the directory survive a loss of power.
    pub(super) fn flush_directory(&self) -> Result<(), WriteError> {
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(WriteError::io("flush", &self.directory))
    }
}

/// The name of a hidden file beside the file `name`.
pub(super) fn sibling_name(name: &str, role: &str) -> String {
    format!(".{name}.pg-certs-{role}")
}

/// Writes content and mode and waits until both are on the disk.
pub(super) fn fill(file: &mut File, content: &[u8], mode: u32) -> io::Result<()> {
    file.write_all(content)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

pub(super) const CERTIFICATE_MODE: u32 = 0o644;
pub(super) const KEY_MODE: u32 = 0o600;
const KEY_MODE_OF_ROOT: u32 = 0o640;
const ROOT: u32 = 0;
