//! The sum of the client's messages, by tag.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Bind, Execute, FunctionCall, Parse, Password, Target};
use crate::codec::{DecodeError, EncodeError, Reader, empty, put_cstr, put_tagged_frame, whole};
use crate::frame::Frame;

/// A message from the client, once the startup phase is over.
///
/// Strings are bytes in the client's encoding, without their NUL.
///
/// ```
/// use bytes::BytesMut;
/// use pg_wire::frontend::FrontendMessage;
///
/// let mut buf = BytesMut::new();
/// FrontendMessage::Query("select 1".into()).encode(&mut buf)?;
/// assert_eq!(&buf[..], b"Q\0\0\0\x0dselect 1\0");
/// # Ok::<(), pg_wire::EncodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrontendMessage {
    /// `B`: gives a statement its parameters.
    Bind(Bind),
    /// `C`: drops a statement or a portal.
    Close(Target),
    /// `d`: a piece of a COPY, cut anywhere.
    CopyData(Bytes),
    /// `c`: the COPY is over.
    CopyDone,
    /// `f`: the COPY is given up, for this reason.
    CopyFail(Bytes),
    /// `D`: asks for the parameters and columns of a statement, or the columns of a portal.
    Describe(Target),
    /// `E`: runs a portal.
    Execute(Execute),
    /// `H`: asks for all answers so far.
    Flush,
    /// `F`: calls a function.
    FunctionCall(FunctionCall),
    /// `P`: prepares a statement.
    Parse(Parse),
    /// `p`: an answer to an authentication request.
    Password(Password),
    /// `Q`: runs a query, or several.
    Query(Bytes),
    /// `S`: ends a series of extended queries.
    Sync,
    /// `X`: ends the session.
    Terminate,
}

impl FrontendMessage {
    /// The tag on the wire.
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Bind(_) => b'B',
            Self::Close(_) => b'C',
            Self::CopyData(_) => b'd',
            Self::CopyDone => b'c',
            Self::CopyFail(_) => b'f',
            Self::Describe(_) => b'D',
            Self::Execute(_) => b'E',
            Self::Flush => b'H',
            Self::FunctionCall(_) => b'F',
            Self::Parse(_) => b'P',
            Self::Password(_) => b'p',
            Self::Query(_) => b'Q',
            Self::Sync => b'S',
            Self::Terminate => b'X',
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
            b'B' => Self::Bind(Bind::decode(body)?),
            b'C' => Self::Close(Target::decode("Close", body)?),
            b'd' => Self::CopyData(body),
            b'c' => empty("CopyDone", body, Self::CopyDone)?,
            b'f' => Self::CopyFail(whole("CopyFail", body, Reader::cstr)?),
            b'D' => Self::Describe(Target::decode("Describe", body)?),
            b'E' => Self::Execute(Execute::decode(body)?),
            b'H' => empty("Flush", body, Self::Flush)?,
            b'F' => Self::FunctionCall(FunctionCall::decode(body)?),
            b'P' => Self::Parse(Parse::decode(body)?),
            b'p' => Self::Password(Password::new(body)),
            b'Q' => Self::Query(whole("Query", body, Reader::cstr)?),
            b'S' => empty("Sync", body, Self::Sync)?,
            b'X' => empty("Terminate", body, Self::Terminate)?,
            tag => return Err(DecodeError::UnknownTag { tag }),
        })
    }

    /// Appends the whole message, or nothing if it does not fit the format.
    ///
    /// # Errors
    ///
    /// [`EncodeError::EmbeddedNul`] or [`EncodeError::TooLong`].
    pub fn encode(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        put_tagged_frame(buf, self.tag(), |buf| self.encode_body(buf))
    }

    fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Self::Bind(bind) => return bind.encode_body(buf),
            Self::Close(target) | Self::Describe(target) => return target.encode_body(buf),
            Self::CopyData(data) => buf.put_slice(data),
            Self::CopyFail(reason) => return put_cstr(buf, "reason", reason),
            Self::Execute(execute) => return execute.encode_body(buf),
            Self::FunctionCall(call) => call.encode_body(buf),
            Self::Parse(parse) => return parse.encode_body(buf),
            Self::Password(password) => buf.put_slice(password.body()),
            Self::Query(query) => return put_cstr(buf, "query", query),
            Self::CopyDone | Self::Flush | Self::Sync | Self::Terminate => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
