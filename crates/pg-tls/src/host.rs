//! `HostConfig`: what the operator wrote about one host.

use std::path::PathBuf;

use crate::mode::SslMode;
use crate::passphrase::{LoadReason, PassphraseSource};

/// The certificate of some host names, and what else is particular to them: a line of PostgreSQL 19's
/// `pg_hosts.conf`, and more.
///
/// # Examples
///
/// ```
/// use pg_tls::{HostConfig, SslConfig, SslMode};
///
/// let hosts = vec![
///     HostConfig::new(["db.example.org"], "db.crt", "db.key").with_ca_cert("clients.crt"),
///     HostConfig::new([HostConfig::DEFAULT], "all.crt", "all.key"),
/// ];
/// let config = SslConfig::new(SslMode::Require, "", "").with_hosts(hosts);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostConfig {
    /// Host names, in any case; [`DEFAULT`](Self::DEFAULT), [`NO_SNI`](Self::NO_SNI), or `*.` and a name.
    pub names: Vec<String>,
    /// PEM, the certificate first, then its intermediates.
    pub cert_path: PathBuf,
    /// PEM, the private key of that certificate.
    pub key_path: PathBuf,
    /// A second certificate and its key; see [`with_second`](Self::with_second).
    pub second: Option<(PathBuf, PathBuf)>,
    /// The authorities whose client certificates are accepted by those who ask for this host.
    pub ca_path: Option<PathBuf>,
    /// The command that prints the pass phrase of the keys.
    pub passphrase_command: Option<String>,
    /// Whether that command may be called again when the configuration is loaded again.
    pub passphrase_command_supports_reload: bool,
    /// What is demanded of those who ask for this host; see [`with_mode`](Self::with_mode).
    pub mode: Option<SslMode>,
    /// Where this was written, for error messages, such as `line 3 of configuration file "…"`.
    pub context: Option<String>,
}

impl HostConfig {
    /// The name that stands for all that have no entry, and for clients that name no host unless
    /// [`NO_SNI`](Self::NO_SNI) has an entry.
    pub const DEFAULT: &'static str = "*";

    /// The name that stands for clients that name no host.
    pub const NO_SNI: &'static str = "/no_sni/";

    /// A certificate chain with its key for some names. Clients are asked for no certificate.
    ///
    /// A name `*.example.org` stands for every name with one label in the place of the star; PostgreSQL
    /// has no such names. A name that is listed itself goes first, then its wildcard, then
    /// [`DEFAULT`](Self::DEFAULT).
    pub fn new(
        names: impl IntoIterator<Item = impl Into<String>>,
        cert_path: impl Into<PathBuf>,
        key_path: impl Into<PathBuf>,
    ) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            cert_path: cert_path.into(),
            key_path: key_path.into(),
            second: None,
            ca_path: None,
            passphrase_command: None,
            passphrase_command_supports_reload: false,
            mode: None,
            context: None,
        }
    }

    /// Sets the authorities whose client certificates are accepted by those who ask for this host, in
    /// PEM. They alone are asked for a certificate.
    #[must_use]
    pub fn with_ca_cert(mut self, ca_path: impl Into<PathBuf>) -> Self {
        self.ca_path = Some(ca_path.into());
        self
    }

    /// Adds a certificate with a key of another type, such as RSA beside ECDSA. A client gets one that
    /// it can use, and if it can use both, that which is not RSA: its signatures cost the server less.
    /// PostgreSQL cannot do this.
    #[must_use]
    pub fn with_second(
        mut self,
        cert_path: impl Into<PathBuf>,
        key_path: impl Into<PathBuf>,
    ) -> Self {
        self.second = Some((cert_path.into(), key_path.into()));
        self
    }

    /// Sets the command that prints the pass phrase of the keys, and whether it may be called again when
    /// the configuration is loaded again.
    #[must_use]
    pub fn with_passphrase_command(
        mut self,
        command: impl Into<String>,
        supports_reload: bool,
    ) -> Self {
        self.passphrase_command = Some(command.into());
        self.passphrase_command_supports_reload = supports_reload;
        self
    }

    /// Demands more of those who ask for this host than the server's mode does. A mode that is weaker
    /// than the server's does not load: whom a client asks for is the client's choice. PostgreSQL has
    /// nothing of the kind.
    #[must_use]
    pub const fn with_mode(mut self, mode: SslMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Says where this was written; error messages begin with it. Without it they name the host.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Where the pass phrase of the keys comes from.
    pub(crate) fn passphrase_source(&self, reason: LoadReason) -> PassphraseSource<'_> {
        PassphraseSource {
            given: None,
            command: self.passphrase_command.as_deref(),
            supports_reload: self.passphrase_command_supports_reload,
            reason,
        }
    }

    /// The files that it is loaded from.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let second = self.second.iter().flat_map(|(cert, key)| [cert, key]);
        [&self.cert_path, &self.key_path]
            .into_iter()
            .chain(second)
            .chain(&self.ca_path)
    }

    /// What error messages begin with.
    #[must_use]
    pub fn described(&self) -> String {
        match &self.context {
            Some(context) => context.clone(),
            None => format!("host \"{}\"", self.names.join(",")),
        }
    }
}
