//! The secret that lets a client cancel its query from a second connection.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;
use zeroize::Zeroizing;

/// The secret key of BackendKeyData and CancelRequest: 1 to 256 bytes.
///
/// Protocol 3.0 knows only keys of 4 bytes; from 3.2 on a server picks the length, and PostgreSQL 18
/// sends 32 bytes (spec §1.1).
///
/// # Security
///
/// The value is wiped when dropped, is not printed by `Debug`, and comparison takes the same time
/// whichever byte differs (CVE-2026-6478). The network buffer that it was decoded from is not wiped.
#[derive(Clone)]
pub struct CancelKey(Zeroizing<Box<[u8]>>);

impl CancelKey {
    /// The longest key that a server must accept.
    pub const MAX_LENGTH: usize = 256;

    /// Copies a key.
    ///
    /// # Errors
    ///
    /// [`CancelKeyLengthError`] if there are no bytes or more than [`Self::MAX_LENGTH`].
    pub fn new(key: &[u8]) -> Result<Self, CancelKeyLengthError> {
        if key.is_empty() || key.len() > Self::MAX_LENGTH {
            return Err(CancelKeyLengthError { length: key.len() });
        }
        Ok(Self(Zeroizing::new(Box::from(key))))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl ConstantTimeEq for CancelKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for CancelKey {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for CancelKey {}

impl fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CancelKey({} bytes)", self.0.len())
    }
}

/// A cancel key was empty or too long.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a cancel key has 1 to {max} bytes, not {length}", max = CancelKey::MAX_LENGTH)]
pub struct CancelKeyLengthError {
    /// How many bytes were given.
    pub length: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_has_both_limits() {
        assert_eq!(CancelKey::new(&[]), Err(CancelKeyLengthError { length: 0 }));
        assert!(CancelKey::new(&[7]).is_ok());
        assert!(CancelKey::new(&[7; 256]).is_ok());
        let error = CancelKey::new(&[7; 257]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a cancel key has 1 to 256 bytes, not 257"
        );
    }

    #[test]
    fn equality_looks_at_length_and_bytes() {
        let key = CancelKey::new(b"abcd").unwrap();
        assert_eq!(key, CancelKey::new(b"abcd").unwrap());
        assert_ne!(key, CancelKey::new(b"abce").unwrap());
        assert_ne!(key, CancelKey::new(b"abcde").unwrap());
    }

    #[test]
    fn debug_hides_the_bytes() {
        let key = CancelKey::new(b"abcd").unwrap();
        assert_eq!(format!("{key:?}"), "CancelKey(4 bytes)");
    }
}
