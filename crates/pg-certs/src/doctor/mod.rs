//! Everything that can be known of a server's TLS before it starts, from its files: will it start, which
//! clients will connect, and what runs out soon.

mod examine;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::verdict::{ClientCertificate, Plaintext, Verdict};

/// The files of a server and of its clients, and what the server is going to do with them.
///
/// ```
/// # #[cfg(feature = "generate")] {
/// use std::time::SystemTime;
/// use pg_certs::CertificateManager;
/// use pg_certs::doctor::Doctor;
///
/// let dir = tempfile::tempdir()?;
/// let (cert, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
/// CertificateManager::generate_self_signed(&cert, &key, "localhost")?;
///
/// let diagnosis = Doctor::new(&cert, &key).with_roots(&cert).examine(SystemTime::now());
/// assert!(diagnosis.is_healthy());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Doctor {
    certificate: PathBuf,
    key: PathBuf,
    roots: Option<PathBuf>,
    client_authorities: Option<PathBuf>,
    lists: Vec<PathBuf>,
    hosts: Vec<String>,
    plaintext: Plaintext,
    client_certificate: ClientCertificate,
    expires_within: Duration,
}

impl Doctor {
    /// A server with this certificate file and key file that lets nobody in without TLS.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            roots: None,
            client_authorities: None,
            lists: Vec::new(),
            hosts: Vec::new(),
            plaintext: Plaintext::Refused,
            client_certificate: ClientCertificate::NotDemanded,
            expires_within: Duration::ZERO,
        }
    }

    /// What its clients have as `sslrootcert`.
    #[must_use]
    pub fn with_roots(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots = Some(path.into());
        self
    }

    /// The authorities of client certificates: `ssl_ca_file`.
    #[must_use]
    pub fn with_client_authorities(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_authorities = Some(path.into());
        self
    }

    /// Adds a file of revocation lists: `ssl_crl_file`.
    #[must_use]
    pub fn with_lists(mut self, path: impl Into<PathBuf>) -> Self {
        self.lists.push(path.into());
        self
    }

    /// The host names and addresses that clients use; without any, those of the certificate.
    #[must_use]
    pub fn with_hosts<S: Into<String>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Whether the server lets clients in without TLS, and whether it demands a certificate of them.
    #[must_use]
    pub const fn with_policy(
        mut self,
        plaintext: Plaintext,
        client_certificate: ClientCertificate,
    ) -> Self {
        self.plaintext = plaintext;
        self.client_certificate = client_certificate;
        self
    }

    /// What runs out within this time counts as an error.
    #[must_use]
    pub const fn with_expires_within(mut self, within: Duration) -> Self {
        self.expires_within = within;
        self
    }

    /// Reads all files and judges them as at the time `now`. Never fails: a file that cannot be read is
    /// what it finds.
    #[must_use]
    pub fn examine(&self, now: SystemTime) -> Diagnosis {
        examine::examine(self, now)
    }
}

/// What a [`Doctor`] has found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The files, in the order certificate, key, authorities, lists.
    pub checks: Vec<Check>,
    /// For each host, one verdict for each `sslmode`; empty if the certificate cannot be loaded.
    pub verdicts: Vec<Verdict>,
}

impl Diagnosis {
    /// Whether a server starts with the files and nothing runs out too soon.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.checks.iter().all(|check| check.level != Level::Error)
    }
}

/// Something about a file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// How bad it is.
    pub level: Level,
    /// The file.
    pub file: PathBuf,
    /// What it is, and how to mend it.
    pub text: String,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// Good.
    Ok,
    /// It works, but troubles some clients or will soon trouble all.
    Warning,
    /// It does not work, or runs out too soon.
    Error,
}

impl Level {
    /// A word for people and for JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests;
