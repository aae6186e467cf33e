//! The order of the startup phase as one state machine: packets in, actions out, no I/O.
//!
//! ```text
//! first byte 0x16 ─▶ direct TLS ──────────────┐
//! anything else ─▶ packet ◀───────────────────┤ (the same loop, now inside TLS)
//!   SSLRequest,    first time  ─▶ S, handshake┘  or N ─▶ packet
//!   GSSENCRequest, first time  ─▶ N ─▶ packet
//!   CancelRequest              ─▶ done
//!   StartupMessage             ─▶ done
//!   anything else, or a request no longer honoured ─▶ fatal
//! ```
//!
//! Specification §1.2 and §1.4; PostgreSQL: `ProcessSSLStartup` and `ProcessStartupPacket`.

use pg_wire::startup::{
    CancelRequest, DIRECT_TLS_FIRST_BYTE, StartupError, StartupMessage, StartupPacket,
};

use crate::mode::SslMode;
use crate::policy::{self, Channel, TlsOffer};

/// Where a connection stands on its way to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Negotiation {
    mode: SslMode,
    channel: Channel,
    /// An SSLRequest was answered, or TLS came about through one.
    ssl_done: bool,
    /// A GSSENCRequest was answered, or TLS came about through an SSLRequest.
    gss_done: bool,
}

/// What the first byte of the connection says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A startup packet begins.
    Packet,
    /// A TLS record begins: do the handshake with it, then call [`Negotiation::direct_tls_done`].
    DirectTls,
    /// A TLS record begins where there is no TLS: close without a byte.
    Close,
}

/// An encryption request, as the texts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Ssl,
    Gss,
}

/// What to do about a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Answer `N`. What had arrived before the answer is fatal (specification §3.1).
    Refuse(Request),
    /// Answer `S` and do the handshake. What had arrived before the answer belongs to it.
    AcceptTls,
    /// Hand the request over; the client gets no answer.
    Cancel(CancelRequest),
    /// The phase is over: a session is asked for.
    Start(StartupMessage),
    /// Send what the error says, if anything, and close.
    Fail(StartupError),
}

impl Negotiation {
    /// A fresh connection, from which nothing has been read.
    pub(crate) const fn new(mode: SslMode, channel: Channel) -> Self {
        Self {
            mode,
            channel,
            ssl_done: false,
            gss_done: false,
        }
    }

    /// Judges the first byte of the connection; not to be asked again.
    pub(crate) const fn open(&self, first_byte: u8) -> Opening {
        match policy::tls_offer(self.mode, self.channel) {
            _ if first_byte != DIRECT_TLS_FIRST_BYTE => Opening::Packet,
            TlsOffer::Handshake => Opening::DirectTls,
            TlsOffer::Refuse => Opening::Close,
        }
    }

    /// The handshake that [`Opening::DirectTls`] asked for is done. Both requests may still come.
    pub(crate) const fn direct_tls_done(&mut self) {
        self.channel = Channel::Tls;
    }

    /// Judges a packet. After [`Action::AcceptTls`] the next packet comes from inside TLS.
    pub(crate) fn receive(&mut self, packet: StartupPacket) -> Action {
        match packet {
            StartupPacket::Cancel(request) => Action::Cancel(request),
            StartupPacket::Startup(message) => Action::Start(message),
            StartupPacket::SslRequest if !self.ssl_done => {
                self.ssl_done = true;
                match policy::tls_offer(self.mode, self.channel) {
                    TlsOffer::Handshake => {
                        // A success uses up both requests, a refusal only its own.
                        self.gss_done = true;
                        self.channel = Channel::Tls;
                        Action::AcceptTls
                    }
                    TlsOffer::Refuse => Action::Refuse(Request::Ssl),
                }
            }
            StartupPacket::GssEncRequest if !self.gss_done => {
                self.gss_done = true;
                Action::Refuse(Request::Gss)
            }
            StartupPacket::SslRequest
            | StartupPacket::GssEncRequest
            | StartupPacket::Unsupported(_) => Action::Fail(StartupError::UnsupportedProtocol {
                version: packet.version(),
            }),
        }
    }
}

impl Request {
    /// The error for bytes that came together with the request and stay in clear.
    pub(crate) const fn early_data(self) -> StartupError {
        match self {
            Self::Ssl => StartupError::UnencryptedDataAfterSslRequest,
            Self::Gss => StartupError::UnencryptedDataAfterGssEncRequest,
        }
    }

    /// What PostgreSQL calls the exchange when its answer cannot be sent.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ssl => "SSL",
            Self::Gss => "GSSAPI",
        }
    }
}

#[cfg(test)]
mod tests {
    use pg_wire::ProtocolVersion;
    use pg_wire::startup::CancelKey;

    use super::*;

    /// Runs a sequence and writes what happened as text.
    ///
    /// Packets: `s` SSLRequest, `g` GSSENCRequest, `p` StartupMessage, `c` CancelRequest, `2` a
    /// version 2.0 packet, `d` (first only) direct TLS. Actions: `S`, `N`, `T` (direct handshake),
    /// `x` (closed without a byte), `P` session, `C` cancel, or the version that is refused.
    fn run(mode: SslMode, channel: Channel, packets: &str) -> String {
        let mut negotiation = Negotiation::new(mode, channel);
        let mut seen = Vec::new();
        for packet in packets.chars() {
            let packet = match packet {
                's' => StartupPacket::SslRequest,
                'g' => StartupPacket::GssEncRequest,
                'p' => StartupPacket::Startup(StartupMessage::new(ProtocolVersion::V3_0)),
                'c' => StartupPacket::Cancel(CancelRequest {
                    process_id: 1,
                    secret_key: CancelKey::new(&[1, 2, 3, 4]).unwrap(),
                }),
                '2' => StartupPacket::Unsupported(ProtocolVersion::new(2, 0)),
                'd' => {
                    assert!(seen.is_empty());
                    match negotiation.open(0x16) {
                        Opening::DirectTls => {
                            negotiation.direct_tls_done();
                            seen.push("T".to_owned());
                            continue;
                        }
                        Opening::Close => return "x".to_owned(),
                        Opening::Packet => panic!("0x16 opens no packet"),
                    }
                }
                other => panic!("{other}"),
            };
            seen.push(match negotiation.receive(packet) {
                Action::Refuse(_) => "N".to_owned(),
                Action::AcceptTls => "S".to_owned(),
                Action::Start(_) => "P".to_owned(),
                Action::Cancel(_) => "C".to_owned(),
                Action::Fail(StartupError::UnsupportedProtocol { version }) => version.to_string(),
                Action::Fail(error) => panic!("{error}"),
            });
        }
        seen.join(" ")
    }

    #[test]
    fn every_sequence_of_the_specification() {
        // The rows of §1.4 and, with them, every other short sequence: packets, then what happens
        // with TLS on, with TLS off, and on a Unix socket.
        let table = [
            ("p", "P", "P", "P"),
            ("c", "C", "C", "C"),
            ("2", "2.0", "2.0", "2.0"),
            ("sp", "S P", "N P", "N P"),
            ("sc", "S C", "N C", "N C"),
            ("s2", "S 2.0", "N 2.0", "N 2.0"),
            ("ss", "S 1234.5679", "N 1234.5679", "N 1234.5679"),
            ("sg", "S 1234.5680", "N N", "N N"),
            ("sgp", "S 1234.5680 P", "N N P", "N N P"),
            (
                "sgs",
                "S 1234.5680 1234.5679",
                "N N 1234.5679",
                "N N 1234.5679",
            ),
            (
                "sgg",
                "S 1234.5680 1234.5680",
                "N N 1234.5680",
                "N N 1234.5680",
            ),
            ("gp", "N P", "N P", "N P"),
            ("gc", "N C", "N C", "N C"),
            ("gg", "N 1234.5680", "N 1234.5680", "N 1234.5680"),
            ("gs", "N S", "N N", "N N"),
            ("gsp", "N S P", "N N P", "N N P"),
            ("gsc", "N S C", "N N C", "N N C"),
            ("gss", "N S 1234.5679", "N N 1234.5679", "N N 1234.5679"),
            ("gsg", "N S 1234.5680", "N N 1234.5680", "N N 1234.5680"),
            ("dp", "T P", "x", "x"),
            ("dc", "T C", "x", "x"),
            ("d2", "T 2.0", "x", "x"),
            ("dsp", "T N P", "x", "x"),
            ("dss", "T N 1234.5679", "x", "x"),
            ("dg", "T N", "x", "x"),
            ("dgp", "T N P", "x", "x"),
            ("dgg", "T N 1234.5680", "x", "x"),
            ("dgsp", "T N N P", "x", "x"),
            ("dsgp", "T N N P", "x", "x"),
            ("dsgs", "T N N 1234.5679", "x", "x"),
        ];
        for (packets, on, off, unix) in table {
            for mode in SslMode::ALL {
                let expected = if mode.is_enabled() { on } else { off };
                assert_eq!(
                    run(mode, Channel::Plain, packets),
                    expected,
                    "{mode} {packets}"
                );
                assert_eq!(
                    run(mode, Channel::Unix, packets),
                    unix,
                    "{mode} unix {packets}"
                );
            }
        }
    }

    #[test]
    fn only_0x16_opens_tls() {
        let negotiation = Negotiation::new(SslMode::Require, Channel::Plain);
        for byte in 0..=u8::MAX {
            let expected = if byte == 0x16 {
                Opening::DirectTls
            } else {
                Opening::Packet
            };
            assert_eq!(negotiation.open(byte), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn requests_end_however_often_they_come() {
        for mode in [SslMode::Disable, SslMode::Require] {
            for channel in [Channel::Plain, Channel::Unix] {
                let trace = run(mode, channel, "sgsgsgsgsgsg");
                let answers = trace.split(' ').filter(|a| a.len() == 1).count();
                assert!(answers <= 2, "{trace}");
            }
        }
    }
}
