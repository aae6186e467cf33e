//! Whom a connection counts for.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// What one client can have many addresses of: an IPv4 address, or the /64 of an IPv6 address, which is
/// what a single host is given (RFC 4291 section 2.5.4, RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source {
    /// Not limited by itself, and the last to make room. Orders before the address, so that the ranking
    /// of [`Waiting`](super::waiting::Waiting) can use it.
    pub(super) exempt: bool,
    prefix: IpAddr,
}

impl Source {
    pub(super) fn new(address: IpAddr, exempt: &[IpNet]) -> Self {
        let address = address.to_canonical();
        Self {
            exempt: exempt.iter().any(|network| network.contains(&address)),
            prefix: match address {
                IpAddr::V4(_) => address,
                IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK_BITS).into(),
            },
        }
    }
}

const NETWORK_BITS: u128 = !0 << 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(one: &str, other: &str, expected: bool) {
        let source = |text: &str| Source::new(text.parse().unwrap(), &[]);
        assert_eq!(source(one) == source(other), expected, "{one} {other}");
    }

    #[test]
    fn ipv6_counts_by_its_network_and_ipv4_by_its_address() {
        same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true);
        same("2001:db8:1:2::1", "2001:db8:1:3::1", false);
        same("192.0.2.1", "192.0.2.1", true);
        same("192.0.2.1", "192.0.2.2", false);
        same("192.0.2.1", "::ffff:192.0.2.1", true);
        same("::ffff:192.0.2.1", "::ffff:192.0.2.2", false);
    }

    #[test]
    fn networks_and_addresses_are_exempt() {
        let exempt = ["10.0.0.0/8", "2001:db8::7/128"].map(|text| text.parse().unwrap());
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("11.0.0.1", false),
            ("2001:db8::7", true),
            ("2001:db8::8", false),
        ] {
            let source = Source::new(address.parse().unwrap(), &exempt);
            assert_eq!(source.exempt, expected, "{address}");
        }
    }
}
