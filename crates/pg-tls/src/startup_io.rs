//! Moves the bytes of the startup phase: one packet at a time, never one byte too many.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::BytesMut;
use pg_wire::startup::{StartupDecoder, StartupPacket};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::negotiate_error::NegotiateError;

/// What the wait for a packet brought.
pub(crate) enum Input {
    Packet(StartupPacket),
    /// The client left between packets.
    Left,
}

/// Reads one packet, and not a byte more.
pub(crate) async fn read_packet<S: AsyncRead + Unpin>(
    stream: &mut S,
    decoder: &mut StartupDecoder,
    buf: &mut BytesMut,
) -> Result<Input, NegotiateError> {
    loop {
        if let Some(packet) = decoder.decode(buf)? {
            return Ok(Input::Packet(packet));
        }
        // No legal packet is shorter than 8 bytes, which is more than its length word.
        let needed = decoder
            .needed(buf)?
            .max(SHORTEST_PACKET.saturating_sub(buf.len()));
        let n = read_up_to(stream, buf, needed)
            .await
            .map_err(NegotiateError::Receive)?;
        if n == 0 {
            decoder.finish(buf)?;
            return Ok(Input::Left);
        }
    }
}

/// Whether there is a byte to read at this moment; consumes it, since it is fatal.
pub(crate) async fn has_early_data<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<bool> {
    let mut byte = [0];
    poll_fn(|cx| {
        let mut byte = ReadBuf::new(&mut byte);
        Poll::Ready(match Pin::new(&mut *stream).poll_read(cx, &mut byte) {
            Poll::Ready(Ok(())) => Ok(!byte.filled().is_empty()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(false),
        })
    })
    .await
}

/// Appends at most `limit` bytes to `buf`, in one read; 0 is the end of the stream.
pub(crate) async fn read_up_to<S: AsyncRead + Unpin>(
    stream: &mut S,
    buf: &mut BytesMut,
    limit: usize,
) -> io::Result<usize> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    stream.take(limit).read_buf(buf).await
}

/// Writes and flushes.
pub(crate) async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Length word and code.
pub(crate) const SHORTEST_PACKET: usize = 8;

/// Room for the usual StartupMessage in one read; longer ones make it grow as they arrive.
pub(crate) const BUFFER_SIZE: usize = 512;
