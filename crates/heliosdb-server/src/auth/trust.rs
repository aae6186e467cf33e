//! Method `trust`: whoever gets here is who it says it is.

use std::net::SocketAddr;

use pg_tls::{AuthMethod, Peer, Session};

use crate::error::{OpenToAll, SessionError};

/// Believes every client, on this host only unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Clients on a loopback address or a Unix socket.
    Loopback,
    /// Everybody.
    Everywhere,
}

impl Trust {
    pub(super) const fn check_address(self, address: SocketAddr) -> Result<(), OpenToAll> {
        if self.covers(&Peer::Tcp(address)) {
            Ok(())
        } else {
            Err(OpenToAll { address })
        }
    }

    /// The listener's address was checked before; this is for streams from elsewhere.
    pub(super) fn authenticate<S>(self, session: &Session<S>) -> Result<AuthMethod, SessionError> {
        if self.covers(&session.peer) {
            Ok(AuthMethod::Trust)
        } else {
            Err(session.no_matching_rule().into())
        }
    }

    const fn covers(self, peer: &Peer) -> bool {
        match (self, peer) {
            (Self::Everywhere, _) | (Self::Loopback, Peer::Unix) => true,
            (Self::Loopback, Peer::Tcp(address)) => address.ip().to_canonical().is_loopback(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, trusted: bool) {
        let address: SocketAddr = address.parse().unwrap();
        let refused = OpenToAll { address };
        let expected = if trusted { Ok(()) } else { Err(refused) };
        assert_eq!(Trust::Loopback.check_address(address), expected);
        assert_eq!(Trust::Everywhere.check_address(address), Ok(()));
    }

    #[test]
    fn loopback_is_this_host_only() {
        check("127.0.0.1:5432", true);
        check("127.8.0.1:5432", true);
        check("[::1]:5432", true);
        check("[::ffff:127.0.0.1]:5432", true);
        check("0.0.0.0:5432", false);
        check("[::]:5432", false);
        check("192.0.2.1:5432", false);
    }
}
