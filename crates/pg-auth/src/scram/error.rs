//! How an exchange fails, in PostgreSQL's words.

use std::fmt;

use bytes::Bytes;
use pg_wire::backend::{ErrorResponse, ReportField};
use pg_wire::{DecodeError, SqlState};
use thiserror::Error;

/// The exchange failed and the connection has to end. `Display` is PostgreSQL's text, for the client
/// and the log alike.
///
/// Source: specification §6.3 and §6.4; `auth-scram.c` and `auth-sasl.c` of PostgreSQL.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScramError {
    /// The client's message does not follow RFC 5802.
    #[error("malformed SCRAM message")]
    Malformed(#[source] Malformed),
    /// The client chose a mechanism that was not offered.
    #[error("client selected an invalid SASL authentication mechanism")]
    InvalidMechanism,
    /// Somebody has taken SCRAM-SHA-256-PLUS out of what we offered.
    #[error("SCRAM channel binding negotiation error")]
    Downgrade,
    /// A channel binding type other than `tls-server-end-point`.
    #[error("unsupported SCRAM channel-binding type \"{kind}\"")]
    UnsupportedBinding {
        /// At most 30 characters of it, all printable ASCII.
        kind: String,
    },
    /// `a=`.
    #[error("client uses authorization identity, but it is not supported")]
    AuthorizationIdentity,
    /// `m=`.
    #[error("client requires an unsupported SCRAM extension")]
    UnsupportedExtension,
    /// The client's nonce is not printable ASCII.
    #[error("non-printable characters in SCRAM nonce")]
    NonPrintableNonce,
    /// The client saw another server certificate than ours: somebody is in between.
    #[error("SCRAM channel binding check failed")]
    BindingMismatch,
    /// `c=` does not repeat the beginning of the first message.
    #[error("unexpected SCRAM channel-binding attribute in client-final-message")]
    UnexpectedBinding,
    /// The last message answers another challenge than ours.
    #[error("invalid SCRAM response")]
    NonceMismatch,
    /// Wrong password, unknown user, or a user without a password: nobody learns which.
    #[error(
        "password authentication failed for user \"{}\"",
        String::from_utf8_lossy(user)
    )]
    PasswordFailed {
        /// The user, as the startup packet names it.
        user: Bytes,
    },
    /// The `p` message is no SASLInitialResponse.
    #[error(transparent)]
    Message(#[from] DecodeError),
    /// A message came after the end of the exchange; the caller's fault.
    #[error("invalid SCRAM exchange state")]
    Over,
}

impl ScramError {
    /// The code that the client is sent.
    #[must_use]
    pub const fn sqlstate(&self) -> SqlState {
        match self {
            Self::Malformed(_)
            | Self::InvalidMechanism
            | Self::UnsupportedBinding { .. }
            | Self::NonPrintableNonce
            | Self::UnexpectedBinding
            | Self::NonceMismatch => SqlState::PROTOCOL_VIOLATION,
            Self::Downgrade | Self::BindingMismatch => {
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            }
            Self::AuthorizationIdentity | Self::UnsupportedExtension => {
                SqlState::FEATURE_NOT_SUPPORTED
            }
            Self::PasswordFailed { .. } => SqlState::INVALID_PASSWORD,
            Self::Message(error) => error.sqlstate(),
            Self::Over => SqlState::INTERNAL_ERROR,
        }
    }

    /// PostgreSQL's DETAIL, where it has one; the client is sent it too.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Malformed(malformed) => Some(malformed.to_string()),
            Self::Downgrade => Some(
                "The client supports SCRAM channel binding but thinks the server does not.  \
                 However, this server does support channel binding."
                    .to_owned(),
            ),
            Self::NonceMismatch => Some("Nonce does not match.".to_owned()),
            _ => None,
        }
    }

    /// The message for the client; the last one.
    #[must_use]
    pub fn response(&self) -> ErrorResponse {
        let response = match self {
            // The name goes back in the bytes that it came in.
            Self::PasswordFailed { user } => {
                let text = [
                    b"password authentication failed for user \"",
                    user.as_ref(),
                    b"\"",
                ];
                ErrorResponse::fatal(self.sqlstate(), text.concat())
            }
            _ => ErrorResponse::fatal(self.sqlstate(), self.to_string()),
        };
        match self.detail() {
            Some(detail) => response.with_field(ReportField::Detail, detail),
            None => response,
        }
    }
}

/// Where a message leaves RFC 5802; `Display` is PostgreSQL's DETAIL. A byte of the client's is shown
/// only if it is printable ASCII.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Nothing was sent.
    #[error("The message is empty.")]
    Empty,
    /// A NUL, which ends a string in PostgreSQL.
    #[error("Message length does not match input length.")]
    EmbeddedNul,
    /// Plain mechanism, message with channel binding.
    #[error(
        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes \
         channel binding data."
    )]
    BindingIncluded,
    /// Mechanism with channel binding, message without.
    #[error(
        "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel \
         binding data."
    )]
    BindingMissing,
    /// The message begins with none of `n`, `y`, `p`.
    #[error("Unexpected channel-binding flag \"{}\".", Shown(*found))]
    UnexpectedFlag {
        /// What stands there; 0 for the end.
        found: u8,
    },
    /// No comma where one has to be.
    #[error("Comma expected, but found character \"{}\".", Shown(*found))]
    CommaExpected {
        /// What stands there; 0 for the end.
        found: u8,
    },
    /// Neither `a=` nor a comma after the flag.
    #[error("Unexpected attribute \"{}\" in client-first-message.", Shown(*found))]
    UnexpectedAttribute {
        /// What stands there; 0 for the end.
        found: u8,
    },
    /// Another attribute than the one that is due.
    #[error("Expected attribute \"{}\" but found \"{}\".", char::from(*expected), Shown(*found))]
    ExpectedAttribute {
        /// The attribute that is due.
        expected: u8,
        /// What stands there; 0 for the end.
        found: u8,
    },
    /// No `=` after the name of an attribute.
    #[error("Expected character \"=\" for attribute \"{}\".", char::from(*attribute))]
    ExpectedEquals {
        /// The attribute.
        attribute: u8,
    },
    /// The message ends before the proof.
    #[error("Attribute expected, but found end of string.")]
    AttributeMissing,
    /// An attribute's name is no letter.
    #[error("Attribute expected, but found invalid character \"{}\".", Shown(*found))]
    InvalidAttribute {
        /// What stands there.
        found: u8,
    },
    /// The proof is not 32 bytes in Base64.
    #[error("Malformed proof in client-final-message.")]
    Proof,
    /// Something follows the proof.
    #[error("Garbage found at the end of client-final-message.")]
    Garbage,
}

/// A byte as `sanitize_char` of PostgreSQL's auth-scram.c shows it.
struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_ascii_graphic() {
            write!(f, "'{}'", char::from(self.0))
        } else {
            write!(f, "0x{:02x}", self.0)
        }
    }
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("could not generate random bytes")]
pub struct RandomError(#[source] pub(super) getrandom::Error);
