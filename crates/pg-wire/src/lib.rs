//! PostgreSQL's frontend/backend protocol, 3.0 and 3.2, as values and bytes.
//!
//! The crate turns bytes into messages and messages into bytes, for both sides. It does no I/O: no
//! socket, no clock, no randomness, no logging, no async. The caller moves the bytes; the crate says
//! what they mean, what is wrong with them, and what the peer is told then.
//!
//! ```text
//!                 startup phase                            session
//!
//!  bytes ──▶ startup::StartupDecoder          bytes ──▶ frame::FrameDecoder ──▶ Frame
//!                 │                             │           (cuts)               │
//!                 ▼                             │                                ▼
//!            StartupPacket                      │              frontend::FrontendMessage
//!   SslRequest · GssEncRequest · Cancel         │              backend::BackendMessage
//!   Startup(StartupMessage) · Unsupported       │
//!                 │                             └──────▶ frame::FrameScanner ──▶ boundaries
//!                 ▼                                         (only looks on)
//!       StartupError::response()
//! ```
//!
//! * [`startup`]: what comes before messages have tags. [`startup::StartupError`] knows the exact bytes
//!   that PostgreSQL would answer.
//! * [`frame`]: message boundaries and limits, cutting ([`frame::FrameDecoder`]) or looking on
//!   ([`frame::FrameScanner`], for proxies).
//! * [`frontend`] and [`backend`]: the messages.
//!
//! # A first conversation
//!
//! ```
//! use bytes::BytesMut;
//! use pg_wire::ProtocolVersion;
//! use pg_wire::backend::{Authentication, BackendMessage, TransactionStatus};
//! use pg_wire::startup::{StartupDecoder, StartupMessage, StartupPacket};
//!
//! // A client opens a session …
//! let mut wire = BytesMut::new();
//! StartupMessage::new(ProtocolVersion::V3_2)
//!     .with_parameter("user", "alice")
//!     .encode(&mut wire)?;
//!
//! // … a server reads it …
//! let Some(StartupPacket::Startup(startup)) = StartupDecoder::new().decode(&mut wire)? else {
//!     unreachable!("one whole StartupMessage was sent");
//! };
//! startup.validate()?;
//! let (version, negotiation) = startup.negotiate(ProtocolVersion::LATEST);
//! assert_eq!((version, negotiation), (ProtocolVersion::V3_2, None));
//!
//! // … and lets the client in.
//! BackendMessage::Authentication(Authentication::Ok).encode(&mut wire)?;
//! BackendMessage::ReadyForQuery(TransactionStatus::Idle).encode(&mut wire)?;
//! assert_eq!(&wire[..], b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a peer cannot do
//!
//! * Make anything panic: no indexing, no arithmetic on its numbers before they are checked.
//! * Make memory grow by a promise: a length is checked against the limit of its kind, then the bytes
//!   are waited for. Nothing is reserved.
//! * Send what is almost a message: a count or a length that runs past the message, a string without
//!   its NUL, bytes left over, are all errors with names.
//! * Inject a message through a string: a NUL inside one is refused ([`EncodeError::EmbeddedNul`]), or
//!   ends it in the reports that must always be sent.
//!
//! Strings and values are [`bytes::Bytes`] in the memory that they came in. They are not checked to be
//! UTF-8: their encoding is the client's choice.

#![deny(missing_docs)]

pub mod backend;
mod cancel_key;
mod codec;
pub mod frame;
pub mod frontend;
mod severity;
mod sqlstate;
pub mod startup;
mod version;

pub use codec::{DecodeError, EncodeError, Field, Format, Item, Iter, List, Value};
pub use severity::Severity;
pub use sqlstate::SqlState;
pub use version::ProtocolVersion;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
enum Readme {}
