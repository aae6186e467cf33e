//! What is known about a connection when the rules are asked.

use std::net::IpAddr;

use super::address::host_matches;

/// A connection whose startup packet has been read.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// Where it comes from, and whether it is encrypted.
    pub peer: Peer,
    /// The user that is asked for.
    pub user: &'a [u8],
    /// The database that is asked for; the user's name if the client named none.
    pub database: &'a [u8],
    /// Whether physical replication is asked for (`replication=true`, not `replication=database`):
    /// then only rules that say `replication` match, and `all` does not.
    pub physical_replication: bool,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer {
    /// A Unix-domain socket.
    Local,
    /// TCP in clear.
    Plain(IpAddr),
    /// TCP inside TLS.
    Tls(IpAddr),
}

impl Peer {
    /// The address that rules are compared with. An IPv4 client of a dual-stack IPv6 socket is an IPv4
    /// client: PostgreSQL never sees `::ffff:192.0.2.1`, because it listens on sockets of one family
    /// each.
    #[must_use]
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Local => None,
            Self::Plain(address) | Self::Tls(address) => Some(address.to_canonical()),
        }
    }
}

/// An interface of this machine: an address and its netmask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    /// The interface's own address.
    pub address: IpAddr,
    /// Its netmask, of the same family.
    pub mask: IpAddr,
}

/// Something that a rule needs to know before it can tell whether it matches.
///
/// The answer goes into [`Known`], and the rules are asked again. Rules are only ever compared with the
/// name that belongs to the client's address, never by looking up the rule's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// The host name of the client's address (`getnameinfo` with `NI_NAMEREQD`); see
    /// [`Known::name_of_client`].
    NameOf(IpAddr),
    /// The addresses of a host name; see [`Known::addresses_of_name`].
    AddressesOf(String),
    /// The interfaces of this machine; see [`Known::interfaces`].
    Networks,
}

/// The answers to [`Question`]s about one connection, so far.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub(super) host: HostName,
    pub(super) networks: Option<Vec<Network>>,
}

/// What is known about the client's host name: `remote_hostname` and `remote_hostname_resolv` in
/// PostgreSQL.
#[derive(Clone, Debug, Default)]
pub(super) enum HostName {
    #[default]
    NotAsked,
    /// The address has this name, says whoever is responsible for the address.
    Claimed(String),
    /// And the name has this address, says whoever is responsible for the name.
    Confirmed(String),
    Contradicted(String),
    NoName(String),
    NoAddress {
        name: String,
        reason: String,
    },
}

impl Known {
    /// Answers [`Question::NameOf`]: the name, or why there is none.
    pub fn name_of_client(&mut self, answer: Result<String, String>) {
        self.host = match answer {
            Ok(name) => HostName::Claimed(name),
            Err(reason) => HostName::NoName(reason),
        };
    }

    /// Answers [`Question::AddressesOf`]: the addresses, or why there are none.
    pub fn addresses_of_name(
        &mut self,
        client: IpAddr,
        name: String,
        answer: Result<Vec<IpAddr>, String>,
    ) {
        self.host = match answer {
            Ok(addresses) if addresses.contains(&client.to_canonical()) => {
                HostName::Confirmed(name)
            }
            Ok(_) => HostName::Contradicted(name),
            Err(reason) => HostName::NoAddress { name, reason },
        };
    }

    /// Answers [`Question::Networks`]; an empty list if they could not be read.
    pub fn interfaces(&mut self, networks: Vec<Network>) {
        self.networks = Some(networks);
    }

    /// Whether a rule for a host name is about the client, or what must be asked first:
    /// `check_hostname` in PostgreSQL's `hba.c`.
    pub(super) fn host_is(&self, rule: &str, client: IpAddr) -> Result<bool, Question> {
        match &self.host {
            HostName::NotAsked => Err(Question::NameOf(client)),
            HostName::Claimed(name) if host_matches(rule, name) => {
                Err(Question::AddressesOf(name.clone()))
            }
            HostName::Confirmed(name) => Ok(host_matches(rule, name)),
            HostName::Claimed(_)
            | HostName::Contradicted(_)
            | HostName::NoName(_)
            | HostName::NoAddress { .. } => Ok(false),
        }
    }

    /// The DETAIL that PostgreSQL logs, for the log only, when no rule matches and a host name was
    /// looked up.
    #[must_use]
    pub fn log_detail(&self) -> Option<String> {
        let resolved = |name: &str, forward: &str| {
            format!("Client IP address resolved to \"{name}\", forward lookup {forward}.")
        };
        Some(match &self.host {
            HostName::NotAsked => return None,
            HostName::Claimed(name) => resolved(name, "not checked"),
            HostName::Confirmed(name) => resolved(name, "matches"),
            HostName::Contradicted(name) => resolved(name, "does not match"),
            HostName::NoName(reason) => {
                format!("Could not resolve client IP address to a host name: {reason}.")
            }
            HostName::NoAddress { name, reason } => {
                format!("Could not translate client host name \"{name}\" to IP address: {reason}.")
            }
        })
    }
}

/// Who answers [`Question`]s: DNS and the list of interfaces, or a table in a test.
///
/// Answers may take long; an async server asks them where blocking is allowed, or answers
/// [`Rules::decide`](super::Rules::decide) itself.
pub trait Lookups {
    /// The host name of an address.
    ///
    /// # Errors
    ///
    /// Why there is none, for the log.
    fn name_of(&self, address: IpAddr) -> Result<String, String>;

    /// The addresses of a host name.
    ///
    /// # Errors
    ///
    /// Why there are none, for the log.
    fn addresses_of(&self, name: &str) -> Result<Vec<IpAddr>, String>;

    /// The interfaces of this machine; an empty list if they cannot be read.
    fn networks(&self) -> Vec<Network>;
}

impl Known {
    /// Answers a question by `lookups`.
    pub fn ask(&mut self, question: Question, client: IpAddr, lookups: &impl Lookups) {
        match question {
            Question::NameOf(address) => self.name_of_client(lookups.name_of(address)),
            Question::AddressesOf(name) => {
                let addresses = lookups.addresses_of(&name);
                self.addresses_of_name(client, name, addresses);
            }
            Question::Networks => self.interfaces(lookups.networks()),
        }
    }
}
