//! FunctionCall (`F`): obsolete, but still what libpq's large objects use.

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::{DecodeError, Format, List, Reader, Value};

/// Calls a function by its OID (`F`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionCall {
    /// OID of the function.
    pub function: u32,
    /// Formats of the arguments: none, one for all, or one each.
    pub argument_formats: List<Format>,
    /// The arguments.
    pub arguments: List<Value>,
    /// Format that the result shall have.
    pub result_format: Format,
}

impl FunctionCall {
    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("FunctionCall", body);
        let function = reader.u32()?;
        let argument_formats = reader.list()?;
        let arguments = reader.list()?;
        let result_format = Format::from_code(reader.i16()?);
        reader.finish()?;
        Ok(Self {
            function,
            argument_formats,
            arguments,
            result_format,
        })
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) {
        buf.put_u32(self.function);
        self.argument_formats.put(buf);
        self.arguments.put(buf);
        buf.put_i16(self.result_format.code());
    }
}
