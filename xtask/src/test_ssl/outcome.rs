//! What came of a connection, in classes that all clients and servers share.

use std::fmt;

/// How a cell ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// A session in TLS, and a query in it.
    Tls,
    /// A session in clear, and a query in it.
    Plain,
    /// No session; one failure for each connection that the client made or refused to make.
    Failed(Vec<Failure>),
    /// The client has no such mode.
    NotApplicable,
    /// The client or the server is not on this machine.
    Absent,
}

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
            Self::NoEncryption | Self::CertificateRequired | Self::OtherName => Some("28000"),
            _ => None,
        }
    }

    /// Finds the class of what a client said about one connection.
    ///
    /// The texts are those of libpq with OpenSSL (`tlsv1 alert unknown ca`, since OpenSSL 3.2
    /// `ssl/tls alert …`) and those of rustls (`received fatal alert: UnknownCa`).
    pub(crate) fn of(text: &str) -> Self {
        let flat: String = text.split_whitespace().collect::<String>().to_lowercase();
        // In this order: a later text may be part of a message that an earlier one identifies.
        let classes: [(&str, Self); 24] = [
            ("nopg_hba.confentry", Self::NoEncryption),
            ("requiresavalidclientcertificate", Self::CertificateRequired),
            ("certificateauthenticationfailedforuser", Self::OtherName),
            ("\"trust\"authenticationfailedforuser", Self::OtherName),
            ("weaksslmode", Self::WeakMode),
            ("doesnotmatchhostname", Self::WrongHost),
            ("notvalidforname", Self::WrongHost),
            ("certificateverifyfailed", Self::Untrusted),
            ("invalidpeercertificate", Self::Untrusted),
            ("alertunknownca", Self::AlertUnknownCa),
            ("alert:unknownca", Self::AlertUnknownCa),
            ("alertcertificateexpired", Self::AlertExpired),
            ("alert:certificateexpired", Self::AlertExpired),
            ("alertbadcertificate", Self::AlertBadCertificate),
            ("alert:badcertificate", Self::AlertBadCertificate),
            ("serverdoesnotsupportssl", Self::NoTls),
            ("serverdoesnotsupporttls", Self::NoTls),
            ("closedtheconnectionunexpectedly", Self::Closed),
            ("connectionresetbypeer", Self::Closed),
            ("brokenpipe", Self::Closed),
            ("eofdetected", Self::Closed),
            ("unexpectedeof", Self::Closed),
            ("handshakeeof", Self::Closed),
            ("connectionclosed", Self::Closed),
        ];
        // OpenSSL says who is not trusted in the same words; rustls says which name it wanted.
        if flat.contains("invalidpeercertificate") && flat.contains("notvalidforname") {
            return Self::WrongHost;
        }
        classes
            .into_iter()
            .find(|(part, _)| flat.contains(part))
            .map_or_else(|| Self::Other(text.trim().to_owned()), |(_, class)| class)
    }

    const fn short(&self) -> &'static str {
        match self {
            Self::NoEncryption => "no-enc",
            Self::CertificateRequired => "no-cert",
            Self::OtherName => "wrong-user",
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

/// What the short names in tables and files mean.
pub(crate) const LEGEND: &str = "\
TLS, plain   a session and a query in it
no-enc       28000 no pg_hba.conf entry for host ..., no encryption
no-cert      28000 connection requires a valid client certificate
wrong-user   28000 certificate authentication failed for user ...
unknown-ca, expired, bad-cert
             the server's TLS alert about the client's certificate
no-tls       the client wants TLS, the server answered that it has none
closed       the server closed the connection without a word, as on direct TLS without TLS
untrusted, wrong-host
             the client refused the server's certificate
weak-mode    the client has no direct TLS in a mode that allows plaintext
a+b          the client tried twice: first a, then b
n/a          the client has no such mode
absent       the client is not on this machine: not tried
x!=y         x was seen, y was expected";

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls => f.pad("TLS"),
            Self::Plain => f.pad("plain"),
            Self::NotApplicable => f.pad("n/a"),
            Self::Absent => f.pad("absent"),
            Self::Failed(failures) => {
                let texts: Vec<&str> = failures.iter().map(Failure::short).collect();
                f.pad(&texts.join("+"))
            }
        }
    }
}

/// What a cell should give.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Expected {
    pub(crate) outcome: Outcome,
    /// The SQLSTATE of every ErrorResponse on the way, retries included.
    pub(crate) sqlstates: Vec<&'static str>,
}

/// What a cell gave.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) outcome: Outcome,
    /// The SQLSTATE of every ErrorResponse, where the client lets one see them.
    pub(crate) sqlstates: Option<Vec<String>>,
    /// The client's own words.
    pub(crate) text: String,
}

impl Seen {
    /// A cell that was not tried.
    pub(crate) fn without(outcome: Outcome, text: &str) -> Self {
        Self {
            outcome,
            sqlstates: None,
            text: text.to_owned(),
        }
    }

    /// Whether this is what was expected.
    pub(crate) fn is(&self, expected: &Expected) -> bool {
        self.outcome == expected.outcome
            && self
                .sqlstates
                .as_ref()
                .is_none_or(|seen| *seen == expected.sqlstates)
    }

    /// Whether another server gave the same.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.outcome == other.outcome && self.sqlstates == other.sqlstates
    }

    /// Whether a connection was tried at all.
    pub(crate) const fn was_tried(&self) -> bool {
        !matches!(self.outcome, Outcome::NotApplicable | Outcome::Absent)
    }
}

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
    fn unknown_words_are_kept() {
        check("what?", Failure::Other("what?".to_owned()));
    }
}
