//! Why a certificate, key or file of secrets could not be written.

use std::io;
use std::path::{Path, PathBuf};

/// A certificate, key or file of secrets that could not be written. What stood in its place before still stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Another process is writing here.
    #[error("another process is writing in \"{}\"; try again when it has finished", path.display())]
    Busy {
        /// The directory of the key.
        path: PathBuf,
    },
    /// A symbolic link that leads nowhere: where to write is not known.
    #[error("\"{}\" is a symbolic link to a file that does not exist; remove the link or create its target", path.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
    },
    /// The system refused.
    #[error("could not {action} \"{}\": {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A path without a file name, or a directory, pipe or device in the place of the file.
    #[error("\"{}\" is not the path of a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Certificate and key were given the same path.
    #[error("certificate and key cannot both be written to \"{}\"; give them paths of their own", path.display())]
    SamePath {
        /// The path.
        path: PathBuf,
    },
    /// The file exists and the caller did not ask to replace it.
    #[error("\"{}\" already exists and would be lost; move it away or ask for it to be replaced", path.display())]
    WouldOverwrite {
        /// The file.
        path: PathBuf,
    },
}

impl WriteError {
    /// For `map_err`: keeps what was tried, and on what.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
