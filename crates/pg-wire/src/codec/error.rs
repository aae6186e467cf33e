//! Bytes that are no message, and values that fit no message.

use thiserror::Error;

use crate::SqlState;

/// The body of a message is wrong; the peer's fault. Texts follow PostgreSQL's `pqformat.c`, with the
/// name of the message in brackets.
///
/// The boundaries of the messages are not in doubt, so PostgreSQL reports it as an `ERROR` and goes on
/// with the session.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// A field or a count runs past the end of the message.
    #[error("insufficient data left in message ({message})")]
    UnexpectedEnd {
        /// Name of the message.
        message: &'static str,
    },

    /// A string has no NUL inside the message.
    #[error("invalid string in message ({message})")]
    UnterminatedString {
        /// Name of the message.
        message: &'static str,
    },

    /// Bytes are left after the last field.
    #[error("invalid message format ({message}: {count} bytes too many)")]
    TrailingBytes {
        /// Name of the message.
        message: &'static str,
        /// How many bytes are left.
        count: usize,
    },

    /// A value has a negative length other than -1, which means NULL.
    #[error("insufficient data left in message ({message}: value of length {length})")]
    NegativeLength {
        /// Name of the message.
        message: &'static str,
        /// The length as sent.
        length: i32,
    },

    /// A field holds a value that the protocol does not define.
    #[error("invalid {field} {value} in message ({message})")]
    InvalidValue {
        /// Name of the message.
        message: &'static str,
        /// Name of the field.
        field: &'static str,
        /// The value as sent.
        value: i64,
    },

    /// No message of this direction has this tag.
    #[error("invalid message type {tag}")]
    UnknownTag {
        /// The tag.
        tag: u8,
    },
}

impl DecodeError {
    /// Always `08P01` (`protocol_violation`).
    pub const fn sqlstate(&self) -> SqlState {
        SqlState::PROTOCOL_VIOLATION
    }

    /// PostgreSQL's own words, which do not name the message: what a server tells its client.
    pub const fn postgresql_text(&self) -> &'static str {
        match self {
            Self::UnexpectedEnd { .. } | Self::NegativeLength { .. } => {
                "insufficient data left in message"
            }
            Self::UnterminatedString { .. } => "invalid string in message",
            Self::TrailingBytes { .. } | Self::InvalidValue { .. } => "invalid message format",
            Self::UnknownTag { .. } => "invalid message type",
        }
    }
}

/// A value does not fit into the format; the caller's fault. Nothing has been written then.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EncodeError {
    /// A string holds a NUL, which would end it early.
    #[error("{field} contains a NUL byte, which cannot be sent")]
    EmbeddedNul {
        /// Name of the field.
        field: &'static str,
    },

    /// A list has more than 65,535 items.
    #[error("{field} has more than {max} items", max = u16::MAX)]
    TooManyItems {
        /// Name of the field.
        field: &'static str,
    },

    /// A message or a value is longer than any receiver takes.
    #[error("message of {length} bytes is longer than the limit of {limit}")]
    TooLong {
        /// The length that was asked for.
        length: usize,
        /// The limit that applies.
        limit: usize,
    },

    /// A name that must not be empty is empty: it would read as the end of the list.
    #[error("{field} is empty, which would end the message early")]
    EmptyName {
        /// Name of the field.
        field: &'static str,
    },
}
