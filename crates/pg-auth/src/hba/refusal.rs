//! What a client is told that the rules turn away: specification §4.2.

use pg_wire::SqlState;
use pg_wire::backend::ErrorResponse;

use super::connection::{Connection, Peer};

impl Connection<'_> {
    /// FATAL 28000 `no pg_hba.conf entry for …`: no rule matches.
    #[must_use]
    pub fn no_entry(&self) -> ErrorResponse {
        self.turned_away(if self.physical_replication {
            "no pg_hba.conf entry for replication connection from"
        } else {
            "no pg_hba.conf entry for"
        })
    }

    /// FATAL 28000 `pg_hba.conf rejects …`: the rule's method is `reject`.
    #[must_use]
    pub fn rejected(&self) -> ErrorResponse {
        self.turned_away(if self.physical_replication {
            "pg_hba.conf rejects replication connection for"
        } else {
            "pg_hba.conf rejects connection for"
        })
    }

    fn turned_away(&self, what: &str) -> ErrorResponse {
        let host = match self.peer.address() {
            Some(address) => address.to_string(),
            None => "[local]".to_owned(),
        };
        let encryption: &[u8] = match self.peer {
            Peer::Tls(_) => b"\", SSL encryption",
            Peer::Local | Peer::Plain(_) => b"\", no encryption",
        };
        let mut text = format!("{what} host \"{host}\", user \"").into_bytes();
        text.extend_from_slice(self.user);
        if !self.physical_replication {
            text.extend_from_slice(b"\", database \"");
            text.extend_from_slice(self.database);
        }
        text.extend_from_slice(encryption);
        ErrorResponse::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, text)
    }
}
