//! Appends messages to a buffer: either a whole one or, on an error, nothing.

use bytes::{BufMut, BytesMut};

use super::EncodeError;

/// PostgreSQL's `MaxAllocSize - 1`, the most that a length word may say in either direction.
pub(crate) const MAX_LENGTH: usize = 0x3fff_fffe;

/// Appends a message of the session: tag, length, then what `body` writes.
pub(crate) fn put_tagged_frame(
    buf: &mut BytesMut,
    tag: u8,
    body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = buf.len();
    buf.put_u8(tag);
    put_startup_frame(buf, MAX_LENGTH, body).inspect_err(|_| buf.truncate(start))
}

/// Appends a message that cannot be too long by the way it is made.
pub(crate) fn put_small_frame(buf: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    buf.put_u8(tag);
    let start = buf.len();
    buf.put_u32(0);
    body(buf);
    let packet = buf.get_mut(start..).unwrap_or_default();
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    if let Some(place) = packet.first_chunk_mut::<4>() {
        *place = length.to_be_bytes();
    }
}

/// Appends a packet without a tag: length, then what `body` writes.
pub(crate) fn put_startup_frame(
    buf: &mut BytesMut,
    limit: usize,
    body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = buf.len();
    buf.put_u32(0);
    let written = body(buf).and_then(|()| patch_length(buf, start, limit));
    written.inspect_err(|_| buf.truncate(start))
}

fn patch_length(buf: &mut BytesMut, start: usize, limit: usize) -> Result<(), EncodeError> {
    let packet = buf.get_mut(start..).unwrap_or_default();
    let length = packet.len();
    match (u32::try_from(length), packet.first_chunk_mut::<4>()) {
        (Ok(word), Some(place)) if length <= limit => {
            *place = word.to_be_bytes();
            Ok(())
        }
        _ => Err(EncodeError::TooLong { length, limit }),
    }
}

/// Appends a string and its NUL.
pub(crate) fn put_cstr(
    buf: &mut BytesMut,
    field: &'static str,
    text: &[u8],
) -> Result<(), EncodeError> {
    if clip_at_nul(text).len() != text.len() {
        return Err(EncodeError::EmbeddedNul { field });
    }
    buf.put_slice(text);
    buf.put_u8(0);
    Ok(())
}

/// Appends a string up to its first NUL, as C would, and a NUL.
pub(crate) fn put_cstr_clipped(buf: &mut BytesMut, text: &[u8]) {
    buf.put_slice(clip_at_nul(text));
    buf.put_u8(0);
}

/// Appends a value with its 32-bit length in front; NULL is -1.
pub(crate) fn put_length(buf: &mut BytesMut, value: Option<&[u8]>) -> Result<(), EncodeError> {
    let Some(value) = value else {
        buf.put_i32(-1);
        return Ok(());
    };
    let length = i32::try_from(value.len()).map_err(|_| EncodeError::TooLong {
        length: value.len(),
        limit: MAX_LENGTH,
    })?;
    buf.put_i32(length);
    buf.put_slice(value);
    Ok(())
}

fn clip_at_nul(text: &[u8]) -> &[u8] {
    std::ffi::CStr::from_bytes_until_nul(text).map_or(text, std::ffi::CStr::to_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_body_leaves_nothing_behind() {
        let mut buf = BytesMut::from("before");
        let result = put_tagged_frame(&mut buf, b'Q', |buf| put_cstr(buf, "query", b"a\0b"));
        assert_eq!(result, Err(EncodeError::EmbeddedNul { field: "query" }));
        assert_eq!(buf, "before");
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let body = |length: usize| {
            let mut buf = BytesMut::new();
            put_startup_frame(&mut buf, 8, |buf| {
                buf.put_bytes(7, length);
                Ok(())
            })
            .map(|()| buf)
        };
        assert_eq!(body(4).unwrap(), [0, 0, 0, 8, 7, 7, 7, 7].as_slice());
        assert_eq!(
            body(5).unwrap_err().to_string(),
            "message of 9 bytes is longer than the limit of 8"
        );
    }

    #[test]
    fn clipping_stops_at_the_first_nul() {
        let mut buf = BytesMut::new();
        put_cstr_clipped(&mut buf, b"a\0b\0");
        assert_eq!(buf, b"a\0".as_slice());
    }
}
