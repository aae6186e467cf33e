//! Certificates by host name: `pg_hosts.conf` as PostgreSQL 19 reads it.
//!
//! A line says which certificate and key are served to clients that ask for a host, and whose client
//! certificates are accepted there:
//!
//! ```text
//! # HOSTNAMES              CERT     KEY      [CA [COMMAND [RELOAD]]]
//! db.example.org           db.crt   db.key
//! a.example.org,b.example  ab.crt   ab.key   clients.crt
//! /no_sni/                 old.crt  old.key
//! *                        all.crt  all.key
//! ```
//!
//! ```
//! use pg_auth::hosts::Hosts;
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("pg_hosts.conf");
//! std::fs::write(&path, "db.example.org db.crt db.key\n* all.crt all.key\n")?;
//! let hosts = Hosts::load(&path)?;
//! let db = hosts.iter().next().ok_or("there are two")?;
//! assert_eq!(db.names, ["db.example.org"]);
//! assert_eq!(db.certificate, dir.path().join("db.crt"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Paths are relative to the directory of the file that holds the line. Only the text is looked at here;
//! no certificate is opened.
//!
//! # Not in PostgreSQL
//!
//! `*.example.org` stands for every name with one label in the place of the star. Behind PostgreSQL's
//! fields there may be options: `ssl_mode=verify-full` demands more of who asks for this host than of
//! others, `cert2=FILE` and `key2=FILE` are a second certificate with a key of another type, for clients
//! that cannot use the first. A file of PostgreSQL's whose name begins like an option is written in
//! quotes.

mod parse;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::tokens::{self, Fault, FileErrors, Place};

/// The lines of a file and of the files it includes, in order.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    hosts: Vec<Host>,
}

/// A line: what is served to those who ask for one of its names.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Host {
    /// The names as written: host names, wildcards `*.example.org`, or alone [`Host::DEFAULT`] or
    /// [`Host::NO_SNI`]. Case does not matter.
    pub names: Vec<String>,
    /// The certificate file.
    pub certificate: PathBuf,
    /// The file of its private key.
    pub key: PathBuf,
    /// The file of the authorities that sign the certificates of clients. Without it clients are not
    /// asked for one.
    pub client_ca: Option<PathBuf>,
    /// The command that prints the pass phrase of the key.
    pub passphrase_command: Option<String>,
    /// Whether that command may be called again when the configuration is reloaded.
    pub passphrase_command_supports_reload: bool,
    /// A second certificate file and the file of its key (ours).
    pub second: Option<(PathBuf, PathBuf)>,
    /// What is demanded of clients (ours).
    pub ssl_mode: Option<HostMode>,
    place: Place,
}

/// What a line demands of the clients that ask for its host; all of them have TLS already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostMode {
    /// `require`: nothing more.
    Require,
    /// `verify-ca`: a client certificate.
    VerifyCa,
    /// `verify-full`: a client certificate with the name of the user.
    VerifyFull,
}

impl Hosts {
    /// Reads a file, whole or not at all. One that does not exist has no lines, as in PostgreSQL.
    ///
    /// # Errors
    ///
    /// [`FileErrors`]: everything that is wrong in this file and the files it includes, with
    /// PostgreSQL's texts.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, FileErrors> {
        let mut names = Names::default();
        let lines = tokens::read_if_exists(path.as_ref());
        let hosts = tokens::parse_all(lines, |line| {
            let host = parse::host(line)?;
            names.add(&host)?;
            Ok(host)
        })?;
        Ok(Self { hosts })
    }

    /// The lines, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Host> {
        self.hosts.iter()
    }

    /// Whether there is no line.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }
}

impl<'a> IntoIterator for &'a Hosts {
    type Item = &'a Host;
    type IntoIter = std::slice::Iter<'a, Host>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Host {
    /// The name that stands for all that no line has.
    pub const DEFAULT: &'static str = "*";

    /// The name that stands for handshakes that name no host.
    pub const NO_SNI: &'static str = "/no_sni/";

    /// Where the line stands, in the words of PostgreSQL's CONTEXT: `line 3 of configuration file "…"`.
    #[must_use]
    pub fn context(&self) -> String {
        tokens::context(&self.place.file, self.place.line)
    }
}

/// The names of the lines so far: each may be there once (`be_tls_init` of PostgreSQL's
/// `be-secure-openssl.c`).
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn add(&mut self, host: &Host) -> Result<(), Fault> {
        for name in &host.names {
            if self.0.insert(name.to_ascii_lowercase()) {
                continue;
            }
            return Err(Fault::new(match name.as_str() {
                Host::DEFAULT => "multiple default hosts specified".to_owned(),
                Host::NO_SNI => "multiple no_sni hosts specified".to_owned(),
                name => format!("multiple entries for host \"{name}\" specified"),
            }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
