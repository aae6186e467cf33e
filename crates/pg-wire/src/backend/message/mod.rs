//! The sum of the server's messages, by tag.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    Authentication, BackendKeyData, CopyResponse, ErrorResponse, NegotiateProtocolVersion,
    NoticeResponse, NotificationResponse, ParameterStatus, TransactionStatus,
};
use crate::codec::{
    DecodeError, EncodeError, Field, List, Reader, Value, empty, put_cstr, put_length,
    put_tagged_frame, whole, write_list,
};
use crate::frame::Frame;

/// A message from the server.
///
/// Strings are bytes in the client's encoding, without their NUL.
///
/// ```
/// use bytes::BytesMut;
/// use pg_wire::backend::{BackendMessage, TransactionStatus};
///
/// let mut buf = BytesMut::new();
/// BackendMessage::ReadyForQuery(TransactionStatus::Idle).encode(&mut buf)?;
/// assert_eq!(&buf[..], b"Z\0\0\0\x05I");
/// # Ok::<(), pg_wire::EncodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendMessage {
    /// `R`: an authentication request.
    Authentication(Authentication),
    /// `K`: how to cancel this session's queries.
    BackendKeyData(BackendKeyData),
    /// `2`: Bind is done.
    BindComplete,
    /// `3`: Close is done.
    CloseComplete,
    /// `C`: the statement is done; its command tag, such as `SELECT 1`.
    CommandComplete(Bytes),
    /// `W`: COPY both ways starts (replication).
    CopyBothResponse(CopyResponse),
    /// `d`: a piece of a COPY, cut anywhere.
    CopyData(Bytes),
    /// `c`: the COPY is over.
    CopyDone,
    /// `G`: COPY from the client starts.
    CopyInResponse(CopyResponse),
    /// `H`: COPY to the client starts.
    CopyOutResponse(CopyResponse),
    /// `D`: a row.
    DataRow(List<Value>),
    /// `I`: the query was empty; takes the place of CommandComplete.
    EmptyQueryResponse,
    /// `E`: something went wrong.
    ErrorResponse(ErrorResponse),
    /// `V`: the result of a FunctionCall; `None` is NULL.
    FunctionCallResponse(Option<Bytes>),
    /// `v`: an older minor version, or unknown options.
    NegotiateProtocolVersion(NegotiateProtocolVersion),
    /// `n`: the statement returns no rows.
    NoData,
    /// `N`: something to tell.
    NoticeResponse(NoticeResponse),
    /// `A`: a NOTIFY came.
    NotificationResponse(NotificationResponse),
    /// `t`: the types of a statement's parameters.
    ParameterDescription(List<u32>),
    /// `S`: the value of a setting.
    ParameterStatus(ParameterStatus),
    /// `1`: Parse is done.
    ParseComplete,
    /// `s`: Execute stopped at its row limit.
    PortalSuspended,
    /// `Z`: the server waits for the next query.
    ReadyForQuery(TransactionStatus),
    /// `T`: the columns of the rows to come.
    RowDescription(List<Field<'static>>),
}

impl BackendMessage {
    /// The tag on the wire.
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Authentication(_) => b'R',
            Self::BackendKeyData(_) => b'K',
            Self::BindComplete => b'2',
            Self::CloseComplete => b'3',
            Self::CommandComplete(_) => b'C',
            Self::CopyBothResponse(_) => b'W',
            Self::CopyData(_) => b'd',
            Self::CopyDone => b'c',
            Self::CopyInResponse(_) => b'G',
            Self::CopyOutResponse(_) => b'H',
            Self::DataRow(_) => DATA_ROW,
            Self::EmptyQueryResponse => b'I',
            Self::ErrorResponse(_) => b'E',
            Self::FunctionCallResponse(_) => b'V',
            Self::NegotiateProtocolVersion(_) => b'v',
            Self::NoData => b'n',
            Self::NoticeResponse(_) => b'N',
            Self::NotificationResponse(_) => b'A',
            Self::ParameterDescription(_) => b't',
            Self::ParameterStatus(_) => b'S',
            Self::ParseComplete => b'1',
            Self::PortalSuspended => b's',
            Self::ReadyForQuery(_) => b'Z',
            Self::RowDescription(_) => b'T',
        }
    }

    /// Reads the body of a message; strings and values share its memory.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the body is anything but exactly one message of its kind.
    pub fn decode(frame: Frame) -> Result<Self, DecodeError> {
        let Frame { tag, body } = frame;
        Ok(match tag {
            b'R' => Self::Authentication(Authentication::decode(body)?),
            b'K' => Self::BackendKeyData(BackendKeyData::decode(body)?),
            b'2' => empty("BindComplete", body, Self::BindComplete)?,
            b'3' => empty("CloseComplete", body, Self::CloseComplete)?,
            b'C' => Self::CommandComplete(whole("CommandComplete", body, Reader::cstr)?),
            b'W' => Self::CopyBothResponse(CopyResponse::decode("CopyBothResponse", body)?),
            b'd' => Self::CopyData(body),
            b'c' => empty("CopyDone", body, Self::CopyDone)?,
            b'G' => Self::CopyInResponse(CopyResponse::decode("CopyInResponse", body)?),
            b'H' => Self::CopyOutResponse(CopyResponse::decode("CopyOutResponse", body)?),
            DATA_ROW => Self::DataRow(whole("DataRow", body, Reader::list)?),
            b'I' => empty("EmptyQueryResponse", body, Self::EmptyQueryResponse)?,
            b'E' => Self::ErrorResponse(ErrorResponse::decode(body)?),
            b'V' => Self::FunctionCallResponse(whole("FunctionCallResponse", body, Reader::value)?),
            b'v' => Self::NegotiateProtocolVersion(NegotiateProtocolVersion::decode(body)?),
            b'n' => empty("NoData", body, Self::NoData)?,
            b'N' => Self::NoticeResponse(NoticeResponse::decode(body)?),
            b'A' => Self::NotificationResponse(NotificationResponse::decode(body)?),
            b't' => Self::ParameterDescription(whole("ParameterDescription", body, Reader::list)?),
            b'S' => Self::ParameterStatus(ParameterStatus::decode(body)?),
            b'1' => empty("ParseComplete", body, Self::ParseComplete)?,
            b's' => empty("PortalSuspended", body, Self::PortalSuspended)?,
            b'Z' => Self::ReadyForQuery(whole("ReadyForQuery", body, read_status)?),
            b'T' => Self::RowDescription(whole("RowDescription", body, Reader::list)?),
            tag => return Err(DecodeError::UnknownTag { tag }),
        })
    }

    /// Appends the whole message, or nothing if it does not fit the format.
    ///
    /// # Errors
    ///
    /// [`EncodeError::EmbeddedNul`], [`EncodeError::EmptyName`] or [`EncodeError::TooLong`].
    pub fn encode(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Self::ErrorResponse(report) => report.encode(buf),
            Self::NoticeResponse(report) => report.encode(buf),
            Self::NegotiateProtocolVersion(message) => message.encode(buf),
            _ => return put_tagged_frame(buf, self.tag(), |buf| self.encode_body(buf)),
        }
        Ok(())
    }

    fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Self::Authentication(request) => return request.encode_body(buf),
            Self::BackendKeyData(data) => data.encode_body(buf),
            Self::CommandComplete(tag) => return put_cstr(buf, "command tag", tag),
            Self::CopyBothResponse(response)
            | Self::CopyInResponse(response)
            | Self::CopyOutResponse(response) => response.encode_body(buf),
            Self::CopyData(data) => buf.put_slice(data),
            Self::DataRow(values) => values.put(buf),
            Self::FunctionCallResponse(value) => return put_length(buf, value.as_deref()),
            Self::NotificationResponse(notification) => return notification.encode_body(buf),
            Self::ParameterDescription(types) => types.put(buf),
            Self::ParameterStatus(status) => return status.encode_body(buf),
            Self::ReadyForQuery(status) => buf.put_u8(status.as_byte()),
            Self::RowDescription(fields) => fields.put(buf),
            Self::BindComplete
            | Self::CloseComplete
            | Self::CopyDone
            | Self::EmptyQueryResponse
            | Self::NoData
            | Self::ParseComplete
            | Self::PortalSuspended
            // These write themselves whole.
            | Self::ErrorResponse(_)
            | Self::NegotiateProtocolVersion(_)
            | Self::NoticeResponse(_) => {}
        }
        Ok(())
    }
}

/// Appends a DataRow straight from its values, for whoever sends many.
///
/// ```
/// use bytes::BytesMut;
/// use pg_wire::backend::put_data_row;
///
/// let mut buf = BytesMut::new();
/// put_data_row(&mut buf, [Some(&b"1"[..]), None])?;
/// assert_eq!(&buf[..], b"D\0\0\0\x0f\0\x02\0\0\0\x011\xff\xff\xff\xff");
/// # Ok::<(), pg_wire::EncodeError>(())
/// ```
///
/// # Errors
///
/// [`EncodeError::TooManyItems`] or [`EncodeError::TooLong`]; nothing is appended then.
pub fn put_data_row<'a>(
    buf: &mut BytesMut,
    values: impl IntoIterator<Item = Option<&'a [u8]>>,
) -> Result<(), EncodeError> {
    put_tagged_frame(buf, DATA_ROW, |buf| write_list::<Value>(buf, values))
}

fn read_status(reader: &mut Reader) -> Result<TransactionStatus, DecodeError> {
    let status = reader.u8()?;
    TransactionStatus::from_byte(status).ok_or_else(|| reader.invalid("status", status))
}

const DATA_ROW: u8 = b'D';

#[cfg(test)]
mod tests;
