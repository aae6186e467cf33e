//! Subject alternative names.

use std::fmt;
use std::net::IpAddr;

use x509_parser::extensions::GeneralName;

use super::name::DistinguishedName;

/// One subject alternative name.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SubjectAltName {
    /// A directory name.
    Directory(DistinguishedName),
    /// A host name, perhaps with a wildcard.
    Dns(String),
    /// A mail address.
    Email(String),
    /// An IP address.
    Ip(IpAddr),
    /// A kind that no PostgreSQL client looks at, or an ill-formed one.
    Other,
    /// A URI.
    Uri(String),
}

impl SubjectAltName {
    pub(super) fn new(name: &GeneralName<'_>) -> Self {
        match name {
            GeneralName::DNSName(name) => Self::Dns((*name).to_owned()),
            GeneralName::RFC822Name(name) => Self::Email((*name).to_owned()),
            GeneralName::URI(uri) => Self::Uri((*uri).to_owned()),
            GeneralName::IPAddress(bytes) => ip(bytes).map_or(Self::Other, Self::Ip),
            GeneralName::DirectoryName(name) => {
                DistinguishedName::from_der(name.as_raw()).map_or(Self::Other, Self::Directory)
            }
            _ => Self::Other,
        }
    }
}

/// As OpenSSL prints it: `DNS:localhost`, `IP Address:127.0.0.1`; control characters are escaped.
impl fmt::Display for SubjectAltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(name) => write!(f, "DirName:{name}"),
            Self::Dns(name) => write!(f, "DNS:{}", name.escape_debug()),
            Self::Email(name) => write!(f, "email:{}", name.escape_debug()),
            Self::Ip(address) => write!(f, "IP Address:{address}"),
            Self::Other => f.write_str("othername:<unsupported>"),
            Self::Uri(uri) => write!(f, "URI:{}", uri.escape_debug()),
        }
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}
