//! Changes to the file: one line each, everything else stays as it is.

use std::ops::Range;
use std::path::Path;

use pg_certs::files::{Existing, WriteLock, write_secret};
use pg_certs::{KeyFileError, check_key_file_permissions};
use zeroize::Zeroizing;

use super::error::{EditError, UsersError};
use super::file::read;
use super::parse;
use super::rows::{Row, Rows};
use crate::scram::Verifier;

/// The names in the file, from top to bottom. As for the changes, the file may belong to another user
/// than this process's, such as the one that the server runs as, and a name may stand there with
/// something that is no verifier.
///
/// # Errors
///
/// [`UsersError`], with every line that cannot be understood.
pub fn list(path: &Path) -> Result<Vec<String>, UsersError> {
    check(path)?;
    let rows = understood(path, &read(path)?)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Adds a user at the end of the file. A file that does not exist is made, for its owner alone
/// (mode 0600).
///
/// Like the other changes, it is written beside the file and renamed into place, under a lock: readers
/// see the file before or after it, and of two writers none loses. Comments and order stay, and so do
/// owner, group and mode, as [`write_secret`] has it.
///
/// # Errors
///
/// [`EditError`]; the file is as it was.
pub fn add(path: &Path, name: &str, verifier: &Verifier) -> Result<(), EditError> {
    parse::check_name(name)?;
    let file = Locked::open_or_make(path)?;
    if file.row(name).is_ok() {
        return Err(EditError::Exists {
            user: name.to_owned(),
            path: path.to_owned(),
        });
    }
    let separator = match file.text.last() {
        None | Some(b'\n') => "",
        Some(_) => "\n",
    };
    let line = Zeroizing::new(format!("{separator}{}\n", parse::format(name, verifier)));
    file.replace(file.text.len()..file.text.len(), &line)
}

/// Gives a user another verifier: another password. An MD5 hash or a password in clear text is replaced
/// too.
///
/// # Errors
///
/// [`EditError`]; the file is as it was.
pub fn set_verifier(path: &Path, name: &str, verifier: &Verifier) -> Result<(), EditError> {
    let file = Locked::open(path)?;
    let at = file.row(name)?.verifier_at.clone();
    file.replace(at, &Zeroizing::new(verifier.to_string()))
}

/// Removes a user with the whole line.
///
/// # Errors
///
/// [`EditError`]; the file is as it was.
pub fn remove(path: &Path, name: &str) -> Result<(), EditError> {
    let file = Locked::open(path)?;
    let at = file.row(name)?.line_at.clone();
    file.replace(at, "")
}

/// The file, with other writers locked out.
struct Locked<'a> {
    path: &'a Path,
    text: Zeroizing<Vec<u8>>,
    rows: Vec<Row>,
    _lock: WriteLock,
}

impl<'a> Locked<'a> {
    fn open(path: &'a Path) -> Result<Self, EditError> {
        // Before the lock, which makes directories.
        check(path)?;
        let lock = WriteLock::beside(path)?;
        let text = read(path)?;
        Self::new(path, text, lock)
    }

    fn open_or_make(path: &'a Path) -> Result<Self, EditError> {
        let lock = WriteLock::beside(path)?;
        let text = if path.exists() {
            check(path)?;
            read(path)?
        } else {
            Zeroizing::new(HEADER.as_bytes().to_vec())
        };
        Self::new(path, text, lock)
    }

    fn new(path: &'a Path, text: Zeroizing<Vec<u8>>, lock: WriteLock) -> Result<Self, EditError> {
        let rows = understood(path, &text)?;
        Ok(Self {
            path,
            text,
            rows,
            _lock: lock,
        })
    }

    fn row(&self, name: &str) -> Result<&Row, EditError> {
        let row = self.rows.iter().find(|row| row.name == name);
        row.ok_or_else(|| EditError::Unknown {
            user: name.to_owned(),
            path: self.path.to_owned(),
        })
    }

    fn replace(&self, at: Range<usize>, with: &str) -> Result<(), EditError> {
        let before = self.text.get(..at.start).unwrap_or_default();
        let after = self.text.get(at.end..).unwrap_or_default();
        let text = Zeroizing::new([before, with.as_bytes(), after].concat());
        Ok(write_secret(self.path, &text, Existing::Replace)?)
    }
}

/// The users, if every line can be told apart from the others; an edit of anything else could lose
/// what somebody meant.
fn understood(path: &Path, text: &[u8]) -> Result<Vec<Row>, UsersError> {
    let Rows { rows, faults } = Rows::of(text);
    if faults.is_empty() {
        return Ok(rows);
    }
    Err(UsersError::Content {
        path: path.to_owned(),
        faults,
    })
}

/// The rule for key files, but for the owner.
fn check(path: &Path) -> Result<(), UsersError> {
    match check_key_file_permissions(path) {
        Ok(()) | Err(KeyFileError::WrongOwner { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The first line of a new file.
const HEADER: &str = "; users and their SCRAM verifiers; see \"heliosdb-server user --help\"\n";
