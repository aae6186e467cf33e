//! Why a connection to the server came to nothing.

use std::{fmt, io};

use rustls::AlertDescription;

use crate::os_error;

/// What ended an attempt. The text of a peer in it is printable and short.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// The server sent this TLS alert.
    Alert(AlertDescription),
    /// It closed in an orderly way.
    Closed,
    /// It sends without end.
    Flood,
    /// The system says no.
    Io(String),
    /// Other bytes than TLS.
    NotTls,
    /// The time for the whole probe is over; nothing was tried.
    OutOfTime,
    /// What came does not belong here.
    Protocol(String),
    /// It closed with data of ours unread, or nobody listens.
    Reset,
    /// Nothing came in time.
    TimedOut,
    /// TLS failed on our side.
    Tls(String),
}

impl Fault {
    /// Whether it tells nothing about the server's mind.
    pub(super) const fn is_silence(&self) -> bool {
        matches!(self, Self::Io(_) | Self::OutOfTime | Self::TimedOut)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind;
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::TimedOut,
            ErrorKind::UnexpectedEof => Self::Closed,
            ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {
                Self::Reset
            }
            ErrorKind::QuotaExceeded => Self::Flood,
            _ => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(rustls::Error::AlertReceived(alert)) => Self::Alert(*alert),
                Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
                    Self::NotTls
                }
                Some(other) => Self::Tls(printable(&other.to_string())),
                None => Self::Io(os_error::text(&error)),
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(alert) => write!(f, "alert {}", alert_name(*alert)),
            Self::Closed => f.write_str("closed without a word"),
            Self::Flood => f.write_str("sent without end"),
            Self::Io(text) | Self::Protocol(text) | Self::Tls(text) => f.write_str(text),
            Self::NotTls => f.write_str("the answer is not TLS"),
            Self::OutOfTime => f.write_str("not tried: the time was over"),
            Self::Reset => f.write_str("connection reset"),
            Self::TimedOut => f.write_str("no answer in time"),
        }
    }
}

/// The alert's name in the standards: `handshake_failure`.
fn alert_name(alert: AlertDescription) -> String {
    let mut name = String::new();
    for letter in format!("{alert:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    match alert {
        // The names that are not made of words.
        AlertDescription::UnknownCA => "unknown_ca".to_owned(),
        AlertDescription::UnknownPSKIdentity => "unknown_psk_identity".to_owned(),
        AlertDescription::BadCertificateStatusResponse => {
            "bad_certificate_status_response".to_owned()
        }
        _ => name,
    }
}

/// A peer's text, safe for a terminal and of bounded length.
pub(super) fn printable(text: &str) -> String {
    let mut clean = String::new();
    for letter in text.chars() {
        if clean.len() >= TEXT_MAX {
            clean.push('…');
            break;
        }
        match letter {
            '\n' | '\t' => clean.push(' '),
            letter if letter.is_control() || is_direction(letter) => clean.push('?'),
            letter => clean.push(letter),
        }
    }
    clean
}

/// Marks that make text look other than it is.
const fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Longer than any message of PostgreSQL's about a connection, in bytes.
const TEXT_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_their_names() {
        for (alert, name) in [
            (AlertDescription::HandshakeFailure, "handshake_failure"),
            (AlertDescription::ProtocolVersion, "protocol_version"),
            (
                AlertDescription::NoApplicationProtocol,
                "no_application_protocol",
            ),
            (AlertDescription::UnknownCA, "unknown_ca"),
            (
                AlertDescription::CertificateRequired,
                "certificate_required",
            ),
        ] {
            assert_eq!(alert_name(alert), name);
        }
    }

    #[test]
    fn a_peers_text_is_tame() {
        assert_eq!(printable("a\x1b[31mb\r\nc\u{202e}d"), "a?[31mb? c?d");
        let long = printable(&"é".repeat(1_000));
        assert_eq!(long.chars().count(), TEXT_MAX / 2 + 1);
        assert!(long.ends_with('…'));
    }
}
