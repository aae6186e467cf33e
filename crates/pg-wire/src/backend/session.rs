//! What the server tells about itself and the session.

use bytes::{BufMut, Bytes, BytesMut};

use crate::cancel_key::CancelKey;
use crate::codec::{DecodeError, EncodeError, Reader, put_cstr};

/// How to cancel the queries of this session (`K`).
///
/// A client of protocol 3.0 takes a key of exactly 4 bytes, one of 3.2 a key of 4 to 256 (spec §1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendKeyData {
    /// The process id; any number that names the session.
    pub process_id: i32,
    /// Its secret.
    pub secret_key: CancelKey,
}

impl BackendKeyData {
    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("BackendKeyData", body);
        let process_id = reader.i32()?;
        let key = reader.remaining();
        let secret_key = CancelKey::new(&key).map_err(|error| DecodeError::InvalidValue {
            message: "BackendKeyData",
            field: "key length",
            value: i64::try_from(error.length).unwrap_or(i64::MAX),
        })?;
        Ok(Self {
            process_id,
            secret_key,
        })
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) {
        buf.put_i32(self.process_id);
        buf.put_slice(self.secret_key.as_bytes());
    }
}

/// The value of a setting that the client wants to know of (`S`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterStatus {
    /// Name of the setting.
    pub name: Bytes,
    /// Its value now.
    pub value: Bytes,
}

impl ParameterStatus {
    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("ParameterStatus", body);
        let name = reader.cstr()?;
        let value = reader.cstr()?;
        reader.finish()?;
        Ok(Self { name, value })
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        put_cstr(buf, "parameter name", &self.name)?;
        put_cstr(buf, "parameter value", &self.value)
    }
}

/// A NOTIFY that this session listens for (`A`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationResponse {
    /// The process id of the session that notifies.
    pub process_id: i32,
    /// Name of the channel.
    pub channel: Bytes,
    /// The payload, empty if there is none.
    pub payload: Bytes,
}

impl NotificationResponse {
    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("NotificationResponse", body);
        let process_id = reader.i32()?;
        let channel = reader.cstr()?;
        let payload = reader.cstr()?;
        reader.finish()?;
        Ok(Self {
            process_id,
            channel,
            payload,
        })
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        buf.put_i32(self.process_id);
        put_cstr(buf, "channel", &self.channel)?;
        put_cstr(buf, "payload", &self.payload)
    }
}
