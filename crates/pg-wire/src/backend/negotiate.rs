//! NegotiateProtocolVersion (`v`).

use bytes::{BufMut, Bytes, BytesMut};

use crate::ProtocolVersion;
use crate::codec::{DecodeError, Reader, put_cstr_clipped, put_small_frame};

/// The server speaks an older minor version than asked for, or does not know some `_pq_.` options.
///
/// It is not an answer of its own: it goes out together with the next message (spec §1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiateProtocolVersion {
    /// The version of this session. On the wire it is the full 32-bit number, although the manual calls
    /// it the minor version; libpq reads it as the full number too.
    pub version: ProtocolVersion,
    /// The options that are not known, with their prefix, in the order sent.
    pub options: Vec<Bytes>,
}

impl NegotiateProtocolVersion {
    /// The tag.
    pub const TAG: u8 = b'v';

    /// Appends the whole message; an option ends at its first NUL, as a C string would.
    ///
    /// The options are those of a startup packet, so they fit.
    pub fn encode(&self, buf: &mut BytesMut) {
        put_small_frame(buf, Self::TAG, |buf| {
            buf.put_u32(self.version.code());
            buf.put_u32(u32::try_from(self.options.len()).unwrap_or(u32::MAX));
            for option in &self.options {
                put_cstr_clipped(buf, option);
            }
        });
    }

    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("NegotiateProtocolVersion", body);
        let version = ProtocolVersion::from_code(reader.u32()?);
        let count = reader.u32()?;
        // Grows with what is there: the count is only a promise.
        let mut options = Vec::new();
        for _ in 0..count {
            options.push(reader.cstr()?);
        }
        reader.finish()?;
        Ok(Self { version, options })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_postgresql() {
        let message = NegotiateProtocolVersion {
            version: ProtocolVersion::V3_0,
            options: vec!["_pq_.a".into(), "_pq_.b".into()],
        };
        let mut buf = BytesMut::new();
        message.encode(&mut buf);
        assert_eq!(
            buf,
            b"v\0\0\0\x1a\0\x03\0\0\0\0\0\x02_pq_.a\0_pq_.b\0".as_slice()
        );
        let body = buf.freeze().slice(5..);
        assert_eq!(NegotiateProtocolVersion::decode(body), Ok(message));
    }

    #[test]
    fn a_count_is_only_a_promise() {
        let body = Bytes::from_static(b"\0\x03\0\0\xff\xff\xff\xff_pq_.a\0");
        let error = NegotiateProtocolVersion::decode(body).unwrap_err();
        assert_eq!(
            error,
            DecodeError::UnterminatedString {
                message: "NegotiateProtocolVersion"
            }
        );
    }
}
