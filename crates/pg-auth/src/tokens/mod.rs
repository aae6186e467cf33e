//! What `pg_hba.conf`, `pg_ident.conf` and `pg_hosts.conf` have in common: lines of fields of tokens, files that include
//! files, regular expressions.
//!
//! Source: `tokenize_auth_file` and its neighbours in PostgreSQL's `hba.c` (16 and later).

mod error;
mod files;
mod lexer;
mod pattern;
mod user;

pub(crate) use self::error::context;
pub use self::error::{FileError, FileErrors};
pub use self::files::files_of;
pub(crate) use self::files::{beside, read, read_if_exists};
pub(crate) use self::lexer::Token;
pub(crate) use self::pattern::Pattern;
pub(crate) use self::user::{UserToken, no_roles};

use std::path::Path;
use std::sync::Arc;

/// A line that says something: neither blank, nor a comment, nor an include directive.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) place: Place,
    /// The text as it stands, continuation lines joined.
    pub(crate) raw: String,
    /// Never empty, and no field is.
    pub(crate) fields: Vec<Vec<Token>>,
}

/// Where a line stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) file: Arc<Path>,
    /// Counted from 1; of a continued line, the first.
    pub(crate) line: usize,
}

impl Place {
    /// For `map_err`: puts a fault where it was found.
    pub(crate) fn error(&self, fault: Fault) -> FileError {
        FileError::new(&self.file, Some(self.line), fault)
    }
}

/// What is wrong with a line, before it is known where the line stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) hint: Option<&'static str>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// Reads a file and all that it includes, and turns each line into a `T`.
///
/// # Errors
///
/// Every error of every file, in the order of the lines.
pub(crate) fn load<T>(
    path: &Path,
    parse: impl FnMut(&Line) -> Result<T, Fault>,
) -> Result<Vec<T>, FileErrors> {
    parse_all(read(path), parse)
}

/// Turns each line into a `T`, whatever is wrong with the others.
///
/// # Errors
///
/// Every error, in the order of the lines.
pub(crate) fn parse_all<T>(
    lines: Vec<Result<Line, FileError>>,
    mut parse: impl FnMut(&Line) -> Result<T, Fault>,
) -> Result<Vec<T>, FileErrors> {
    let mut parsed = Vec::new();
    let mut errors = Vec::new();
    for line in lines {
        match line.and_then(|line| parse(&line).map_err(|fault| line.place.error(fault))) {
            Ok(item) => parsed.push(item),
            Err(error) => errors.push(error),
        }
    }
    FileErrors::none(errors).map(|()| parsed)
}
