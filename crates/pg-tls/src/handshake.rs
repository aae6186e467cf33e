//! The TLS handshake, driven so that nothing is lost: no input, no alert, no reason.

use std::io;
use std::sync::Arc;

use pg_wire::startup::DIRECT_TLS_FIRST_BYTE;
use rustls::{HandshakeType, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::client_verifier::{self, RejectedCertificate};

/// Why there is no TLS session.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The peer closed before it sent a byte of TLS.
    Left,
    /// The peer closed in the middle.
    Eof,
    /// The transport failed.
    Io(io::Error),
    /// rustls refused; the alert, if there is one to send, is on its way.
    Tls {
        /// What rustls says.
        error: Box<rustls::Error>,
        /// The client certificate that did not verify.
        rejected: Option<RejectedCertificate>,
    },
}

/// Performs the server's half of a handshake.
///
/// `received` is what was read of the connection already and belongs to TLS. On failure the stream
/// comes back, so that the caller can close it in an orderly way.
///
/// `tokio_rustls::Accept` is not used for the handshake itself, because it tries only once to write
/// the alert after an error, loses the connection's state on an error, and offers no way to put in
/// bytes that were read before. The finished session is handed to it.
pub(crate) async fn accept<S>(
    mut stream: S,
    config: &Arc<ServerConfig>,
    received: &[u8],
) -> Result<TlsStream<S>, (S, Failure)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut session = match ServerConnection::new(Arc::clone(config)) {
        Ok(session) => session,
        Err(error) => return Err((stream, Failure::from_rustls(error))),
    };
    if let Err(failure) = run(&mut stream, &mut session, received).await {
        return Err((stream, failure));
    }
    TlsAcceptor::from(Arc::clone(config))
        .accept_with(stream, |fresh| *fresh = session)
        .into_fallible()
        .await
        .map_err(|(error, stream)| (stream, Failure::Io(error)))
}

/// Reads, steps and writes until the handshake is over, one way or the other.
async fn run<S>(
    stream: &mut S,
    session: &mut ServerConnection,
    received: &[u8],
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut opening = Opening::default();
    // On the heap, because the future lives as long as the connection in most servers.
    let mut buf = vec![0; READ_SIZE];
    let mut input = received;
    loop {
        if let Some(got_type) = opening.wrong_message(input) {
            write(stream, &UNEXPECTED_MESSAGE)
                .await
                .map_err(Failure::Io)?;
            return Err(Failure::not_client_hello(got_type));
        }
        let stepped = step(session, input);
        // Answers, or the alert that goes with a failure: both must reach the peer.
        let written = write_pending(stream, session).await;
        stepped?;
        written.map_err(Failure::Io)?;
        if !session.is_handshaking() {
            return Ok(());
        }
        let n = stream.read(&mut buf).await.map_err(Failure::Io)?;
        input = buf.get(..n).unwrap_or_default();
        if input.is_empty() {
            return Err(if opening.is_empty() {
                Failure::Left
            } else {
                Failure::Eof
            });
        }
    }
}

/// The first bytes of the handshake: a record header and the kind of the first message.
#[derive(Default)]
struct Opening(Vec<u8>);

impl Opening {
    const LEN: usize = 6;

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The kind of the first handshake message, once it is there and if it is no ClientHello.
    ///
    /// rustls looks at a message only when all of it has come, which for something else than TLS may
    /// be 16 MB that never come. OpenSSL refuses at this byte, and so do we.
    fn wrong_message(&mut self, input: &[u8]) -> Option<HandshakeType> {
        let missing = Self::LEN - self.0.len();
        self.0.extend(input.iter().take(missing));
        match *self.0.as_slice() {
            [DIRECT_TLS_FIRST_BYTE, 3, _, 0, 0, _] => None,
            [DIRECT_TLS_FIRST_BYTE, 3, _, _, _, kind] => {
                Some(HandshakeType::from(kind)).filter(|kind| *kind != HandshakeType::ClientHello)
            }
            _ => None,
        }
    }
}

/// Gives `input` to the TLS engine and lets it work; never waits.
fn step(session: &mut ServerConnection, mut input: &[u8]) -> Result<(), Failure> {
    while !input.is_empty() {
        let taken = session.read_tls(&mut input).map_err(Failure::Io)?;
        session
            .process_new_packets()
            .map_err(Failure::from_rustls)?;
        if taken == 0 {
            // After the peer's close_notify the engine takes no more.
            return Err(Failure::Eof);
        }
    }
    Ok(())
}

/// Writes and flushes what the TLS engine has for the peer, in one write where the stream can.
async fn write_pending<S: AsyncWrite + Unpin>(
    stream: &mut S,
    session: &mut ServerConnection,
) -> io::Result<()> {
    if !session.wants_write() {
        return Ok(());
    }
    let mut output = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut output)?;
    }
    write(stream, &output).await
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

impl Failure {
    fn not_client_hello(got_type: HandshakeType) -> Self {
        Self::Tls {
            error: Box::new(rustls::Error::InappropriateHandshakeMessage {
                expect_types: vec![HandshakeType::ClientHello],
                got_type,
            }),
            rejected: None,
        }
    }

    /// Joins rustls' error with the certificate that caused it.
    ///
    /// Must be called on the thread that called into rustls, before anything else does.
    fn from_rustls(error: rustls::Error) -> Self {
        Self::Tls {
            error: Box::new(error),
            rejected: client_verifier::take_rejected(),
        }
    }
}

/// A fatal alert `unexpected_message` (10) in clear, as OpenSSL sends it.
const UNEXPECTED_MESSAGE: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 10];

/// What rustls takes in one gulp as well; a `ClientHello` is 200 to 2,000 bytes.
const READ_SIZE: usize = 4096;
