//! Access rules: `pg_hba.conf` as PostgreSQL 16 and later read it.
//!
//! [`Rules::load`] reads a file with all that it includes; [`Rules::decide`] says which rule a connection
//! falls under: the first that matches, and no other is tried if the client then fails to prove who it
//! is. [`Rule::check_certificate`] compares the names of a certificate with the user.
//!
//! Nothing here opens a socket. A rule for a host name needs DNS, and `samenet` the list of interfaces:
//! the decision then is a [`Question`], whose answer the caller gives back.
//!
//! ```
//! use pg_auth::hba::{Connection, Known, Method, Peer, Rules, Verdict};
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("pg_hba.conf");
//! std::fs::write(&path, "hostssl all all 192.0.2.0/24 scram-sha-256\nhost all all all reject\n")?;
//! let rules = Rules::load(&path)?;
//!
//! let connection = Connection {
//!     peer: Peer::Tls("192.0.2.7".parse()?),
//!     user: b"alice",
//!     database: b"shop",
//!     physical_replication: false,
//! };
//! let Verdict::Rule(rule) = rules.decide(&connection, &Known::default()) else {
//!     panic!("the first line matches");
//! };
//! assert_eq!((rule.line(), rule.method()), (1, Method::ScramSha256));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Regular expressions
//!
//! `/regex` is read by PostgreSQL's rules and run by the crate `regex`, in time linear to the name.
//! Back references, lookaround, embedded options, characters by number, collating elements and whatever
//! needs more than 1 MiB compiled do not load. Of several ways to match, `\1` of an identity map gets the
//! first, not PostgreSQL's longest.
//!
//! # Not in PostgreSQL
//!
//! `clientname=SAN:DNS`, `SAN:EMAIL` and `SAN:URI` compare subject alternative names; any of several may
//! name the user, and every method may have a `map` then. `spiffe_trust_domain=NAME` (with `SAN:URI`)
//! takes only sound X.509-SVIDs of that trust domain.

mod address;
mod certificate;
mod connection;
mod database;
mod decide;
mod options;
mod parse;
mod refusal;
mod rule;
mod spiffe;
mod warning;

use std::path::Path;

pub use self::certificate::{CertificateNames, NameCheck};
pub use self::connection::{Connection, Known, Lookups, Network, Peer, Question};
pub use self::decide::{Match, Mismatch, Verdict};
pub use self::rule::{ClientCert, ClientName, ConnectionKind, Method, Rule};
pub use self::warning::{Ssl, Warning};
use crate::tokens::{self, Fault, FileError, FileErrors};

/// The rules of a file and of the files it includes, in order.
#[derive(Clone, Debug)]
pub struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// Reads a file. It is read whole or not at all: one bad line, and nobody knows what the operator
    /// wanted.
    ///
    /// # Errors
    ///
    /// [`FileErrors`]: everything that is wrong in this file and the files it includes, with
    /// PostgreSQL's texts.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, FileErrors> {
        let path = path.as_ref();
        let rules = tokens::load(path, parse::rule)?;
        if rules.is_empty() {
            let fault = Fault::new(format!(
                "configuration file \"{}\" contains no entries",
                path.display()
            ))
            .hint("Without a rule nobody can connect.");
            FileErrors::none(vec![FileError::new(path, None, fault)])?;
        }
        Ok(Self { rules })
    }

    /// The rules, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
