//! The start of a COPY (`G`, `H`, `W`).

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::{DecodeError, Format, List, Reader};

/// How the rows of a COPY are represented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyResponse {
    /// The format of the whole.
    pub format: CopyFormat,
    /// The format of each column; all text if the whole is text.
    pub columns: List<Format>,
}

/// The format of a COPY as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CopyFormat {
    /// 0: rows are lines, columns are separated.
    Text,
    /// 1: PostgreSQL's binary format.
    Binary,
}

impl CopyResponse {
    pub(super) fn decode(message: &'static str, body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message, body);
        let format = match reader.u8()? {
            0 => CopyFormat::Text,
            1 => CopyFormat::Binary,
            other => return Err(reader.invalid("copy format", other)),
        };
        let columns = reader.list()?;
        reader.finish()?;
        Ok(Self { format, columns })
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) {
        buf.put_u8(match self.format {
            CopyFormat::Text => 0,
            CopyFormat::Binary => 1,
        });
        self.columns.put(buf);
    }
}
