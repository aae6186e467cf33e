//! Addresses to listen on, as they are written.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use ipnet::IpNet;

use super::error::SettingsError;

/// Where to listen: a host (address, name, or `*` for all) and a port (0 for any free one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    Address(IpAddr),
    Name(String),
}

impl ListenAddress {
    /// The socket addresses to bind: one for an address, all of them for a name.
    ///
    /// # Errors
    /// When the name cannot be resolved.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        match &self.host {
            Host::Any => {
                let mut every = vec![SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), self.port)];
                // Many a container has no IPv6.
                if TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok() {
                    every.push(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), self.port));
                }
                Ok(every)
            }
            Host::Address(address) => Ok(vec![SocketAddr::new(*address, self.port)]),
            Host::Name(name) => Ok((name.as_str(), self.port).to_socket_addrs()?.collect()),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(Self {
                host: Host::Address(address.ip()),
                port: address.port(),
            });
        }
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Self {
                host: Host::Address(address),
                port: PORT,
            });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (text, PORT),
        };
        let host = match host {
            "*" => Host::Any,
            name if is_host_name(name) => Host::Name(name.to_owned()),
            _ => return None,
        };
        Some(Self { host, port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Any => write!(f, "*:{}", self.port),
            Host::Address(address) => SocketAddr::new(*address, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// A comma-separated list; at least one address, since a server that listens nowhere is a mistake.
pub(super) fn parse_list(
    name: &'static str,
    text: &str,
) -> Result<Vec<ListenAddress>, SettingsError> {
    text.split(',')
        .map(str::trim)
        .map(|item| {
            ListenAddress::parse(item).ok_or_else(|| SettingsError::InvalidValue {
                name,
                value: item.to_owned(),
                hint: Some(HINT.to_owned()),
            })
        })
        .collect()
}

/// A comma-separated list of networks; an address without a number of bits is a network of its own.
pub(super) fn parse_networks(name: &'static str, text: &str) -> Result<Vec<IpNet>, SettingsError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(str::trim)
        .map(|item| {
            let network = item.parse::<IpNet>().ok();
            let address = || item.parse::<IpAddr>().map(IpNet::from).ok();
            network
                .or_else(address)
                .ok_or_else(|| SettingsError::InvalidValue {
                    name,
                    value: item.to_owned(),
                    hint: Some(NETWORK_HINT.to_owned()),
                })
        })
        .collect()
}

/// Letters, digits, hyphens, underscores and dots, and not something that was meant as an address.
fn is_host_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let all_numeric = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    !text.is_empty() && !all_numeric && text.chars().all(allowed)
}

/// PostgreSQL's port, for an address without one.
const PORT: u16 = 5432;

const HINT: &str = "Write HOST:PORT: for example 127.0.0.1:5432, [::1]:5432, localhost:0 \
                    (any free port) or *:5432 (every interface).";

const NETWORK_HINT: &str = "Write addresses or networks: for example 192.0.2.7, 10.0.0.0/8 or \
                            2001:db8::/32.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_wildcards_resolve() {
        for (text, expected) in [
            ("127.0.0.1:5432", vec!["127.0.0.1:5432"]),
            ("127.0.0.1", vec!["127.0.0.1:5432"]),
            ("[::1]:0", vec!["[::1]:0"]),
            ("::1", vec!["[::1]:5432"]),
            ("[::1]", vec!["[::1]:5432"]),
        ] {
            let addresses = parse_list("listen", text).unwrap();
            let resolved = addresses
                .iter()
                .flat_map(|address| address.resolve().unwrap());
            let resolved: Vec<_> = resolved.map(|address| address.to_string()).collect();
            assert_eq!(resolved, expected, "{text}");
        }
        for text in ["*", "*:5432"] {
            let every = parse_list("listen", text).unwrap();
            let resolved = every.first().unwrap().resolve().unwrap();
            assert_eq!(resolved.first().unwrap().to_string(), "0.0.0.0:5432");
        }
        let localhost = parse_list("listen", "localhost:7").unwrap();
        let resolved = localhost.first().unwrap().resolve().unwrap();
        assert!(
            resolved
                .iter()
                .all(|address| address.ip().is_loopback() && address.port() == 7)
        );
    }

    #[test]
    fn a_list_names_the_item_that_is_wrong() {
        for (text, wrong) in [
            ("127.0.0.1:5432, 300.0.0.1:5432", "300.0.0.1:5432"),
            ("127.0.0.1:65536", "127.0.0.1:65536"),
            ("127.0.0.1:", "127.0.0.1:"),
            (":5432", ":5432"),
            ("5432", "5432"),
            ("a b:1", "a b:1"),
            ("localhost,", ""),
            ("", ""),
        ] {
            let error = parse_list("listen", text).unwrap_err();
            let message = format!("invalid value for parameter \"listen\": \"{wrong}\"");
            assert_eq!(error.to_string(), message);
            assert_eq!(error.hint().as_deref(), Some(HINT));
        }
    }

    #[test]
    fn networks_have_bits_or_are_single_addresses() {
        let networks = parse_networks("sample", "10.0.0.0/8, 192.0.2.1,2001:db8::/32").unwrap();
        let shown: Vec<_> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
        assert_eq!(parse_networks("sample", "").unwrap(), []);
        for (text, wrong) in [
            ("10.0.0.0/33", "10.0.0.0/33"),
            ("10.0.0.0/8, db.example", "db.example"),
            ("10.0.0.0/8,", ""),
        ] {
            let error = parse_networks("sample", text).unwrap_err();
            let message = format!("invalid value for parameter \"sample\": \"{wrong}\"");
            assert_eq!(error.to_string(), message);
            assert_eq!(error.hint().as_deref(), Some(NETWORK_HINT));
        }
    }
}
