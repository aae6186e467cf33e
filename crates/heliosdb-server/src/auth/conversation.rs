//! Messages to and from a client that is logging in.

use std::io;

use bytes::{Bytes, BytesMut};
use pg_tls::Session;
use pg_wire::backend::{Authentication, BackendMessage};
use pg_wire::frame::{FrameDecoder, FrameError, Phase, Side};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroize;

use crate::error::SessionError;

/// The stream of a session before AuthenticationOk.
#[derive(Debug)]
pub(crate) struct Conversation<'a, S> {
    session: &'a mut Session<S>,
    /// What was said and not sent yet.
    output: &'a mut BytesMut,
}

/// Why the client's message cannot be had.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// Too long, or cut off: PostgreSQL's text for its log. What the client is told depends on the method.
    Damaged(&'static str),
    /// Everything else, which ends all methods in the same way.
    Ended(SessionError),
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    pub(crate) const fn new(session: &'a mut Session<S>, output: &'a mut BytesMut) -> Self {
        Self { session, output }
    }

    pub(crate) const fn session(&self) -> &Session<S> {
        self.session
    }

    /// Says something that goes out with what follows, as PostgreSQL does with AuthenticationSASLFinal.
    pub(crate) fn say(&mut self, message: Authentication) -> Result<(), SessionError> {
        if let Some(message) = self.session.negotiate_protocol_version.take() {
            message.encode(self.output);
        }
        BackendMessage::Authentication(message).encode(self.output)?;
        Ok(())
    }

    /// Says something and waits for the `p` message that answers it; gives back its body.
    pub(crate) async fn ask(
        &mut self,
        message: Authentication,
        phase: Phase,
    ) -> Result<Result<Bytes, Unreadable>, SessionError> {
        self.say(message)?;
        let stream = &mut self.session.stream;
        stream
            .write_all(self.output)
            .await
            .map_err(SessionError::ClientSend)?;
        stream.flush().await.map_err(SessionError::ClientSend)?;
        self.output.clear();
        Ok(receive(stream, phase).await)
    }
}

/// Reads one message and not a byte of what comes behind it.
async fn receive<S: AsyncRead + Unpin>(stream: &mut S, phase: Phase) -> Result<Bytes, Unreadable> {
    let mut decoder = FrameDecoder::new(Side::Frontend);
    decoder.set_phase(phase);
    let mut buf = BytesMut::with_capacity(BUFFER_SIZE);
    loop {
        if let Some(frame) = decoder.decode(&mut buf)? {
            return Ok(frame.body);
        }
        let needed = decoder.needed(&buf)?;
        if buf.len() == buf.capacity() {
            grow(&mut buf);
        }
        let limit = u64::try_from(needed).unwrap_or(u64::MAX);
        let count = (&mut *stream).take(limit).read_buf(&mut buf).await?;
        if count == 0 {
            return Err(match buf.len() {
                0 => Unreadable::Ended(SessionError::ClientLeft),
                1..5 => Unreadable::Damaged("unexpected EOF within message length word"),
                _ => Unreadable::Damaged("incomplete message from client"),
            });
        }
    }
}

/// Doubles the capacity. Not by the buffer's own means: they leave a copy of the password behind.
fn grow(buf: &mut BytesMut) {
    let mut larger = BytesMut::with_capacity(buf.capacity() * 2);
    larger.extend_from_slice(buf);
    buf.as_mut().zeroize();
    *buf = larger;
}

impl From<FrameError> for Unreadable {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::InvalidLength { .. } => Self::Damaged("invalid message length"),
            error => Self::Ended(SessionError::Violation(error)),
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Ended(SessionError::ClientReceive(error))
    }
}

/// Room for every SASL message that libpq sends, and for most passwords.
const BUFFER_SIZE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    async fn received(phase: Phase, sent: &[u8]) -> (String, Vec<u8>) {
        let mut stream = sent;
        let result = match receive(&mut stream, phase).await {
            Ok(body) => String::from_utf8(body.to_vec()).unwrap(),
            Err(error) => format!("{error:?}"),
        };
        (result, stream.to_vec())
    }

    #[track_caller]
    fn check(phase: Phase, sent: &[u8], result: &str, left: &[u8]) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let received = { runtime }.build().unwrap().block_on(received(phase, sent));
        assert_eq!(received, (result.to_owned(), left.to_vec()));
    }

    #[test]
    fn one_message_is_read_and_not_a_byte_more() {
        check(Phase::Password, b"p\0\0\0\x0asecretQ\0", "secret", b"Q\0");
        check(Phase::Sasl, b"p\0\0\0\x04Q", "", b"Q");
        let long = "x".repeat(65_531);
        let message = [&b"p\0\0\xff\xff"[..], long.as_bytes(), b"Q"].concat();
        check(Phase::Password, &message, &long, b"Q");
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        check(Phase::Sasl, b"", "Ended(ClientLeft)", b"");
        let cut = "Damaged(\"unexpected EOF within message length word\")";
        check(Phase::Sasl, b"p\0\0", cut, b"");
        let incomplete = "Damaged(\"incomplete message from client\")";
        check(Phase::Sasl, b"p\0\0\0\x09abc", incomplete, b"");
        let length = "Damaged(\"invalid message length\")";
        check(Phase::Sasl, b"p\0\0\x04\x01x", length, b"x");
        check(Phase::Password, b"p\0\x01\0\0x", length, b"x");
        check(Phase::Password, b"p\x7f\xff\xff\xffx", length, b"x");
        check(Phase::Password, b"p\0\0\0\x03x", length, b"x");
        let wrong = "Ended(Violation(ExpectedSasl { tag: 81 }))";
        check(Phase::Sasl, b"Q\0\0\0\x04", wrong, b"");
    }

    #[test]
    fn growing_keeps_what_is_there() {
        let mut buf = BytesMut::from("secret");
        let before = buf.capacity();
        grow(&mut buf);
        assert_eq!((&buf[..], buf.capacity()), (&b"secret"[..], before * 2));
    }
}
