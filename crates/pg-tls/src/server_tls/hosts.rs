//! Which certificate a client gets: by the host it asks for and by what it can verify.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::ClientHello;

use super::{Identity, Shared};
use crate::host::HostConfig;
use crate::mode::SslMode;

/// The hosts of a server. How many there are makes no difference to a handshake.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// By name in lower case.
    exact: HashMap<String, Arc<Host>>,
    /// By what follows `*.`, in lower case.
    wildcards: HashMap<String, Arc<Host>>,
    default: Option<Arc<Host>>,
    no_sni: Option<Arc<Host>>,
}

/// What is served to those who ask for a host.
#[derive(Debug)]
pub(super) struct Host {
    /// In the order in which they are tried; never empty.
    identities: Vec<Arc<Identity>>,
    mode: Option<SslMode>,
}

/// What is served on a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen<'a> {
    pub(crate) identity: &'a Arc<Identity>,
    /// What the host demands besides the server's mode.
    pub(crate) mode: Option<SslMode>,
}

/// Why there is nothing to serve to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unserved {
    /// It asks for a host that is not served.
    Name(String),
    /// It names no host, and there is nothing for such clients.
    NoName,
}

impl Hosts {
    /// One for all.
    pub(super) fn only(identity: Arc<Identity>) -> Self {
        Self {
            default: Some(Arc::new(Host::new(vec![identity], None))),
            ..Self::default()
        }
    }

    /// Adds a host under a name.
    ///
    /// # Errors
    ///
    /// The name has a host already.
    pub(super) fn add(&mut self, name: &str, host: &Arc<Host>) -> Result<(), Taken> {
        let host = Arc::clone(host);
        let name = name.to_ascii_lowercase();
        let replaced = match name.strip_prefix("*.") {
            _ if name == HostConfig::DEFAULT => self.default.replace(host),
            _ if name == HostConfig::NO_SNI => self.no_sni.replace(host),
            Some(parent) => self.wildcards.insert(parent.to_owned(), host),
            None => self.exact.insert(name, host),
        };
        replaced.map_or(Ok(()), |_| Err(Taken))
    }

    /// The choice for a client.
    pub(super) fn choose(
        &self,
        hello: &ClientHello<'_>,
        shared: &Shared,
    ) -> Result<Chosen<'_>, Unserved> {
        let host = self.host(hello.server_name())?;
        host.choose(hello, shared)
            // A host without certificates does not load.
            .ok_or_else(|| Unserved::Name(hello.server_name().unwrap_or_default().to_owned()))
    }

    /// The host of a name, which rustls gives in lower case.
    fn host(&self, name: Option<&str>) -> Result<&Host, Unserved> {
        let Some(name) = name else {
            return (self.no_sni.as_deref())
                .or(self.default.as_deref())
                .ok_or(Unserved::NoName);
        };
        let wildcard = || {
            let (_label, parent) = name.split_once('.')?;
            self.wildcards.get(parent)
        };
        (self.exact.get(name))
            .or_else(wildcard)
            .or(self.default.as_ref())
            .map(Arc::as_ref)
            .ok_or_else(|| Unserved::Name(name.to_owned()))
    }
}

/// There is a host of this name already.
#[derive(Debug)]
pub(super) struct Taken;

impl Host {
    /// A host with certificates, of which those with RSA keys are tried last: their signatures cost most.
    pub(super) fn new(mut identities: Vec<Arc<Identity>>, mode: Option<SslMode>) -> Self {
        identities.sort_by_key(|identity| identity.is_rsa());
        Self { identities, mode }
    }

    fn choose(&self, hello: &ClientHello<'_>, shared: &Shared) -> Option<Chosen<'_>> {
        let identity = match self.identities.as_slice() {
            [only] => only,
            several => several
                .iter()
                .find(|identity| shared.can_use(hello, identity))
                // rustls has the alert for a client that can use none.
                .or_else(|| several.first())?,
        };
        Some(Chosen {
            identity,
            mode: self.mode,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of a host in the list of names, or why there is none.
    fn find(names: &[&str], asked: Option<&str>) -> Result<usize, Unserved> {
        let mut hosts = Hosts::default();
        let mut all = Vec::new();
        for name in names {
            let host = Arc::new(Host::new(Vec::new(), None));
            hosts.add(name, &host).unwrap();
            all.push(host);
        }
        let found = hosts.host(asked)?;
        Ok(all
            .iter()
            .position(|host| std::ptr::eq(Arc::as_ptr(host), found))
            .unwrap())
    }

    #[test]
    fn names_find_their_hosts() {
        const ALL: &[&str] = &[
            "example.org",
            "Db.Example.Org",
            "*.example.org",
            "/no_sni/",
            "*",
        ];
        let cases = [
            (Some("example.org"), 0),
            (Some("db.example.org"), 1),
            (Some("web.example.org"), 2),
            (None, 3),
            // A star stands for one label.
            (Some("a.web.example.org"), 4),
            (Some("org"), 4),
            // PostgreSQL looks at the bytes: this is another name.
            (Some("example.org."), 4),
        ];
        for (asked, expected) in cases {
            assert_eq!(find(ALL, asked), Ok(expected), "{asked:?}");
        }
    }

    #[test]
    fn without_a_default_others_are_unserved() {
        let unserved = |name: &str| Err(Unserved::Name(name.to_owned()));
        let asked = |names: &[&str], name| find(names, Some(name));
        assert_eq!(
            asked(&["example.org"], "example.se"),
            unserved("example.se")
        );
        assert_eq!(asked(&["example.org"], "example"), unserved("example"));
        assert_eq!(asked(&["/no_sni/"], "example.org"), unserved("example.org"));
        assert_eq!(find(&["example.org"], None), Err(Unserved::NoName));
        assert_eq!(find(&["/no_sni/"], None), Ok(0));
        assert_eq!(find(&["*"], None), Ok(0));
    }

    #[test]
    fn a_name_has_one_host() {
        for names in [
            ["a.b", "A.B"],
            ["*", "*"],
            ["/no_sni/", "/NO_SNI/"],
            ["*.a", "*.A"],
        ] {
            let mut hosts = Hosts::default();
            let host = Arc::new(Host::new(Vec::new(), None));
            hosts.add(names[0], &host).unwrap();
            assert!(hosts.add(names[1], &host).is_err(), "{names:?}");
        }
    }
}
