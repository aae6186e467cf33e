//! What PostgreSQL's users call the things rustls negotiated: OpenSSL's names.

use rustls::{AlertDescription, CipherSuite, NamedGroup};

/// A cipher suite as `pg_stat_ssl` and the connection log line show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cipher {
    /// OpenSSL's name: IANA's for TLS 1.3, OpenSSL's own for TLS 1.2.
    pub(crate) name: &'static str,
    /// Bits of the symmetric key.
    pub(crate) bits: u16,
}

/// OpenSSL's name and key size of a suite (specification §7.3); `unknown` and 0 for one that no
/// provider of ours has.
pub(crate) const fn cipher(suite: CipherSuite) -> Cipher {
    let (name, bits) = match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => ("TLS_AES_128_GCM_SHA256", 128),
        CipherSuite::TLS13_AES_256_GCM_SHA384 => ("TLS_AES_256_GCM_SHA384", 256),
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => ("TLS_CHACHA20_POLY1305_SHA256", 256),
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => {
            ("ECDHE-ECDSA-AES128-GCM-SHA256", 128)
        }
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => {
            ("ECDHE-ECDSA-AES256-GCM-SHA384", 256)
        }
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
            ("ECDHE-ECDSA-CHACHA20-POLY1305", 256)
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-RSA-AES128-GCM-SHA256", 128),
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-RSA-AES256-GCM-SHA384", 256),
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => {
            ("ECDHE-RSA-CHACHA20-POLY1305", 256)
        }
        _ => return UNKNOWN_CIPHER,
    };
    Cipher { name, bits }
}

/// A key exchange group as one writes it in PostgreSQL's `ssl_groups`.
pub(crate) const fn group(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
        NamedGroup::X25519 => "X25519",
        NamedGroup::secp256r1 => "prime256v1",
        NamedGroup::secp384r1 => "secp384r1",
        _ => UNKNOWN,
    }
}

/// OpenSSL's reason text for an alert the peer sent, e.g. `tlsv1 alert unknown ca`.
///
/// The prefix says which standard first defined the alert, not which version is in use.
pub(crate) const fn alert(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnexpectedMessage => "sslv3 alert unexpected message",
        AlertDescription::BadRecordMac => "sslv3 alert bad record mac",
        AlertDescription::DecompressionFailure => "sslv3 alert decompression failure",
        AlertDescription::HandshakeFailure => "sslv3 alert handshake failure",
        AlertDescription::NoCertificate => "sslv3 alert no certificate",
        AlertDescription::BadCertificate => "sslv3 alert bad certificate",
        AlertDescription::UnsupportedCertificate => "sslv3 alert unsupported certificate",
        AlertDescription::CertificateRevoked => "sslv3 alert certificate revoked",
        AlertDescription::CertificateExpired => "sslv3 alert certificate expired",
        AlertDescription::CertificateUnknown => "sslv3 alert certificate unknown",
        AlertDescription::IllegalParameter => "sslv3 alert illegal parameter",
        AlertDescription::DecryptionFailed => "tlsv1 alert decryption failed",
        AlertDescription::RecordOverflow => "tlsv1 alert record overflow",
        AlertDescription::UnknownCA => "tlsv1 alert unknown ca",
        AlertDescription::AccessDenied => "tlsv1 alert access denied",
        AlertDescription::DecodeError => "tlsv1 alert decode error",
        AlertDescription::DecryptError => "tlsv1 alert decrypt error",
        AlertDescription::ProtocolVersion => "tlsv1 alert protocol version",
        AlertDescription::InsufficientSecurity => "tlsv1 alert insufficient security",
        AlertDescription::InternalError => "tlsv1 alert internal error",
        AlertDescription::InappropriateFallback => "tlsv1 alert inappropriate fallback",
        AlertDescription::UserCanceled => "tlsv1 alert user cancelled",
        AlertDescription::NoRenegotiation => "tlsv1 alert no renegotiation",
        AlertDescription::MissingExtension => "tlsv13 alert missing extension",
        AlertDescription::UnsupportedExtension => "tlsv1 unsupported extension",
        AlertDescription::UnrecognisedName => "tlsv1 unrecognized name",
        AlertDescription::CertificateRequired => "tlsv13 alert certificate required",
        AlertDescription::NoApplicationProtocol => "tlsv1 alert no application protocol",
        _ => "tlsv1 alert",
    }
}

/// What no provider of ours negotiates.
pub(crate) const UNKNOWN: &str = "unknown";

/// See [`UNKNOWN`].
pub(crate) const UNKNOWN_CIPHER: Cipher = Cipher {
    name: UNKNOWN,
    bits: 0,
};

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, CipherSuite, NamedGroup};

    use super::{alert, cipher, group};

    #[test]
    fn names_are_openssls() {
        let c = cipher(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256);
        assert_eq!((c.name, c.bits), ("ECDHE-RSA-CHACHA20-POLY1305", 256));
        let c = cipher(CipherSuite::TLS13_AES_128_GCM_SHA256);
        assert_eq!((c.name, c.bits), ("TLS_AES_128_GCM_SHA256", 128));
        assert_eq!(group(NamedGroup::secp256r1), "prime256v1");
        assert_eq!(alert(AlertDescription::UnknownCA), "tlsv1 alert unknown ca");
    }

    #[test]
    fn what_is_not_ours_is_unknown() {
        assert_eq!(cipher(CipherSuite::TLS_NULL_WITH_NULL_NULL).bits, 0);
        assert_eq!(group(NamedGroup::FFDHE2048), "unknown");
        assert_eq!(alert(AlertDescription::Unknown(250)), "tlsv1 alert");
    }
}
