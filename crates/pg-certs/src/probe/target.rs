//! Whom to ask: HOST:PORT.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A server's host name or address, and its port.
///
/// ```
/// use pg_certs::probe::Target;
///
/// let target: Target = "[::1]:6432".parse()?;
/// assert_eq!((target.host(), target.port()), ("::1", 6432));
/// assert_eq!("db.example".parse::<Target>()?.to_string(), "db.example:5432");
/// # Ok::<(), pg_certs::probe::TargetError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    host: String,
    port: u16,
}

impl Target {
    /// The host, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Target {
    type Err = TargetError;

    /// Reads `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`; the port is 5432 if it is not said.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(TargetError::Bracket)?;
                host.parse::<Ipv6Addr>().map_err(|_| TargetError::Bracket)?;
                match port.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if port.is_empty() => (host, None),
                    None => return Err(TargetError::Bracket),
                }
            }
            None if text.parse::<IpAddr>().is_ok() => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() || host.contains(|letter: char| letter.is_control() || letter == '/') {
            return Err(TargetError::Host);
        }
        let port = match port.map(str::parse) {
            None => DEFAULT_PORT,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return Err(TargetError::Port),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Why a text is not HOST:PORT. Who wrote it is at fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Brackets that hold no IPv6 address.
    #[error("brackets are for an IPv6 address: write [::1]:5432")]
    Bracket,
    /// No host.
    #[error("the host is missing: write HOST:PORT; a Unix socket has no TLS to look at")]
    Host,
    /// No port.
    #[error("the port must be a number from 1 to 65535: write HOST:PORT")]
    Port,
}

const DEFAULT_PORT: u16 = 5432;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("db", Ok(("db", 5432))),
            ("db:1", Ok(("db", 1))),
            ("10.0.0.1:6432", Ok(("10.0.0.1", 6432))),
            ("::1", Ok(("::1", 5432))),
            ("[::1]", Ok(("::1", 5432))),
            ("[::1]:7", Ok(("::1", 7))),
            ("[db]:7", Err(TargetError::Bracket)),
            ("[::1]7", Err(TargetError::Bracket)),
            ("[::1", Err(TargetError::Bracket)),
            ("", Err(TargetError::Host)),
            (":5432", Err(TargetError::Host)),
            ("/run/postgresql", Err(TargetError::Host)),
            ("db:", Err(TargetError::Port)),
            ("db:0", Err(TargetError::Port)),
            ("db:65536", Err(TargetError::Port)),
        ] {
            let target = text.parse::<Target>();
            let parts = target.as_ref().map(|it| (it.host(), it.port()));
            assert_eq!(parts, expected.as_ref().copied(), "{text}");
        }
    }

    #[test]
    fn an_address_prints_with_brackets() {
        assert_eq!("::1".parse::<Target>().unwrap().to_string(), "[::1]:5432");
    }
}
