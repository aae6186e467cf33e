//! Whether a client of libpq will connect to a server, by `sslmode` and host name; and if not, why and
//! what to change. Pure: what the server offers is told, not asked.
//!
//! ```
//! # #[cfg(feature = "generate")] {
//! use std::time::SystemTime;
//! use pg_certs::CertificateManager;
//! use pg_certs::verdict::{ClientCertificate, ClientSslMode, Outcome, Plaintext, Question};
//!
//! let dir = tempfile::tempdir()?;
//! let (cert, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
//! CertificateManager::generate_self_signed(&cert, &key, "localhost")?;
//! let chain = pg_certs::load_certificate_chain(&cert)?;
//!
//! let mut question = Question {
//!     host: "localhost",
//!     roots: Some(&chain), // clients have sslrootcert=server.crt
//!     chain: Some(&chain),
//!     plaintext: Plaintext::Refused,
//!     client_certificate: ClientCertificate::NotDemanded,
//!     now: SystemTime::now(),
//! };
//! assert_eq!(question.judge(ClientSslMode::VerifyFull).outcome, Outcome::NameVerified);
//!
//! question.host = "db.example";
//! let verdict = question.judge(ClientSslMode::VerifyFull);
//! assert_eq!(verdict.outcome, Outcome::Refused);
//! assert!(verdict.reason.ends_with("does not match host name \"db.example\""));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod host;
mod path;
mod sslmode;

use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

pub use self::host::HostMatch;
pub(crate) use self::host::mismatch_text;
pub use self::sslmode::{ClientSslMode, UnknownSslMode};
use crate::info::CertificateInfo;

/// What is known about a server and a client that wants to connect to it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The client's `host`.
    pub host: &'a str,
    /// The certificates in the client's `sslrootcert`; `None` if it has no such file.
    pub roots: Option<&'a [CertificateDer<'static>]>,
    /// What the server sends in the handshake, its own certificate first; `None` if it speaks no TLS.
    pub chain: Option<&'a [CertificateDer<'static>]>,
    /// Whether it accepts sessions without TLS.
    pub plaintext: Plaintext,
    /// Whether it demands a certificate of the client.
    pub client_certificate: ClientCertificate,
    /// When.
    pub now: SystemTime,
}

/// What a server does with clients that do not ask for TLS.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Plaintext {
    /// It lets them in.
    Accepted,
    /// It refuses them, as with `hostssl` lines alone.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// Whether a server lets in clients without a certificate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ClientCertificate {
    /// It does.
    NotDemanded,
    /// It refuses them, as with `clientcert=verify-ca`.
    Demanded,
}

/// How a connection attempt ends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It does not connect.
    Refused,
    /// Not enough is known.
    Unknown,
    /// It connects without encryption.
    Plaintext,
    /// It connects with TLS to whoever answers.
    Encrypted,
    /// It connects with TLS to a server that its authorities vouch for.
    AuthorityVerified,
    /// It connects with TLS to the server that the host names.
    NameVerified,
}

impl Outcome {
    /// A word for people and for JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Plaintext => "plaintext",
            Self::Encrypted => "encrypted",
            Self::AuthorityVerified => "authority-verified",
            Self::NameVerified => "name-verified",
        }
    }

    /// Whether there is a connection in the end.
    #[must_use]
    pub const fn connects(self) -> bool {
        !matches!(self, Self::Refused | Self::Unknown)
    }
}

/// Whether a client connects with one `sslmode`, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// The mode.
    pub sslmode: ClientSslMode,
    /// The client's `host`.
    pub host: String,
    /// How it ends.
    pub outcome: Outcome,
    /// Why; the words of libpq where it refuses.
    pub reason: String,
    /// What to change, if it does not connect.
    pub cure: Option<String>,
    /// What to know although it connects.
    pub caution: Option<String>,
}

/// What keeps a client from connecting.
#[derive(Clone, Debug)]
struct Obstacle {
    reason: String,
    cure: Option<String>,
}

impl Obstacle {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            cure: None,
        }
    }

    fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }
}

impl Question<'_> {
    /// One verdict for each mode, the weakest first.
    #[must_use]
    pub fn judge_all(&self) -> Vec<Verdict> {
        ClientSslMode::ALL
            .into_iter()
            .map(|mode| self.judge(mode))
            .collect()
    }

    /// The verdict for one mode: spec section 8.2.
    #[must_use]
    pub fn judge(&self, sslmode: ClientSslMode) -> Verdict {
        let mut verdict = match sslmode {
            ClientSslMode::Disable => self.in_clear(sslmode),
            ClientSslMode::Allow => match self.in_clear(sslmode) {
                // The second attempt is with TLS.
                refused if !refused.outcome.connects() && self.chain.is_some() => {
                    self.with_tls(sslmode)
                }
                clear => clear,
            },
            ClientSslMode::Prefer => self.prefer(),
            ClientSslMode::Require | ClientSslMode::VerifyCa | ClientSslMode::VerifyFull => {
                self.with_tls(sslmode)
            }
        };
        if verdict.outcome.connects() && self.client_certificate == ClientCertificate::Demanded {
            verdict.caution = Some(
                match verdict.outcome {
                    Outcome::Plaintext => {
                        "the server demands a client certificate, which needs TLS"
                    }
                    _ => "the server demands a client certificate: set sslcert and sslkey",
                }
                .to_owned(),
            );
        }
        verdict
    }

    fn in_clear(&self, sslmode: ClientSslMode) -> Verdict {
        match self.plaintext {
            Plaintext::Accepted => self.connected(
                sslmode,
                Outcome::Plaintext,
                "everything is sent in clear, and nobody checks who the server is",
            ),
            Plaintext::Refused => self.refused(
                sslmode,
                Obstacle::new("the server lets nobody in without TLS").cure(match self.chain {
                    Some(_) => "use sslmode=verify-full",
                    None => "set up TLS on the server",
                }),
            ),
            Plaintext::Unknown => Verdict {
                outcome: Outcome::Unknown,
                ..self.refused(
                    sslmode,
                    Obstacle::new("it is not known whether the server lets anybody in without TLS"),
                )
            },
        }
    }

    /// With `prefer`, a failed handshake leads to a second attempt in clear.
    fn prefer(&self) -> Verdict {
        let sslmode = ClientSslMode::Prefer;
        if self.chain.is_none() {
            return self.in_clear(sslmode);
        }
        let encrypted = self.with_tls(sslmode);
        if encrypted.outcome.connects() || self.plaintext != Plaintext::Accepted {
            return encrypted;
        }
        Verdict {
            cure: encrypted.cure,
            ..self.connected(
                sslmode,
                Outcome::Plaintext,
                &format!(
                    "in clear without a word, because the handshake failed: {}",
                    encrypted.reason
                ),
            )
        }
    }

    fn with_tls(&self, sslmode: ClientSslMode) -> Verdict {
        let Some(chain) = self.chain else {
            return self.refused(
                sslmode,
                Obstacle::new("server does not support SSL, but SSL was required")
                    .cure("set up TLS on the server"),
            );
        };
        let verifies = sslmode >= ClientSslMode::VerifyCa;
        let Some(roots) = self.roots else {
            return match verifies {
                true => self.refused(
                    sslmode,
                    Obstacle::new("root certificate file does not exist").cure(
                        "give clients the certificate of the authority as sslrootcert: pg-certs export-ca",
                    ),
                ),
                false => self.connected(
                    sslmode,
                    Outcome::Encrypted,
                    "encrypted, but nobody checks who the server is",
                ),
            };
        };
        // libpq verifies the chain in every mode with TLS once there is a root certificate file.
        if let Err(obstacle) = path::judge(chain, roots, self.now) {
            return self.refused(sslmode, obstacle);
        }
        if sslmode != ClientSslMode::VerifyFull {
            return self.connected(
                sslmode,
                Outcome::AuthorityVerified,
                "encrypted, and the chain leads to sslrootcert; the host name is not compared",
            );
        }
        match chain.first().map(|leaf| CertificateInfo::from_der(leaf)) {
            Some(Ok(leaf)) => self.compare_host(&leaf),
            _ => self.refused(sslmode, Obstacle::new("the certificate cannot be parsed")),
        }
    }

    fn compare_host(&self, leaf: &CertificateInfo) -> Verdict {
        let sslmode = ClientSslMode::VerifyFull;
        let matched = HostMatch::of(leaf, self.host);
        if !matched.is_match() {
            let reason = mismatch_text(leaf, self.host);
            return self.refused(
                sslmode,
                Obstacle::new(reason).cure(format!(
                    "issue the certificate for \"{}\" too, or connect to a name that it has",
                    self.host
                )),
            );
        }
        Verdict {
            caution: matched.caution().map(str::to_owned),
            ..self.connected(
                sslmode,
                Outcome::NameVerified,
                "encrypted, and the server is who the host name says",
            )
        }
    }

    fn connected(&self, sslmode: ClientSslMode, outcome: Outcome, reason: &str) -> Verdict {
        Verdict {
            sslmode,
            host: self.host.to_owned(),
            outcome,
            reason: reason.to_owned(),
            cure: None,
            caution: None,
        }
    }

    fn refused(&self, sslmode: ClientSslMode, obstacle: Obstacle) -> Verdict {
        Verdict {
            cure: obstacle.cure,
            ..self.connected(sslmode, Outcome::Refused, &obstacle.reason)
        }
    }
}

#[cfg(test)]
mod tests;
