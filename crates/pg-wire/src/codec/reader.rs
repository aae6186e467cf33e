//! A cursor over the body of one message.

use std::ffi::CStr;

use bytes::{Buf, Bytes};

use super::DecodeError;
use super::list::{Item, List};

/// Takes fields off the front of a message body; strings and values share the body's memory.
pub(crate) struct Reader {
    message: &'static str,
    rest: Bytes,
}

impl Reader {
    pub(crate) fn new(message: &'static str, body: Bytes) -> Self {
        Self {
            message,
            rest: body,
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.rest.try_get_u8().map_err(|_| self.end())
    }

    pub(crate) fn i16(&mut self) -> Result<i16, DecodeError> {
        self.rest.try_get_i16().map_err(|_| self.end())
    }

    pub(crate) fn i32(&mut self) -> Result<i32, DecodeError> {
        self.rest.try_get_i32().map_err(|_| self.end())
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.rest.try_get_u32().map_err(|_| self.end())
    }

    /// A string up to its NUL, without it.
    pub(crate) fn cstr(&mut self) -> Result<Bytes, DecodeError> {
        let Ok(text) = CStr::from_bytes_until_nul(&self.rest) else {
            return Err(DecodeError::UnterminatedString {
                message: self.message,
            });
        };
        let text = self.rest.split_to(text.count_bytes());
        self.rest.advance(1);
        Ok(text)
    }

    /// A value with a 32-bit length in front, where -1 stands for NULL.
    pub(crate) fn value(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let length = self.i32()?;
        if length == -1 {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(length) else {
            return Err(DecodeError::NegativeLength {
                message: self.message,
                length,
            });
        };
        if length > self.rest.len() {
            return Err(self.end());
        }
        Ok(Some(self.rest.split_to(length)))
    }

    /// A list with a 16-bit count in front, every item checked.
    pub(crate) fn list<T: Item>(&mut self) -> Result<List<T>, DecodeError> {
        let count = self.rest.try_get_u16().map_err(|_| self.end())?;
        List::take(self.message, count, &mut self.rest)
    }

    /// All that is left, whatever it is.
    pub(crate) fn remaining(self) -> Bytes {
        self.rest
    }

    /// Ends the message: nothing may be left.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::TrailingBytes {
            message: self.message,
            count: self.rest.len(),
        })
    }

    pub(crate) fn invalid(&self, field: &'static str, value: impl Into<i64>) -> DecodeError {
        DecodeError::InvalidValue {
            message: self.message,
            field,
            value: value.into(),
        }
    }

    pub(crate) fn end(&self) -> DecodeError {
        DecodeError::UnexpectedEnd {
            message: self.message,
        }
    }
}

/// A body that is one field.
pub(crate) fn whole<T>(
    message: &'static str,
    body: Bytes,
    read: impl FnOnce(&mut Reader) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut reader = Reader::new(message, body);
    let field = read(&mut reader)?;
    reader.finish()?;
    Ok(field)
}

/// A body of nothing.
pub(crate) fn empty<T>(message: &'static str, body: Bytes, value: T) -> Result<T, DecodeError> {
    whole(message, body, |_| Ok(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(body: &'static [u8]) -> Reader {
        Reader::new("Test", Bytes::from_static(body))
    }

    #[test]
    fn integers_need_all_their_bytes() {
        let end = Err(DecodeError::UnexpectedEnd { message: "Test" });
        assert_eq!(reader(b"").u8().map(i64::from), end);
        assert_eq!(reader(b"1").i16().map(i64::from), end);
        assert_eq!(reader(b"123").i32().map(i64::from), end);
        assert_eq!(reader(&[0, 0, 1, 2]).u32(), Ok(258));
        assert_eq!(reader(&[0xff, 0xfe]).i16(), Ok(-2));
    }

    #[test]
    fn strings_end_at_their_nul() {
        let mut r = reader(b"ab\0\0cd");
        assert_eq!(r.cstr().unwrap(), "ab");
        assert_eq!(r.cstr().unwrap(), "");
        let error = r.cstr().unwrap_err();
        assert_eq!(error, DecodeError::UnterminatedString { message: "Test" });
        assert_eq!(error.to_string(), "invalid string in message (Test)");
    }

    #[test]
    fn values_may_be_null_but_never_negative_or_too_long() {
        assert_eq!(reader(&[0xff; 4]).value(), Ok(None));
        assert_eq!(reader(&[0, 0, 0, 0]).value(), Ok(Some(Bytes::new())));
        assert_eq!(
            reader(&[0xff, 0xff, 0xff, 0xfe]).value(),
            Err(DecodeError::NegativeLength {
                message: "Test",
                length: -2
            })
        );
        assert_eq!(
            reader(&[0x7f, 0xff, 0xff, 0xf0, 1]).value(),
            Err(DecodeError::UnexpectedEnd { message: "Test" })
        );
    }

    #[test]
    fn finish_counts_what_is_left() {
        let error = reader(b"xyz").finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid message format (Test: 3 bytes too many)"
        );
        assert!(reader(b"").finish().is_ok());
    }
}
