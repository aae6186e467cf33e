//! The log, in PostgreSQL's words (spec §7.2). Every line of the server is written here, but for those about
//! staples.
//!
//! What a client chose is escaped: a name cannot start a line of its own.

use std::fmt::{self, Write as _};
use std::io;
use std::net::SocketAddr;
#[cfg(feature = "auto-renew")]
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "auto-renew")]
use pg_certs::CertificateInfo;
use pg_certs::files::WriteError;
use pg_tls::{LogLine, NegotiateError, Peer, TlsInfo};
use pg_wire::frame::FrameError;
use pg_wire::startup::{Replication, StartupMessage};
use pg_wire::{Severity, SqlState};

use crate::access::{AccessPolicy, Rule};
use crate::budget::Evicted;
use crate::error::SessionError;
use crate::reload::{ConfigurationError, ConfigurationErrors, Generation, ReloadTrigger};
#[cfg(feature = "auto-renew")]
use crate::renewal::RenewalError;

/// How many of the changed files the log names: of a whole new set, the first say which it is.
const NAMED_FILES: usize = 4;

/// The target of all lines, for filters such as `RUST_LOG=heliosdb_server=info`.
pub(crate) const TARGET: &str = "heliosdb_server";

pub(crate) fn connection_received(peer: &Peer) {
    tracing::info!(target: TARGET, "connection received: {peer}");
}

/// The client has proved to be somebody, who may yet not be allowed to be the user.
pub(crate) fn identity(peer: &Peer, identity: &[u8], rule: &Rule<'_>) {
    let (identity, by) = (Text(identity), By(rule));
    tracing::info!(
        target: TARGET,
        %peer,
        "connection authenticated: identity=\"{identity}\" {by}"
    );
}

/// The line of PostgreSQL 17 and later for methods that set no identity.
pub(crate) fn trusted(peer: &Peer, user: &[u8], rule: &Rule<'_>) {
    let (user, by) = (Text(user), By(rule));
    tracing::info!(
        target: TARGET,
        %peer,
        "connection authenticated: user=\"{user}\" {by}"
    );
}

/// What was noticed about a client that is let in nevertheless.
pub(crate) fn remarks(peer: &Peer, lines: &[LogLine]) {
    for line in lines {
        log_line(peer, line);
    }
}

/// Who may connect, and what of it will never work.
pub(crate) fn access(policy: &AccessPolicy) {
    let (description, warnings) = policy.describe();
    tracing::info!(target: TARGET, "{description}");
    for warning in warnings {
        tracing::warn!(target: TARGET, "{warning}");
    }
}

pub(crate) fn mock_secret_not_kept(error: &WriteError) {
    tracing::warn!(
        target: TARGET,
        hint = "Set \"scram_mock_secret_file\" to a file that can be written.",
        "the next start will change the salts of users that do not exist, which tells them from those that do: \
         {error}"
    );
}

/// The files of the server's certificate have a new one.
#[cfg(feature = "auto-renew")]
pub(crate) fn renewed(path: &Path, certificate: &CertificateInfo) {
    tracing::info!(
        target: TARGET,
        "renewed the certificate in \"{}\", valid until {}",
        path.display(),
        certificate.not_after_text()
    );
}

#[cfg(feature = "auto-renew")]
pub(crate) fn not_renewed(path: &Path, end: Option<&str>, error: &RenewalError) {
    let end = end
        .map(|end| format!(", which ends on {end}"))
        .unwrap_or_default();
    tracing::warn!(
        target: TARGET,
        hint = "The old one is kept. Check \"ssl_auto_renew_ca_cert_file\" and \"ssl_auto_renew_ca_key_file\"; this is tried again.",
        "could not renew the certificate in \"{}\"{end}: {error}",
        path.display()
    );
}

/// PostgreSQL's line where PostgreSQL has one. `changed` is why, if that is the trigger.
pub(crate) fn reloading(trigger: ReloadTrigger, changed: &[PathBuf]) {
    if changed.is_empty() {
        tracing::info!(target: TARGET, "{trigger}, reloading configuration files");
    } else {
        let shown = changed.iter().take(NAMED_FILES);
        let mut names: Vec<String> = shown
            .map(|path| format!("\"{}\"", path.display()))
            .collect();
        match changed.len().saturating_sub(NAMED_FILES) {
            0 => {}
            more => names.push(format!("and {more} more")),
        }
        let names = names.join(", ");
        tracing::info!(target: TARGET, "{trigger} ({names}), reloading configuration files");
    }
}

/// Files are looked at regularly instead.
pub(crate) fn no_notices(error: &notify::Error, interval: Duration) {
    tracing::warn!(
        target: TARGET,
        hint = "Raise fs.inotify.max_user_instances or fs.inotify.max_user_watches if they are used up.",
        "could not ask the system to tell of changed files, which are looked at every {interval:?} instead: \
         {}",
        Chain(error)
    );
}

/// New connections use this from now on.
pub(crate) fn reloaded(generation: &Generation) {
    access(&generation.access);
    tracing::info!(
        target: TARGET,
        generation = generation.number,
        "configuration was reloaded"
    );
}

/// Everything stays as it was. The reasons first, then PostgreSQL's lines about what they concern.
pub(crate) fn not_reloaded(errors: &ConfigurationErrors) {
    for error in &errors.0 {
        let hint = error.hint();
        let chain = Chain(error);
        tracing::warn!(target: TARGET, hint, "{chain}");
    }
    let is_tls = |error: &ConfigurationError| {
        matches!(
            error,
            ConfigurationError::Tls(_) | ConfigurationError::Expired { .. }
        )
    };
    if errors.0.iter().any(is_tls) {
        tracing::warn!(target: TARGET, "SSL configuration was not reloaded");
    }
    tracing::warn!(
        target: TARGET,
        "configuration was not reloaded: all that held before holds on"
    );
}

pub(crate) fn connection_authorized(peer: &Peer, startup: &StartupMessage, tls: Option<&TlsInfo>) {
    tracing::info!(target: TARGET, %peer, "{}", Authorized { startup, tls });
}

pub(crate) fn disconnection(startup: &StartupMessage, peer: &Peer, session_time: Duration) {
    let user = Text(startup.user().unwrap_or_default());
    let database = Text(startup.database().unwrap_or_default());
    let time = SessionTime(session_time);
    tracing::info!(
        target: TARGET,
        "disconnection: session time: {time} user={user} database={database} {peer}"
    );
}

/// A connection that came to nothing before it asked for a session.
pub(crate) fn negotiation_failed(peer: &Peer, error: &NegotiateError) {
    match error.log_line() {
        Some(line) => log_line(peer, &line),
        None => tracing::debug!(target: TARGET, %peer, "{error}"),
    }
}

/// A session that ended otherwise than by its client's wish.
pub(crate) fn session_failed(peer: &Peer, error: &SessionError) {
    match error {
        SessionError::Refused(refusal) => {
            for line in refusal.log_lines() {
                log_line(peer, line);
            }
        }
        SessionError::Evicted | SessionError::ClientLeft => {
            tracing::debug!(target: TARGET, %peer, "{error}");
        }
        // The end that the operator asked for is no news.
        SessionError::AdminShutdown | SessionError::ShuttingDown => {
            plain(Severity::Log, peer, error.sqlstate(), error);
        }
        SessionError::ClientReceive(_)
        | SessionError::ClientSend(_)
        | SessionError::DamagedMessage(_)
        | SessionError::Violation(FrameError::InvalidLength { .. }) => {
            plain(Severity::Log, peer, error.sqlstate(), &Chain(error));
        }
        _ => plain(Severity::Fatal, peer, error.sqlstate(), &Chain(error)),
    }
}

/// The client closed its side without Terminate.
pub(crate) fn client_vanished(peer: &Peer, in_transaction: bool) {
    if in_transaction {
        tracing::info!(
            target: TARGET,
            %peer,
            "unexpected EOF on client connection with an open transaction"
        );
    } else {
        tracing::debug!(target: TARGET, %peer, "unexpected EOF on client connection");
    }
}

/// The farewell did not reach the client.
pub(crate) fn close_failed(peer: &Peer, error: &io::Error) {
    tracing::debug!(target: TARGET, %peer, "could not close the connection in good order: {error}");
}

/// A CancelRequest that names no session, or not with its key.
pub(crate) fn cancel_unmatched(peer: &Peer, reason: &dyn fmt::Display) {
    tracing::info!(target: TARGET, %peer, "{reason}");
}

pub(crate) fn cancel_delivered(process_id: i32) {
    tracing::debug!(target: TARGET, "processing cancel request for process {process_id}");
}

pub(crate) fn cancel_impossible(process_id: i32, engine: &str) {
    tracing::info!(
        target: TARGET,
        "cancel request for process {process_id} has no effect: the database engine \"{engine}\" \
         cannot interrupt a statement"
    );
}

pub(crate) fn cancel_failed(process_id: i32, error: &dyn std::error::Error) {
    let error = Chain(error);
    tracing::warn!(target: TARGET, "cancel request for process {process_id} failed: {error}");
}

pub(crate) fn listening(address: SocketAddr) {
    tracing::info!(target: TARGET, "listening on {address}");
}

pub(crate) fn accept_failed(error: &io::Error, pause: Option<Duration>) {
    match pause {
        Some(pause) => tracing::warn!(
            target: TARGET,
            "could not accept new connection: {error}; trying again every {pause:?}"
        ),
        None => tracing::debug!(target: TARGET, "could not accept new connection: {error}"),
    }
}

/// Room was made for a connection that waits for login. `aloud` tells the operator, too.
pub(crate) fn evicted(evicted: Evicted, aloud: bool) {
    let Evicted { peer, limit } = evicted;
    tracing::debug!(target: TARGET, %peer, limit, "{}", SessionError::Evicted);
    if aloud {
        tracing::warn!(
            target: TARGET,
            hint = format!("If these are clients of yours, raise \"{limit}\"."),
            "{}, from {}",
            SessionError::Evicted,
            peer.ip()
        );
    }
}

pub(crate) fn task_failed(error: &tokio::task::JoinError) {
    tracing::error!(target: TARGET, "a connection's task failed: {error}");
}

pub(crate) fn shutting_down() {
    tracing::info!(target: TARGET, "received shutdown request");
}

pub(crate) fn engine_still_busy(engine: &str, limit: Duration) {
    tracing::warn!(
        target: TARGET,
        "the database engine \"{engine}\" still runs statements {limit:?} after the last session ended"
    );
}

pub(crate) fn shut_down() {
    tracing::info!(target: TARGET, "database system is shut down");
}

fn log_line(peer: &Peer, line: &LogLine) {
    let (detail, hint) = (line.detail.as_deref(), line.hint.as_deref());
    write_line(
        line.severity,
        peer,
        line.sqlstate,
        &line.message,
        detail,
        hint,
    );
}

fn plain(severity: Severity, peer: &Peer, sqlstate: SqlState, message: &dyn fmt::Display) {
    write_line(severity, peer, sqlstate, &message.to_string(), None, None);
}

fn write_line(
    severity: Severity,
    peer: &Peer,
    sqlstate: SqlState,
    message: &str,
    detail: Option<&str>,
    hint: Option<&str>,
) {
    let message = Text(message.as_bytes());
    if severity >= Severity::Error {
        tracing::warn!(target: TARGET, %severity, %peer, %sqlstate, detail, hint, "{message}");
    } else {
        tracing::info!(target: TARGET, %severity, %peer, %sqlstate, detail, hint, "{message}");
    }
}

/// `method=scram-sha-256 (pg_hba.conf:7)`.
struct By<'a>(&'a Rule<'a>);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "method={}", self.0.method())?;
        match self.0.place() {
            Some((file, line)) => write!(f, " ({}:{line})", file.display()),
            None => Ok(()),
        }
    }
}

/// `connection authorized: …`, one line, items separated by single spaces.
struct Authorized<'a> {
    startup: &'a StartupMessage,
    tls: Option<&'a TlsInfo>,
}

impl fmt::Display for Authorized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = Text(self.startup.user().unwrap_or_default());
        if self.startup.replication() == Ok(Replication::Physical) {
            write!(f, "replication connection authorized: user={user}")?;
        } else {
            let database = Text(self.startup.database().unwrap_or_default());
            write!(f, "connection authorized: user={user} database={database}")?;
        }
        if let Some(name) = self.startup.application_name()
            && !name.is_empty()
        {
            write!(f, " application_name={}", Ascii(name))?;
        }
        match self.tls {
            Some(tls) => write!(
                f,
                " SSL enabled (protocol={}, cipher={}, bits={})",
                tls.version, tls.cipher, tls.bits
            ),
            None => Ok(()),
        }
    }
}

/// `H:MM:SS.mmm`.
struct SessionTime(Duration);

impl fmt::Display for SessionTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(f, "{hours}:{minutes:02}:{:02}.{millis:03}", seconds % 60)
    }
}

/// Text with control characters and what is not UTF-8 as `\xNN`.
struct Text<'a>(&'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() {
                    let mut utf8 = [0; 4];
                    write_hex(f, character.encode_utf8(&mut utf8).as_bytes())?;
                } else {
                    f.write_char(character)?;
                }
            }
            write_hex(f, chunk.invalid())?;
        }
        Ok(())
    }
}

/// Text with everything but printable ASCII as `\xNN`: PostgreSQL's `pg_clean_ascii`.
struct Ascii<'a>(&'a [u8]);

impl fmt::Display for Ascii<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            match byte {
                b' '..=b'~' => f.write_char(char::from(*byte))?,
                _ => write_hex(f, std::slice::from_ref(byte))?,
            }
        }
        Ok(())
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

/// An error with its causes, each once, the operating system's as `%m` prints them in PostgreSQL:
/// without Rust's "(os error 104)".
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let mut text = error.to_string();
            if let Some(end) = text.find(" (os error ") {
                text.truncate(end);
            }
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pg_wire::ProtocolVersion;

    use super::*;

    fn authorized(parameters: &[(&str, &[u8])]) -> String {
        let startup = parameters.iter().fold(
            StartupMessage::new(ProtocolVersion::V3_0),
            |startup, (name, value)| startup.with_parameter(name, value),
        );
        let tls = None;
        Authorized {
            startup: &startup,
            tls,
        }
        .to_string()
    }

    #[test]
    fn the_authorized_line_has_the_items_that_there_are() {
        assert_eq!(
            authorized(&[("user", b"alice")]),
            "connection authorized: user=alice database=alice"
        );
        assert_eq!(
            authorized(&[
                ("user", b"alice"),
                ("database", b"db"),
                ("application_name", b"psql")
            ]),
            "connection authorized: user=alice database=db application_name=psql"
        );
        assert_eq!(
            authorized(&[("user", b"repl"), ("replication", b"true")]),
            "replication connection authorized: user=repl"
        );
    }

    #[test]
    fn what_a_client_chose_stays_on_its_line() {
        assert_eq!(
            authorized(&[
                ("user", "a\nFATAL: ü\u{7f}".as_bytes()),
                ("database", b"d\xff"),
                ("application_name", "é\t".as_bytes()),
            ]),
            "connection authorized: user=a\\x0aFATAL: ü\\x7f database=d\\xff \
             application_name=\\xc3\\xa9\\x09"
        );
    }

    #[test]
    fn session_time_has_postgresqls_form() {
        let time = Duration::from_millis(3_600_000 + 2 * 60_000 + 3_004);
        assert_eq!(SessionTime(time).to_string(), "1:02:03.004");
    }

    #[test]
    fn causes_are_named_once() {
        let inner = io::Error::other("no such luck");
        let error = SessionError::EngineIo(inner);
        assert_eq!(
            Chain(&error).to_string(),
            "the connection to the database engine broke: no such luck"
        );
        let error = SessionError::ClientReceive(io::Error::from_raw_os_error(104));
        assert_eq!(
            Chain(&error).to_string(),
            "could not receive data from client: Connection reset by peer"
        );
    }
}
