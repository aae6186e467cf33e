//! The address columns.

use std::net::IpAddr;

use super::connection::Network;
use crate::tokens::{Fault, Token};

/// Which addresses a rule is about.
#[derive(Clone, Debug)]
pub(super) enum AddressRule {
    All,
    SameHost,
    SameNet,
    Range {
        address: IpAddr,
        mask: IpAddr,
    },
    /// A host name, or a suffix that begins with a dot.
    Host(String),
}

/// What the first address column says; an address alone needs a second column.
pub(super) enum FirstColumn {
    Complete(AddressRule),
    NeedsMask(IpAddr),
}

impl FirstColumn {
    pub(super) fn new(token: &Token) -> Result<Self, Fault> {
        let text = token.text.as_str();
        if token.is_keyword("all") {
            return Ok(Self::Complete(AddressRule::All));
        }
        if token.is_keyword("samehost") {
            return Ok(Self::Complete(AddressRule::SameHost));
        }
        if token.is_keyword("samenet") {
            return Ok(Self::Complete(AddressRule::SameNet));
        }
        let (host, bits) = match text.split_once('/') {
            Some((host, bits)) => (host, Some(bits)),
            None => (text, None),
        };
        match (host.parse::<IpAddr>(), bits) {
            (Ok(address), None) => Ok(Self::NeedsMask(address)),
            (Ok(address), Some(bits)) => match prefix_mask(address, bits) {
                Some(mask) => Ok(Self::Complete(AddressRule::Range { address, mask })),
                None => Err(Fault::new(format!(
                    "invalid CIDR mask in address \"{text}\""
                ))),
            },
            (Err(_), Some(_)) => Err(Fault::new(format!(
                "specifying both host name and CIDR mask is invalid: \"{text}\""
            ))
            .hint(ADDRESS_FORM)),
            (Err(_), None) if looks_numeric(host) => {
                Err(Fault::new(format!("invalid IP address \"{host}\"")).hint(ADDRESS_FORM))
            }
            (Err(_), None) => Ok(Self::Complete(AddressRule::Host(host.to_owned()))),
        }
    }
}

impl AddressRule {
    /// Whether no other machine can have one of these addresses.
    pub(super) fn is_this_host(&self) -> bool {
        match self {
            Self::SameHost => true,
            Self::All | Self::SameNet | Self::Host(_) => false,
            Self::Range { address, mask } => match (address, mask) {
                (IpAddr::V4(address), IpAddr::V4(mask)) => {
                    address.is_loopback() && mask.octets().starts_with(&[255])
                }
                (IpAddr::V6(address), IpAddr::V6(mask)) => {
                    address.is_loopback() && mask.to_bits() == u128::MAX
                }
                _ => false,
            },
        }
    }

    /// An address and the mask of the next column.
    pub(super) fn masked(address: IpAddr, mask: &str) -> Result<Self, Fault> {
        let mask: IpAddr = mask.parse().map_err(|_| {
            Fault::new(format!(
                "invalid IP mask \"{mask}\": Name or service not known"
            ))
        })?;
        if address.is_ipv4() != mask.is_ipv4() {
            return Err(Fault::new("IP address and mask do not match"));
        }
        Ok(Self::Range { address, mask })
    }
}

/// Whether two addresses are of one family and equal under a mask: `pg_range_sockaddr`.
pub(super) fn in_range(client: IpAddr, address: IpAddr, mask: IpAddr) -> bool {
    match (client, address, mask) {
        (IpAddr::V4(client), IpAddr::V4(address), IpAddr::V4(mask)) => {
            (client.to_bits() ^ address.to_bits()) & mask.to_bits() == 0
        }
        (IpAddr::V6(client), IpAddr::V6(address), IpAddr::V6(mask)) => {
            (client.to_bits() ^ address.to_bits()) & mask.to_bits() == 0
        }
        _ => false,
    }
}

impl Network {
    /// Whether an address is the interface's own: `samehost`.
    pub(super) fn is_host(&self, client: IpAddr) -> bool {
        self.address == client
    }

    /// Whether an address is in the interface's subnet: `samenet`.
    pub(super) fn contains(&self, client: IpAddr) -> bool {
        in_range(client, self.address, self.mask)
    }
}

/// Whether a host name is the one of a rule, or ends as it does: `hostname_match`.
pub(super) fn host_matches(rule: &str, host: &str) -> bool {
    if !rule.starts_with('.') {
        return rule.eq_ignore_ascii_case(host);
    }
    host.len()
        .checked_sub(rule.len())
        .and_then(|at| host.as_bytes().get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(rule.as_bytes()))
}

/// The mask of a prefix length: `pg_sockaddr_cidr_mask`.
fn prefix_mask(address: IpAddr, bits: &str) -> Option<IpAddr> {
    let bits: u32 = bits.parse().ok()?;
    match address {
        IpAddr::V4(_) => {
            let zeros = u32::BITS.checked_sub(bits)?;
            Some(IpAddr::V4(
                u32::MAX.checked_shl(zeros).unwrap_or_default().into(),
            ))
        }
        IpAddr::V6(_) => {
            let zeros = u128::BITS.checked_sub(bits)?;
            Some(IpAddr::V6(
                u128::MAX.checked_shl(zeros).unwrap_or_default().into(),
            ))
        }
    }
}

const ADDRESS_FORM: &str = "An IPv4 address is four decimal numbers.";

/// Whether somebody meant an address: PostgreSQL reads `127.1` as 127.0.0.1, and as a host name it
/// would never match.
fn looks_numeric(host: &str) -> bool {
    let number = |part: &str| match part.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()),
    };
    host.contains(':') || host.split('.').all(number)
}
