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
        let limits = Limits::of(self.side, self.phase);
        let Some(header) = buf.first_chunk::<5>() else {
            buf.first().map_or(Ok(()), |tag| limits.check_tag(*tag))?;
            return Ok(None);
        };
        let [tag, ..] = *header;
        let length = HEADER_LENGTH + to_usize(limits.check(*header)?);
        if buf.len() < length {
            return Ok(None);
        }
        let mut body = buf.split_to(length).freeze();
        body.advance(HEADER_LENGTH);
        Ok(Some(Frame { tag, body }))
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
