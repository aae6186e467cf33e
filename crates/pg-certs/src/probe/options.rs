//! What to ask a server, and with which patience.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Target;
use crate::verdict::ClientSslMode;

/// How to probe.
///
/// ```
/// use std::time::Duration;
/// use pg_certs::probe::Options;
///
/// let options = Options::new("db.example:5432".parse()?)
///     .with_root_certificates("ca.crt")
///     .with_user("app")
///     .with_timeout(Duration::from_secs(2));
/// # let _ = options;
/// # Ok::<(), pg_certs::probe::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) target: Target,
    pub(super) user: String,
    pub(super) database: Option<String>,
    pub(super) hosts: Vec<String>,
    pub(super) roots: Option<PathBuf>,
    pub(super) expires_within_days: u32,
    pub(super) timeout: Duration,
    pub(super) sslmode: Option<ClientSslMode>,
}

impl Options {
    /// User `postgres`, the target's host as the name to check, no root certificates, 14 days, 5 s.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            user: "postgres".to_owned(),
            database: None,
            hosts: Vec::new(),
            roots: None,
            expires_within_days: 14,
            timeout: Duration::from_secs(5),
            sslmode: None,
        }
    }

    /// The user to log in as; no password is ever sent.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// The database; by default the one named as the user.
    #[must_use]
    pub fn with_database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// One more name that clients use for the server. The first is sent as SNI; they take the place of
    /// the target's host.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// The clients' `sslrootcert`.
    #[must_use]
    pub fn with_root_certificates(mut self, file: impl AsRef<Path>) -> Self {
        self.roots = Some(file.as_ref().to_owned());
        self
    }

    /// A certificate that ends within so many days is an error.
    #[must_use]
    pub fn with_expires_within_days(mut self, days: u32) -> Self {
        self.expires_within_days = days;
        self
    }

    /// How long one connection may take from its first packet to the end. The whole probe, some thirty
    /// connections, may take twelve times as long.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The mode that must connect; by default `verify-full` with root certificates and `require` without.
    #[must_use]
    pub fn with_sslmode(mut self, sslmode: ClientSslMode) -> Self {
        self.sslmode = Some(sslmode);
        self
    }

    pub(super) fn required_mode(&self) -> ClientSslMode {
        self.sslmode.unwrap_or(match self.roots {
            Some(_) => ClientSslMode::VerifyFull,
            None => ClientSslMode::Require,
        })
    }

    /// The names to check, at least one.
    pub(super) fn host_names(&self) -> Vec<&str> {
        match self.hosts.is_empty() {
            true => vec![self.target.host()],
            false => self.hosts.iter().map(String::as_str).collect(),
        }
    }
}
