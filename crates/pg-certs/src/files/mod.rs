//! Writes certificates, keys and other files of secrets so that a crash or a full disk loses nothing.
//!
//! A key file has mode 0600 from the moment it exists, whatever the umask; a certificate has 0644.
//! Missing directories are made. A symbolic link is followed: the file that it leads to is replaced and
//! the link stays, as certbot and Kubernetes lay them out.
//!
//! # Design
//!
//! Two files cannot be replaced in one step, so a pair is replaced in an order of which every prefix
//! can be finished or undone ([`finish_interrupted`]):
//!
//! 1. the new key and then the new certificate are written beside their targets
//!    (`.server.key.pg-certs-new`, …), flushed to the disk, and their directories too: a full disk
//!    shows here, before anything has changed;
//! 2. the old key gets a second name (`.server.key.pg-certs-old`);
//! 3. the new key is renamed into place; from here on the replacement is decided;
//! 4. the new certificate is renamed into place;
//! 5. the directories are flushed, and the second name of the old key is removed.
//!
//! After a crash before 3 the new files are thrown away; after a crash between 3 and 4 the certificate
//! is put in place. Every write does this first; a server may do it at start. Between 3 and 4 a reader
//! sees the new key with the old certificate, for the time of one rename. Writers wait for each other
//! with a lock on the directory of the key.

mod error;
mod lock;
mod pair;
mod single;

pub use self::error::WriteError;
pub use self::lock::WriteLock;
#[cfg(feature = "generate")]
pub(crate) use self::pair::PairFiles;
pub(crate) use self::pair::is_interrupted;
pub use self::pair::{finish_interrupted, write_pair};
pub use self::single::{write_certificate, write_secret};

/// What to do with a file that already stands at the path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// Leave it alone and fail with [`WriteError::WouldOverwrite`].
    Keep,
    /// Replace it.
    Replace,
}

#[cfg(test)]
mod tests;
