//! Which rule a connection falls under: `check_hba` of PostgreSQL's `hba.c`.

use super::Rules;
use super::address::{AddressRule, in_range};
use super::connection::{Connection, Known, Lookups, Peer, Question};
use super::rule::{ConnectionKind, Rule};

/// What the rules say about a connection.
#[derive(Clone, Debug)]
pub enum Verdict<'r> {
    /// The first rule that matches. Its method may be [`Reject`](super::Method::Reject).
    Rule(&'r Rule),
    /// No rule matches: the connection is rejected.
    NoRule,
    /// It depends: answer, and ask again.
    Unknown(Question),
}

/// Whether a rule is about a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Match {
    /// It is.
    Yes,
    /// It is not.
    No(Mismatch),
    /// It depends.
    Unknown(Question),
}

/// Which column of a rule does not match.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Mismatch {
    /// The first: Unix-domain socket, TCP, encryption.
    Kind,
    /// The address.
    Address,
    /// The database.
    Database,
    /// The user.
    User,
}

impl Rules {
    /// The first rule that matches. Rules behind the first one that depends on a question are not
    /// looked at before the question is answered.
    #[must_use]
    pub fn decide(&self, connection: &Connection<'_>, known: &Known) -> Verdict<'_> {
        for rule in self {
            match rule.judge(connection, known) {
                Match::Yes => return Verdict::Rule(rule),
                Match::No(_) => {}
                Match::Unknown(question) => return Verdict::Unknown(question),
            }
        }
        Verdict::NoRule
    }

    /// The first rule that matches, or `None`, with questions answered by `lookups`, which may block;
    /// and what was learned.
    #[must_use]
    pub fn decide_with(
        &self,
        connection: &Connection<'_>,
        lookups: &impl Lookups,
    ) -> (Option<&Rule>, Known) {
        let mut known = Known::default();
        loop {
            match (self.decide(connection, &known), connection.peer.address()) {
                (Verdict::Rule(rule), _) => return (Some(rule), known),
                (Verdict::Unknown(question), Some(client)) => known.ask(question, client, lookups),
                (Verdict::NoRule, _) | (Verdict::Unknown(_), None) => return (None, known),
            }
        }
    }

    /// Whether some rule depends on DNS or on the interfaces of this machine.
    #[must_use]
    pub fn needs_lookups(&self) -> bool {
        self.iter().any(|rule| {
            matches!(
                rule.address,
                Some(AddressRule::Host(_) | AddressRule::SameHost | AddressRule::SameNet)
            )
        })
    }
}

impl Rule {
    /// Whether this rule is about a connection, whatever the rules before it say.
    ///
    /// The columns are independent of each other; a question is asked only if all others match, because
    /// nobody should be able to cause DNS traffic for a database that the rule is not about.
    #[must_use]
    pub fn judge(&self, connection: &Connection<'_>, known: &Known) -> Match {
        if !self.kind_matches(connection.peer) {
            return Match::No(Mismatch::Kind);
        }
        let (Some(rule), Some(client)) = (&self.address, connection.peer.address()) else {
            return self.judge_names(connection);
        };
        let networks = |matches: fn(&super::Network, std::net::IpAddr) -> bool| {
            let networks = known.networks.as_ref().ok_or(Question::Networks)?;
            Ok(networks.iter().any(|network| matches(network, client)))
        };
        let matches = match rule {
            AddressRule::All => Ok(true),
            AddressRule::Range { address, mask } => Ok(in_range(client, *address, *mask)),
            AddressRule::SameHost => networks(super::Network::is_host),
            AddressRule::SameNet => networks(super::Network::contains),
            AddressRule::Host(name) => known.host_is(name, client),
        };
        match (matches, self.judge_names(connection)) {
            (Ok(false), _) => Match::No(Mismatch::Address),
            (Ok(true), names) => names,
            (Err(question), Match::Yes) => Match::Unknown(question),
            (Err(_), names) => names,
        }
    }

    const fn kind_matches(&self, peer: Peer) -> bool {
        match self.kind {
            ConnectionKind::Local => matches!(peer, Peer::Local),
            ConnectionKind::Host | ConnectionKind::HostNoGssEnc => !matches!(peer, Peer::Local),
            ConnectionKind::HostSsl => matches!(peer, Peer::Tls(_)),
            ConnectionKind::HostNoSsl => matches!(peer, Peer::Plain(_)),
            ConnectionKind::HostGssEnc => false,
        }
    }

    fn judge_names(&self, connection: &Connection<'_>) -> Match {
        let database = self.databases.iter().any(|token| token.matches(connection));
        if !database {
            return Match::No(Mismatch::Database);
        }
        if self
            .users
            .iter()
            .any(|token| token.matches(connection.user))
        {
            Match::Yes
        } else {
            Match::No(Mismatch::User)
        }
    }
}
