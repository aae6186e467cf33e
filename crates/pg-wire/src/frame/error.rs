//! Headers that cannot be believed.

use bytes::Bytes;
use thiserror::Error;

use crate::SqlState;
use crate::backend::ErrorResponse;

/// The stream is no sequence of messages; the peer's fault. The connection is to be closed: there is no
/// way to find the next message. `Display` is PostgreSQL's text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// A length word below 4 or above the limit of its kind. PostgreSQL only logs it.
    #[error("invalid message length")]
    InvalidLength {
        /// The tag.
        tag: u8,
        /// The length word as sent; negative numbers are large ones here.
        length: u32,
        /// The most that it may say.
        limit: u32,
    },

    /// A client sent a tag that no message has, or `p` after authentication.
    #[error("invalid frontend message type {tag}")]
    InvalidFrontendType {
        /// The tag.
        tag: u8,
    },

    /// A client sent something else than a password message when one was due.
    #[error("expected password response, got message type {tag}")]
    ExpectedPassword {
        /// The tag.
        tag: u8,
    },

    /// A client sent something else than a SASL message when one was due.
    #[error("expected SASL response, got message type {tag}")]
    ExpectedSasl {
        /// The tag.
        tag: u8,
    },

    /// A server sent a tag that no message has.
    #[error("invalid backend message type {tag}")]
    InvalidBackendType {
        /// The tag.
        tag: u8,
    },

    /// A server's ReadyForQuery has a status other than `I`, `T` and `E`.
    #[error("invalid transaction status {status} in ReadyForQuery")]
    InvalidStatus {
        /// The status byte.
        status: u8,
    },
}

impl FrameError {
    /// Always `08P01` (`protocol_violation`).
    pub const fn sqlstate(&self) -> SqlState {
        SqlState::PROTOCOL_VIOLATION
    }

    /// The exact bytes that a client gets from PostgreSQL before the connection closes, less the fields
    /// `F`, `L` and `R`; `None` if it gets none, or if it is the server that broke the protocol.
    pub fn response(&self) -> Option<Bytes> {
        match self {
            Self::InvalidFrontendType { .. }
            | Self::ExpectedPassword { .. }
            | Self::ExpectedSasl { .. } => {
                let response = ErrorResponse::fatal(self.sqlstate(), self.to_string());
                Some(response.to_bytes())
            }
            Self::InvalidLength { .. }
            | Self::InvalidBackendType { .. }
            | Self::InvalidStatus { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_type_is_told_and_a_wrong_length_is_not() {
        let error = FrameError::InvalidFrontendType { tag: b'z' };
        assert_eq!(
            error.response().unwrap(),
            b"E\0\0\0\x3dSFATAL\0VFATAL\0C08P01\0Minvalid frontend message type 122\0\0".as_slice()
        );
        let error = FrameError::InvalidLength {
            tag: b'Q',
            length: 3,
            limit: 10_000,
        };
        assert_eq!(error.to_string(), "invalid message length");
        assert_eq!(error.response(), None);
        assert_eq!(error.sqlstate().as_str(), "08P01");
    }
}
