//! Will libpq connect? Pure functions from what was seen to an answer for each `sslmode`.
//!
//! [`crate::verdict`] foretells it for a server that does not run yet, from its files; here the server has
//! spoken, and its own words and libpq's ways around them count.
//!
//! Source: `fe-connect.c` and `fe-secure-openssl.c` of PostgreSQL 17; spec sections 8.2 and 3.2.

use super::report::{Login, SslAnswer, Trust, Verdict};
use crate::verdict::ClientSslMode;

/// What the verdicts rest on.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub(super) answer: &'a SslAnswer,
    pub(super) plaintext: &'a Login,
    /// The login in TLS, or why there was no handshake.
    pub(super) tls: Result<&'a Login, Handshake<'a>>,
    /// With the `sslrootcert` given; `None` without.
    pub(super) trusted: Option<&'a Trust>,
    /// Each host name, and whether the certificate is for it.
    pub(super) hosts: &'a [(String, Result<(), String>)],
    /// Who issued the last certificate of the chain.
    pub(super) issuer: Option<&'a str>,
    /// Whether channel binding by the certificate is undefined, so that libpq fails at SCRAM-SHA-256-PLUS.
    pub(super) no_binding: bool,
    pub(super) key_unproven: bool,
    pub(super) client_authorities: &'a [String],
    pub(super) client_certificate_requested: bool,
}

/// A handshake that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handshake<'a> {
    pub(super) reason: &'a str,
    /// Whether OpenSSL could fare better.
    pub(super) undecided: bool,
}

/// The answers, one for each mode, for `verify-full` one for each host.
pub(super) fn judge(facts: &Facts<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for mode in ClientSslMode::ALL {
        match mode {
            ClientSslMode::VerifyFull => {
                for (host, name) in facts.hosts {
                    let path = facts.with_tls(Checks::Name(name));
                    verdicts.push(verdict(mode, Some(host.clone()), facts.must(path)));
                }
            }
            _ => verdicts.push(verdict(mode, None, facts.path(mode))),
        }
    }
    verdicts
}

fn verdict(sslmode: ClientSslMode, host: Option<String>, path: Path) -> Verdict {
    let (connects, encrypted, reason, fix) = match path {
        Path::In { encrypted, reason } => (Some(true), Some(encrypted), reason, None),
        Path::Out { reason, fix, .. } => (Some(false), None, reason, fix),
        Path::Unknown { reason, fix } => (None, None, reason, fix),
    };
    Verdict {
        sslmode,
        host,
        connects,
        encrypted,
        reason,
        fix,
    }
}

/// Where a way of connecting leads.
#[derive(Clone, Debug)]
enum Path {
    In {
        encrypted: bool,
        reason: String,
    },
    Out {
        reason: String,
        fix: Option<String>,
        /// Whether libpq tries the other way then, if the mode has one.
        retry: bool,
    },
    Unknown {
        reason: String,
        fix: Option<String>,
    },
}

/// What a client checks of the certificate.
#[derive(Clone, Copy, Debug)]
enum Checks<'a> {
    /// The chain, if there is an `sslrootcert`: libpq does not ask the mode.
    IfRoots,
    /// The chain.
    Chain,
    /// The chain and a name.
    Name(&'a Result<(), String>),
}

impl Facts<'_> {
    fn path(&self, mode: ClientSslMode) -> Path {
        match mode {
            ClientSslMode::Disable => self.in_clear(),
            ClientSslMode::Allow => match self.in_clear() {
                Path::Out {
                    reason,
                    retry: true,
                    ..
                } => after(
                    &reason,
                    "tries TLS",
                    self.must(self.with_tls(Checks::IfRoots)),
                ),
                other => other,
            },
            ClientSslMode::Prefer => match self.answer {
                SslAnswer::Refused => self.in_clear(),
                SslAnswer::Accepted => match self.with_tls(Checks::IfRoots) {
                    Path::Out {
                        reason,
                        retry: true,
                        ..
                    } => after(&reason, "falls back to plaintext", self.in_clear()),
                    other => other,
                },
                _ => self.no_answer(),
            },
            ClientSslMode::Require => self.must(self.with_tls(Checks::IfRoots)),
            ClientSslMode::VerifyCa | ClientSslMode::VerifyFull => {
                self.must(self.with_tls(Checks::Chain))
            }
        }
    }

    /// TLS or nothing.
    fn must(&self, with_tls: Path) -> Path {
        match self.answer {
            SslAnswer::Accepted => with_tls,
            SslAnswer::Refused => Path::Out {
                reason: "server does not support SSL, but SSL was required".to_owned(),
                fix: Some("switch TLS on in the server (PostgreSQL: ssl = on)".to_owned()),
                retry: false,
            },
            _ => self.no_answer(),
        }
    }

    fn no_answer(&self) -> Path {
        let (reason, fix) = match self.answer {
            SslAnswer::Error => (
                "server sent an error response during SSL exchange".to_owned(),
                "a server must answer SSLRequest with S or N".to_owned(),
            ),
            SslAnswer::Unknown { byte } => (
                format!(
                    "received invalid response to SSL negotiation: {}",
                    char::from(*byte).escape_default()
                ),
                "is this a PostgreSQL server's port?".to_owned(),
            ),
            SslAnswer::None { reason } => (
                format!("no answer to SSLRequest: {reason}"),
                "is this a PostgreSQL server's port, and does anything between drop it?".to_owned(),
            ),
            SslAnswer::Accepted | SslAnswer::Refused => (String::new(), String::new()),
        };
        Path::Out {
            reason,
            fix: Some(fix),
            retry: false,
        }
    }

    fn in_clear(&self) -> Path {
        if let Login::Asks { methods } = self.plaintext
            && methods.iter().any(|method| method == PLUS)
        {
            return Path::Out {
                reason: format!("server offered {PLUS} authentication over a non-SSL connection"),
                fix: Some(format!(
                    "do not offer {PLUS} without TLS or behind a proxy that ends it"
                )),
                retry: false,
            };
        }
        self.login(self.plaintext, false)
    }

    fn with_tls(&self, checks: Checks<'_>) -> Path {
        let login = match self.tls {
            Ok(login) => login,
            Err(Handshake {
                reason,
                undecided: true,
            }) => {
                return Path::Unknown {
                    reason: format!("no handshake: {reason}"),
                    fix: Some(
                        "OpenSSL knows ciphers that this program lacks; offer ECDHE with AES-GCM"
                            .to_owned(),
                    ),
                };
            }
            Err(Handshake { reason, .. }) => {
                return Path::Out {
                    reason: format!("the TLS handshake fails: {reason}"),
                    fix: None,
                    retry: true,
                };
            }
        };
        // A client that verifies does so before it says who it is.
        self.check_certificate(checks)
            .unwrap_or_else(|| self.login(login, true))
    }

    /// What stands in the way before the login.
    fn check_certificate(&self, checks: Checks<'_>) -> Option<Path> {
        let out = |reason: String, fix: String| {
            Some(Path::Out {
                reason,
                fix: Some(fix),
                retry: true,
            })
        };
        if self.key_unproven {
            return out(
                "the server does not prove that it has the key of its certificate".to_owned(),
                "give the server the key of this certificate; if it has it, somebody is in between"
                    .to_owned(),
            );
        }
        if let (Checks::Name(Err(mismatch)), None | Some(Trust::Trusted)) = (checks, self.trusted) {
            return out(
                mismatch.clone(),
                "reissue the certificate with this name in its subjectAltName, or connect by a name \
                 that it has"
                    .to_owned(),
            );
        }
        match (checks, self.trusted) {
            (_, Some(Trust::Trusted)) | (Checks::IfRoots, None) => None,
            (_, Some(Trust::Refused { reason, fix })) => Some(Path::Out {
                reason: reason.clone(),
                fix: fix.clone(),
                retry: true,
            }),
            (_, Some(Trust::Unknown { reason })) => Some(Path::Unknown {
                reason: reason.clone(),
                fix: Some("reissue the certificate as version 3".to_owned()),
            }),
            (Checks::Chain | Checks::Name(_), None) => Some(Path::Unknown {
                reason: "depends on the client's sslrootcert".to_owned(),
                fix: Some(format!(
                    "name it with --root-cert; it must hold the certificate of \"{}\"",
                    self.issuer.unwrap_or("the root")
                )),
            }),
        }
    }

    fn login(&self, login: &Login, encrypted: bool) -> Path {
        match login {
            Login::Admitted => Path::In {
                encrypted,
                reason: "in without a password".to_owned(),
            },
            Login::Asks { methods } => {
                let plus = methods.iter().any(|method| method == PLUS);
                if plus && self.no_binding {
                    return Path::Out {
                        reason: "could not find digest for NID UNDEF".to_owned(),
                        fix: Some(
                            "have the certificate signed by RSA or ECDSA, or connect with \
                             channel_binding=disable"
                                .to_owned(),
                        ),
                        retry: false,
                    };
                }
                Path::In {
                    encrypted,
                    reason: format!("asks for {}", methods.join(", ")),
                }
            }
            Login::Refused {
                sqlstate, message, ..
            } => Path::Out {
                reason: format!(
                    "FATAL {}: {message}",
                    sqlstate.as_deref().unwrap_or("without a code")
                ),
                fix: self.fix(sqlstate.as_deref(), message, encrypted),
                // Not to go on to another host is all that 57P03 asks.
                retry: sqlstate.as_deref() != Some("57P03"),
            },
            Login::Ended {
                reason,
                silent: true,
            } => Path::Unknown {
                reason: format!("no answer to the startup packet: {reason}"),
                fix: None,
            },
            Login::Ended { reason, .. } => Path::Out {
                reason: format!("server closed the connection unexpectedly: {reason}"),
                fix: match encrypted {
                    true if self.client_certificate_requested => Some(self.client_certificate()),
                    false if *self.answer == SslAnswer::Accepted => Some(USE_TLS.to_owned()),
                    _ => None,
                },
                retry: false,
            },
        }
    }

    fn fix(&self, sqlstate: Option<&str>, message: &str, encrypted: bool) -> Option<String> {
        let fix = match sqlstate {
            Some("28000") if message.contains("client certificate") => self.client_certificate(),
            Some("28000") if message.contains("pg_hba.conf") && !encrypted => USE_TLS.to_owned(),
            Some("28000") if message.contains("pg_hba.conf") => {
                "add a rule for this user, database and address".to_owned()
            }
            Some("28000") if message.contains("role") => {
                "name a user who exists with --user".to_owned()
            }
            Some("3D000") => "name a database that exists with --database".to_owned(),
            Some("53300") => "the server has no connection left; try again later".to_owned(),
            Some("57P03") => "the server is starting or stopping; try again later".to_owned(),
            _ => return None,
        };
        Some(fix)
    }

    fn client_certificate(&self) -> String {
        match self.client_authorities {
            [] => "give the client a certificate: sslcert and sslkey".to_owned(),
            names => format!(
                "give the client a certificate (sslcert and sslkey) issued by \"{}\"",
                names.join("\" or \"")
            ),
        }
    }
}

/// The second way, with the reason why it was needed.
fn after(why: &str, what: &str, path: Path) -> Path {
    let joined = |reason: &str| format!("{what} ({why}): {reason}");
    match path {
        Path::In { encrypted, reason } => Path::In {
            encrypted,
            reason: joined(&reason),
        },
        Path::Out { reason, fix, retry } => Path::Out {
            reason: joined(&reason),
            fix,
            retry,
        },
        Path::Unknown { reason, fix } => Path::Unknown {
            reason: joined(&reason),
            fix,
        },
    }
}

const USE_TLS: &str =
    "use TLS (sslmode=require or stronger), or let the server's rules admit plaintext";
const PLUS: &str = "SCRAM-SHA-256-PLUS";

#[cfg(test)]
mod tests;
