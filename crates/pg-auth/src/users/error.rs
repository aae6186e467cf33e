//! What is wrong with a users file.

use std::fmt;
use std::io;
use std::path::PathBuf;

use pg_certs::KeyFileError;
use pg_certs::files::WriteError;
use thiserror::Error;

use crate::scram::VerifierError;

/// A users file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UsersError {
    /// The file is not there, or not to be reached or read.
    #[error("could not read users file \"{}\"", path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory, pipe, device or socket.
    #[error("users file \"{}\" is not a regular file", path.display())]
    NotRegularFile {
        /// The file.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("users file \"{}\" must be owned by the user of the server or root", path.display())]
    WrongOwner {
        /// The file.
        path: PathBuf,
    },
    /// Group or others may read or change it.
    #[error("users file \"{}\" has group or world access", path.display())]
    GroupOrWorldAccess {
        /// The file.
        path: PathBuf,
    },
    /// Lines that cannot be understood: all of them.
    #[error("{}", Listed(path, faults))]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, from top to bottom; at least one.
        faults: Vec<Fault>,
    },
}

impl UsersError {
    /// How to mend it, where the text does not say it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::GroupOrWorldAccess { path } => Some(format!(
                "Allow its owner alone: chmod 0600 {}. If root owns it, 0640 will do.",
                path.display()
            )),
            Self::WrongOwner { path } => Some(format!(
                "Give it to the user that the server runs as: chown USER {}.",
                path.display()
            )),
            Self::Access { .. } | Self::NotRegularFile { .. } | Self::Content { .. } => None,
        }
    }
}

impl From<KeyFileError> for UsersError {
    fn from(error: KeyFileError) -> Self {
        match error {
            KeyFileError::Access { path, source } => Self::Access { path, source },
            KeyFileError::NotRegularFile { path } => Self::NotRegularFile { path },
            KeyFileError::WrongOwner { path } => Self::WrongOwner { path },
            KeyFileError::GroupOrWorldAccess { path } => Self::GroupOrWorldAccess { path },
            other => Self::Access {
                path: PathBuf::new(),
                source: io::Error::other(other),
            },
        }
    }
}

/// Every fault on a line of its own.
struct Listed<'a>(&'a PathBuf, &'a [Fault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, faults) = self;
        for (index, fault) in faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{}: {}", path.display(), fault.line, fault.kind)?;
        }
        Ok(())
    }
}

/// One line that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number; the first line is 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// What is wrong with a line. Nothing of a verifier or a password is repeated here.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The line is not UTF-8.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// It begins with neither a quote nor a semicolon.
    #[error(
        "the line must begin with a user name in double quotes, or with a semicolon if it is a comment"
    )]
    NameExpected,
    /// A quote that is not closed on its line.
    #[error("a double quote is not closed on its line")]
    UnclosedQuote,
    /// A name that no user can have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The name stands alone.
    #[error("a SCRAM verifier in double quotes must follow the name of user \"{user}\"")]
    VerifierExpected {
        /// The user.
        user: String,
    },
    /// An MD5 hash.
    #[error(
        "the password of user \"{user}\" is an MD5 hash, which is no longer safe and cannot be used \
         for SCRAM; set the password anew with \"heliosdb-server user passwd\""
    )]
    Md5 {
        /// The user.
        user: String,
    },
    /// A password, or something that may well be one.
    #[error(
        "the password of user \"{user}\" is in clear text, not a SCRAM verifier; set it anew with \
         \"heliosdb-server user passwd\""
    )]
    ClearText {
        /// The user.
        user: String,
    },
    /// A verifier that is damaged.
    #[error(
        "the SCRAM verifier of user \"{user}\" is damaged: {error}; copy it again or set the password anew"
    )]
    Verifier {
        /// The user.
        user: String,
        /// What is wrong with it.
        error: VerifierError,
    },
    /// Something after the verifier.
    #[error(
        "only a comment, which begins with a semicolon, may follow the verifier of user \"{user}\""
    )]
    TrailingText {
        /// The user.
        user: String,
    },
    /// The name stands on an earlier line too.
    #[error("user \"{user}\" is already on line {first}; remove one of the two lines")]
    Duplicate {
        /// The user.
        user: String,
        /// The other line.
        first: usize,
    },
}

/// A name that no user can have.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty.
    #[error("a user name must not be empty")]
    Empty,
    /// PostgreSQL's clients are cut at 63 bytes, so that nobody could log in with it.
    #[error("a user name must not be longer than 63 bytes")]
    TooLong,
    /// It has a NUL, which no client can send, or a line break, which the file cannot hold.
    #[error("a user name must not contain a line break or a NUL byte")]
    Unwritable,
}

/// A users file that was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EditError {
    /// The file as it is cannot be used.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// The name cannot be one of a user.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is such a user.
    #[error("user \"{user}\" is in users file \"{}\" already; to change the password, use \"passwd\"", path.display())]
    Exists {
        /// The user.
        user: String,
        /// The file.
        path: PathBuf,
    },
    /// There is no such user.
    #[error("user \"{user}\" is not in users file \"{}\"", path.display())]
    Unknown {
        /// The user.
        user: String,
        /// The file.
        path: PathBuf,
    },
    /// The new file could not be written; the old one is whole.
    #[error(transparent)]
    Write(#[from] WriteError),
}
