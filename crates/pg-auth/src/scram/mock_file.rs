//! The secret of made-up verifiers, on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pg_certs::files::{Existing, WriteError, write_secret};
use pg_certs::{KeyFileError, check_key_file_permissions};
use thiserror::Error;
use zeroize::Zeroizing;

use super::MockSecret;
use super::error::RandomError;

/// A file with a [`MockSecret`] that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MockSecretError {
    /// It is there, but not to be reached or read.
    #[error("could not read file \"{}\" with the SCRAM mock secret", path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could have read it, or it is no file.
    #[error(
        "file \"{}\" with the SCRAM mock secret must be a regular file that only its owner can read, and \
         belong to the user of the server or root",
        path.display()
    )]
    NotPrivate {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error(
        "file \"{}\" holds no SCRAM mock secret (32 bytes in Base64); remove it to get a new one",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// It is not there and cannot be made.
    #[error("could not keep the SCRAM mock secret: {0}")]
    Write(#[source] WriteError),
    /// There are no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl MockSecret {
    /// Reads the secret from a file that is kept like a private key, or `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// [`MockSecretError`]; nothing of the content is repeated in it.
    pub fn load(path: &Path) -> Result<Option<Self>, MockSecretError> {
        match check_key_file_permissions(path) {
            Ok(()) => {}
            Err(KeyFileError::Access { source, .. }) => return absent(path, source),
            Err(_) => {
                return Err(MockSecretError::NotPrivate {
                    path: path.to_owned(),
                });
            }
        }
        let text = match fs::read(path) {
            Ok(text) => Zeroizing::new(text),
            Err(source) => return absent(path, source),
        };
        let bytes = STANDARD.decode(text.trim_ascii()).map(Zeroizing::new).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        bytes
            .map(|bytes| Some(Self::from_bytes(bytes)))
            .ok_or_else(|| MockSecretError::Content {
                path: path.to_owned(),
            })
    }

    /// Reads the secret from the file, or makes the file (mode 0600) with a random one, so that salts stay
    /// the same when a server starts again.
    ///
    /// # Errors
    ///
    /// [`MockSecretError`].
    pub fn load_or_create(path: &Path) -> Result<Self, MockSecretError> {
        if let Some(secret) = Self::load(path)? {
            return Ok(secret);
        }
        let secret = Self::random()?;
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(secret.as_bytes())));
        match write_secret(path, text.as_bytes(), Existing::Keep) {
            Ok(()) => Ok(secret),
            // Another server was faster, and both must use the same.
            Err(error @ WriteError::WouldOverwrite { .. }) => {
                Self::load(path)?.ok_or(MockSecretError::Write(error))
            }
            Err(error) => Err(MockSecretError::Write(error)),
        }
    }
}

fn absent(path: &Path, source: io::Error) -> Result<Option<MockSecret>, MockSecretError> {
    if source.kind() == io::ErrorKind::NotFound {
        return Ok(None);
    }
    Err(MockSecretError::Access {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_made_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mock");
        assert!(MockSecret::load(&path).unwrap().is_none());
        let made = MockSecret::load_or_create(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for again in [
            MockSecret::load_or_create(&path).unwrap(),
            MockSecret::load(&path).unwrap().unwrap(),
        ] {
            assert_eq!(made.as_bytes(), again.as_bytes());
        }
        let other = MockSecret::load_or_create(&directory.path().join("other")).unwrap();
        assert_ne!(made.as_bytes(), other.as_bytes());
    }

    #[test]
    fn what_cannot_be_used_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mock");
        let shown = path.display();
        let private = format!(
            "file \"{shown}\" with the SCRAM mock secret must be a regular file that only its owner can \
             read, and belong to the user of the server or root"
        );
        let content = format!(
            "file \"{shown}\" holds no SCRAM mock secret (32 bytes in Base64); remove it to get a new one"
        );
        let good = STANDARD.encode([7; 32]);
        for (text, mode, expected) in [
            (good.as_str(), 0o644, &private),
            ("", 0o600, &content),
            ("not Base64!", 0o600, &content),
            ("QUFB", 0o600, &content),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = MockSecret::load_or_create(&path).unwrap_err();
            assert_eq!(error.to_string(), *expected);
            assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
        }
        // No room for the name of the new file beside it.
        let long = directory.path().join("m".repeat(255));
        let error = MockSecret::load_or_create(&long).unwrap_err();
        assert!(matches!(error, MockSecretError::Write(_)), "{error}");
    }
}
