//! Cuts whole messages out of a buffer.

use bytes::{Buf, Bytes, BytesMut};

use super::FrameError;
use super::limits::{Limits, Phase, Side, to_usize};

/// One message, not yet looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its kind.
    pub tag: u8,
    /// What follows the length word; shares the memory of the buffer that it came from.
    pub body: Bytes,
}

/// Takes messages off the front of a buffer that the caller fills.
///
/// ```
/// use bytes::BytesMut;
/// use pg_wire::frame::{FrameDecoder, Side};
///
/// let decoder = FrameDecoder::new(Side::Frontend);
/// let mut buf = BytesMut::from(&b"Q\0\0\0\x0dselect 1\0S\0\0"[..]);
/// let frame = decoder.decode(&mut buf)?.unwrap();
/// assert_eq!((frame.tag, &frame.body[..]), (b'Q', &b"select 1\0"[..]));
/// assert_eq!(decoder.decode(&mut buf)?, None);
/// assert_eq!(&buf[..], b"S\0\0");
/// # Ok::<(), pg_wire::frame::FrameError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FrameDecoder {
    side: Side,
    phase: Phase,
}

impl FrameDecoder {
    /// A decoder for what `side` sends, with the limits of [`Phase::Session`].
    pub const fn new(side: Side) -> Self {
        Self {
            side,
            phase: Phase::Session,
        }
    }

    /// Changes what is allowed from the next message on.
    pub const fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Takes one message off the front of `buf`, or returns `None` and leaves `buf` alone if it is not
    /// whole yet. A wrong tag or length is found as soon as it is there.
    ///
    /// # Errors
    ///
    /// [`FrameError`]; the connection is to be closed then.
    pub fn decode(&self, buf: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let whole = match self.length(buf)? {
            Some(length) if buf.len() >= length => length,
            _ => return Ok(None),
        };
        let tag = buf.first().copied().unwrap_or_default();
        let mut body = buf.split_to(whole).freeze();
        body.advance(HEADER_LENGTH);
        Ok(Some(Frame { tag, body }))
    }

    /// How many bytes the message at the front of `buf` lacks at least; 0 if it is whole. Who reads no
    /// more than that never takes a byte of what comes behind the message.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn needed(&self, buf: &[u8]) -> Result<usize, FrameError> {
        let length = self.length(buf)?.unwrap_or(HEADER_LENGTH);
        Ok(length.saturating_sub(buf.len()))
    }

    /// The length of the message with its header, once that is there.
    fn length(&self, buf: &[u8]) -> Result<Option<usize>, FrameError> {
        let limits = Limits::of(self.side, self.phase);
        match buf.first_chunk::<HEADER_LENGTH>() {
            Some(header) => Ok(Some(HEADER_LENGTH + to_usize(limits.check(*header)?))),
            None => {
                buf.first().map_or(Ok(()), |tag| limits.check_tag(*tag))?;
                Ok(None)
            }
        }
    }
}

/// Tag and length word.
const HEADER_LENGTH: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_tag_is_found_on_its_own() {
        let decoder = FrameDecoder::new(Side::Frontend);
        let error = decoder.decode(&mut BytesMut::from("p")).unwrap_err();
        assert_eq!(error, FrameError::InvalidFrontendType { tag: b'p' });
    }

    #[test]
    fn a_promise_takes_no_memory() {
        let decoder = FrameDecoder::new(Side::Frontend);
        let mut buf = BytesMut::from(&b"Q\x3f\xff\xff\xfeselect"[..]);
        let before = buf.capacity();
        assert_eq!(decoder.decode(&mut buf), Ok(None));
        assert_eq!((buf.len(), buf.capacity()), (11, before));
    }

    #[test]
    fn what_is_needed_is_never_too_much() {
        let decoder = FrameDecoder::new(Side::Frontend);
        let message = b"Q\0\0\0\x0dselect 1\0";
        for (there, needed) in [(0, 5), (1, 4), (4, 1), (5, 9), (13, 1), (14, 0)] {
            assert_eq!(decoder.needed(&message[..there]), Ok(needed), "{there}");
        }
        assert!(decoder.needed(b"p").is_err());
        assert!(decoder.needed(b"X\0\0\x27\x11").is_err());
    }

    #[test]
    fn a_phase_changes_what_is_allowed() {
        let mut decoder = FrameDecoder::new(Side::Frontend);
        decoder.set_phase(Phase::Sasl);
        let mut buf = BytesMut::from(&b"p\0\0\0\x05x"[..]);
        assert_eq!(decoder.decode(&mut buf).unwrap().unwrap().body, "x");
        let error = decoder.decode(&mut BytesMut::from("Q")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected SASL response, got message type 81"
        );
        let long = &b"p\0\0\x04\x01"[..];
        let error = decoder.decode(&mut BytesMut::from(long)).unwrap_err();
        assert_eq!(error.to_string(), "invalid message length");
        decoder.set_phase(Phase::Password);
        assert_eq!(decoder.decode(&mut BytesMut::from(long)), Ok(None));
    }
}
