//! `SslConfig`: what the operator wrote about TLS.

use std::path::PathBuf;

use crate::config_error::ConfigError;
use crate::crypto::{CryptoPolicy, CryptoPolicyError, CryptoProfile, CryptoProvider};
use crate::host::HostConfig;
use crate::mode::SslMode;
use crate::passphrase::{LoadReason, Passphrase, PassphraseSource};
use crate::server_tls::ServerTls;
use crate::version::TlsVersion;

/// The TLS settings of a server, as written; [`load`](Self::load) turns them into the proof that they
/// work.
///
/// The fields are PostgreSQL's settings; the setters say what each does. Building one neither fails
/// nor touches a file.
///
/// # Examples
///
/// ```no_run
/// use pg_tls::{SslConfig, SslMode};
///
/// let tls = SslConfig::new(SslMode::VerifyFull, "server.crt", "server.key")
///     .with_ca_cert("clients-ca.crt")
///     .load()?;
/// assert_eq!(tls.mode(), SslMode::VerifyFull);
/// # Ok::<(), pg_tls::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SslConfig {
    /// What is demanded of a connection.
    pub mode: SslMode,
    /// `ssl_cert_file`: PEM, the server's certificate first, then its intermediates. Not read with
    /// [`SslMode::Disable`].
    pub cert_path: PathBuf,
    /// `ssl_key_file`: PEM, the private key of that certificate. Not read with [`SslMode::Disable`].
    pub key_path: PathBuf,
    /// `ssl_ca_file`; see [`with_ca_cert`](Self::with_ca_cert).
    pub ca_path: Option<PathBuf>,
    /// Certificates by host name; see [`with_hosts`](Self::with_hosts).
    pub hosts: Vec<HostConfig>,
    /// `ssl_crl_file`; see [`with_crl_file`](Self::with_crl_file).
    pub crl_file: Option<PathBuf>,
    /// `ssl_crl_dir`; see [`with_crl_dir`](Self::with_crl_dir).
    pub crl_dir: Option<PathBuf>,
    /// The pass phrase of the key; see [`with_passphrase`](Self::with_passphrase).
    pub passphrase: Option<Passphrase>,
    /// `ssl_passphrase_command`; see [`with_passphrase_command`](Self::with_passphrase_command).
    pub passphrase_command: Option<String>,
    /// `ssl_passphrase_command_supports_reload`; see
    /// [`with_passphrase_command`](Self::with_passphrase_command).
    pub passphrase_command_supports_reload: bool,
    /// Whether a chain may end in an intermediate authority; see
    /// [`with_partial_chains`](Self::with_partial_chains).
    pub partial_chains: bool,
    /// `ssl_ocsp_file`; see [`with_ocsp_file`](Self::with_ocsp_file).
    #[cfg(feature = "ocsp")]
    pub ocsp_path: Option<PathBuf>,
    /// The cryptography; see [`with_crypto_provider`](Self::with_crypto_provider). `None` takes the
    /// first of [`CryptoProvider::AVAILABLE`].
    pub crypto_provider: Option<CryptoProvider>,
    /// `ssl_profile`: what the settings below narrow; see [`with_profile`](Self::with_profile).
    pub profile: CryptoProfile,
    /// `ssl_min_protocol_version`.
    pub min_protocol_version: TlsVersion,
    /// `ssl_max_protocol_version`; `None` is the newest.
    pub max_protocol_version: Option<TlsVersion>,
    /// `ssl_ciphers`; see [`with_ciphers`](Self::with_ciphers). `None` is all of the profile.
    pub ciphers: Option<String>,
    /// `ssl_tls13_ciphers`; see [`with_tls13_ciphers`](Self::with_tls13_ciphers). `None` is all of the
    /// profile.
    pub tls13_ciphers: Option<String>,
    /// `ssl_groups`; see [`with_groups`](Self::with_groups). `None` is all of the profile.
    pub groups: Option<String>,
    /// `ssl_prefer_server_ciphers`; see
    /// [`with_prefer_server_ciphers`](Self::with_prefer_server_ciphers).
    pub prefer_server_ciphers: bool,
    /// `ssl_session_tickets`; see [`with_session_tickets`](Self::with_session_tickets).
    pub session_tickets: bool,
    /// Plaintext bytes of a TLS record; see [`with_max_record_size`](Self::with_max_record_size).
    pub max_record_size: Option<usize>,
}

impl SslConfig {
    /// Settings with a certificate chain, its key, and defaults for the rest: no client CA, the
    /// default provider, all of [`CryptoProfile::Intermediate`], the server's preference of ciphers, no
    /// session tickets, records of 16 KiB.
    ///
    /// With [`SslMode::Disable`] the files are never opened.
    pub fn new(mode: SslMode, cert_path: impl Into<PathBuf>, key_path: impl Into<PathBuf>) -> Self {
        Self {
            mode,
            cert_path: cert_path.into(),
            key_path: key_path.into(),
            ca_path: None,
            hosts: Vec::new(),
            crl_file: None,
            crl_dir: None,
            passphrase: None,
            passphrase_command: None,
            passphrase_command_supports_reload: false,
            partial_chains: false,
            #[cfg(feature = "ocsp")]
            ocsp_path: None,
            crypto_provider: None,
            profile: CryptoProfile::Intermediate,
            min_protocol_version: TlsVersion::Tls12,
            max_protocol_version: None,
            ciphers: None,
            tls13_ciphers: None,
            groups: None,
            prefer_server_ciphers: true,
            session_tickets: false,
            max_record_size: None,
        }
    }

    /// No TLS: every request for it is answered `N`.
    #[must_use]
    pub fn disabled() -> Self {
        Self::new(SslMode::Disable, PathBuf::new(), PathBuf::new())
    }

    /// Sets `ssl_ca_file`: the authorities whose client certificates are accepted, in PEM.
    ///
    /// With it every TLS client is asked for a certificate, and one that is presented must verify,
    /// whatever the mode; only [`SslMode::VerifyCA`] and [`SslMode::VerifyFull`] demand one. Without
    /// it no client is asked. As with PostgreSQL, only the self-signed certificates of the file are
    /// trusted; others in it help to complete a chain.
    #[must_use]
    pub fn with_ca_cert(mut self, ca_path: impl Into<PathBuf>) -> Self {
        self.ca_path = Some(ca_path.into());
        self
    }

    /// Gives each host its own certificate, chosen by the server name that a client asks for (SNI, RFC 6066
    /// section 3), after an SSLRequest and in direct TLS alike.
    ///
    /// With at least one host, `cert_path`, `key_path` and `ca_path` are not read, as with `pg_hosts.conf` in
    /// PostgreSQL 19; all other settings hold for every host. A client that asks for a host which is not
    /// served gets the alert `unrecognized_name`; one that names none where there is neither
    /// [`HostConfig::NO_SNI`] nor [`HostConfig::DEFAULT`], `handshake_failure`.
    #[must_use]
    pub fn with_hosts(mut self, hosts: Vec<HostConfig>) -> Self {
        self.hosts = hosts;
        self
    }

    /// Sets `ssl_crl_file`: certificate revocation lists (CRLs) in PEM, as many as needed, read when the
    /// configuration is loaded.
    ///
    /// With it, or with [`with_crl_dir`](Self::with_crl_dir), every certificate of a client's chain is
    /// looked up: each issuer, the root included, must have a list that is signed by it, has not expired
    /// and does not name the certificate. A client whose chain has an issuer without such a list is
    /// refused, as with PostgreSQL (`X509_V_FLAG_CRL_CHECK_ALL`): an expired list locks out all clients
    /// of that authority. Of several lists of one authority and key, the newest counts.
    #[must_use]
    pub fn with_crl_file(mut self, crl_file: impl Into<PathBuf>) -> Self {
        self.crl_file = Some(crl_file.into());
        self
    }

    /// Sets `ssl_crl_dir`: a directory of revocation lists, one file or more for each authority; see
    /// [`with_crl_file`](Self::with_crl_file) for what they do. Both may be set.
    ///
    /// Files count whose names are as `openssl rehash` makes them (`xxxxxxxx.rN`) or end in `.crl` or
    /// `.pem`. The directory is looked at for every client certificate, so that a new list counts from
    /// the next connection on, without loading the configuration again. A file that has become unusable
    /// leaves the lists that were read of it before in use, and a warning in the log. A file that is
    /// unusable when the configuration is loaded is an error.
    #[must_use]
    pub fn with_crl_dir(mut self, crl_dir: impl Into<PathBuf>) -> Self {
        self.crl_dir = Some(crl_dir.into());
        self
    }

    /// Gives the pass phrase of an encrypted key (PKCS#8 with PBES2, as `openssl pkcs8 -topk8` writes
    /// it). It goes before [`with_passphrase_command`](Self::with_passphrase_command); a key that is not
    /// encrypted needs neither.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// Sets `ssl_passphrase_command` and `ssl_passphrase_command_supports_reload`: how an encrypted key
    /// is opened.
    ///
    /// The command is run by `/bin/sh -c` while the configuration is loaded, with `%p` replaced by a
    /// prompt and `%%` by `%`. The first line of its standard output is the pass phrase; it must exit
    /// with 0 within 60 seconds. When a configuration is loaded again ([`LoadReason::Reload`]) the
    /// command is run only if it supports that; otherwise an encrypted key is an error then, and what
    /// was loaded before remains.
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

    /// Lets every certificate of `ssl_ca_file` end a chain, not only the self-signed ones. Off by default,
    /// as in PostgreSQL, which cannot do it.
    ///
    /// With it a file that holds an intermediate authority alone admits that authority's clients and
    /// nobody else of the root's. An intermediate authority that ends a chain is not looked up in
    /// revocation lists itself: it is trusted as it stands.
    #[must_use]
    pub const fn with_partial_chains(mut self, allow: bool) -> Self {
        self.partial_chains = allow;
        self
    }

    /// Sets `ssl_ocsp_file`: an OCSP response about the certificate (DER, as `openssl ocsp -respout` writes
    /// it), which is stapled to handshakes until it expires. Not read if there are hosts.
    ///
    /// It is verified with the issuer's certificate, which has to follow the server's in its file or to be in
    /// `ssl_ca_file`. A response that does not verify, or is not valid now, is not stapled, and
    /// [`ServerTls::warnings`] says why; a file that holds something else does not load.
    #[cfg(feature = "ocsp")]
    #[must_use]
    pub fn with_ocsp_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ocsp_path = Some(path.into());
        self
    }

    /// Chooses the cryptography; the default is the first of [`CryptoProvider::AVAILABLE`].
    #[must_use]
    pub const fn with_crypto_provider(mut self, provider: CryptoProvider) -> Self {
        self.crypto_provider = Some(provider);
        self
    }

    /// Chooses what versions, suites and groups there are to choose from; the default is
    /// [`CryptoProfile::Intermediate`]. The settings below narrow it. What leaves nothing of it is
    /// refused by [`load`](Self::load).
    #[must_use]
    pub const fn with_profile(mut self, profile: CryptoProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets `ssl_min_protocol_version`; the default is TLS 1.2. Older clients get the alert
    /// `protocol_version`.
    #[must_use]
    pub const fn with_min_protocol_version(mut self, version: TlsVersion) -> Self {
        self.min_protocol_version = version;
        self
    }

    /// Sets `ssl_max_protocol_version`; the default is the newest, TLS 1.3.
    #[must_use]
    pub const fn with_max_protocol_version(mut self, version: TlsVersion) -> Self {
        self.max_protocol_version = Some(version);
        self
    }

    /// Sets `ssl_ciphers`: the suites of TLS 1.2 and their order, in OpenSSL's language
    /// (`openssl-ciphers(1)`), such as `ECDHE+AESGCM:!AES128` or PostgreSQL's default
    /// `HIGH:MEDIUM:+3DES:!aNULL`.
    ///
    /// As in OpenSSL, words that name nothing available are passed over, and a list that leaves nothing
    /// is refused. Properties add suites in the order of
    /// [`with_prefer_server_ciphers`](Self::with_prefer_server_ciphers), which begins with AES-128;
    /// `@STRENGTH` sorts by the length of keys. `@SECLEVEL` above 2 is refused.
    #[must_use]
    pub fn with_ciphers(mut self, list: impl Into<String>) -> Self {
        self.ciphers = Some(list.into());
        self
    }

    /// Sets `ssl_tls13_ciphers`: the suites of TLS 1.3 and their order, by name, with colons between
    /// them. Unknown names are passed over, and a list that leaves nothing is refused.
    #[must_use]
    pub fn with_tls13_ciphers(mut self, list: impl Into<String>) -> Self {
        self.tls13_ciphers = Some(list.into());
        self
    }

    /// Sets `ssl_groups`: the groups for key exchange, by name, with colons between them:
    /// `X25519MLKEM768` (aws-lc-rs only), `X25519`, `prime256v1` or `P-256`, `secp384r1` or `P-384`.
    ///
    /// A name that is not available is refused, unless it has a `?` before it. The order is that in
    /// which a client is asked to try again; among those that it offers the client's order counts.
    #[must_use]
    pub fn with_groups(mut self, list: impl Into<String>) -> Self {
        self.groups = Some(list.into());
        self
    }

    /// Sets `ssl_prefer_server_ciphers`: whose order of cipher suites counts. On by default, as in
    /// PostgreSQL; off takes the first suite of the client's list that the server knows.
    ///
    /// The server's order is AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305, in TLS 1.3 and in TLS 1.2.
    ///
    /// # Design
    ///
    /// OpenSSL's order begins with AES-256-GCM-SHA384. AES-128 comes first here for speed: its suite
    /// hashes with SHA-256, for which processors have instructions, where the other needs SHA-384; a
    /// server accepts up to 23 % more connections a second. Nothing is lost that the rest of the
    /// connection does not lose first: the 128-bit level is that of X25519, of P-256 and of the usual
    /// certificate signatures, no attack on AES-128 comes near its 128 bits, and for quantum computers
    /// a key search of AES-128 is NIST's yardstick for "secure" (category 1). Who must use 256-bit keys
    /// by rule (CNSA) turns this off: OpenSSL's clients ask for AES-256 first.
    #[must_use]
    pub const fn with_prefer_server_ciphers(mut self, prefer: bool) -> Self {
        self.prefer_server_ciphers = prefer;
        self
    }

    /// Sets `ssl_session_tickets`: whether clients can resume a session, which spares both sides the
    /// signature of a handshake. Off by default; PostgreSQL cannot do it.
    ///
    /// # Security
    ///
    /// A ticket is good for at most 12 hours (its key changes every 6), for the server name and the
    /// loaded configuration that it was made by, and for nothing else: after a reload every client
    /// shakes hands in full. A configuration with `ssl_ca_file` makes and takes no tickets, so no check
    /// of a client certificate is ever skipped. There is no early data. The price is some forward
    /// secrecy: whoever reads the server's memory can decrypt the sessions of TLS 1.2 whose tickets
    /// were made with a key that he finds.
    #[must_use]
    pub const fn with_session_tickets(mut self, tickets: bool) -> Self {
        self.session_tickets = tickets;
        self
    }

    /// Limits the plaintext bytes in a TLS record that is sent,
    /// [`MIN_RECORD_SIZE`](Self::MIN_RECORD_SIZE) to [`MAX_RECORD_SIZE`](Self::MAX_RECORD_SIZE);
    /// `None`, the default, is the maximum.
    ///
    /// Smaller records reach the client's application sooner and cost more processing and bytes: each
    /// adds 22 bytes or more. Records of 8 KiB, as PostgreSQL's own, spare libpq's asynchronous users
    /// a stall that records larger than its first input buffer can cause.
    #[must_use]
    pub const fn with_max_record_size(mut self, bytes: Option<usize>) -> Self {
        self.max_record_size = bytes;
        self
    }

    /// Where the pass phrase of the key comes from.
    pub(crate) fn passphrase_source(&self, reason: LoadReason) -> PassphraseSource<'_> {
        PassphraseSource {
            given: self.passphrase.as_ref(),
            command: self.passphrase_command.as_deref(),
            supports_reload: self.passphrase_command_supports_reload,
            reason,
        }
    }

    /// The smallest record limit, that of RFC 6066 section 4.
    pub const MIN_RECORD_SIZE: usize = 512;

    /// The largest record limit, that of TLS itself (RFC 8446 section 5.1).
    pub const MAX_RECORD_SIZE: usize = 16_384;

    /// Whether any client is asked for a certificate: that of the configuration, or of a host.
    #[must_use]
    pub fn has_client_ca(&self) -> bool {
        if self.hosts.is_empty() {
            self.ca_path.is_some()
        } else {
            self.hosts.iter().any(|host| host.ca_path.is_some())
        }
    }

    /// The files that [`load`](Self::load) reads; none with [`SslMode::Disable`].
    ///
    /// For those who want to know when to load again. The directory of revocation lists is not among them:
    /// it is looked at while the server runs.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        if !self.mode.is_enabled() {
            return Vec::new();
        }
        let own = [&self.cert_path, &self.key_path];
        let own = own.into_iter().filter(|path| **path != *"");
        let optional = [
            &self.ca_path,
            &self.crl_file,
            #[cfg(feature = "ocsp")]
            &self.ocsp_path,
        ];
        let of_hosts = self.hosts.iter().flat_map(HostConfig::files);
        own.chain(optional.into_iter().flatten())
            .chain(of_hosts)
            .cloned()
            .collect()
    }

    /// Checks all that can be known before the first connection: [`load`](Self::load) with the result
    /// dropped, so that checking and loading never disagree.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.load().map(drop)
    }

    /// What profile and settings come to, without reading a file.
    ///
    /// # Errors
    ///
    /// A [`CryptoPolicyError`] about the setting that contradicts the profile, cannot be had in this
    /// build, or leaves nothing to negotiate.
    pub fn crypto_policy(&self) -> Result<CryptoPolicy, CryptoPolicyError> {
        CryptoPolicy::new(self)
    }

    /// Reads the files and builds what the [`Acceptor`](crate::Acceptor) needs.
    ///
    /// A replacement of certificate and key by pg-certs that a crash has cut off is finished first. Files
    /// are read, and a command may be run, on the calling thread.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the file or the setting: a file that cannot be read or holds
    /// something else, a key that others may read or that belongs to another certificate, a mode that
    /// needs a CA without one, versions in the wrong order, a provider that is not compiled in. The
    /// first one found is reported: of the settings first, then of the files in PostgreSQL's order of
    /// checks.
    pub fn load(&self) -> Result<ServerTls, ConfigError> {
        self.load_for(LoadReason::Start)
    }

    /// [`load`](Self::load), for the first time or again: it matters to keys with a pass phrase.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load), and [`ConfigError::KeyNeedsPassphrase`].
    pub fn load_for(&self, reason: LoadReason) -> Result<ServerTls, ConfigError> {
        ServerTls::load(self, reason)
    }
}
