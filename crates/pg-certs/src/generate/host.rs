//! Host names and addresses for subject alternative names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::SanType;

use super::error::GenerateError;

/// A checked subject alternative name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Host {
    Dns(String),
    Ip(IpAddr),
}

impl Host {
    /// Reads a host name (perhaps with a wildcard as its whole first label) or an IP address.
    ///
    /// `[::1]` and a trailing dot are put right; ports, network lengths and whatever else could not
    /// match in a client (RFC 6125, section 6.4; libpq's `verify_peer_name_matches_certificate`) are
    /// refused.
    pub(super) fn parse(text: &str) -> Result<Self, GenerateError> {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Ip(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        check_name(name)
            .map(|()| Self::Dns(name.to_ascii_lowercase()))
            .map_err(|reason| GenerateError::BadHost {
                name: text.to_owned(),
                reason,
            })
    }

    /// The names for a list of texts: in order, each once; `localhost` brings its addresses along.
    pub(super) fn list<'a>(
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Self>, GenerateError> {
        let mut hosts = Vec::new();
        let mut add = |host| {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        };
        for text in texts {
            let host = Self::parse(text)?;
            let is_localhost = host == Self::Dns("localhost".to_owned());
            add(host);
            if is_localhost {
                add(Self::Ip(Ipv4Addr::LOCALHOST.into()));
                add(Self::Ip(Ipv6Addr::LOCALHOST.into()));
            }
        }
        Ok(hosts)
    }

    pub(super) fn into_san(self) -> Result<SanType, GenerateError> {
        Ok(match self {
            Self::Dns(name) => SanType::DnsName(name.try_into()?),
            Self::Ip(address) => SanType::IpAddress(address),
        })
    }
}

/// The names of a server certificate with this common name: the name itself if it is a host name or
/// address, else (a common name may be any text) those of the own machine.
///
/// # Errors
///
/// [`GenerateError::BadHost`]: the text was meant as a host, but with a port or network length, and a
/// certificate for another name would be a surprise.
pub(crate) fn server_names(common_name: &str) -> Result<&str, GenerateError> {
    let host = Host::parse(common_name);
    let meant_as_host = common_name
        .rsplit_once([':', '/'])
        .is_some_and(|(host, number)| {
            number.bytes().all(|byte| byte.is_ascii_digit()) && Host::parse(host).is_ok()
        });
    match host {
        Ok(_) => Ok(common_name),
        Err(error) if meant_as_host => Err(error),
        Err(_) => Ok("localhost"),
    }
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if !name.is_ascii() {
        return Err("write international names in their ASCII form (xn--…)");
    }
    if name.contains(':') {
        return Err("leave the port out");
    }
    if name.contains('/') {
        return Err("leave the network length or path out");
    }
    if name.len() > 253 {
        return Err("it is longer than 253 characters");
    }
    let rest = match name.strip_prefix("*.") {
        Some(rest) if !rest.contains('.') => return Err("a wildcard needs two labels behind it"),
        Some(rest) => rest,
        None => name,
    };
    if rest.contains('*') {
        return Err("a wildcard can only be the whole first label");
    }
    for label in rest.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Err("each part between dots has 1 to 63 characters");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("a part between dots neither begins nor ends with a hyphen");
        }
        if !label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            return Err("only letters, digits, hyphens, underscores and dots are allowed");
        }
    }
    let last_is_number = rest
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    if last_is_number {
        return Err("it looks like an IPv4 address but is none");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Host, &str>) {
        let seen = Host::parse(text).map_err(|error| error.to_string());
        assert_eq!(
            seen,
            expected.map_err(|reason| format!(
                "\"{text}\" is no host name or IP address for a certificate: {reason}"
            ))
        );
    }

    #[test]
    fn l05_addresses_are_addresses_and_names_are_names() {
        check("127.0.0.1", Ok(Host::Ip(Ipv4Addr::LOCALHOST.into())));
        check("::1", Ok(Host::Ip(Ipv6Addr::LOCALHOST.into())));
        check("[::1]", Ok(Host::Ip(Ipv6Addr::LOCALHOST.into())));
        check("db.example", Ok(Host::Dns("db.example".to_owned())));
        check("DB.Example.", Ok(Host::Dns("db.example".to_owned())));
        check("*.db.example", Ok(Host::Dns("*.db.example".to_owned())));
        check("my_host", Ok(Host::Dns("my_host".to_owned())));
    }

    #[test]
    fn l05_what_no_client_could_match_is_refused() {
        check("", Err("it is empty"));
        check(".", Err("it is empty"));
        check("10.0.0.1/24", Err("leave the network length or path out"));
        check("host:5432", Err("leave the port out"));
        check("[::1]:5432", Err("leave the port out"));
        check("a..b", Err("each part between dots has 1 to 63 characters"));
        check("*", Err("a wildcard can only be the whole first label"));
        check("*.example", Err("a wildcard needs two labels behind it"));
        check(
            "a*.db.example",
            Err("a wildcard can only be the whole first label"),
        );
        check(
            "*.*.example",
            Err("a wildcard can only be the whole first label"),
        );
        check(
            "-a.example",
            Err("a part between dots neither begins nor ends with a hyphen"),
        );
        check(
            "a b",
            Err("only letters, digits, hyphens, underscores and dots are allowed"),
        );
        check(
            "bücher.example",
            Err("write international names in their ASCII form (xn--…)"),
        );
        check(
            "10.0.0.256",
            Err("it looks like an IPv4 address but is none"),
        );
    }

    #[test]
    fn localhost_brings_its_addresses_and_nothing_comes_twice() {
        assert_eq!(
            Host::list(["localhost", "127.0.0.1", "localhost."]).unwrap(),
            [
                Host::Dns("localhost".to_owned()),
                Host::Ip(Ipv4Addr::LOCALHOST.into()),
                Host::Ip(Ipv6Addr::LOCALHOST.into()),
            ]
        );
    }
}
