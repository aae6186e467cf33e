//! How clients prove who they are: one file for each method, and here the order of things.

mod conversation;
mod password;
mod scram;

use bytes::{Bytes, BytesMut};
use pg_auth::hba::{CertificateNames, Connection, Method, NameCheck};
use pg_auth::scram::ScramError;
use pg_tls::{AuthMethod, LogLine, Peer, Refusal, Session, SslMode};
use pg_wire::startup::Replication;
use pg_wire::{Severity, SqlState};
use tokio::io::{AsyncRead, AsyncWrite};

use self::conversation::Conversation;
use crate::access::{AccessPolicy, Rule, hba_peer};
use crate::error::SessionError;
use crate::report;

/// Everything between the StartupMessage and AuthenticationOk, in PostgreSQL's order: rule, client
/// certificate, method, certificate's name (spec §1.2). Both the mode and the rule must be content.
///
/// Runs under `authentication_timeout`. What has been said and not sent is left in `output`.
pub(crate) async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
    access: &AccessPolicy,
    mode: SslMode,
    session: &mut Session<S>,
    output: &mut BytesMut,
) -> Result<(), SessionError> {
    session.check_encryption(mode)?;
    let startup = &session.startup;
    let connection = Connection {
        peer: hba_peer(session.peer, session.tls.is_some()),
        user: startup.user().unwrap_or_default(),
        database: startup.database().unwrap_or_default(),
        physical_replication: startup.replication() == Ok(Replication::Physical),
    };
    let rule = access.rule(&connection).await?;
    if rule.wants_certificate() {
        session.require_certificate()?;
    }
    session.admit(mode)?;

    let login = Login {
        user: Bytes::copy_from_slice(connection.user),
        peer: session.peer,
        rule,
    };
    login.prove(access, session, output).await?;
    login.check_names(mode, session)
}

/// A login whose rule is known.
struct Login<'a> {
    user: Bytes,
    peer: Peer,
    rule: Rule<'a>,
}

impl Login<'_> {
    /// Lets the client do what the method asks for.
    async fn prove<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        access: &AccessPolicy,
        session: &mut Session<S>,
        output: &mut BytesMut,
    ) -> Result<(), SessionError> {
        let mut conversation = Conversation::new(session, output);
        let credential = || access.credential(&self.user);
        let proved = match self.rule.method() {
            Method::ScramSha256 => scram::run(&mut conversation, credential()).await,
            Method::Password => password::run(&mut conversation, credential()).await,
            // A certificate has proved itself in the handshake; a rejection was the rule's.
            Method::Trust | Method::Cert | Method::Reject => return Ok(()),
        };
        proved.map_err(|unproven| match unproven {
            Unproven::Wrong(logged) => self.wrong_password(logged, access).into(),
            Unproven::Ended(error) => error,
        })?;
        report::identity(&self.peer, &self.user, &self.rule);
        Ok(())
    }

    /// Compares the certificate's name with the user, where rule or mode want that.
    fn check_names<S>(&self, mode: SslMode, session: &Session<S>) -> Result<(), SessionError> {
        let names = session.client_certificate();
        let names = names.map_or_else(CertificateNames::default, |it| (&it.info).into());
        if let Some(check) = self.rule.check_certificate(&names, &self.user) {
            self.conclude(check)?;
        }
        let told_as = match self.rule.method() {
            Method::Trust | Method::Reject => AuthMethod::Trust,
            Method::Cert => AuthMethod::Cert,
            Method::ScramSha256 | Method::Password => AuthMethod::Password,
        };
        session
            .check_client_name(mode, told_as)
            .map_err(|refusal| self.rule.with_detail(refusal))?;
        if self.rule.method() == Method::Trust {
            report::trusted(&self.peer, &self.user, &self.rule);
        }
        Ok(())
    }

    fn conclude(&self, check: NameCheck) -> Result<(), Refusal> {
        if let Some(identity) = &check.identity {
            report::identity(&self.peer, identity.as_bytes(), &self.rule);
        }
        // PostgreSQL gives these no code of their own.
        let line = |text| LogLine::new(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text);
        let lines: Vec<LogLine> = check.log.into_iter().map(line).collect();
        match check.refusal {
            Some(response) => Err(self.rule.with_detail(Refusal::new(response, lines))),
            None => {
                report::remarks(&self.peer, &lines);
                Ok(())
            }
        }
    }

    /// The one text for wrong passwords, unknown users, and messages too long to be looked at (spec §6.4).
    /// The log says more (`auth_failed` and `get_role_password` in PostgreSQL).
    fn wrong_password(&self, logged: Option<&'static str>, access: &AccessPolicy) -> Refusal {
        let user = self.user.clone();
        let response = ScramError::PasswordFailed { user }.response();
        let line = |text| LogLine::new(Severity::Log, SqlState::PROTOCOL_VIOLATION, text);
        let refusal = Refusal::new(response, logged.map(line).into_iter().collect());
        let refusal = if access.knows(&self.user) {
            refusal
        } else {
            let name = String::from_utf8_lossy(&self.user);
            refusal.with_log_detail(&format!("Role \"{name}\" does not exist."))
        };
        self.rule.with_detail(refusal)
    }
}

/// Why a client has not proved to be the user.
enum Unproven {
    /// It was wrong, or had a message that cannot be looked at: then, the line for the log.
    Wrong(Option<&'static str>),
    /// It came to nothing.
    Ended(SessionError),
}

impl From<SessionError> for Unproven {
    fn from(error: SessionError) -> Self {
        Self::Ended(error)
    }
}

impl From<Refusal> for Unproven {
    fn from(refusal: Refusal) -> Self {
        Self::Ended(refusal.into())
    }
}
