//! What negotiation hands to the server: the stream and all that is known about who is at its end.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use pg_certs::CertificateInfo;
use pg_wire::ProtocolVersion;
use pg_wire::backend::NegotiateProtocolVersion;
use pg_wire::startup::{CancelRequest, Replication, StartupMessage};

use crate::mode::SslMode;
use crate::policy::{self, CertificateName, Channel, ClientCa, Denial};
use crate::refusal::{Asked, AuthMethod, Refusal};
use crate::stream::SecureConnection;
use crate::version::TlsVersion;

/// Who is at the other end of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A TCP client at this address.
    Tcp(SocketAddr),
    /// A client on a Unix-domain socket: never TLS, exempt from every rule about it.
    Unix,
}

impl Peer {
    /// The host as PostgreSQL's texts name it: the numeric address, or `[local]`.
    #[must_use]
    pub fn host(&self) -> String {
        match self {
            Self::Tcp(address) => address.ip().to_string(),
            Self::Unix => "[local]".to_owned(),
        }
    }

    pub(crate) const fn channel(&self) -> Channel {
        match self {
            Self::Tcp(_) => Channel::Plain,
            Self::Unix => Channel::Unix,
        }
    }
}

/// `host=192.0.2.7 port=54321` or `host=[local]`, as in `connection received: …`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "host={} port={}", address.ip(), address.port()),
            Self::Unix => f.write_str("host=[local]"),
        }
    }
}

/// How a connection left the startup phase in good order.
#[derive(Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "taken apart at once, and nearly always a session"
)]
pub enum Negotiated<S> {
    /// A session is asked for.
    Session(Session<S>),
    /// The cancellation of another session's query is asked for.
    Cancel(Cancellation<S>),
    /// The client left before it said anything worth a line in the log. The stream is closed.
    Closed,
}

/// A connection whose StartupMessage has been read and is well formed; nothing has been answered to it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Session<S> {
    /// The connection, to go on with.
    pub stream: SecureConnection<S>,
    /// What the client asked for; it names a user.
    pub startup: StartupMessage,
    /// What is known about TLS, if the connection is encrypted.
    pub tls: Option<TlsInfo>,
    /// The protocol version of the session.
    pub protocol: ProtocolVersion,
    /// Not written yet: it goes out together with the next message to the client, whichever that is
    /// (specification §1.5).
    pub negotiate_protocol_version: Option<NegotiateProtocolVersion>,
    /// The client's address.
    pub peer: Peer,
}

/// A request to cancel, on the connection it came by.
///
/// The client waits for the connection to close and takes that for "the request was processed": cancel
/// first, then [`close`](crate::close()) the stream. It never gets a byte of an answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Cancellation<S> {
    /// Which session, with which key.
    pub request: CancelRequest,
    /// To be closed once the request was processed.
    pub stream: SecureConnection<S>,
    /// The client's address.
    pub peer: Peer,
}

/// The TLS side of a session: the values of `pg_stat_ssl` and of the connection log line
/// (specification §7.3), and what authentication needs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsInfo {
    /// Displayed as `TLSv1.3`.
    pub version: TlsVersion,
    /// The cipher suite in OpenSSL's words, such as `TLS_AES_128_GCM_SHA256` or
    /// `ECDHE-RSA-AES128-GCM-SHA256`.
    pub cipher: &'static str,
    /// Bits of the cipher's key: 128 or 256.
    pub bits: u16,
    /// The key exchange group in the words of `ssl_groups`, such as `X25519MLKEM768` or `prime256v1`.
    pub group: &'static str,
    /// The application protocol that was agreed on: `postgresql`, or none.
    pub alpn: Option<String>,
    /// The server name the client asked for, in lower case. An IP address is not kept.
    pub sni: Option<String>,
    /// Whether the connection began with TLS instead of an SSLRequest.
    pub direct: bool,
    /// What the host that the client asked for demands besides the server's mode
    /// ([`HostConfig::with_mode`](crate::HostConfig::with_mode)). [`Session`] sees to it.
    pub host_mode: Option<SslMode>,
    /// Whether client certificates were asked for.
    pub client_ca: ClientCa,
    /// The verified certificate of the client, if it presented one.
    pub client_certificate: Option<ClientCertificate>,
    /// The DER of the certificate that the server sent on this connection.
    pub server_certificate: Bytes,
    /// The data of `tls-server-end-point` channel binding: the hash of that certificate by the algorithm
    /// of its signature (RFC 5929 section 4). `None` where no hash is defined for it, such as for
    /// Ed25519: no client can bind to it then.
    pub tls_server_end_point: Option<Bytes>,
}

/// A client certificate that verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// The certificate, parsed.
    pub info: CertificateInfo,
    /// The certificate in DER.
    pub der: Bytes,
}

/// `SSL enabled (protocol=TLSv1.3, cipher=…, bits=128)`, as in `connection authorized: …`.
impl fmt::Display for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SSL enabled (protocol={}, cipher={}, bits={})",
            self.version, self.cipher, self.bits
        )
    }
}

impl ClientCertificate {
    /// The common name for the log; the whole subject where that is no text.
    fn shown_name(&self) -> String {
        match self.info.common_name() {
            Ok(name) => name.unwrap_or_default().to_owned(),
            Err(_) => self.info.subject().rfc2253(),
        }
    }
}

impl<S> Session<S> {
    /// Decides whether the connection may go on to authentication (table §4.6 of the specification).
    /// To be asked before anything is sent. `mode` is the server's; if the client asked for a host that
    /// demands more, so does this.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with what to send and to log.
    pub fn admit(&self, mode: SslMode) -> Result<(), Refusal> {
        policy::admit(
            self.demanded(mode),
            self.channel(),
            self.client_ca(),
            self.certificate_name(),
        )
        .map_err(|denial| self.denied(denial))
    }

    /// The first half of [`admit`](Self::admit), for servers that ask rules of their own before they
    /// demand a certificate: whether the connection is as encrypted as the mode wants it.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with what to send and to log.
    pub fn check_encryption(&self, mode: SslMode) -> Result<(), Refusal> {
        policy::check_encryption(mode, self.channel()).map_err(|denial| self.denied(denial))
    }

    /// Demands a verified client certificate, whoever it names.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with what to send and to log.
    pub fn require_certificate(&self) -> Result<(), Refusal> {
        policy::check_certificate(self.client_ca(), self.certificate_name())
            .map_err(|denial| self.denied(denial))
    }

    /// Decides whether the client certificate names the user, for [`SslMode::VerifyFull`]. To be asked
    /// after the authentication method was satisfied and before `AuthenticationOk`. As in
    /// [`admit`](Self::admit), `mode` is the server's.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with what to send and to log; its texts depend on `method`.
    pub fn check_client_name(&self, mode: SslMode, method: AuthMethod) -> Result<(), Refusal> {
        policy::check_name(self.demanded(mode), self.channel(), self.certificate_name()).map_err(
            |denial| {
                let name = self.client_certificate().map(ClientCertificate::shown_name);
                Refusal::wrong_name(denial, method, self.user(), name.as_deref())
            },
        )
    }

    /// The refusal of a server whose own rules have none for this connection: 28000
    /// `no pg_hba.conf entry for host …` (specification §4.2).
    #[must_use]
    pub fn no_matching_rule(&self) -> Refusal {
        let host = self.peer.host();
        Refusal::no_matching_rule(self.asked(&host))
    }

    /// How the connection stands, as [`policy`] sees it.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match self.tls {
            Some(_) => Channel::Tls,
            None => self.peer.channel(),
        }
    }

    /// What the client certificate says about the user, as [`policy`] sees it.
    #[must_use]
    pub fn certificate_name(&self) -> CertificateName {
        let Some(certificate) = self.client_certificate() else {
            return CertificateName::NoCertificate;
        };
        match certificate.info.common_name() {
            Ok(None) => CertificateName::Absent,
            Ok(Some(name)) if name.as_bytes() == self.user() => CertificateName::Matches,
            Ok(Some(_)) | Err(_) => CertificateName::Differs,
        }
    }

    /// The verified certificate of the client, if it presented one.
    #[must_use]
    pub fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.tls.as_ref()?.client_certificate.as_ref()
    }

    /// The stricter of the server's mode and the host's.
    fn demanded(&self, server: SslMode) -> SslMode {
        let host = self.tls.as_ref().and_then(|tls| tls.host_mode);
        host.map_or(server, |host| host.max(server))
    }

    fn client_ca(&self) -> ClientCa {
        self.tls
            .as_ref()
            .map_or(ClientCa::NotLoaded, |tls| tls.client_ca)
    }

    fn denied(&self, denial: Denial) -> Refusal {
        let host = self.peer.host();
        Refusal::denied(denial, self.asked(&host))
    }

    /// The user; negotiation has seen to it that there is one.
    fn user(&self) -> &[u8] {
        self.startup.user().unwrap_or_default()
    }

    fn asked<'a>(&'a self, host: &'a str) -> Asked<'a> {
        Asked {
            host,
            user: self.user(),
            database: self.startup.database().unwrap_or_default(),
            physical_replication: self.startup.replication() == Ok(Replication::Physical),
            encrypted: self.tls.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn peers_are_named_as_in_the_log() {
        let v4 = Peer::Tcp("192.0.2.7:5000".parse().unwrap());
        assert_eq!(v4.to_string(), "host=192.0.2.7 port=5000");
        assert_eq!(v4.host(), "192.0.2.7");
        let v6 = Peer::Tcp("[2001:db8::1]:5000".parse().unwrap());
        assert_eq!(v6.to_string(), "host=2001:db8::1 port=5000");
        assert_eq!(Peer::Unix.to_string(), "host=[local]");
        assert_eq!(Peer::Unix.host(), "[local]");
    }
}
