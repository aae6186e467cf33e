//! Who may connect, and how they prove who they are: the operator's files, loaded and judged.

mod config;
mod error;
mod lookups;
mod rule;

use std::net::SocketAddr;
use std::path::PathBuf;

use pg_auth::hba::{self, Connection, Known, Method, Verdict};
use pg_auth::ident::Maps;
use pg_auth::scram::{Credential, Iterations, MockSecret};
use pg_auth::users::Users;
use pg_tls::{Peer, Refusal};

pub use self::config::AccessConfig;
pub(crate) use self::config::TlsFacts;
pub use self::error::{AccessError, AccessErrors, Place};
use self::lookups::Resolver;
pub use self::lookups::SystemLookups;
pub(crate) use self::rule::Rule;
use crate::error::OpenToAll;

/// Everything that decides about a login. Immutable: another configuration makes another one.
#[derive(Debug)]
pub(crate) struct AccessPolicy {
    rules: Rules,
    users: Users,
    lasting: Lasting,
    iterations: Iterations,
    /// `dangerous_cleartext_passwords`.
    cleartext_passwords: bool,
    /// `dangerous_trust_everywhere`.
    trust_everywhere: bool,
    /// What to tell the operator about it.
    description: String,
    warnings: Vec<String>,
}

/// What one policy hands on to the next.
#[derive(Clone, Debug)]
pub(crate) struct Lasting {
    /// What the verifiers of unknown users are made of; with another one their salts would change, and
    /// those of real users would not.
    mock: MockSecret,
    /// Where that is kept.
    kept_in: Option<PathBuf>,
    /// Its limit is that of the process.
    resolver: Resolver,
}

impl Lasting {
    /// For the first policy.
    pub(crate) fn new(config: &AccessConfig) -> Result<Self, AccessErrors> {
        Self::new_with(config, Resolver::default())
    }

    /// For a policy of this configuration that follows.
    pub(crate) fn followed_by(&self, config: &AccessConfig) -> Result<Self, AccessErrors> {
        if config.mock_secret_path() == self.kept_in {
            return Ok(self.clone());
        }
        Self::new_with(config, self.resolver.clone())
    }

    fn new_with(config: &AccessConfig, resolver: Resolver) -> Result<Self, AccessErrors> {
        Ok(Self {
            mock: config.mock_secret()?,
            kept_in: config.mock_secret_path(),
            resolver,
        })
    }
}

/// Where the rule for a connection comes from.
#[derive(Debug)]
enum Rules {
    /// One method for everybody, where there is no `hba_file`.
    Everybody(Method),
    /// `hba_file` and `ident_file`.
    Files(hba::Rules, Maps),
}

impl AccessPolicy {
    /// Refuses an address to listen on where the rule for everybody protects nothing.
    pub(crate) fn check_address(&self, address: SocketAddr) -> Result<(), OpenToAll> {
        match self.rules {
            Rules::Everybody(Method::Trust) if !self.trusts(hba::Peer::Plain(address.ip())) => {
                Err(OpenToAll { address })
            }
            Rules::Everybody(_) | Rules::Files(..) => Ok(()),
        }
    }

    pub(crate) const fn lasting(&self) -> &Lasting {
        &self.lasting
    }

    /// What holds, in a sentence for the log, and what will never work.
    pub(crate) fn describe(&self) -> (&str, &[String]) {
        (&self.description, &self.warnings)
    }

    /// The rule for a connection.
    ///
    /// # Errors
    ///
    /// The refusal of a connection that no rule serves, or that its rule rejects (spec §4.2).
    pub(crate) async fn rule(&self, connection: &Connection<'_>) -> Result<Rule<'_>, Refusal> {
        let rule = match &self.rules {
            // The listener's address was checked before; this is for streams from elsewhere.
            Rules::Everybody(Method::Trust) if !self.trusts(connection.peer) => {
                return Err(Refusal::new(connection.no_entry(), Vec::new()));
            }
            Rules::Everybody(method) => Rule::for_everybody(*method),
            Rules::Files(rules, maps) => {
                Rule::of_file(self.first_match(rules, connection).await?, maps)
            }
        };
        match (rule.method(), connection.peer) {
            (Method::Reject, _) => Err(Refusal::new(connection.rejected(), Vec::new())),
            (Method::Password, hba::Peer::Plain(_)) if !self.cleartext_passwords => {
                let refusal = Refusal::new(connection.no_entry(), Vec::new());
                Err(rule.with_detail(refusal.with_log_detail(
                    "Method \"password\" serves connections with TLS only, unless \
                     \"dangerous_cleartext_passwords\" is on.",
                )))
            }
            _ => Ok(rule),
        }
    }

    async fn first_match<'r>(
        &self,
        rules: &'r hba::Rules,
        connection: &Connection<'_>,
    ) -> Result<&'r hba::Rule, Refusal> {
        let mut known = Known::default();
        loop {
            match (rules.decide(connection, &known), connection.peer.address()) {
                (Verdict::Rule(rule), _) => return Ok(rule),
                (Verdict::Unknown(question), Some(client)) => {
                    known = self.lasting.resolver.answer(known, question, client).await;
                }
                (Verdict::NoRule, _) | (Verdict::Unknown(_), None) => {
                    let refusal = Refusal::new(connection.no_entry(), Vec::new());
                    return Err(match known.log_detail() {
                        Some(detail) => refusal.with_log_detail(&detail),
                        None => refusal,
                    });
                }
            }
        }
    }

    /// What the user's password is checked against, whether or not the user exists.
    pub(crate) fn credential(&self, user: &[u8]) -> Credential {
        let known = self.users.verifier(user);
        Credential::new(user, known, &self.lasting.mock, self.iterations)
    }

    /// Whether there is such a user; for the log alone.
    pub(crate) fn knows(&self, user: &[u8]) -> bool {
        self.users.verifier(user).is_some()
    }

    fn trusts(&self, peer: hba::Peer) -> bool {
        let is_this_host = peer.address().is_none_or(|address| address.is_loopback());
        self.trust_everywhere || is_this_host
    }
}

/// The peer as access rules see it.
pub(crate) const fn hba_peer(peer: Peer, is_tls: bool) -> hba::Peer {
    match peer {
        Peer::Unix => hba::Peer::Local,
        Peer::Tcp(address) if is_tls => hba::Peer::Tls(address.ip()),
        Peer::Tcp(address) => hba::Peer::Plain(address.ip()),
    }
}
