//! What a probe found; serialized, it is the documented JSON.

use serde::{Serialize, Serializer};

use crate::verdict::ClientSslMode;

/// Everything that [`probe`](super::probe) found out.
///
/// Its JSON ([`to_json`](Self::to_json)) has these fields, and new ones may come; what they mean does not
/// change without a new `schema`. Texts of the server are cut to 300 bytes and hold no control characters.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// 1.
    pub schema: u32,
    /// As asked: `HOST:PORT`.
    pub target: String,
    /// The address that was probed.
    pub address: String,
    /// The user of the login attempts.
    pub user: String,
    /// The names that were checked.
    pub hosts: Vec<String>,
    /// The answer to SSLRequest.
    pub ssl_request: SslAnswer,
    /// A login without TLS.
    pub plaintext: Login,
    /// A session of TLS; `None` if none came about.
    pub tls: Option<Tls>,
    /// Why none came about although the server offers TLS.
    pub tls_fault: Option<String>,
    /// TLSv1.3, TLSv1.2, TLSv1.1, TLSv1; empty if TLS is not offered.
    pub versions: Vec<Attempt>,
    /// Suites by IANA's name, those of TLS 1.3 first; the ones that this program speaks.
    pub ciphers: Vec<Attempt>,
    /// Groups for key exchange by OpenSSL's name; the ones that this program speaks.
    pub groups: Vec<Group>,
    /// What ALPN does, and TLS without SSLRequest.
    pub negotiation: Negotiation,
    /// Whether sessions are resumed.
    pub resumption: Resumption,
    /// Bytes in the segment of the SSLRequest.
    pub early_bytes: EarlyBytes,
    /// How long things took.
    pub timing: Timing,
    /// Whether libpq connects, by `sslmode`, for `verify-full` by host.
    pub verdicts: Vec<Verdict>,
    /// What is wrong or unwise, errors first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong that a caller asked about; warnings may be there.
    pub fn is_ok(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity != Severity::Error)
    }

    /// The whole as one JSON object, indented.
    pub fn to_json(&self) -> String {
        // Cannot fail: all keys are strings and no value refuses.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// The answer to an SSLRequest.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SslAnswer {
    /// `S`: TLS.
    Accepted,
    /// `N`: no TLS here.
    Refused,
    /// `E`, which clients since November 2024 take for an attack.
    Error,
    /// Another byte.
    Unknown {
        /// Which.
        byte: u8,
    },
    /// None.
    None {
        /// Why.
        reason: String,
    },
}

/// How far a login came.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Login {
    /// In, without any proof.
    Admitted,
    /// The server wants proof.
    Asks {
        /// SASL mechanisms, or `password`, `md5`, `gss`, `sspi`, `krb5`.
        methods: Vec<String>,
    },
    /// The connection ended without the server's giving a reason.
    Ended {
        /// How.
        reason: String,
        /// Whether that is only silence.
        silent: bool,
    },
    /// An ErrorResponse.
    Refused {
        /// Its SQLSTATE.
        sqlstate: Option<String>,
        /// Its text.
        message: String,
        /// Whether AuthenticationOk came before.
        authenticated: bool,
    },
}

/// A session of TLS after SSLRequest, as a current libpq would make it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Tls {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// Suite by IANA's name.
    pub cipher: String,
    /// Group of the key exchange by OpenSSL's name.
    pub group: Option<String>,
    /// The ALPN name that the server chose.
    pub alpn: Option<String>,
    /// As sent, the server's own first.
    pub chain: Vec<Certificate>,
    /// Whether the chain leads to the end.
    pub completeness: Completeness,
    /// Whether libpq trusts it with the root certificates given; `None` without them.
    pub trusted: Option<Trust>,
    /// Why the server did not prove that it has the key of its certificate, if it did not.
    pub key_unproven: Option<String>,
    /// A stapled OCSP response, if there is one.
    pub stapled_ocsp: Option<Stapled>,
    /// Whether the server asks for a client certificate.
    pub client_certificate_requested: bool,
    /// The authorities it names then, as RFC 2253 texts.
    pub client_certificate_authorities: Vec<String>,
    /// The login in it.
    pub login: Login,
}

/// One certificate.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Certificate {
    /// RFC 2253 text.
    pub subject: String,
    /// RFC 2253 text.
    pub issuer: String,
    /// The common name, if it is text.
    pub common_name: Option<String>,
    /// Subject alternative names as OpenSSL prints them.
    pub names: Vec<String>,
    /// Serial number in decimal.
    pub serial: String,
    /// `2026-11-25 03:26:14 UTC`.
    pub not_before: String,
    /// As `not_before`.
    pub not_after: String,
    /// Whole days to `not_after`; negative once it is over.
    pub days_left: i64,
    /// `ECDSA P-256`, `RSA 2048`, …
    pub key: String,
    /// OpenSSL's name of the signature algorithm.
    pub signature: String,
    /// `AB:CD:…`.
    pub fingerprint_sha256: String,
    /// X.509 version.
    pub version: u32,
    /// Whether it may issue others.
    pub is_ca: bool,
}

/// Whether a chain leads to an end.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Completeness {
    /// To a self-signed certificate in it, or to one of the root certificates given.
    Complete,
    /// To an issuer that was not sent: complete exactly if clients have that one as a root.
    EndsBelow {
        /// The issuer.
        issuer: String,
    },
    /// Certificates do not fit together, or something is missing to the roots given.
    Broken {
        /// What.
        reason: String,
    },
}

/// Whether a chain is trusted.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "trust", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trust {
    /// Yes.
    Trusted,
    /// No.
    Refused {
        /// Why.
        reason: String,
        /// What to change.
        fix: Option<String>,
    },
    /// This program cannot tell what OpenSSL would do.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// What a stapled OCSP response is worth.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stapled {
    /// The issuer vouches for the certificate.
    Good {
        /// As text: `2026-11-25 03:26:14 UTC`.
        until: String,
    },
    /// Clients that look at it will refuse the server.
    Bad {
        /// Why: expired, revoked, about another certificate, …
        reason: String,
    },
    /// The issuer's certificate was neither sent nor is it one of the root certificates given.
    Unknown,
}

/// Whether the server takes one version or suite.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// Its name.
    pub name: String,
    /// `None` if there was no answer, or it was not tried.
    pub accepted: Option<bool>,
    /// Why not.
    pub reason: Option<String>,
}

/// Whether the server takes one group.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Group {
    /// The answer.
    #[serde(flatten)]
    pub attempt: Attempt,
    /// Whether it resists quantum computers (ML-KEM).
    pub post_quantum: bool,
}

/// ALPN and direct TLS.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Negotiation {
    /// TLS from the first byte with ALPN `postgresql`, and a login in it (`sslnegotiation=direct`).
    pub direct: Option<Attempt>,
    /// TLS from the first byte without ALPN, which PostgreSQL must not serve (ALPACA).
    pub direct_without_alpn: Option<Attempt>,
    /// After SSLRequest, with ALPN for another protocol.
    pub foreign_alpn: Option<Attempt>,
}

/// Whether sessions are resumed.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Resumption {
    /// Tickets that came in a session of TLS 1.3.
    pub tls13_tickets: Option<u32>,
    /// Whether one was taken back.
    pub tls13_resumed: Option<bool>,
    /// Whether a session of TLS 1.2 was resumed, by ticket or by number.
    pub tls12_resumed: Option<bool>,
}

/// What the server does with bytes that come in the segment of the SSLRequest (CVE-2021-23214).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EarlyBytes {
    /// They were kept and read after the handshake, as if they had come in TLS: vulnerable.
    Executed {
        /// What the server said to them.
        answer: String,
    },
    /// They were thrown away.
    Ignored,
    /// They ended the connection: right.
    Refused {
        /// How.
        reason: String,
    },
    /// Without TLS, they were served.
    ServedInClear,
    /// There was no answer, or it was not tried.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Times in microseconds.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Timing {
    /// TCP connect.
    pub connect_us: Option<u64>,
    /// From SSLRequest to its answer.
    pub ssl_request_us: Option<u64>,
    /// A full TLS handshake.
    pub handshake_us: Option<u64>,
    /// A resumed one.
    pub resumed_handshake_us: Option<u64>,
}

/// Whether libpq connects.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The client's `sslmode`.
    #[serde(serialize_with = "as_word")]
    pub sslmode: ClientSslMode,
    /// The client's `host`; only for `verify-full` does it matter.
    pub host: Option<String>,
    /// Whether it connects, up to a right password; `None` if that cannot be told from here.
    pub connects: Option<bool>,
    /// Whether the session is encrypted then.
    pub encrypted: Option<bool>,
    /// Why, in libpq's or the server's words where they have some.
    pub reason: String,
    /// What to change.
    pub fix: Option<String>,
}

/// Something wrong or unwise.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// A word for programs: see the guide.
    pub code: &'static str,
    /// For people: what, and what to do.
    pub text: String,
}

fn as_word<S: Serializer>(mode: &ClientSslMode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.as_str())
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Clients are refused or in danger, or will be within the days given.
    Error,
    /// It works, but should not be so.
    Warning,
}
