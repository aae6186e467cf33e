//! `HandshakeError`: why a TLS handshake failed, in the words of OpenSSL and PostgreSQL.

use std::io;

use pg_certs::{CertificateInfo, os_error};
use pg_wire::SqlState;
use rustls::{
    AlertDescription, CertRevocationListError, CertificateError, InvalidMessage, PeerIncompatible,
    PeerMisbehaved,
};

use crate::client_verifier::RejectedCertificate;
use crate::names;
use crate::server_tls::Unserved;
use crate::version::TlsVersion;

/// Why a TLS handshake failed. The client has been sent the alert that rustls chose, if any, and
/// nothing else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The client closed the connection in the middle of the handshake.
    #[error("EOF detected")]
    Eof,
    /// The transport failed.
    #[error("{}", os_error::text(.0))]
    Io(#[source] io::Error),
    /// The client names no host, and there is neither a default nor anything for such clients. It was
    /// sent the alert `handshake_failure`.
    #[error("no hostname provided in callback, and no fallback configured")]
    NoServerName,
    /// The client asks for a host that is not served, and there is no default. It was sent the alert
    /// `unrecognized_name`.
    #[error("callback failed")]
    UnrecognizedName {
        /// The host, in lower case.
        name: String,
    },
    /// The client broke the protocol, offered nothing that the server takes, presented a certificate
    /// that does not verify, or refused the server's.
    #[error("{}", reason(source))]
    Tls {
        /// What rustls says.
        source: rustls::Error,
        /// PostgreSQL's DETAIL: what is wrong with which client certificate, if that is the matter.
        detail: Option<String>,
        /// The oldest and the newest TLS version that the server takes.
        versions: (TlsVersion, TlsVersion),
    },
}

impl From<Unserved> for HandshakeError {
    fn from(unserved: Unserved) -> Self {
        match unserved {
            Unserved::NoName => Self::NoServerName,
            Unserved::Name(name) => Self::UnrecognizedName { name },
        }
    }
}

impl HandshakeError {
    pub(crate) fn tls(
        source: rustls::Error,
        rejected: Option<Box<RejectedCertificate>>,
        versions: (TlsVersion, TlsVersion),
    ) -> Self {
        let detail = match (&source, rejected) {
            (rustls::Error::InvalidCertificate(_), Some(rejected)) => {
                Some(certificate_detail(&rejected))
            }
            _ => None,
        };
        Self::Tls {
            source,
            detail,
            versions,
        }
    }

    /// The reason as OpenSSL's error string has it, where it has one.
    #[must_use]
    pub fn reason(&self) -> String {
        self.to_string()
    }

    /// The SQLSTATE of the log line.
    #[must_use]
    pub const fn sqlstate(&self) -> SqlState {
        match self {
            Self::Eof | Self::NoServerName | Self::Tls { .. } | Self::UnrecognizedName { .. } => {
                SqlState::PROTOCOL_VIOLATION
            }
            Self::Io(_) => SqlState::CONNECTION_FAILURE,
        }
    }

    /// The DETAIL of the log line: which client certificate did not verify, and why, or which host is not
    /// served.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Tls { detail, .. } => detail.clone(),
            Self::UnrecognizedName { name } => Some(format!(
                "The client asked for host \"{name}\", which is not served."
            )),
            Self::Eof | Self::Io(_) | Self::NoServerName => None,
        }
    }

    /// The HINT of the log line, for failures about protocol versions.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Tls {
                source,
                versions: (min, max),
                ..
            } if is_about_versions(source) => Some(format!(
                "This may indicate that the client does not support any SSL protocol version between {min} and {max}."
            )),
            Self::Tls { .. }
            | Self::Eof
            | Self::Io(_)
            | Self::NoServerName
            | Self::UnrecognizedName { .. } => None,
        }
    }
}

/// Whether PostgreSQL adds its HINT to the failure (`be_tls_open_server`).
const fn is_about_versions(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion
        ) | rustls::Error::PeerIncompatible(
            // What only clients of before TLS 1.2 leave out, which rustls looks for first.
            PeerIncompatible::SignatureAlgorithmsExtensionRequired
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
        ) | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
    )
}

/// OpenSSL's reason for what rustls found; rustls' own words where OpenSSL has no counterpart.
fn reason(error: &rustls::Error) -> String {
    use rustls::Error;
    let text = match error {
        Error::InvalidCertificate(_) => "certificate verify failed",
        Error::NoApplicationProtocol => "no application protocol",
        Error::AlertReceived(alert) => names::alert(*alert),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "wrong version number",
        Error::PeerIncompatible(
            PeerIncompatible::SignatureAlgorithmsExtensionRequired
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => "unsupported protocol",
        Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon,
        ) => "no shared cipher",
        Error::PeerIncompatible(PeerIncompatible::NoSignatureSchemesInCommon) => {
            "no suitable signature algorithm"
        }
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "unexpected message"
        }
        Error::DecryptError => "decryption failed or bad record mac",
        Error::PeerMisbehaved(PeerMisbehaved::ServerNameMustContainOneHostName) => {
            "bad server name extension"
        }
        other => return other.to_string(),
    };
    text.to_owned()
}

/// PostgreSQL's DETAIL (`verify_cb` in `be-secure-openssl.c`, 16 and later).
///
/// webpki does not say at which certificate of the chain it stopped, so the depth is that of the
/// client's own certificate, 0, and so are the names; but for revocation, where we look for it.
fn certificate_detail(rejected: &RejectedCertificate) -> String {
    let info = CertificateInfo::from_der(&rejected.der);
    let reason = match &rejected.error {
        // OpenSSL takes these; rustls' verifier does not read them.
        _ if info.as_ref().is_ok_and(|info| info.version() < 3) => {
            "X.509 version 1 or 2, which this server cannot verify; reissue the certificate as version 3"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
            if info
                .as_ref()
                .is_ok_and(|info| info.subject() == info.issuer()) =>
        {
            "self-signed certificate".to_owned()
        }
        rustls::Error::InvalidCertificate(error) => verify_reason(error),
        rustls::Error::InvalidCertRevocationList(error) => list_reason(error),
        other => other.to_string(),
    };
    let depth = rejected.depth;
    let mut text = format!("Client certificate verification failed at depth {depth}: {reason}.");
    if let Ok(info) = info {
        text.push_str(&format!(
            "\nFailed certificate data (unverified): subject \"{}\", serial number {}, issuer \"{}\".",
            sanitised(&info.subject().slash()),
            info.serial(),
            sanitised(&info.issuer().slash()),
        ));
    }
    text
}

/// OpenSSL's text for a verification error (`X509_verify_cert_error_string`).
fn verify_reason(error: &CertificateError) -> String {
    let text = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate is not yet valid"
        }
        CertificateError::Revoked => "certificate revoked",
        CertificateError::UnknownIssuer => "unable to get local issuer certificate",
        CertificateError::BadSignature => "certificate signature failure",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "unsuitable certificate purpose"
        }
        CertificateError::UnknownRevocationStatus => "unable to get certificate CRL",
        CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => "CRL has expired",
        other => return other.to_string(),
    };
    text.to_owned()
}

/// OpenSSL's text for a revocation list that is no good.
fn list_reason(error: &CertRevocationListError) -> String {
    let text = match error {
        CertRevocationListError::BadSignature => "CRL signature failure",
        CertRevocationListError::IssuerInvalidForCrl => "key usage does not include CRL signing",
        other => return format!("CRL cannot be used: {other:?}"),
    };
    text.to_owned()
}

/// Makes unverified data fit for the log: at most the last 71 bytes, the cut marked by dots, and
/// printable ASCII only (`prepare_cert_name` and `pg_clean_ascii`; specification §3.3).
fn sanitised(name: &str) -> String {
    let bytes = name.as_bytes();
    let (dots, kept) = match bytes.len().checked_sub(LOGGED_NAME_MAX) {
        None | Some(0) => ("", bytes),
        Some(excess) => ("...", bytes.get(excess + 3..).unwrap_or_default()),
    };
    let mut text = dots.to_owned();
    for &byte in kept {
        if (b' '..=b'~').contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// PostgreSQL's `MAXLEN` in `prepare_cert_name`.
const LOGGED_NAME_MAX: usize = 71;

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(source: rustls::Error) -> HandshakeError {
        HandshakeError::tls(source, None, (TlsVersion::Tls12, TlsVersion::Tls13))
    }

    #[test]
    fn reasons_are_openssls() {
        let cases = [
            (
                rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
                "certificate verify failed",
            ),
            (
                rustls::Error::NoApplicationProtocol,
                "no application protocol",
            ),
            (
                rustls::Error::AlertReceived(AlertDescription::UnknownCA),
                "tlsv1 alert unknown ca",
            ),
            (
                rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType),
                "wrong version number",
            ),
            (
                rustls::Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered),
                "unsupported protocol",
            ),
            (
                rustls::Error::PeerIncompatible(
                    PeerIncompatible::SignatureAlgorithmsExtensionRequired,
                ),
                "unsupported protocol",
            ),
            (
                rustls::Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                "no shared cipher",
            ),
        ];
        for (source, text) in cases {
            assert_eq!(tls(source).reason(), text);
        }
        let reset = HandshakeError::Io(io::Error::from_raw_os_error(104));
        assert_eq!(reset.reason(), "Connection reset by peer");
        assert_eq!(reset.sqlstate(), SqlState::CONNECTION_FAILURE);
    }

    #[test]
    fn only_version_errors_have_the_hint() {
        let hint = "This may indicate that the client does not support any SSL protocol version between TLSv1.2 and TLSv1.3.";
        let versions = tls(rustls::Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOfferedOrEnabled,
        ));
        assert_eq!(versions.hint().as_deref(), Some(hint));
        assert_eq!(tls(rustls::Error::NoApplicationProtocol).hint(), None);
        assert_eq!(HandshakeError::Eof.hint(), None);
    }

    #[test]
    fn names_for_the_log_are_cut_and_printable() {
        assert_eq!(sanitised("/CN=alice"), "/CN=alice");
        assert_eq!(sanitised("/CN=a\nb\u{e9}"), "/CN=a\\x0ab\\xc3\\xa9");
        let exact = "x".repeat(71);
        assert_eq!(sanitised(&exact), exact);
        let cut = sanitised(&format!("/CN={}", "y".repeat(68)));
        assert_eq!(cut, format!("...{}", "y".repeat(68)));
        assert_eq!(cut.len(), 71);
    }

    /// `openssl x509 -req` of a request for CN=alice: no extensions, so version 1.
    const VERSION_1: &str = "\
        3082011b3081c1021450ca9a66b5f3eef54421b5578ed6efcec73569f9300a06082a8648ce3d0403023010310e\
        300c06035504030c05616c696365301e170d3236313132353039353135395a170d323631323235303935313539\
        5a3010310e300c06035504030c05616c6963653059301306072a8648ce3d020106082a8648ce3d030107034200\
        0495ecceac0ff21ba3d386328f2757c77a3a76d4aeec89a51e8d77fb8e526924ca648e976ac04a71953300fd98\
        d4dc27007501c2db065d65b790accb1b33bc355b300a06082a8648ce3d040302034900304602210094c57eef8c\
        0d654f06b37a4be85c74b1221ecee1a85d678b1b9903f3c7f82d10022100a1f57ca8ff6d48b6cd7adf8c8e53b5\
        81597574a91100140073336792e85a9f66";

    #[test]
    fn version_1_is_refused_in_words() {
        let der: Vec<u8> = (0..VERSION_1.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(VERSION_1.get(at..at + 2).unwrap(), 16).unwrap())
            .collect();
        let info = CertificateInfo::from_der(&der).unwrap();
        let error = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
        let der = der.into();
        let expected = format!(
            "Client certificate verification failed at depth 0: X.509 version 1 or 2, which this server \
             cannot verify; reissue the certificate as version 3.\n\
             Failed certificate data (unverified): subject \"/CN=alice\", serial number {}, issuer \"/CN=alice\".",
            info.serial()
        );
        assert_eq!(
            certificate_detail(&RejectedCertificate {
                der,
                depth: 0,
                error
            }),
            expected
        );
    }

    #[test]
    fn verification_reasons_are_openssls() {
        let cases = [
            (CertificateError::Expired, "certificate has expired"),
            (
                CertificateError::NotValidYet,
                "certificate is not yet valid",
            ),
            (
                CertificateError::UnknownIssuer,
                "unable to get local issuer certificate",
            ),
            (
                CertificateError::InvalidPurpose,
                "unsuitable certificate purpose",
            ),
            (CertificateError::Revoked, "certificate revoked"),
        ];
        for (error, text) in cases {
            assert_eq!(verify_reason(&error), text);
        }
    }
}
