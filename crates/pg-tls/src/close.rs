//! Ending a connection so that the peer gets every byte of it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::stream::SecureConnection;

/// Ends a connection: flushes, sends `close_notify` if it is encrypted, closes the writing side and
/// then reads and drops what the peer still sends, until it closes too or `limit` is over.
///
/// The reading matters: a socket closed with unread input makes the kernel send a reset, and a reset
/// takes the last error message or alert away from a peer that has not read it yet. `limit` bounds
/// the whole call; a peer that neither reads nor closes costs no more than that. The stream is
/// dropped, and with it the socket closed, in every case.
///
/// # Errors
///
/// The I/O error that kept the farewell from being written, [`io::ErrorKind::TimedOut`] if `limit`
/// was over first. What happens after the writing side is closed is no error. There is nothing to do
/// about an error but to log it at a low level.
///
/// # Cancel safety
///
/// Dropping the future closes the stream at once, without the rest of the farewell.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use std::time::Duration;
/// use tokio::io::AsyncReadExt;
///
/// let (server, mut client) = tokio::io::duplex(64);
/// let peer = tokio::spawn(async move { client.read(&mut [0; 1]).await });
/// pg_tls::close(pg_tls::SecureConnection::Plain(server), Duration::from_secs(1)).await?;
/// assert_eq!(peer.await??, 0);
/// # Ok(())
/// # }
/// ```
pub async fn close<S>(mut stream: SecureConnection<S>, limit: Duration) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut said_goodbye = false;
    let farewell = async {
        stream.flush().await?;
        stream.shutdown().await?;
        said_goodbye = true;
        drain(stream.get_mut()).await;
        Ok(())
    };
    match timeout(limit, farewell).await {
        Ok(result) => result,
        Err(_) if said_goodbye => Ok(()),
        Err(elapsed) => Err(elapsed.into()),
    }
}

/// Reads and drops input, below TLS, until the peer closes or the connection breaks.
async fn drain<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut scratch = vec![0; 4096];
    while matches!(stream.read(&mut scratch).await, Ok(n) if n > 0) {}
}

/// Writes the last message, if there is one, and closes.
pub(crate) async fn say_goodbye<S>(mut stream: SecureConnection<S>, farewell: &[u8])
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if !farewell.is_empty()
        && !matches!(
            timeout(FAREWELL_LIMIT, stream.write_all(farewell)).await,
            Ok(Ok(()))
        )
    {
        return;
    }
    if let Err(error) = close(stream, FAREWELL_LIMIT).await {
        tracing::debug!(%error, "connection broke while it was closed");
    }
}

/// How long a client that is being turned away may take to read its last message, and again to close.
pub const FAREWELL_LIMIT: Duration = Duration::from_secs(2);
