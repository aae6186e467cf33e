//! The startup phase: what a client sends before messages have tags.
//!
//! A connection opens with SSLRequests, GSSENCRequests, then either a CancelRequest or a
//! [`StartupMessage`]. [`StartupDecoder`] reads all of them; [`StartupError`] is all that can be wrong
//! with them, together with the bytes of the answer.

mod cancel;
mod decoder;
mod error;
mod message;
mod replication;
mod request;

pub use crate::cancel_key::{CancelKey, CancelKeyLengthError};
pub use cancel::CancelRequest;
pub use decoder::{StartupDecoder, StartupPacket};
pub use error::{StartupError, Visibility};
pub use message::StartupMessage;
pub use replication::Replication;
pub use request::{
    CANCEL_REQUEST_CODE, EncryptionAnswer, GSSENC_REQUEST, GSSENC_REQUEST_CODE, SSL_REQUEST,
    SSL_REQUEST_CODE,
};

/// PostgreSQL's bound on a startup packet without its length word, so 10,004 bytes in all.
pub const MAX_STARTUP_PACKET_LENGTH: usize = 10_000;

/// The first byte of a TLS handshake record. A connection that opens with it wants TLS directly
/// (`sslnegotiation=direct`, PostgreSQL 17); every other byte belongs to a startup packet (spec §2).
pub const DIRECT_TLS_FIRST_BYTE: u8 = 0x16;

/// The ALPN protocol name of PostgreSQL; mandatory for direct TLS.
pub const ALPN_PROTOCOL: &[u8] = b"postgresql";
