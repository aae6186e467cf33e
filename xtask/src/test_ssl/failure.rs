//! Why a connection failed, in classes that all clients and servers share.

/// Why one connection failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// 28000 `no pg_hba.conf entry for …, no encryption`.
    NoEncryption,
    /// 28000 `connection requires a valid client certificate`.
    CertificateRequired,
    /// 28000 `certificate authentication failed for user …`, or the text of method trust with
    /// `clientcert=verify-full`, which is the same refusal.
    OtherName,
    /// 28P01 `password authentication failed for user …`, which is said of unknown users too, and
    /// of a certificate for somebody else that is asked for beside the password.
    WrongPassword,
    /// 28000 `pg_hba.conf rejects connection for …`.
    Rejected,
    /// The client insists on channel binding, and there is no TLS to bind to.
    NothingToBind,
    /// An ErrorResponse with a code that nothing here expects.
    Code(String),
    /// The server's alert: the client's certificate comes from an unknown authority.
    AlertUnknownCa,
    /// The server's alert: the client's certificate is expired.
    AlertExpired,
    /// The server's alert for a client certificate that is not valid yet, by OpenSSL's choice.
    AlertBadCertificate,
    /// The server answered that it has no TLS, and the client wants nothing else.
    NoTls,
    /// The server closed the connection without a word.
    Closed,
    /// The client does not trust the server's certificate.
    Untrusted,
    /// The server's certificate is for another host.
    WrongHost,
    /// The client does not start TLS directly in a mode that allows plaintext.
    WeakMode,
    /// The client was stopped because it did not end.
    Timeout,
    /// Anything else, in the client's words.
    Other(String),
}

impl Failure {
    /// The code of the server's ErrorResponse, where the failure is one.
    pub(crate) const fn sqlstate(&self) -> Option<&'static str> {
        match self {
            Self::NoEncryption | Self::CertificateRequired | Self::OtherName | Self::Rejected => {
                Some("28000")
            }
            Self::WrongPassword => Some("28P01"),
            _ => None,
        }
    }

    /// The same, as told by a driver that does not pass alerts on.
    pub(crate) fn without_alert(self) -> Self {
        match self {
            Self::AlertUnknownCa | Self::AlertExpired | Self::AlertBadCertificate => Self::Closed,
            other => other,
        }
    }

    /// Finds the class of what a client said about one connection.
    pub(crate) fn of(text: &str) -> Self {
        let flat: String = text.split_whitespace().collect::<String>().to_lowercase();
        // OpenSSL says who is not trusted in the same words; rustls says which name it wanted.
        if flat.contains("invalidpeercertificate") && flat.contains("notvalidforname") {
            return Self::WrongHost;
        }
        CLASSES
            .iter()
            .find(|(part, _)| flat.contains(part))
            .map_or_else(
                || Self::Other(text.trim().to_owned()),
                |(_, class)| class.clone(),
            )
    }

    /// Its name in tables and files.
    pub(crate) const fn short(&self) -> &'static str {
        match self {
            Self::NoEncryption => "no-enc",
            Self::CertificateRequired => "no-cert",
            Self::OtherName => "wrong-user",
            Self::WrongPassword => "wrong-pw",
            Self::Rejected => "rejected",
            Self::NothingToBind => "unbound",
            Self::Code(_) => "code",
            Self::AlertUnknownCa => "unknown-ca",
            Self::AlertExpired => "expired",
            Self::AlertBadCertificate => "bad-cert",
            Self::NoTls => "no-tls",
            Self::Closed => "closed",
            Self::Untrusted => "untrusted",
            Self::WrongHost => "wrong-host",
            Self::WeakMode => "weak-mode",
            Self::Timeout => "timeout",
            Self::Other(_) => "other",
        }
    }
}

/// Parts of texts, without spaces and in lower case, and what they mean.
///
/// In this order: a later part may be in a text that an earlier one identifies. They are words of
/// OpenSSL (`tlsv1 alert unknown ca`, since 3.2 `ssl/tls alert …`), rustls (`received fatal alert:
/// UnknownCa`), Go (`remote error: tls: …`), Java (`PKIX …`), and the drivers' own.
const CLASSES: &[(&str, Failure)] = &[
    ("nopg_hba.confentry", Failure::NoEncryption),
    (
        "requiresavalidclientcertificate",
        Failure::CertificateRequired,
    ),
    (
        "passwordauthenticationfailedforuser",
        Failure::WrongPassword,
    ),
    ("pg_hba.confrejectsconnection", Failure::Rejected),
    ("serverdidnotusechannelbinding", Failure::NothingToBind),
    (
        "channelbindingrequired,butsslnotinuse",
        Failure::NothingToBind,
    ),
    ("certificateauthenticationfailedforuser", Failure::OtherName),
    ("\"trust\"authenticationfailedforuser", Failure::OtherName),
    ("weaksslmode", Failure::WeakMode),
    ("directtlsrequiressslmode", Failure::WeakMode),
    ("sslnegotiation=directrequires", Failure::WeakMode),
    ("doesnotmatchhostname", Failure::WrongHost),
    ("notvalidforname", Failure::WrongHost),
    ("hostnamemismatch", Failure::WrongHost),
    (
        "certificateisvalidforelsewhere.example,notlocalhost",
        Failure::WrongHost,
    ),
    ("doesnotmatchcertificate'saltnames", Failure::WrongHost),
    ("couldnotbeverifiedbyhostnameverifier", Failure::WrongHost),
    ("certificateverifyfailed", Failure::Untrusted),
    ("certificatesignedbyunknownauthority", Failure::Untrusted),
    ("certificatehasexpired", Failure::Untrusted),
    ("certificateisnotyetvalid", Failure::Untrusted),
    (
        "self-signedcertificateincertificatechain",
        Failure::Untrusted,
    ),
    ("unabletoverifythefirstcertificate", Failure::Untrusted),
    ("pkixpath", Failure::Untrusted),
    ("invalidpeercertificate", Failure::Untrusted),
    ("alertunknownca", Failure::AlertUnknownCa),
    ("alert:unknownca", Failure::AlertUnknownCa),
    (
        "remoteerror:tls:unknowncertificateauthority",
        Failure::AlertUnknownCa,
    ),
    ("receivedfatalalert:unknown_ca", Failure::AlertUnknownCa),
    ("remoteerror:tls:expiredcertificate", Failure::AlertExpired),
    (
        "receivedfatalalert:certificate_expired",
        Failure::AlertExpired,
    ),
    (
        "remoteerror:tls:badcertificate",
        Failure::AlertBadCertificate,
    ),
    (
        "receivedfatalalert:bad_certificate",
        Failure::AlertBadCertificate,
    ),
    ("alertcertificateexpired", Failure::AlertExpired),
    ("alert:certificateexpired", Failure::AlertExpired),
    ("alertbadcertificate", Failure::AlertBadCertificate),
    ("alert:badcertificate", Failure::AlertBadCertificate),
    ("serverdoesnotsupportssl", Failure::NoTls),
    ("serverdoesnotsupporttls", Failure::NoTls),
    ("serverrefusedtlsconnection", Failure::NoTls),
    ("sslisnotenabledontheserver", Failure::NoTls),
    ("serverrefusesssl", Failure::NoTls),
    ("rejectedsslupgrade", Failure::NoTls),
    ("closedtheconnectionunexpectedly", Failure::Closed),
    ("brokenpipe", Failure::Closed),
    ("eofdetected", Failure::Closed),
    ("unexpectedeof", Failure::Closed),
    ("handshakeeof", Failure::Closed),
    ("connectionclosed", Failure::Closed),
    ("connectionwasclosed", Failure::Closed),
    ("connectionhasbeenclosed", Failure::Closed),
    ("connectionterminatedunexpectedly", Failure::Closed),
    ("socketdisconnectedbefore", Failure::Closed),
    ("connectionreset", Failure::Closed),
    ("econnreset", Failure::Closed),
    ("epipe", Failure::Closed),
];

#[cfg(test)]
mod tests {
    use super::Failure;

    #[track_caller]
    fn check(text: &str, expected: Failure) {
        assert_eq!(Failure::of(text), expected, "{text}");
    }

    #[test]
    fn refusals_by_the_server() {
        check(
            r#"FATAL:  no pg_hba.conf entry for host "127.0.0.1", user "a", database "b", no encryption"#,
            Failure::NoEncryption,
        );
        check(
            "FATAL:  connection requires a valid client certificate",
            Failure::CertificateRequired,
        );
        check(
            r#"FATAL:  "trust" authentication failed for user "alice""#,
            Failure::OtherName,
        );
    }

    #[test]
    fn alerts_in_three_spellings() {
        check("SSL error: tlsv1 alert unknown ca", Failure::AlertUnknownCa);
        check(
            "SSL error: ssl/tls alert certificate expired",
            Failure::AlertExpired,
        );
        check("received fatal alert: UnknownCA", Failure::AlertUnknownCa);
    }

    #[test]
    fn an_expired_server_certificate_is_no_alert() {
        check(
            "invalid peer certificate: certificate expired: verification time 1 (UNIX)",
            Failure::Untrusted,
        );
        check("SSL error: certificate verify failed", Failure::Untrusted);
    }

    #[test]
    fn other_languages() {
        check(
            "remote error: tls: expired certificate",
            Failure::AlertExpired,
        );
        check(
            "x509: certificate signed by unknown authority",
            Failure::Untrusted,
        );
        check("PKIX path building failed", Failure::Untrusted);
        check("write EPIPE", Failure::Closed);
    }

    #[test]
    fn unknown_words_are_kept() {
        check("what?", Failure::Other("what?".to_owned()));
    }
}
