//! What is wrong with a file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use pg_wire::SqlState;

use super::Fault;

/// One thing that is wrong in a file of access rules, identity maps or hosts. The operator is at fault.
///
/// [`message`](Self::message) is PostgreSQL's text wherever PostgreSQL has one, so that it can be
/// looked up; [`hint`](Self::hint) is what to do about it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct FileError {
    file: PathBuf,
    line: Option<usize>,
    message: String,
    hint: Option<&'static str>,
}

impl FileError {
    pub(crate) fn new(file: &Path, line: Option<usize>, fault: Fault) -> Self {
        Self {
            file: file.to_owned(),
            line,
            message: fault.message,
            hint: fault.hint,
        }
    }

    /// The file, which may be an included one.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line, counted from 1; of a line that is continued by backslashes, the first. `None` if it
    /// is the file as a whole.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, where the message does not say it already.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        self.hint
    }

    /// The message with its place before it as `file:line: `, for where the hint is shown apart.
    #[must_use]
    pub fn placed(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}: {}", self.file.display(), self.message),
            None => self.message.clone(),
        }
    }

    /// The code that PostgreSQL logs it with: F0000, `config_file_error`.
    #[must_use]
    pub const fn sqlstate(&self) -> SqlState {
        SqlState::CONFIG_FILE_ERROR
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "{}: ", context(&self.file, line))?;
        }
        f.write_str(&self.message)?;
        match self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// PostgreSQL's CONTEXT of what it says of a line.
pub(crate) fn context(file: &Path, line: usize) -> String {
    format!("line {line} of configuration file \"{}\"", file.display())
}

/// Everything that is wrong in a file and in the files it includes; never empty.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct FileErrors(Vec<FileError>);

impl FileErrors {
    /// `Ok` if there are none.
    pub(crate) fn none(errors: Vec<FileError>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self(errors))
        }
    }

    /// The errors, in the order of the lines.
    pub fn iter(&self) -> std::slice::Iter<'_, FileError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a FileErrors {
    type Item = &'a FileError;
    type IntoIter = std::slice::Iter<'a, FileError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One error per line of text.
impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}
