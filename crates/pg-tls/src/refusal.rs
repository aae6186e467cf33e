//! `Refusal`: a policy verdict in PostgreSQL's words, for the client and for the log.

use std::borrow::Cow;
use std::fmt;

use pg_wire::backend::ErrorResponse;
use pg_wire::{Severity, SqlState};

use crate::log_line::LogLine;
use crate::policy::{Denial, NameDenial};

/// How the client proved who it is, as far as the texts of specification §4.3 differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMethod {
    /// `trust`: by saying so.
    Trust,
    /// `cert`: by its certificate alone.
    Cert,
    /// `scram-sha-256`, `md5`, `password`: by a password.
    Password,
}

/// The connection is turned away: what the client is sent, and what the log says.
///
/// The client's text never says more than PostgreSQL's would; the details are in the log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    response: ErrorResponse,
    log_lines: Vec<LogLine>,
}

/// Who asked for what, as the texts name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The numeric address, or `[local]`.
    pub(crate) host: &'a str,
    pub(crate) user: &'a [u8],
    pub(crate) database: &'a [u8],
    pub(crate) physical_replication: bool,
    pub(crate) encrypted: bool,
}

impl Refusal {
    /// A refusal for reasons of the server's own. The log gets `preceding`, then a FATAL with the text,
    /// code and detail of the response.
    #[must_use]
    pub fn new(response: ErrorResponse, preceding: Vec<LogLine>) -> Self {
        let code = response.code().unwrap_or(SqlState::INTERNAL_ERROR);
        let mut fatal = LogLine::new(Severity::Fatal, code, response.message());
        fatal.detail = response.detail().map(Cow::into_owned);
        fatal.hint = response.hint().map(Cow::into_owned);
        let mut log_lines = preceding;
        log_lines.push(fatal);
        Self {
            response,
            log_lines,
        }
    }

    /// Adds lines to the DETAIL of the log's FATAL, which the client does not see.
    #[must_use]
    pub fn with_log_detail(mut self, text: &str) -> Self {
        if let Some(fatal) = self.log_lines.last_mut() {
            let detail = fatal.detail.get_or_insert_default();
            if !detail.is_empty() {
                detail.push('\n');
            }
            detail.push_str(text);
        }
        self
    }

    /// The message for the client; it goes out in clear or inside TLS, as the connection stands, and
    /// is the last one.
    #[must_use]
    pub const fn response(&self) -> &ErrorResponse {
        &self.response
    }

    /// The lines for the log, in order; the last is the FATAL that the client is sent.
    #[must_use]
    pub fn log_lines(&self) -> &[LogLine] {
        &self.log_lines
    }

    /// The SQLSTATE the client is sent.
    #[must_use]
    pub fn sqlstate(&self) -> SqlState {
        self.log_lines
            .last()
            .map_or(SqlState::INTERNAL_ERROR, |fatal| fatal.sqlstate)
    }

    /// `no pg_hba.conf entry …` (specification §4.2): no rule serves this connection. For servers
    /// whose rules are their own; [`Session::admit`](crate::Session::admit) builds it from an
    /// [`SslMode`](crate::SslMode).
    pub(crate) fn no_matching_rule(asked: Asked<'_>) -> Self {
        let mut text = b"no pg_hba.conf entry for ".to_vec();
        if asked.physical_replication {
            text.extend_from_slice(b"replication connection from ");
        }
        text.extend_from_slice(b"host \"");
        text.extend_from_slice(asked.host.as_bytes());
        text.extend_from_slice(b"\", user \"");
        text.extend_from_slice(asked.user);
        if !asked.physical_replication {
            text.extend_from_slice(b"\", database \"");
            text.extend_from_slice(asked.database);
        }
        text.extend_from_slice(if asked.encrypted {
            b"\", SSL encryption"
        } else {
            b"\", no encryption"
        });
        Self::fatal(
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            &text,
            Vec::new(),
        )
    }

    pub(crate) fn denied(denial: Denial, asked: Asked<'_>) -> Self {
        match denial {
            Denial::NotEncrypted => Self::no_matching_rule(asked),
            Denial::NoClientCa => Self::fatal(
                SqlState::CONFIG_FILE_ERROR,
                b"client certificates can only be checked if a root certificate store is available",
                Vec::new(),
            ),
            Denial::NoClientCertificate => Self::fatal(
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                b"connection requires a valid client certificate",
                Vec::new(),
            ),
        }
    }

    /// The texts for a certificate that names somebody else than `user`, or nobody (`name` = `None`).
    pub(crate) fn wrong_name(
        denial: NameDenial,
        method: AuthMethod,
        user: &[u8],
        name: Option<&str>,
    ) -> Self {
        let shown = String::from_utf8_lossy(user);
        let log = |message: String| {
            // PostgreSQL gives these no code of their own.
            LogLine::new(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, message)
        };
        let mut preceding = Vec::new();
        match denial {
            NameDenial::NoName => preceding.push(log(format!(
                "certificate authentication failed for user \"{shown}\": client certificate contains no user name"
            ))),
            NameDenial::Mismatch => {
                let name = name.unwrap_or_default();
                preceding.push(log(format!(
                    "provided user name ({shown}) and authenticated user name ({name}) do not match"
                )));
                if method != AuthMethod::Cert {
                    preceding.push(log(format!(
                        "certificate validation (clientcert=verify-full) failed for user \"{shown}\": CN mismatch"
                    )));
                }
            }
        }
        let (sqlstate, what) = match method {
            AuthMethod::Trust => (
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                "\"trust\" authentication failed for user \"",
            ),
            AuthMethod::Cert => (
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                "certificate authentication failed for user \"",
            ),
            AuthMethod::Password => (
                SqlState::INVALID_PASSWORD,
                "password authentication failed for user \"",
            ),
        };
        let text = [what.as_bytes(), user, b"\""].concat();
        Self::fatal(sqlstate, &text, preceding)
    }

    fn fatal(sqlstate: SqlState, text: &[u8], preceding: Vec<LogLine>) -> Self {
        Self::new(ErrorResponse::fatal(sqlstate, text), preceding)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.log_lines.last().map_or("", |fatal| &fatal.message))
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'static> = Asked {
        host: "192.0.2.7",
        user: b"alice",
        database: b"app",
        physical_replication: false,
        encrypted: false,
    };

    #[test]
    fn a_refusal_of_the_servers_own_is_logged_as_it_is_told() {
        let response =
            ErrorResponse::fatal(SqlState::PROTOCOL_VIOLATION, "malformed SCRAM message")
                .with_detail("The message is empty.");
        let line = LogLine::new(Severity::Log, SqlState::PROTOCOL_VIOLATION, "before");
        let refusal = Refusal::new(response.clone(), vec![line.clone()]).with_log_detail("More.");
        assert_eq!(refusal.response(), &response);
        let [first, fatal] = refusal.log_lines() else {
            panic!("two lines");
        };
        assert_eq!(first, &line);
        assert_eq!(
            fatal.to_string(),
            "FATAL:  malformed SCRAM message\nDETAIL:  The message is empty.\nMore."
        );
        assert_eq!(refusal.sqlstate(), SqlState::PROTOCOL_VIOLATION);
    }

    #[test]
    fn texts_and_codes_of_admission() {
        let replication = Asked {
            physical_replication: true,
            encrypted: true,
            ..ASKED
        };
        let cases = [
            (
                Refusal::denied(Denial::NotEncrypted, ASKED),
                "28000",
                "no pg_hba.conf entry for host \"192.0.2.7\", user \"alice\", database \"app\", no encryption",
            ),
            (
                Refusal::no_matching_rule(replication),
                "28000",
                "no pg_hba.conf entry for replication connection from host \"192.0.2.7\", user \"alice\", SSL encryption",
            ),
            (
                Refusal::denied(Denial::NoClientCa, ASKED),
                "F0000",
                "client certificates can only be checked if a root certificate store is available",
            ),
            (
                Refusal::denied(Denial::NoClientCertificate, ASKED),
                "28000",
                "connection requires a valid client certificate",
            ),
        ];
        for (refusal, code, text) in cases {
            assert_eq!(refusal.to_string(), text);
            assert_eq!(refusal.sqlstate().as_str(), code);
            assert_eq!(refusal.response().message(), text);
            assert_eq!(refusal.response().severity(), Some(Severity::Fatal));
            assert_eq!(refusal.response().code(), Some(refusal.sqlstate()));
            assert_eq!(refusal.log_lines().len(), 1);
        }
    }

    #[test]
    fn texts_and_codes_of_the_name_check() {
        let mismatch = "provided user name (alice) and authenticated user name (bob) do not match";
        let cn = "certificate validation (clientcert=verify-full) failed for user \"alice\": CN mismatch";
        let trust = "\"trust\" authentication failed for user \"alice\"";
        let cert = "certificate authentication failed for user \"alice\"";
        let password = "password authentication failed for user \"alice\"";
        let no_name = "certificate authentication failed for user \"alice\": client certificate contains no user name";
        let cases: [(_, _, _, &[&str]); 6] = [
            (
                NameDenial::Mismatch,
                AuthMethod::Trust,
                "28000",
                &[mismatch, cn, trust],
            ),
            (
                NameDenial::Mismatch,
                AuthMethod::Cert,
                "28000",
                &[mismatch, cert],
            ),
            (
                NameDenial::Mismatch,
                AuthMethod::Password,
                "28P01",
                &[mismatch, cn, password],
            ),
            (
                NameDenial::NoName,
                AuthMethod::Trust,
                "28000",
                &[no_name, trust],
            ),
            (
                NameDenial::NoName,
                AuthMethod::Cert,
                "28000",
                &[no_name, cert],
            ),
            (
                NameDenial::NoName,
                AuthMethod::Password,
                "28P01",
                &[no_name, password],
            ),
        ];
        for (denial, method, code, lines) in cases {
            let name = (denial == NameDenial::Mismatch).then_some("bob");
            let refusal = Refusal::wrong_name(denial, method, b"alice", name);
            let logged: Vec<&str> = refusal.log_lines().iter().map(|l| &*l.message).collect();
            assert_eq!(logged, lines, "{denial:?} {method:?}");
            assert_eq!(refusal.sqlstate().as_str(), code);
            assert_eq!(refusal.response().message(), *lines.last().unwrap());
            let (last, preceding) = refusal.log_lines().split_last().unwrap();
            assert_eq!(last.severity, Severity::Fatal);
            assert!(preceding.iter().all(|line| line.severity == Severity::Log));
        }
    }

    #[test]
    fn the_client_gets_its_own_bytes_back() {
        let asked = Asked {
            user: b"al\xffice",
            ..ASKED
        };
        let refusal = Refusal::denied(Denial::NotEncrypted, asked);
        let message = refusal.response().to_bytes();
        assert!(message.windows(6).any(|w| w == b"al\xffice"));
        assert!(refusal.to_string().contains("al\u{fffd}ice"));
    }
}
