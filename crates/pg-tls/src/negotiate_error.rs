//! `NegotiateError`: why a connection came to nothing, and what the log says about it.

use std::io;

use pg_certs::info::{CertificateError, CommonNameError};
use pg_certs::os_error;
use pg_wire::startup::{StartupError, Visibility};
use pg_wire::{Severity, SqlState};

use crate::handshake_error::HandshakeError;
use crate::log_line::LogLine;

/// Why a connection ended before it asked for a session.
///
/// The client has been sent what there is to send and the connection is closed when this is returned:
/// what is left to do is to log [`log_line`](Self::log_line), if there is one. The text of each is
/// PostgreSQL's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiateError {
    /// The client's certificate verified, but its common name cannot be told from another.
    #[error(transparent)]
    ClientCertificateName(CommonNameError),
    /// The client's certificate verified, but cannot be read again for its names.
    #[error("could not read the client certificate: {0}")]
    ClientCertificateUnreadable(CertificateError),
    /// Direct TLS where there is none: the mode is `disable` or the socket a Unix one. The client is
    /// configured for another server.
    #[error("direct SSL connection rejected")]
    DirectTlsRejected,
    /// Direct TLS without the protocol name that keeps it apart from other protocols' traffic
    /// (ALPACA); an outdated or foreign client.
    #[error("received direct SSL connection request without ALPN protocol negotiation extension")]
    DirectTlsWithoutAlpn,
    /// The TLS handshake failed.
    #[error("could not accept SSL connection: {}", .0.reason())]
    Handshake(#[source] HandshakeError),
    /// The transport failed while the client was to send.
    #[error("could not receive data from client: {}", os_error::text(.0))]
    Receive(#[source] io::Error),
    /// The transport failed while the client was to be answered.
    #[error("could not send {request} negotiation response: {}", os_error::text(.source))]
    Send {
        /// `SSL` or `GSSAPI`.
        request: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A startup packet is malformed, at the wrong moment, or asks for something that is not served.
    #[error(transparent)]
    Startup(#[from] StartupError),
    /// The client was not done in time. Nothing was sent and nothing is logged, as in PostgreSQL.
    #[error("startup phase timed out")]
    Timeout,
}

impl NegotiateError {
    /// The SQLSTATE, for the log and, where there is a message to the client, in it.
    #[must_use]
    pub fn sqlstate(&self) -> SqlState {
        match self {
            Self::ClientCertificateName(_)
            | Self::ClientCertificateUnreadable(_)
            | Self::DirectTlsRejected
            | Self::DirectTlsWithoutAlpn => SqlState::PROTOCOL_VIOLATION,
            Self::Handshake(error) => error.sqlstate(),
            Self::Receive(_) | Self::Send { .. } => SqlState::CONNECTION_FAILURE,
            Self::Startup(error) => error.sqlstate(),
            Self::Timeout => SqlState::QUERY_CANCELED,
        }
    }

    /// Whether PostgreSQL writes nothing about it to its log.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        match self {
            Self::DirectTlsRejected | Self::Timeout => true,
            Self::Startup(error) => error.visibility() == Visibility::Silent,
            Self::ClientCertificateName(_)
            | Self::ClientCertificateUnreadable(_)
            | Self::DirectTlsWithoutAlpn
            | Self::Handshake(_)
            | Self::Receive(_)
            | Self::Send { .. } => false,
        }
    }

    /// The line for the log, or `None` if there is to be none ([`is_silent`](Self::is_silent)).
    #[must_use]
    pub fn log_line(&self) -> Option<LogLine> {
        if self.is_silent() {
            return None;
        }
        let severity = match self {
            Self::Startup(error) => error.severity(),
            _ => Severity::Log,
        };
        let text = match self {
            // PostgreSQL's callback writes a line of its own.
            Self::Handshake(error @ HandshakeError::NoServerName) => error.reason(),
            other => other.to_string(),
        };
        let mut line = LogLine::new(severity, self.sqlstate(), text);
        match self {
            Self::Startup(error) => {
                line.detail = error.detail().map(str::to_owned);
                line.hint = error.hint().map(str::to_owned);
            }
            Self::Handshake(error) => {
                line.detail = error.detail();
                line.hint = error.hint();
            }
            _ => {}
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use pg_wire::SqlState;

    use super::*;

    #[test]
    fn every_variant_has_its_text_code_and_place_in_the_log() {
        let reset = || io::Error::from_raw_os_error(104);
        let cases = [
            (
                NegotiateError::ClientCertificateName(CommonNameError::EmbeddedNull),
                "08P01",
                Some("SSL certificate's common name contains embedded null"),
            ),
            (
                NegotiateError::DirectTlsWithoutAlpn,
                "08P01",
                Some(
                    "received direct SSL connection request without ALPN protocol negotiation extension",
                ),
            ),
            (
                NegotiateError::Handshake(HandshakeError::Eof),
                "08P01",
                Some("could not accept SSL connection: EOF detected"),
            ),
            (
                NegotiateError::Handshake(HandshakeError::NoServerName),
                "08P01",
                Some("no hostname provided in callback, and no fallback configured"),
            ),
            (
                NegotiateError::Handshake(HandshakeError::UnrecognizedName {
                    name: "example.se".to_owned(),
                }),
                "08P01",
                Some("could not accept SSL connection: callback failed"),
            ),
            (
                NegotiateError::Receive(reset()),
                "08006",
                Some("could not receive data from client: Connection reset by peer"),
            ),
            (
                NegotiateError::Send {
                    request: "SSL",
                    source: reset(),
                },
                "08006",
                Some("could not send SSL negotiation response: Connection reset by peer"),
            ),
            (
                NegotiateError::Startup(StartupError::InvalidLength { length: 7 }),
                "08P01",
                Some("invalid length of startup packet"),
            ),
            (
                NegotiateError::Startup(StartupError::TruncatedLength {
                    received: 1,
                    after_encryption_request: true,
                }),
                "08P01",
                None,
            ),
            (NegotiateError::DirectTlsRejected, "08P01", None),
            (NegotiateError::Timeout, "57014", None),
        ];
        for (error, code, logged) in cases {
            assert_eq!(error.sqlstate().as_str(), code, "{error}");
            assert_eq!(error.is_silent(), logged.is_none(), "{error}");
            let line = error.log_line();
            assert_eq!(line.as_ref().map(|line| &*line.message), logged);
            assert!(line.is_none_or(|line| line.severity == Severity::Log));
        }
    }

    #[test]
    fn what_the_client_hears_is_fatal_in_the_log_and_keeps_its_detail() {
        let error = NegotiateError::Startup(StartupError::UnencryptedDataAfterSslRequest);
        let line = error.log_line().unwrap();
        assert_eq!(line.severity, Severity::Fatal);
        assert_eq!(line.sqlstate, SqlState::PROTOCOL_VIOLATION);
        assert_eq!(
            line.detail.unwrap(),
            "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack."
        );
    }
}
