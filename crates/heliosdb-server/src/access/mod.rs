//! Who may connect, and how they prove who they are: the operator's files, loaded and judged.

mod config;
mod error;
mod rule;

use std::net::SocketAddr;

use pg_auth::scram::{Credential, Iterations, MockSecret};
use pg_auth::users::Users;
use pg_tls::{Peer, Session};

pub use self::config::AccessConfig;
pub use self::error::{AccessError, AccessErrors};
pub(crate) use self::rule::{Method, Rule};
use crate::error::{OpenToAll, SessionError};

/// Everything that decides about a login. Immutable: another configuration makes another one.
#[derive(Debug)]
pub(crate) struct AccessPolicy {
    rules: Rules,
    users: Users,
    /// What the verifiers of unknown users are made of.
    mock: MockSecret,
    iterations: Iterations,
    /// `dangerous_trust_everywhere`.
    trust_everywhere: bool,
}

/// Where the rule for a connection comes from.
#[derive(Debug)]
enum Rules {
    /// One method for everybody, where there is no `hba_file`.
    Everybody(Method),
}

impl AccessPolicy {
    /// Refuses an address to listen on where the rule for everybody protects nothing.
    pub(crate) fn check_address(&self, address: SocketAddr) -> Result<(), OpenToAll> {
        match self.rules {
            Rules::Everybody(Method::Trust) if !self.trusts(Peer::Tcp(address)) => {
                Err(OpenToAll { address })
            }
            Rules::Everybody(_) => Ok(()),
        }
    }

    /// The rule for a connection.
    ///
    /// # Errors
    ///
    /// The refusal of a connection that no rule serves.
    pub(crate) async fn rule<S>(&self, session: &Session<S>) -> Result<Rule, SessionError> {
        match self.rules {
            // The listener's address was checked before; this is for streams from elsewhere.
            Rules::Everybody(Method::Trust) if !self.trusts(session.peer) => {
                Err(session.no_matching_rule().into())
            }
            Rules::Everybody(method) => Ok(Rule { method }),
        }
    }

    /// What the user's password is checked against, whether or not the user exists.
    pub(crate) fn credential(&self, user: &[u8]) -> Credential {
        let known = self.users.verifier(user);
        Credential::new(user, known, &self.mock, self.iterations)
    }

    /// Whether there is such a user; for the log alone.
    pub(crate) fn knows(&self, user: &[u8]) -> bool {
        self.users.verifier(user).is_some()
    }

    fn trusts(&self, peer: Peer) -> bool {
        self.trust_everywhere || is_this_host(peer)
    }
}

/// Whether the client is on this host for certain.
fn is_this_host(peer: Peer) -> bool {
    match peer {
        Peer::Tcp(address) => address.ip().to_canonical().is_loopback(),
        Peer::Unix => true,
    }
}
