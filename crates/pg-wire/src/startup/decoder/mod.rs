//! Reads startup packets as they trickle in.

use std::ffi::CStr;

use bytes::{Buf, Bytes, BytesMut};

use super::message::parse_replication;
use super::{
    CANCEL_REQUEST_CODE, CancelRequest, GSSENC_REQUEST_CODE, MAX_STARTUP_PACKET_LENGTH,
    SSL_REQUEST_CODE, StartupError, StartupMessage,
};
use crate::ProtocolVersion;

/// One packet of the startup phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupPacket {
    /// The client asks for TLS. Only the code counts: padding is dropped, as in PostgreSQL.
    SslRequest,
    /// The client asks for GSSAPI encryption; padding is dropped.
    GssEncRequest,
    /// The client asks to cancel a query, and for nothing else.
    Cancel(CancelRequest),
    /// The client opens a session of major version 3.
    Startup(StartupMessage),
    /// Neither a request nor major version 3; see [`StartupError::UnsupportedProtocol`].
    Unsupported(ProtocolVersion),
}

impl StartupPacket {
    /// What stands in the version's place, so what `unsupported frontend protocol` names when the packet
    /// is not honoured (a second SSLRequest is `1234.5679`, spec §1.4).
    pub fn version(&self) -> ProtocolVersion {
        match self {
            Self::SslRequest => ProtocolVersion::from_code(SSL_REQUEST_CODE),
            Self::GssEncRequest => ProtocolVersion::from_code(GSSENC_REQUEST_CODE),
            Self::Cancel(_) => ProtocolVersion::from_code(CANCEL_REQUEST_CODE),
            Self::Startup(message) => message.version(),
            Self::Unsupported(version) => *version,
        }
    }
}

/// Reads the packets of one connection, one at a time, whatever the cuts of the stream.
///
/// Keep one decoder from the first byte of a connection to its StartupMessage, through a TLS handshake
/// too: it remembers whether encryption was asked for, which decides if an early end is logged.
///
/// It never asks for bytes beyond the packet, so those stay in the socket or in the buffer for whoever
/// comes next (the TLS engine, or the check for early plaintext).
///
/// ```
/// use bytes::BytesMut;
/// use pg_wire::startup::{SSL_REQUEST, StartupDecoder, StartupPacket};
///
/// let mut decoder = StartupDecoder::new();
/// let mut buf = BytesMut::from(&SSL_REQUEST[..6]);
/// assert_eq!(decoder.needed(&buf)?, 2);
/// assert_eq!(decoder.decode(&mut buf)?, None);
///
/// buf.extend_from_slice(&SSL_REQUEST[6..]);
/// buf.extend_from_slice(b"early");
/// assert_eq!(decoder.decode(&mut buf)?, Some(StartupPacket::SslRequest));
/// assert_eq!(&buf[..], b"early");
/// # Ok::<(), pg_wire::startup::StartupError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StartupDecoder {
    encryption_requested: bool,
}

impl StartupDecoder {
    /// A decoder for a fresh connection.
    pub const fn new() -> Self {
        Self {
            encryption_requested: false,
        }
    }

    /// How many more bytes `buf` needs at least before [`decode`](Self::decode) can say more; never
    /// more than the packet has left, and 0 when the packet is whole.
    ///
    /// # Errors
    ///
    /// [`StartupError::InvalidLength`] as soon as the length word is there.
    pub fn needed(&self, buf: &[u8]) -> Result<usize, StartupError> {
        match packet_length(buf)? {
            Some(length) => Ok(length.saturating_sub(buf.len())),
            None => Ok(LENGTH_WORD.saturating_sub(buf.len())),
        }
    }

    /// Takes one packet off the front of `buf`, or returns `None` and leaves `buf` alone if it is not
    /// whole yet.
    ///
    /// # Errors
    ///
    /// Those of the packet's own form: [`StartupError::InvalidLength`],
    /// [`StartupError::InvalidReplication`], [`StartupError::MissingTerminator`],
    /// [`StartupError::CancelTooShort`] and [`StartupError::CancelKeyLength`]. The connection is to be
    /// closed then.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<StartupPacket>, StartupError> {
        let Some(length) = packet_length(buf)? else {
            return Ok(None);
        };
        if buf.len() < length {
            return Ok(None);
        }
        let mut packet = buf.split_to(length).freeze();
        packet.advance(LENGTH_WORD);
        let packet = decode_packet(packet)?;
        if matches!(
            packet,
            StartupPacket::SslRequest | StartupPacket::GssEncRequest
        ) {
            self.encryption_requested = true;
        }
        Ok(Some(packet))
    }

    /// Judges the end of the stream with `buf` left over, after [`decode`](Self::decode) has said `None`:
    /// between packets it is a normal ending.
    ///
    /// # Errors
    ///
    /// [`StartupError::TruncatedLength`] or [`StartupError::TruncatedPacket`], neither of which the
    /// client hears of.
    pub fn finish(&self, buf: &[u8]) -> Result<(), StartupError> {
        match packet_length(buf)? {
            None if buf.is_empty() => Ok(()),
            None => Err(StartupError::TruncatedLength {
                received: buf.len(),
                after_encryption_request: self.encryption_requested,
            }),
            Some(announced) if buf.len() >= announced => Ok(()),
            Some(announced) => Err(StartupError::TruncatedPacket {
                announced,
                received: buf.len(),
            }),
        }
    }
}

/// The length of the whole packet, once the length word is there.
fn packet_length(buf: &[u8]) -> Result<Option<usize>, StartupError> {
    let Some(word) = buf.first_chunk::<LENGTH_WORD>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*word);
    match usize::try_from(length) {
        Ok(packet) if (MIN_PACKET..=MAX_PACKET).contains(&packet) => Ok(Some(packet)),
        _ => Err(StartupError::InvalidLength { length }),
    }
}

/// Reads a packet without its length word.
fn decode_packet(mut packet: Bytes) -> Result<StartupPacket, StartupError> {
    // The length was checked to leave room for the code.
    let code = packet.try_get_u32().unwrap_or_default();
    let version = ProtocolVersion::from_code(code);
    match code {
        CANCEL_REQUEST_CODE => CancelRequest::decode(&packet).map(StartupPacket::Cancel),
        SSL_REQUEST_CODE => Ok(StartupPacket::SslRequest),
        GSSENC_REQUEST_CODE => Ok(StartupPacket::GssEncRequest),
        _ if version.major() != 3 => Ok(StartupPacket::Unsupported(version)),
        _ => {
            let parameters = decode_parameters(packet)?;
            let message = StartupMessage::from_parts(version, parameters);
            Ok(StartupPacket::Startup(message))
        }
    }
}

/// Follows PostgreSQL's loop (`ProcessStartupPacket`): a wrong `replication` is found on the way, a
/// wrong end only afterwards.
fn decode_parameters(mut rest: Bytes) -> Result<Vec<(Bytes, Bytes)>, StartupError> {
    let mut parameters = Vec::new();
    while rest.first().is_some_and(|byte| *byte != 0) {
        let name = take_parameter_part(&mut rest)?;
        if name == "replication" && !rest.is_empty() {
            // PostgreSQL's buffer has a NUL behind its end, so there a cut-off value is judged too.
            let end = rest.iter().position(|byte| *byte == 0);
            parse_replication(&rest.slice(..end.unwrap_or(rest.len())))?;
        }
        parameters.push((name, take_parameter_part(&mut rest)?));
    }
    if *rest == [0] {
        return Ok(parameters);
    }
    Err(StartupError::MissingTerminator)
}

fn take_parameter_part(rest: &mut Bytes) -> Result<Bytes, StartupError> {
    let Ok(text) = CStr::from_bytes_until_nul(rest) else {
        return Err(StartupError::MissingTerminator);
    };
    let text = rest.split_to(text.count_bytes());
    rest.advance(1);
    Ok(text)
}

const LENGTH_WORD: usize = 4;

/// Length word and code.
const MIN_PACKET: usize = 8;

const MAX_PACKET: usize = MAX_STARTUP_PACKET_LENGTH + LENGTH_WORD;

#[cfg(test)]
mod tests;
