//! How clients prove who they are. Each method is a file of its own; a new one (SCRAM is next) adds a
//! variant to [`Authentication`] and an arm to [`Authentication::authenticate`].

mod trust;

use std::net::SocketAddr;

use pg_tls::{AuthMethod, Session};

pub(crate) use self::trust::Trust;
use crate::error::{OpenToAll, SessionError};

/// What a server asks of its clients.
#[derive(Clone, Debug)]
pub(crate) enum Authentication {
    /// Nothing.
    Trust(Trust),
}

impl Authentication {
    /// Refuses an address to listen on where the method protects nothing.
    pub(crate) fn check_address(&self, address: SocketAddr) -> Result<(), OpenToAll> {
        match self {
            Self::Trust(trust) => trust.check_address(address),
        }
    }

    /// Talks to the client until it has proved to be the user it named; returns how.
    ///
    /// Runs under `authentication_timeout`; may read from and write to the session's stream, and
    /// puts [`Session::negotiate_protocol_version`] in front of its first message if it does.
    /// AuthenticationOk is the caller's.
    pub(crate) async fn authenticate<S>(
        &self,
        session: &mut Session<S>,
    ) -> Result<AuthMethod, SessionError> {
        match self {
            Self::Trust(trust) => trust.authenticate(session),
        }
    }
}
