//! The server, as the checks see it: each attempt is a connection of its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pg_wire::startup::SSL_REQUEST;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::{IpAddr, ServerName};

use super::fault::Fault;
use super::report::SslAnswer;
use super::tls::{Client, Offer, Session};
use super::transport::Socket;

/// Whom to connect to, and until when.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// SNI, unless it is an address.
    pub(super) name: ServerName<'static>,
    pub(super) provider: Arc<CryptoProvider>,
    /// For one attempt.
    pub(super) timeout: Duration,
    /// For all of them.
    pub(super) end: Instant,
}

impl Peer {
    /// The name to send as SNI for a host.
    pub(super) fn server_name(host: &str, address: SocketAddr) -> ServerName<'static> {
        ServerName::try_from(host.to_owned())
            // A name that no SNI can hold; without it a server shows its usual certificate.
            .unwrap_or_else(|_| ServerName::IpAddress(IpAddr::from(address.ip())))
    }

    pub(super) fn connect(&self) -> Result<Socket, Fault> {
        let now = Instant::now();
        if now >= self.end {
            return Err(Fault::OutOfTime);
        }
        Socket::connect(self.address, self.end.min(now + self.timeout))
    }

    /// Connects up to where TLS begins.
    pub(super) fn accepted(&self) -> Result<Socket, Fault> {
        let mut socket = self.connect()?;
        match request(&mut socket, &SSL_REQUEST)? {
            SslAnswer::Accepted => Ok(socket),
            other => Err(Fault::Protocol(format!(
                "SSLRequest is answered in another way this time: {other:?}"
            ))),
        }
    }

    /// A client that makes this offer.
    pub(super) fn client(&self, offer: Offer) -> Result<Client, Fault> {
        offer.config(&self.provider)
    }

    /// TLS after SSLRequest.
    pub(super) fn tls(&self, client: &Client) -> Result<Session, Fault> {
        client.handshake(self.accepted()?, self.name.clone())
    }

    /// One handshake with this offer.
    pub(super) fn try_offer(&self, offer: Offer) -> Result<Session, Fault> {
        self.tls(&self.client(offer)?)
    }
}

/// Sends an SSLRequest, with what else is in `bytes`, and reads the answer.
pub(super) fn request(socket: &mut Socket, bytes: &[u8]) -> Result<SslAnswer, Fault> {
    socket.write_all(bytes)?;
    Ok(match socket.byte()? {
        b'S' => SslAnswer::Accepted,
        b'N' => SslAnswer::Refused,
        b'E' => SslAnswer::Error,
        byte => SslAnswer::Unknown { byte },
    })
}
