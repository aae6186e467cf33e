//! The extended query protocol: Parse, Bind, Describe, Execute, Close.

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::{DecodeError, EncodeError, Format, List, Reader, Value, put_cstr};

/// Prepares a statement (`P`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parse {
    /// Name of the statement; empty for the unnamed one.
    pub statement: Bytes,
    /// The query.
    pub query: Bytes,
    /// OIDs of the types of the first parameters; 0 lets the server find out.
    pub parameter_types: List<u32>,
}

impl Parse {
    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("Parse", body);
        let statement = reader.cstr()?;
        let query = reader.cstr()?;
        let parameter_types = reader.list()?;
        reader.finish()?;
        Ok(Self {
            statement,
            query,
            parameter_types,
        })
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        put_cstr(buf, "statement name", &self.statement)?;
        put_cstr(buf, "query", &self.query)?;
        self.parameter_types.put(buf);
        Ok(())
    }
}

/// Gives a statement its parameters (`B`).
///
/// A list of formats is empty (all text), or has one item (for all), or one for each value; PostgreSQL
/// checks that when it binds, as it does the format codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bind {
    /// Name of the portal to make; empty for the unnamed one.
    pub portal: Bytes,
    /// Name of the statement.
    pub statement: Bytes,
    /// Formats of the parameters.
    pub parameter_formats: List<Format>,
    /// The parameters.
    pub parameters: List<Value>,
    /// Formats that the columns of the result shall have.
    pub result_formats: List<Format>,
}

impl Bind {
    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("Bind", body);
        let portal = reader.cstr()?;
        let statement = reader.cstr()?;
        let parameter_formats = reader.list()?;
        let parameters = reader.list()?;
        let result_formats = reader.list()?;
        reader.finish()?;
        Ok(Self {
            portal,
            statement,
            parameter_formats,
            parameters,
            result_formats,
        })
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        put_cstr(buf, "portal name", &self.portal)?;
        put_cstr(buf, "statement name", &self.statement)?;
        self.parameter_formats.put(buf);
        self.parameters.put(buf);
        self.result_formats.put(buf);
        Ok(())
    }
}

/// What Describe (`D`) or Close (`C`) is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `S`: the prepared statement of this name.
    Statement(Bytes),
    /// `P`: the portal of this name.
    Portal(Bytes),
}

impl Target {
    pub(super) fn decode(message: &'static str, body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message, body);
        let target = match reader.u8()? {
            b'S' => Self::Statement(reader.cstr()?),
            b'P' => Self::Portal(reader.cstr()?),
            other => return Err(reader.invalid("subtype", other)),
        };
        reader.finish()?;
        Ok(target)
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        let (subtype, field, name) = match self {
            Self::Statement(name) => (b'S', "statement name", name),
            Self::Portal(name) => (b'P', "portal name", name),
        };
        buf.put_u8(subtype);
        put_cstr(buf, field, name)
    }
}

/// Runs a portal (`E`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execute {
    /// Name of the portal; empty for the unnamed one.
    pub portal: Bytes,
    /// How many rows at most; 0 for all.
    pub max_rows: i32,
}

impl Execute {
    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("Execute", body);
        let portal = reader.cstr()?;
        let max_rows = reader.i32()?;
        reader.finish()?;
        Ok(Self { portal, max_rows })
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        put_cstr(buf, "portal name", &self.portal)?;
        buf.put_i32(self.max_rows);
        Ok(())
    }
}
