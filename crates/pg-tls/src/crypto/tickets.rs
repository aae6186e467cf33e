//! Session tickets: how a client may resume a session (RFC 8446 section 2.2, RFC 5077).

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, ProducesTickets};

use super::provider::CryptoProvider;

/// Sets what `config` does about sessions that are to be resumed: nothing, as PostgreSQL, or tickets
/// under keys of its own, made by the provider.
///
/// # Security
///
/// The keys live in this configuration and nowhere else, so a ticket is worth nothing to another one:
/// not to that of another host name, and not to what replaces this one at a reload, whatever has
/// changed. rustls makes a new key every 6 hours and keeps the one before, so no ticket is accepted
/// for longer than 12.
///
/// Not for configurations that ask for client certificates: rustls takes a client's certificate from
/// the ticket without verifying it again, so one that has expired or was revoked would still be good.
pub(crate) fn configure(
    config: &mut ServerConfig,
    tickets: Option<CryptoProvider>,
) -> Result<(), rustls::Error> {
    // A cache would cost memory for each client, and could do no more than tickets.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // Early data can be replayed.
    config.max_early_data_size = 0;
    config.send_tls13_tickets = 0;
    if let Some(ticketer) = tickets.and_then(ticketer) {
        config.ticketer = ticketer?;
        config.send_tls13_tickets = TICKETS;
    }
    Ok(())
}

/// Makes and opens tickets with keys that change; `None` if the provider is not compiled in.
fn ticketer(provider: CryptoProvider) -> Option<Result<Arc<dyn ProducesTickets>, rustls::Error>> {
    match provider {
        #[cfg(feature = "aws-lc-rs")]
        CryptoProvider::AwsLcRs => Some(rustls::crypto::aws_lc_rs::Ticketer::new()),
        #[cfg(feature = "ring")]
        CryptoProvider::Ring => Some(rustls::crypto::ring::Ticketer::new()),
        #[cfg(not(all(feature = "aws-lc-rs", feature = "ring")))]
        _ => None,
    }
}

/// Tickets after a full handshake of TLS 1.3, of which a client uses each once: enough for one that
/// opens its next two connections at the same time.
const TICKETS: usize = 2;

#[cfg(test)]
mod tests {
    use super::ticketer;
    use crate::CryptoProvider;

    #[test]
    fn tickets_are_opened_by_the_ticketer_that_made_them_alone() {
        for &provider in CryptoProvider::AVAILABLE {
            let [ours, other] = [0, 1].map(|_| ticketer(provider).unwrap().unwrap());
            let ticket = ours.encrypt(b"session").unwrap();
            assert_eq!(ours.decrypt(&ticket).unwrap(), b"session");
            assert!(other.decrypt(&ticket).is_none());
            // Twice the 6 hours after which the key changes.
            assert_eq!(ours.lifetime(), 12 * 60 * 60);
        }
    }
}
