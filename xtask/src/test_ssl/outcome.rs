//! What came of a connection, in classes that all clients and servers share.

use std::fmt;

use super::failure::Failure;
use super::tap::Channel;

/// How a cell ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// A session in TLS, and in it what was to be done.
    Tls,
    /// A session in clear, and in it what was to be done.
    Plain,
    /// A session, in which a CancelRequest did not interrupt the statement.
    Uninterrupted,
    /// No session; one failure for each connection that the client made or refused to make.
    Failed(Vec<Failure>),
    /// The client has no such mode.
    NotApplicable,
    /// The client or the server is not on this machine.
    Absent,
}

/// What the short names in tables and files mean.
pub(crate) const LEGEND: &str = "\
TLS, plain   a session, and in it what was to be done
ran-on       a session, whose statement a CancelRequest did not interrupt
no-enc       28000 no pg_hba.conf entry for host ..., no encryption
no-cert      28000 connection requires a valid client certificate
wrong-user   28000 certificate authentication failed for user ...
wrong-pw     28P01 password authentication failed for user ...
rejected     28000 pg_hba.conf rejects connection for host ...
unbound      the client insists on channel binding, and there is no TLS to bind to
code         an ErrorResponse, as the embedded engine is known to give it
unknown-ca, expired, bad-cert
             the server's TLS alert about the client's certificate
no-tls       the client wants TLS, the server answered that it has none
closed       the server closed the connection without a word, as on direct TLS without TLS; also an
             alert of a driver that does not pass alerts on
untrusted, wrong-host
             the client refused the server's certificate
weak-mode    the client has no direct TLS in a mode that allows plaintext
a+b          the client tried twice: first a, then b
n/a          the client cannot do that
absent       the client is not on this machine: not tried
x!=y         x was seen, y was expected";

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls => f.pad("TLS"),
            Self::Plain => f.pad("plain"),
            Self::Uninterrupted => f.pad("ran-on"),
            Self::NotApplicable => f.pad("n/a"),
            Self::Absent => f.pad("absent"),
            Self::Failed(failures) => {
                let texts: Vec<&str> = failures.iter().map(Failure::short).collect();
                f.pad(&texts.join("+"))
            }
        }
    }
}

/// On what a CancelRequest is to come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CancelOn {
    Clear,
    Tls,
}

/// What a cell should give.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Expected {
    pub(crate) outcome: Outcome,
    /// The SQLSTATE of every ErrorResponse on the way that the client tells of.
    pub(crate) sqlstates: Vec<&'static str>,
    /// For what is done with a CancelRequest.
    pub(crate) cancel: Option<CancelOn>,
    /// Why it is not what PostgreSQL gives.
    pub(crate) because: Option<&'static str>,
}

impl Expected {
    /// Only an outcome.
    pub(crate) const fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            sqlstates: Vec::new(),
            cancel: None,
            because: None,
        }
    }
}

/// What a cell gave.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) outcome: Outcome,
    /// The SQLSTATE of every ErrorResponse, where the client lets one see them.
    pub(crate) sqlstates: Option<Vec<String>>,
    /// Every connection that was made, where a tap could see them.
    pub(crate) channels: Option<Vec<Channel>>,
    /// The client's own words.
    pub(crate) text: String,
}

impl Seen {
    /// A cell that was not tried.
    pub(crate) fn without(outcome: Outcome, text: &str) -> Self {
        Self {
            outcome,
            sqlstates: None,
            channels: None,
            text: text.to_owned(),
        }
    }

    /// A cell without a session, or whose session came to grief.
    pub(crate) const fn failed(
        failures: Vec<Failure>,
        sqlstates: Option<Vec<String>>,
        text: String,
    ) -> Self {
        Self {
            outcome: Outcome::Failed(failures),
            sqlstates,
            channels: None,
            text,
        }
    }

    /// Whether this is what was expected.
    pub(crate) fn is(&self, expected: &Expected) -> bool {
        let codes = expected.because.is_some()
            || self
                .sqlstates
                .as_ref()
                .is_none_or(|seen| *seen == expected.sqlstates);
        let cancel = expected
            .cancel
            .is_none_or(|wanted| self.cancel_came_on() == Some(wanted));
        self.outcome == expected.outcome && codes && cancel
    }

    /// What the connection after the session's was.
    fn cancel_came_on(&self) -> Option<CancelOn> {
        match self.channels.as_ref()?.get(1)? {
            Channel::Tls | Channel::DirectTls => Some(CancelOn::Tls),
            Channel::ClearCancel => Some(CancelOn::Clear),
            Channel::Clear | Channel::Silent => None,
        }
    }

    /// Whether another server gave the same result.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.outcome == other.outcome && self.sqlstates == other.sqlstates
    }

    /// Whether the client made the same connections to another server.
    pub(crate) fn connected_like(&self, other: &Self) -> bool {
        self.channels == other.channels
    }

    /// Whether a connection was tried at all.
    pub(crate) const fn was_tried(&self) -> bool {
        !matches!(self.outcome, Outcome::NotApplicable | Outcome::Absent)
    }
}
