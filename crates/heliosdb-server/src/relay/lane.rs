//! One direction of a relay: reading in bulk, writing with back-pressure.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that the receiver has not taken yet. An idle lane holds no memory.
///
/// Nothing is read from the sender while anything is held back here or inside the receiver's TLS
/// engine, so the sender is slowed down to the receiver's pace and memory stays below two chunks.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    rest: Vec<u8>,
    /// How much of `rest` has been written.
    written: usize,
    /// Written, but perhaps still inside the receiver's TLS engine.
    is_unflushed: bool,
}

/// How a sender stands after a read.
#[derive(Debug)]
pub(crate) enum Source {
    /// More may come.
    Open,
    /// The sender has closed its side.
    Ended,
    /// The connection is broken.
    Broken(io::Error),
}

impl Lane {
    /// Appends bytes behind everything that waits already.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// Writes and flushes what waits. Ready when the receiver has taken it all.
    pub(crate) fn poll_drain<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        while let Some(unwritten) = self
            .rest
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            self.written += ready!(poll_write(cx, to, unwritten))?;
            self.is_unflushed = true;
        }
        self.rest = Vec::new();
        self.written = 0;
        if self.is_unflushed {
            ready!(Pin::new(to).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes a chunk; the lane must be drained. What the receiver does not take at once is copied
    /// and waits for [`poll_drain`](Self::poll_drain).
    pub(crate) fn send<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        mut chunk: &[u8],
    ) -> io::Result<()> {
        while !chunk.is_empty() {
            match poll_write(cx, to, chunk)? {
                Poll::Ready(count) => chunk = chunk.get(count..).unwrap_or_default(),
                Poll::Pending => break,
            }
            self.is_unflushed = true;
        }
        self.push(chunk);
        Ok(())
    }
}

/// Reads until the sender has no more to give at this moment, `buf` is full or the stream ends.
///
/// Over TLS this drains the engine: its decrypted bytes wake nobody. Ready without a byte and without
/// an end does not happen.
pub(crate) fn poll_fill<R: AsyncRead + Unpin>(
    cx: &mut Context<'_>,
    from: &mut R,
    buf: &mut ReadBuf<'_>,
) -> Poll<Source> {
    while buf.remaining() > 0 {
        let before = buf.filled().len();
        match Pin::new(&mut *from).poll_read(cx, buf) {
            Poll::Ready(Ok(())) if buf.filled().len() == before => {
                return Poll::Ready(Source::Ended);
            }
            Poll::Ready(Ok(())) => {}
            // A peer that closes its socket without close_notify has closed all the same.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Poll::Ready(Source::Ended);
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Source::Broken(error)),
            Poll::Pending if buf.filled().is_empty() => return Poll::Pending,
            Poll::Pending => break,
        }
    }
    Poll::Ready(Source::Open)
}

fn poll_write<W: AsyncWrite + Unpin>(
    cx: &mut Context<'_>,
    to: &mut W,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    match ready!(Pin::new(to).poll_write(cx, bytes))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        count => Poll::Ready(Ok(count)),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_the_receiver_does_not_take_waits_in_order() {
        let (mut near, mut far) = duplex(4);
        let mut lane = Lane::default();
        poll_fn(|cx| Poll::Ready(lane.send(cx, &mut near, b"0123456")))
            .await
            .unwrap();
        lane.push(b"789");
        assert_eq!(lane.rest, b"456789");
        let drained = async {
            poll_fn(|cx| lane.poll_drain(cx, &mut near)).await.unwrap();
            assert_eq!(lane.rest.capacity(), 0);
            near.shutdown().await.unwrap();
        };
        let mut received = String::new();
        let (_, result) = tokio::join!(drained, far.read_to_string(&mut received));
        result.unwrap();
        assert_eq!(received, "0123456789");
    }

    #[tokio::test]
    async fn several_writes_of_the_sender_fill_one_buffer() {
        let (mut near, mut far) = duplex(64);
        far.write_all(b"one").await.unwrap();
        far.write_all(b"two").await.unwrap();
        drop(far);
        let mut bytes = [0; 16];
        let mut buf = ReadBuf::new(&mut bytes);
        let source = poll_fn(|cx| poll_fill(cx, &mut near, &mut buf)).await;
        assert_eq!(buf.filled(), b"onetwo");
        assert!(matches!(source, Source::Ended));
    }

    #[tokio::test]
    async fn a_full_buffer_is_no_end() {
        let (mut near, mut far) = duplex(64);
        far.write_all(b"onetwo").await.unwrap();
        let mut bytes = [0; 3];
        let mut buf = ReadBuf::new(&mut bytes);
        let source = poll_fn(|cx| poll_fill(cx, &mut near, &mut buf)).await;
        assert_eq!(buf.filled(), b"one");
        assert!(matches!(source, Source::Open));
    }
}
