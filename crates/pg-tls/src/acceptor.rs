//! `Acceptor`: drives the negotiation over a stream. The decisions are in
//! [`negotiation`](crate::negotiation) and
//! [`policy`](crate::policy); here bytes move.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pg_wire::ProtocolVersion;
use pg_wire::startup::{EncryptionAnswer, StartupDecoder, StartupMessage};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::close::say_goodbye;
use crate::handshake::{self, Failure};
use crate::handshake_error::HandshakeError;
use crate::negotiate_error::NegotiateError;
use crate::negotiation::{Action, Negotiation, Opening, Request};
use crate::server_tls::ServerTls;
use crate::session::{Cancellation, Negotiated, Peer, Session, TlsInfo};
use crate::startup_io::{
    BUFFER_SIZE, Input, SHORTEST_PACKET, has_early_data, read_packet, read_up_to, send,
};
use crate::stream::SecureConnection;
use crate::tls_info;

/// Accepts connections: from the first byte to a session that has asked for a user.
///
/// Holds no state of its own beyond the configuration; cheap to clone, and one serves any number of
/// connections at a time.
///
/// # Examples
///
/// A client that does not care for TLS, over a stream in memory:
///
/// ```
/// use std::time::Duration;
/// use pg_tls::{Acceptor, Negotiated, Peer, SslConfig};
/// use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let acceptor = Acceptor::new(SslConfig::disabled().load()?);
/// let (server, mut client) = tokio::io::duplex(64);
/// client.write_all(b"\x00\x00\x00\x14\x00\x03\x00\x00user\0alice\0\0").await?;
///
/// let peer = Peer::Tcp("192.0.2.7:50000".parse()?);
/// match acceptor.negotiate(server, peer, Duration::from_secs(60)).await? {
///     Negotiated::Session(session) => assert_eq!(session.startup.user(), Some(&b"alice"[..])),
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Acceptor {
    tls: ServerTls,
}

/// A connection that came to nothing, with what is still to be said to the client.
struct Failed<S> {
    stream: SecureConnection<S>,
    farewell: Bytes,
    error: NegotiateError,
}

/// How a step that leads no further ends the loop.
enum Stop<S> {
    Left(Box<SecureConnection<S>>),
    Failed(Box<Failed<S>>),
}

impl<S> Stop<S> {
    fn left(stream: SecureConnection<S>) -> Self {
        Self::Left(Box::new(stream))
    }

    /// Ends with `error`; the client hears what goes with it, inside TLS if there is TLS.
    fn error(stream: SecureConnection<S>, error: impl Into<NegotiateError>) -> Self {
        Self::after(stream, BytesMut::new(), error)
    }

    /// The same, with bytes that are due before the error's own.
    fn after(
        stream: SecureConnection<S>,
        mut farewell: BytesMut,
        error: impl Into<NegotiateError>,
    ) -> Self {
        let error = error.into();
        if let NegotiateError::Startup(startup) = &error
            && let Some(response) = startup.response()
        {
            farewell.extend_from_slice(&response);
        }
        Self::Failed(Box::new(Failed {
            stream,
            farewell: farewell.freeze(),
            error,
        }))
    }
}

impl Acceptor {
    /// An acceptor for a loaded configuration.
    #[must_use]
    pub const fn new(tls: ServerTls) -> Self {
        Self { tls }
    }

    /// The configuration.
    #[must_use]
    pub const fn tls(&self) -> &ServerTls {
        &self.tls
    }

    /// Takes a fresh connection through encryption requests, TLS handshake and startup packet.
    ///
    /// `deadline` covers all of it, counted from the call. When it is over, the connection is dropped:
    /// nothing is written, no `close_notify` either (specification §7.1). Never reads beyond the packet
    /// it needs, so that bytes a client sent too early end up in the TLS engine or in an error, and
    /// never in the session (CVE-2021-23214).
    ///
    /// Policy is not applied here: [`Session::admit`] is the next thing to ask.
    ///
    /// # Errors
    ///
    /// A [`NegotiateError`] when the connection came to nothing. What the client is to hear of it has
    /// been written and flushed and the connection closed (see [`close`](crate::close())), which takes up
    /// to twice [`FAREWELL_LIMIT`](crate::FAREWELL_LIMIT) more.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropping the future drops the stream with it, in whatever state it is.
    pub async fn negotiate<S>(
        &self,
        stream: S,
        peer: Peer,
        deadline: Duration,
    ) -> Result<Negotiated<S>, NegotiateError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // Boxed, because this state (about 6 KB) is needed for milliseconds and the caller's task, of
        // which it would be a part, lives as long as the session.
        let drive = Box::pin(self.drive(stream, peer));
        let stop = match timeout(deadline, drive).await {
            Ok(Ok(negotiated)) => return Ok(negotiated),
            Ok(Err(stop)) => stop,
            Err(_) => return Err(NegotiateError::Timeout),
        };
        match stop {
            Stop::Left(stream) => {
                tracing::debug!(%peer, "client left");
                say_goodbye(*stream, &[]).await;
                Ok(Negotiated::Closed)
            }
            Stop::Failed(failed) => {
                let error = failed.error;
                tracing::debug!(%peer, %error, "negotiation failed");
                say_goodbye(failed.stream, &failed.farewell).await;
                Err(error)
            }
        }
    }

    /// The loop of specification §1.2.
    async fn drive<S>(&self, stream: S, peer: Peer) -> Result<Negotiated<S>, Stop<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut negotiation = Negotiation::new(self.tls.mode(), peer.channel());
        let mut decoder = StartupDecoder::new();
        let (mut stream, mut tls, mut buf) = self.open(stream, &mut negotiation).await?;
        loop {
            let packet = match read_packet(&mut stream, &mut decoder, &mut buf).await {
                Ok(Input::Packet(packet)) => packet,
                Ok(Input::Left) => return Err(Stop::left(stream)),
                Err(error) => return Err(Stop::error(stream, error)),
            };
            tracing::trace!(%peer, asked = %packet.version(), "startup packet");
            match negotiation.receive(packet) {
                Action::Refuse(request) => stream = refuse(stream, request).await?,
                Action::AcceptTls => {
                    let (secured, info) = self.upgrade(stream).await?;
                    (stream, tls) = (secured, Some(info));
                }
                Action::Cancel(request) => {
                    return Ok(Negotiated::Cancel(Cancellation {
                        request,
                        stream,
                        peer,
                    }));
                }
                Action::Start(startup) => return start(stream, startup, tls, peer),
                Action::Fail(error) => return Err(Stop::error(stream, error)),
            }
        }
    }

    /// Reads the first bytes and does what they open: direct TLS, or a packet whose beginning is
    /// returned.
    async fn open<S>(
        &self,
        mut stream: S,
        negotiation: &mut Negotiation,
    ) -> Result<(SecureConnection<S>, Option<TlsInfo>, BytesMut), Stop<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut buf = BytesMut::with_capacity(BUFFER_SIZE);
        match read_up_to(&mut stream, &mut buf, SHORTEST_PACKET).await {
            Ok(0) => return Err(Stop::left(SecureConnection::Plain(stream))),
            Ok(_) => {}
            Err(error) => {
                return Err(Stop::error(
                    SecureConnection::Plain(stream),
                    NegotiateError::Receive(error),
                ));
            }
        }
        match negotiation.open(buf.first().copied().unwrap_or_default()) {
            Opening::Packet => Ok((SecureConnection::Plain(stream), None, buf)),
            Opening::Close => {
                tracing::trace!("direct SSL connection rejected");
                let stream = SecureConnection::Plain(stream);
                Err(Stop::error(stream, NegotiateError::DirectTlsRejected))
            }
            Opening::DirectTls => {
                let (stream, info) = self.handshake(stream, &buf, true).await?;
                if info.alpn.is_none() {
                    return Err(Stop::error(stream, NegotiateError::DirectTlsWithoutAlpn));
                }
                tracing::trace!("direct SSL connection accepted");
                negotiation.direct_tls_done();
                buf.clear();
                Ok((stream, Some(info), buf))
            }
        }
    }

    /// Answers `S` and does the handshake.
    async fn upgrade<S>(
        &self,
        stream: SecureConnection<S>,
    ) -> Result<(SecureConnection<S>, TlsInfo), Stop<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let SecureConnection::Plain(mut stream) = stream else {
            // The state machine offers no TLS inside TLS.
            return Err(Stop::left(stream));
        };
        tracing::trace!("SSLRequest accepted");
        match send(&mut stream, &[EncryptionAnswer::Accept.as_byte()]).await {
            Ok(()) => self.handshake(stream, &[], false).await,
            Err(source) => {
                let request = Request::Ssl.name();
                let stream = SecureConnection::Plain(stream);
                Err(Stop::error(
                    stream,
                    NegotiateError::Send { request, source },
                ))
            }
        }
    }

    /// Does the handshake; `received` was read already and belongs to it.
    async fn handshake<S>(
        &self,
        stream: S,
        received: &[u8],
        direct: bool,
    ) -> Result<(SecureConnection<S>, TlsInfo), Stop<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(loaded) = self.tls.loaded() else {
            // The state machine offers no TLS where none is loaded.
            return Err(Stop::left(SecureConnection::Plain(stream)));
        };
        match handshake::accept(stream, loaded, received).await {
            Ok((stream, chosen)) => match tls_info::collect(&stream, chosen, direct) {
                Ok(info) => {
                    tracing::debug!(version = %info.version, cipher = info.cipher, "TLS established");
                    Ok((SecureConnection::Tls(stream), info))
                }
                Err(error) => Err(Stop::error(SecureConnection::Tls(stream), error)),
            },
            Err((stream, failure)) => {
                let stream = SecureConnection::Plain(stream);
                let error = match failure {
                    Failure::Left => return Err(Stop::left(stream)),
                    Failure::Eof => HandshakeError::Eof,
                    Failure::Io(error) => HandshakeError::Io(error),
                    Failure::Unserved(unserved) => unserved.into(),
                    Failure::Tls { error, rejected } => {
                        HandshakeError::tls(*error, rejected, loaded.versions())
                    }
                };
                Err(Stop::error(stream, NegotiateError::Handshake(error)))
            }
        }
    }
}

/// Answers `N`, unless the client did not wait for the answer.
///
/// What can be read before the answer is written was sent before it could be known. PostgreSQL treats
/// such bytes as an attack even though the connection stays in clear.
async fn refuse<S>(
    mut stream: SecureConnection<S>,
    request: Request,
) -> Result<SecureConnection<S>, Stop<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    tracing::trace!(request = request.name(), "encryption request rejected");
    let answer = [EncryptionAnswer::Refuse.as_byte()];
    match has_early_data(&mut stream).await {
        Ok(false) => {}
        Ok(true) => {
            return Err(Stop::after(
                stream,
                BytesMut::from(&answer[..]),
                request.early_data(),
            ));
        }
        Err(error) => return Err(Stop::error(stream, NegotiateError::Receive(error))),
    }
    match send(&mut stream, &answer).await {
        Ok(()) => Ok(stream),
        Err(source) => {
            let request = request.name();
            Err(Stop::error(
                stream,
                NegotiateError::Send { request, source },
            ))
        }
    }
}

/// Ends the startup phase: settles the protocol version and checks that there is a user.
fn start<S>(
    stream: SecureConnection<S>,
    startup: StartupMessage,
    tls: Option<TlsInfo>,
    peer: Peer,
) -> Result<Negotiated<S>, Stop<S>> {
    let (protocol, negotiate_protocol_version) = startup.negotiate(ProtocolVersion::LATEST);
    if let Err(error) = startup.validate() {
        let mut farewell = BytesMut::new();
        if let Some(message) = &negotiate_protocol_version {
            message.encode(&mut farewell);
        }
        return Err(Stop::after(stream, farewell, error));
    }
    Ok(Negotiated::Session(Session {
        stream,
        startup,
        tls,
        protocol,
        negotiate_protocol_version,
        peer,
    }))
}
