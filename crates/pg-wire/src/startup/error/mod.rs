//! All that can be wrong in the startup phase, and what the client hears of it.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::backend::ErrorResponse;
use crate::{ProtocolVersion, Severity, SqlState};

/// A startup packet that cannot be served: one variant per row of spec §1.3, §1.6 and §3.1.
///
/// `Display` is PostgreSQL's text, which is also what stands in [`response`](Self::response).
///
/// ```
/// use pg_wire::startup::{StartupError, Visibility};
/// use pg_wire::{ProtocolVersion, SqlState};
///
/// let error = StartupError::UnsupportedProtocol { version: ProtocolVersion::new(2, 0) };
/// assert_eq!(error.sqlstate(), SqlState::FEATURE_NOT_SUPPORTED);
/// assert_eq!(error.visibility(), Visibility::ClientV2);
/// assert_eq!(
///     error.response().unwrap(),
///     "EFATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.2\n\0"
/// );
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StartupError {
    /// The client left within the length word (§1.3 #2).
    #[error("incomplete startup packet")]
    TruncatedLength {
        /// How many of the four bytes came.
        received: usize,
        /// An SSLRequest or a GSSENCRequest came before on this connection; then PostgreSQL says
        /// nothing at all.
        after_encryption_request: bool,
    },

    /// The client left before the end that it had announced (§1.3 #4).
    #[error("incomplete startup packet")]
    TruncatedPacket {
        /// The length word.
        announced: usize,
        /// How many bytes came, length word included.
        received: usize,
    },

    /// The length word is not within 8 to 10,004 (§1.3 #3, #6).
    #[error("invalid length of startup packet")]
    InvalidLength {
        /// The length word.
        length: u32,
    },

    /// Not a protocol of major version 3 (§1.3 #9 to #11), or an encryption request that is no longer
    /// honoured, which is then read as a version (§1.4).
    #[error(
        "unsupported frontend protocol {version}: server supports {} to {}",
        ProtocolVersion::V3_0,
        ProtocolVersion::LATEST
    )]
    UnsupportedProtocol {
        /// The version that was asked for.
        version: ProtocolVersion,
    },

    /// The packet does not end in exactly one NUL after the last value (§1.3 #14).
    #[error("invalid startup packet layout: expected terminator as last byte")]
    MissingTerminator,

    /// No `user`, or an empty one (§1.3 #15).
    #[error("no PostgreSQL user name specified in startup packet")]
    MissingUser,

    /// `replication` is neither a boolean nor `database` (§1.3 #16).
    #[error(
        "invalid value for parameter \"replication\": \"{}\"",
        String::from_utf8_lossy(value)
    )]
    InvalidReplication {
        /// The value as sent.
        value: Bytes,
    },

    /// Bytes came together with the SSLRequest, before the answer (§3.1).
    #[error("received unencrypted data after SSL request")]
    UnencryptedDataAfterSslRequest,

    /// Bytes came together with the GSSENCRequest, before the answer (§3.1).
    #[error("received unencrypted data after GSSAPI encryption request")]
    UnencryptedDataAfterGssEncRequest,

    /// A CancelRequest without room for the process id (§1.6).
    #[error("invalid length of cancel request packet")]
    CancelTooShort,

    /// A CancelRequest with a key of no bytes or of more than 256 (§1.6).
    #[error("invalid length of cancel key in cancel request packet")]
    CancelKeyLength {
        /// How many bytes the key has.
        length: usize,
    },

    /// A CancelRequest for process 0 (§1.6). Judged by the holder of the sessions, not by the decoder.
    #[error("invalid cancel request with PID 0")]
    CancelProcessZero,

    /// A CancelRequest for a session that is not there (§1.6). Judged by the holder of the sessions.
    #[error("PID {process_id} in cancel request did not match any process")]
    CancelUnknownProcess {
        /// The process id of the request.
        process_id: i32,
    },

    /// A CancelRequest with the wrong key (§1.6). Judged by the holder of the sessions.
    #[error("wrong key in cancel request for process {process_id}")]
    CancelWrongKey {
        /// The process id of the request.
        process_id: i32,
    },
}

/// Who hears of a [`StartupError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// The client, by an ErrorResponse, and the log.
    Client,
    /// The client, in the format of protocol 2, and the log.
    ClientV2,
    /// The log alone; the connection just closes.
    LogOnly,
    /// Nobody; the connection just closes.
    Silent,
}

impl StartupError {
    /// The SQLSTATE. What PostgreSQL reports without one has `00000`.
    pub const fn sqlstate(&self) -> SqlState {
        match self {
            Self::TruncatedLength { .. }
            | Self::TruncatedPacket { .. }
            | Self::InvalidLength { .. }
            | Self::MissingTerminator
            | Self::UnencryptedDataAfterSslRequest
            | Self::UnencryptedDataAfterGssEncRequest
            | Self::CancelTooShort
            | Self::CancelKeyLength { .. } => SqlState::PROTOCOL_VIOLATION,
            Self::UnsupportedProtocol { .. } => SqlState::FEATURE_NOT_SUPPORTED,
            Self::MissingUser => SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            Self::InvalidReplication { .. } => SqlState::INVALID_PARAMETER_VALUE,
            Self::CancelProcessZero
            | Self::CancelUnknownProcess { .. }
            | Self::CancelWrongKey { .. } => SqlState::SUCCESSFUL_COMPLETION,
        }
    }

    /// [`Severity::Fatal`] for what the client hears, [`Severity::Log`] for the rest.
    pub const fn severity(&self) -> Severity {
        match self.visibility() {
            Visibility::Client | Visibility::ClientV2 => Severity::Fatal,
            Visibility::LogOnly | Visibility::Silent => Severity::Log,
        }
    }

    /// Who hears of it.
    pub const fn visibility(&self) -> Visibility {
        match self {
            Self::TruncatedLength {
                after_encryption_request: true,
                ..
            } => Visibility::Silent,
            Self::TruncatedLength { .. }
            | Self::TruncatedPacket { .. }
            | Self::InvalidLength { .. }
            | Self::CancelTooShort
            | Self::CancelKeyLength { .. }
            | Self::CancelProcessZero
            | Self::CancelUnknownProcess { .. }
            | Self::CancelWrongKey { .. } => Visibility::LogOnly,
            // PostgreSQL answers all versions below 3 in the old format but 0.0, which is its "not yet
            // known".
            Self::UnsupportedProtocol { version }
                if version.major() < 3 && (version.major() > 0 || version.minor() > 0) =>
            {
                Visibility::ClientV2
            }
            Self::UnsupportedProtocol { .. }
            | Self::MissingTerminator
            | Self::MissingUser
            | Self::InvalidReplication { .. }
            | Self::UnencryptedDataAfterSslRequest
            | Self::UnencryptedDataAfterGssEncRequest => Visibility::Client,
        }
    }

    /// A second sentence, if PostgreSQL has one.
    pub const fn detail(&self) -> Option<&'static str> {
        match self {
            Self::UnencryptedDataAfterSslRequest | Self::UnencryptedDataAfterGssEncRequest => Some(
                "This could be either a client-software bug or evidence of an attempted \
                 man-in-the-middle attack.",
            ),
            _ => None,
        }
    }

    /// What to do about it, if PostgreSQL says so.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InvalidReplication { .. } => {
                Some("Valid values are: \"false\", 0, \"true\", 1, \"database\".")
            }
            _ => None,
        }
    }

    /// The exact bytes that the client gets, or `None` if it gets none.
    ///
    /// They are PostgreSQL's but for the fields `F`, `L` and `R`, which name places in its source. A
    /// queued NegotiateProtocolVersion goes out before them (spec §1.5).
    pub fn response(&self) -> Option<Bytes> {
        match self.visibility() {
            Visibility::Client => Some(self.error_response().to_bytes()),
            Visibility::ClientV2 => Some(self.v2_response()),
            Visibility::LogOnly | Visibility::Silent => None,
        }
    }

    fn error_response(&self) -> ErrorResponse {
        let mut response = ErrorResponse::fatal(self.sqlstate(), self.message());
        if let Some(detail) = self.detail() {
            response = response.with_detail(detail);
        }
        if let Some(hint) = self.hint() {
            response = response.with_hint(hint);
        }
        response
    }

    /// The text as bytes: a value that is not UTF-8 goes back as it came.
    fn message(&self) -> Bytes {
        let Self::InvalidReplication { value } = self else {
            return Bytes::from(self.to_string());
        };
        let parts: [&[u8]; 3] = [
            b"invalid value for parameter \"replication\": \"",
            value,
            b"\"",
        ];
        Bytes::from(parts.concat())
    }

    /// Protocol 2 has no length word and no fields.
    fn v2_response(&self) -> Bytes {
        let mut buf = BytesMut::new();
        buf.put_slice(b"EFATAL:  ");
        buf.put_slice(&self.message());
        buf.put_slice(b"\n\0");
        buf.freeze()
    }
}

#[cfg(test)]
mod tests;
