//! Message boundaries: a tag, a 32-bit length that counts itself, a body.
//!
//! [`FrameDecoder`] cuts whole messages out of a buffer; [`FrameScanner`] only finds where they end in
//! a stream that passes by. Both check every header against the same limits, so a length is never
//! believed: memory grows with the bytes that came, not with those that were promised.

mod decoder;
mod error;
mod limits;
mod scanner;

pub use decoder::{Frame, FrameDecoder};
pub use error::FrameError;
pub use limits::{
    BACKEND_SMALL_MESSAGE_LIMIT, LARGE_MESSAGE_LIMIT, PASSWORD_MESSAGE_LIMIT, Phase,
    SASL_MESSAGE_LIMIT, SMALL_MESSAGE_LIMIT, Side,
};
pub use scanner::{FrameHead, FrameScanner, Scanned};
