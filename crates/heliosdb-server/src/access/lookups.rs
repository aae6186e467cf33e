//! What access rules may ask about the world: host names and the interfaces of this machine.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use pg_auth::hba::{Known, Lookups, Network, Question};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long an answer may take. A resolver that stays silent costs a client its login, not the server its
/// threads.
const LIMIT: Duration = Duration::from_secs(5);

/// Questions at the same time: each blocks a thread.
const AT_A_TIME: usize = 16;

/// Asks the operating system: its resolver, as PostgreSQL does, and its list of interfaces. Every question
/// may block for long.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookups;

impl Lookups for SystemLookups {
    fn name_of(&self, address: IpAddr) -> Result<String, String> {
        dns_lookup::lookup_addr(&address).map_err(|error| error_text(error.into()))
    }

    fn addresses_of(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let addresses = (name, 0).to_socket_addrs().map_err(error_text)?;
        Ok(addresses
            .map(|address| address.ip().to_canonical())
            .collect())
    }

    fn networks(&self) -> Vec<Network> {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let network = |interface: if_addrs::Interface| match interface.addr {
            if_addrs::IfAddr::V4(v4) => Network {
                address: v4.ip.into(),
                mask: v4.netmask.into(),
            },
            if_addrs::IfAddr::V6(v6) => Network {
                address: v6.ip.into(),
                mask: v6.netmask.into(),
            },
        };
        interfaces.into_iter().map(network).collect()
    }
}

/// As `gai_strerror` has it: without what Rust puts before it.
fn error_text(error: std::io::Error) -> String {
    let text = error.to_string();
    let prefix = "failed to lookup address information: ";
    text.strip_prefix(prefix).unwrap_or(&text).to_owned()
}

/// Asks away from the threads that serve.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    free: Arc<Semaphore>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

impl Resolver {
    /// Adds the answer to a question to what is known about `client`; that there is none, if it takes too
    /// long.
    pub(super) async fn answer(&self, known: Known, question: Question, client: IpAddr) -> Known {
        let asking = async {
            let (known, question) = (known.clone(), question.clone());
            let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
            let task = spawn_blocking(move || {
                // Held as long as the thread is, which may be longer than anybody waits for it.
                let _permit = permit;
                let mut known = known;
                known.ask(question, client, &SystemLookups);
                known
            });
            task.await.ok()
        };
        let answered = timeout(LIMIT, asking).await.ok().flatten();
        answered.unwrap_or_else(|| {
            let mut known = known;
            known.ask(question, client, &Silence);
            known
        })
    }
}

/// What is known when nobody answers.
struct Silence;

impl Lookups for Silence {
    fn name_of(&self, _: IpAddr) -> Result<String, String> {
        Err("the resolver does not answer".to_owned())
    }

    fn addresses_of(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        Err("the resolver does not answer".to_owned())
    }

    fn networks(&self) -> Vec<Network> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_its_usual_name_and_interface() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(SystemLookups.name_of(loopback).as_deref(), Ok("localhost"));
        let addresses = SystemLookups.addresses_of("localhost").unwrap();
        assert!(addresses.contains(&loopback));
        let networks = SystemLookups.networks();
        assert!(networks.iter().any(|network| network.address == loopback));
    }

    #[test]
    fn what_has_no_name_says_why() {
        // TEST-NET-1 (RFC 5737) is nobody's, and .invalid (RFC 6761) never resolves.
        let error = SystemLookups.name_of([192, 0, 2, 1].into()).unwrap_err();
        assert!(
            !error.is_empty() && !error.contains("failed to lookup"),
            "{error}"
        );
        let error = SystemLookups.addresses_of("name.invalid").unwrap_err();
        assert!(
            !error.is_empty() && !error.contains("failed to lookup"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn answers_add_up() {
        let client = IpAddr::from([127, 0, 0, 1]);
        let resolver = Resolver::default();
        let known = Known::default();
        let known = resolver
            .answer(known, Question::NameOf(client), client)
            .await;
        let question = Question::AddressesOf("localhost".to_owned());
        let known = resolver.answer(known, question, client).await;
        assert_eq!(
            known.log_detail().as_deref(),
            Some("Client IP address resolved to \"localhost\", forward lookup matches.")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_waits_too_long_has_no_answer() {
        let resolver = Resolver::default();
        let busy = u32::try_from(AT_A_TIME).unwrap();
        let _busy = resolver.free.acquire_many(busy).await.unwrap();
        let client = IpAddr::from([127, 0, 0, 1]);
        let question = Question::NameOf(client);
        let known = resolver.answer(Known::default(), question, client).await;
        assert_eq!(
            known.log_detail().as_deref(),
            Some(
                "Could not resolve client IP address to a host name: the resolver does not answer."
            )
        );
    }
}
