//! What an [`SslMode`] allows: pure verdicts over small enums, table §4.6 of the specification.
//!
//! Nothing here knows a stream, a certificate or a text; [`Session`](crate::Session) collects the
//! facts and [`Refusal`](crate::Refusal) has the words. A server with rules of its own (`pg_hba.conf`)
//! asks the same questions per rule.

use crate::mode::SslMode;

/// How a connection reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A Unix-domain socket: never encrypted, and no rule about encryption or certificates applies.
    Unix,
    /// TCP in clear.
    Plain,
    /// TCP inside TLS, however it came about.
    Tls,
}

/// Whether the server can judge client certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientCa {
    /// A CA file is loaded: certificates are asked for, and verified before anybody sees them.
    Loaded,
    /// There is no CA file: certificates are not asked for.
    NotLoaded,
}

/// What the client's (verified) certificate says about the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateName {
    /// No certificate was presented.
    NoCertificate,
    /// The certificate's subject has no common name.
    Absent,
    /// The first common name is, byte for byte, the user.
    Matches,
    /// The first common name is something else.
    Differs,
}

/// The answer to a request for TLS, be it an `SSLRequest` or a direct `ClientHello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsOffer {
    /// `S`, or the handshake at once.
    Handshake,
    /// `N`, or for direct TLS a close without a byte.
    Refuse,
}

/// Why a connection may not go on to authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denial {
    /// Encryption is required and there is none: 28000.
    NotEncrypted,
    /// A client certificate is required and no CA is loaded that could judge it: F0000.
    NoClientCa,
    /// A client certificate is required and was not presented: 28000.
    NoClientCertificate,
}

/// Why an authenticated client is still not the user it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameDenial {
    /// The certificate has no common name.
    NoName,
    /// The certificate names somebody else.
    Mismatch,
}

/// Whether to offer TLS on this channel.
///
/// A channel that is inside TLS already gets no second layer; a Unix socket gets none at all.
#[must_use]
pub const fn tls_offer(mode: SslMode, channel: Channel) -> TlsOffer {
    match channel {
        Channel::Plain if mode.is_enabled() => TlsOffer::Handshake,
        Channel::Plain | Channel::Unix | Channel::Tls => TlsOffer::Refuse,
    }
}

/// Whether the connection may go on to authentication; asked once the StartupMessage is known and
/// before anything is sent about it.
///
/// # Errors
///
/// The first [`Denial`] that applies, in PostgreSQL's order: encryption, CA, certificate.
pub const fn admit(
    mode: SslMode,
    channel: Channel,
    ca: ClientCa,
    name: CertificateName,
) -> Result<(), Denial> {
    if let Err(denial) = check_encryption(mode, channel) {
        return Err(denial);
    }
    match channel {
        Channel::Tls if mode.requires_client_verification() => check_certificate(ca, name),
        Channel::Unix | Channel::Plain | Channel::Tls => Ok(()),
    }
}

/// Whether the connection is as encrypted as the mode wants it: the first half of [`admit`], for
/// servers with rules of their own to ask in between.
///
/// # Errors
///
/// [`Denial::NotEncrypted`].
pub const fn check_encryption(mode: SslMode, channel: Channel) -> Result<(), Denial> {
    match channel {
        Channel::Plain if mode.is_required() => Err(Denial::NotEncrypted),
        Channel::Plain | Channel::Unix | Channel::Tls => Ok(()),
    }
}

/// Whether there is a client certificate, where the mode or a rule demands one.
///
/// # Errors
///
/// [`Denial::NoClientCa`] or [`Denial::NoClientCertificate`].
pub const fn check_certificate(ca: ClientCa, name: CertificateName) -> Result<(), Denial> {
    match (ca, name) {
        (ClientCa::NotLoaded, _) => Err(Denial::NoClientCa),
        (ClientCa::Loaded, CertificateName::NoCertificate) => Err(Denial::NoClientCertificate),
        (ClientCa::Loaded, _) => Ok(()),
    }
}

/// Whether the certificate names the user; asked after the authentication method was satisfied and
/// before `AuthenticationOk`.
///
/// # Errors
///
/// A [`NameDenial`] if the mode is [`SslMode::VerifyFull`] and the name is not the user's.
pub const fn check_name(
    mode: SslMode,
    channel: Channel,
    name: CertificateName,
) -> Result<(), NameDenial> {
    match (mode, channel, name) {
        (SslMode::VerifyFull, Channel::Plain | Channel::Tls, CertificateName::Differs) => {
            Err(NameDenial::Mismatch)
        }
        (
            SslMode::VerifyFull,
            Channel::Plain | Channel::Tls,
            CertificateName::Absent | CertificateName::NoCertificate,
        ) => Err(NameDenial::NoName),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [CertificateName; 4] = [
        CertificateName::NoCertificate,
        CertificateName::Matches,
        CertificateName::Differs,
        CertificateName::Absent,
    ];

    #[test]
    fn tls_is_offered_on_plain_tcp_unless_disabled() {
        for mode in SslMode::ALL {
            let expected = if mode == SslMode::Disable {
                TlsOffer::Refuse
            } else {
                TlsOffer::Handshake
            };
            assert_eq!(tls_offer(mode, Channel::Plain), expected, "{mode}");
            assert_eq!(tls_offer(mode, Channel::Unix), TlsOffer::Refuse, "{mode}");
            assert_eq!(tls_offer(mode, Channel::Tls), TlsOffer::Refuse, "{mode}");
        }
    }

    /// The verdict on a whole connection, as one letter:
    /// `.` served, `e` not encrypted, `a` no CA, `c` no certificate, `n` no name, `m` mismatch.
    fn verdict(mode: SslMode, channel: Channel, ca: ClientCa, name: CertificateName) -> char {
        match admit(mode, channel, ca, name) {
            Err(Denial::NotEncrypted) => 'e',
            Err(Denial::NoClientCa) => 'a',
            Err(Denial::NoClientCertificate) => 'c',
            Ok(()) => match check_name(mode, channel, name) {
                Err(NameDenial::NoName) => 'n',
                Err(NameDenial::Mismatch) => 'm',
                Ok(()) => '.',
            },
        }
    }

    #[test]
    fn the_whole_product_of_cases() {
        // One letter per certificate: none, matching CN, other CN, no CN.
        let table = [
            (SslMode::Disable, Channel::Plain, "....", "...."),
            (SslMode::Disable, Channel::Tls, "....", "...."),
            (SslMode::Allow, Channel::Plain, "....", "...."),
            (SslMode::Allow, Channel::Tls, "....", "...."),
            (SslMode::Prefer, Channel::Plain, "....", "...."),
            (SslMode::Prefer, Channel::Tls, "....", "...."),
            (SslMode::Require, Channel::Plain, "eeee", "eeee"),
            (SslMode::Require, Channel::Tls, "....", "...."),
            (SslMode::VerifyCA, Channel::Plain, "eeee", "eeee"),
            (SslMode::VerifyCA, Channel::Tls, "c...", "aaaa"),
            (SslMode::VerifyFull, Channel::Plain, "eeee", "eeee"),
            (SslMode::VerifyFull, Channel::Tls, "c.mn", "aaaa"),
        ];
        for (mode, channel, with_ca, without_ca) in table {
            let row = |ca| -> String {
                NAMES
                    .iter()
                    .map(|&name| verdict(mode, channel, ca, name))
                    .collect()
            };
            assert_eq!(row(ClientCa::Loaded), with_ca, "{mode} {channel:?} CA");
            assert_eq!(row(ClientCa::NotLoaded), without_ca, "{mode} {channel:?}");
        }
    }

    #[test]
    fn unix_sockets_are_exempt() {
        for mode in SslMode::ALL {
            for name in NAMES {
                for ca in [ClientCa::Loaded, ClientCa::NotLoaded] {
                    assert_eq!(
                        verdict(mode, Channel::Unix, ca, name),
                        '.',
                        "{mode} {name:?}"
                    );
                }
            }
        }
    }
}
