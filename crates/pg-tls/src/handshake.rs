//! The TLS handshake, driven so that nothing is lost: no input, no alert, no reason.

use std::io;
use std::sync::Arc;

use pg_wire::startup::DIRECT_TLS_FIRST_BYTE;
use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{AlertDescription, HandshakeType, ServerConnection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::client_verifier::{self, RejectedCertificate};
use crate::server_tls::{Chosen, Loaded, Unserved};

/// Why there is no TLS session.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The peer closed before it sent a byte of TLS.
    Left,
    /// The peer closed in the middle.
    Eof,
    /// The transport failed.
    Io(io::Error),
    /// There is no certificate for the host that the client asks for.
    Unserved(Unserved),
    /// rustls refused; the alert, if there is one to send, is on its way.
    Tls {
        /// What rustls says.
        error: Box<rustls::Error>,
        /// The client certificate that did not verify.
        rejected: Option<Box<RejectedCertificate>>,
    },
}

/// Performs the server's half of a handshake, with the certificate for the host that the client asks for.
///
/// `received` is what was read of the connection already and belongs to TLS. On failure the stream
/// comes back, so that the caller can close it in an orderly way.
///
/// `tokio_rustls::Accept` is not used for the handshake itself, because it tries only once to write
/// the alert after an error, loses the connection's state on an error, and offers no way to put in
/// bytes that were read before. The finished session is handed to it.
pub(crate) async fn accept<'a, S>(
    mut stream: S,
    tls: &'a Loaded,
    received: &[u8],
) -> Result<(TlsStream<S>, Chosen<'a>), (S, Failure)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (session, chosen) = match run(&mut stream, tls, received).await {
        Ok(done) => done,
        Err(failure) => return Err((stream, failure)),
    };
    TlsAcceptor::from(Arc::clone(chosen.identity.server_config()))
        .accept_with(stream, |fresh| *fresh = session)
        .into_fallible()
        .await
        .map(|stream| (stream, chosen))
        .map_err(|(error, stream)| (stream, Failure::Io(error)))
}

/// Reads, steps and writes until the handshake is over, one way or the other.
async fn run<'a, S>(
    stream: &mut S,
    tls: &'a Loaded,
    received: &[u8],
) -> Result<(ServerConnection, Chosen<'a>), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // On the heap, because the future lives as long as the connection in most servers.
    let mut buf = vec![0; READ_SIZE];
    let mut acceptor = Acceptor::default();
    let mut opening = Opening::default();
    let mut input = received;
    let accepted = loop {
        match hello(&mut acceptor, &mut opening, &mut input) {
            Ok(Some(accepted)) => break accepted,
            Ok(None) => {}
            Err(refusal) => return Err(refusal.send(stream).await),
        }
        input = read(stream, &mut buf)
            .await?
            .ok_or_else(|| opening.cut_off())?;
    };
    let (mut session, chosen) = match begin(tls, accepted) {
        Ok(begun) => begun,
        Err(refusal) => return Err(refusal.send(stream).await),
    };
    loop {
        let stepped = step(&mut session, input);
        // Answers, or the alert that goes with a failure: both must reach the peer.
        let written = write_pending(stream, &mut session).await;
        stepped?;
        written.map_err(Failure::Io)?;
        if !session.is_handshaking() {
            return Ok((session, chosen));
        }
        input = read(stream, &mut buf).await?.ok_or(Failure::Eof)?;
    }
}

/// What can be read at once; `None` when the peer has closed.
async fn read<'b, S: AsyncRead + Unpin>(
    stream: &mut S,
    buf: &'b mut [u8],
) -> Result<Option<&'b [u8]>, Failure> {
    let n = stream.read(buf).await.map_err(Failure::Io)?;
    Ok(buf.get(..n).filter(|input| !input.is_empty()))
}

/// A failure before there is a session, and the alert for it.
struct Refusal {
    failure: Failure,
    alert: Vec<u8>,
}

impl Refusal {
    /// rustls' error with rustls' alert.
    fn of_rustls((error, mut alert): (rustls::Error, AcceptedAlert)) -> Self {
        let mut bytes = Vec::new();
        // Writing to memory does not fail.
        let _ = alert.write_all(&mut bytes);
        if bytes.is_empty() && matches!(error, rustls::Error::InappropriateMessage { .. }) {
            bytes = fatal(AlertDescription::UnexpectedMessage);
        }
        Self {
            failure: Failure::from_rustls(error),
            alert: bytes,
        }
    }

    /// Sends the alert and returns the failure, which says more than that nobody is left to be told.
    async fn send<S: AsyncWrite + Unpin>(self, stream: &mut S) -> Failure {
        let _ = write(stream, &self.alert).await;
        self.failure
    }
}

/// A fatal alert in clear, as OpenSSL sends it.
fn fatal(alert: AlertDescription) -> Vec<u8> {
    vec![0x15, 3, 3, 0, 2, 2, alert.into()]
}

/// Takes from `input` what belongs to the ClientHello, and returns it once it is complete.
fn hello(
    acceptor: &mut Acceptor,
    opening: &mut Opening,
    input: &mut &[u8],
) -> Result<Option<Accepted>, Refusal> {
    opening.check(input)?;
    while !input.is_empty() {
        let taken = acceptor.read_tls(input).map_err(|error| Refusal {
            failure: Failure::Io(error),
            alert: Vec::new(),
        })?;
        if let Some(accepted) = acceptor.accept().map_err(Refusal::of_rustls)? {
            return Ok(Some(accepted));
        }
        if taken == 0 {
            break;
        }
    }
    Ok(None)
}

/// Goes on with the certificate of the host that the client asks for.
fn begin(tls: &Loaded, accepted: Accepted) -> Result<(ServerConnection, Chosen<'_>), Refusal> {
    let chosen = tls
        .choose(&accepted.client_hello())
        .map_err(|unserved| Refusal {
            // What OpenSSL sends in place of the missing_extension that PostgreSQL asks it for.
            alert: fatal(match unserved {
                Unserved::NoName => AlertDescription::HandshakeFailure,
                Unserved::Name(_) => AlertDescription::UnrecognisedName,
            }),
            failure: Failure::Unserved(unserved),
        })?;
    accepted
        .into_connection(Arc::clone(chosen.identity.server_config()))
        .map(|session| (session, chosen))
        .map_err(Refusal::of_rustls)
}

/// The first bytes of the handshake: a record header and the beginning of the first message.
#[derive(Default)]
struct Opening(Vec<u8>);

impl Opening {
    const LEN: usize = 7;

    /// What it means that nothing more comes.
    const fn cut_off(&self) -> Failure {
        if self.0.is_empty() {
            Failure::Left
        } else {
            Failure::Eof
        }
    }

    /// Adds what was read next, and refuses a first message that is no ClientHello once that is clear.
    ///
    /// rustls looks at a message only when all of it has come, which for something else than TLS may
    /// be 16 MB that never come. OpenSSL refuses at the byte that says so, and so do we.
    fn check(&mut self, input: &[u8]) -> Result<(), Refusal> {
        let missing = Self::LEN - self.0.len();
        self.0.extend(input.iter().take(missing));
        match *self.0.as_slice() {
            [ALERT, 3, _, 0, 2, _level, alert] => Err(Refusal {
                failure: match AlertDescription::from(alert) {
                    AlertDescription::CloseNotify => Failure::Eof,
                    alert => Failure::tls(rustls::Error::AlertReceived(alert)),
                },
                alert: Vec::new(),
            }),
            [DIRECT_TLS_FIRST_BYTE, 3, _, 0, 0, ..] => Ok(()),
            [DIRECT_TLS_FIRST_BYTE, 3, _, _, _, kind, ..] => match HandshakeType::from(kind) {
                HandshakeType::ClientHello => Ok(()),
                got_type => Err(Refusal {
                    failure: Failure::tls(rustls::Error::InappropriateHandshakeMessage {
                        expect_types: vec![HandshakeType::ClientHello],
                        got_type,
                    }),
                    alert: fatal(AlertDescription::UnexpectedMessage),
                }),
            },
            _ => Ok(()),
        }
    }
}

/// Gives `input` to the TLS engine and lets it work; never waits.
fn step(session: &mut ServerConnection, mut input: &[u8]) -> Result<(), Failure> {
    loop {
        session
            .process_new_packets()
            .map_err(Failure::from_rustls)?;
        if input.is_empty() {
            return Ok(());
        }
        if session.read_tls(&mut input).map_err(Failure::Io)? == 0 {
            // After the peer's close_notify the engine takes no more.
            return Err(Failure::Eof);
        }
    }
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
    fn tls(error: rustls::Error) -> Self {
        Self::Tls {
            error: Box::new(error),
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

/// The content type of a record with an alert (RFC 8446 section 5.1).
const ALERT: u8 = 0x15;

/// What rustls takes in one gulp as well; a `ClientHello` is 200 to 2,000 bytes.
const READ_SIZE: usize = 4096;
