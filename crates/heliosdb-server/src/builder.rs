//! `PgServerBuilder`: what a server is to be.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use pg_tls::SslConfig;

use crate::access::AccessConfig;
use crate::budget::LoginLimits;
use crate::context::Context;
use crate::engine::IntoEngine;
use crate::error::BuildError;
use crate::listen::Keepalive;
use crate::reload::{ConfigSource, Live, LiveConfig, Tls};
#[cfg(feature = "auto-renew")]
use crate::renewal::AutoRenewal;
use crate::server::PgServer;
use crate::shutdown::ShutdownHandle;

/// PostgreSQL's port on this host only.
const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5432);

/// PostgreSQL's default.
const DEFAULT_MAX_CONNECTIONS: usize = 100;

/// PostgreSQL's default.
const DEFAULT_AUTHENTICATION_TIMEOUT: Duration = Duration::from_secs(60);

/// Enough for a burst of reconnecting clients; a waiting connection costs some 20 KiB.
const DEFAULT_MAX_LOGINS: usize = 512;

/// More than `max_connections` lets in of a burst from one host, and half of the places for others.
const DEFAULT_MAX_LOGINS_PER_ADDRESS: usize = 256;

/// Collects settings; [`build`](Self::build) checks them. Names and defaults are PostgreSQL's.
///
/// ```
/// # #[cfg(feature = "nano")] {
/// use std::sync::Arc;
/// use heliosdb_server::{EmbeddedDatabase, PgServerBuilder};
///
/// let server = PgServerBuilder::new()
///     .address("127.0.0.1:0".parse()?)
///     .max_connections(20)
///     .build(Arc::new(EmbeddedDatabase::new_in_memory()?))?;
/// assert_eq!(server.counters().sessions, 0);
/// # }
/// # Ok::<(), heliosdb_server::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PgServerBuilder {
    addresses: Vec<SocketAddr>,
    live: LiveConfig,
    source: Option<Arc<dyn ConfigSource>>,
}

impl Default for PgServerBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl PgServerBuilder {
    /// 127.0.0.1:5432 without TLS, 100 sessions.
    pub fn new() -> Self {
        Self {
            addresses: Vec::new(),
            live: LiveConfig {
                #[cfg(feature = "auto-renew")]
                renewal: None,
                tls: Tls::Settings(Box::new(SslConfig::disabled())),
                access: AccessConfig::new(),
                max_connections: DEFAULT_MAX_CONNECTIONS,
                logins: LoginLimits {
                    total: DEFAULT_MAX_LOGINS,
                    per_source: DEFAULT_MAX_LOGINS_PER_ADDRESS,
                    exempt: Vec::new(),
                },
                authentication_timeout: DEFAULT_AUTHENTICATION_TIMEOUT,
                keepalive: Keepalive::default(),
                #[cfg(feature = "ocsp")]
                ocsp_fetch: false,
                reload_on_change: false,
            },
            source: None,
        }
    }

    /// Adds an address to listen on; the first replaces the default. Port 0 lets the system choose.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// Sets the TLS settings. The last of this and `ssl_test` counts.
    pub fn ssl_config(mut self, config: SslConfig) -> Self {
        self.live.tls = Tls::Settings(Box::new(config));
        self
    }

    /// Offers TLS with development certificates, which [`build`](Self::build) makes unless there are
    /// good ones already (`certs-dev`, or `$HELIOSDB_CERTS_DIR`). Plaintext is served too
    /// ([`SslMode::Prefer`](crate::SslMode::Prefer)).
    #[cfg(feature = "dev-certs")]
    pub fn ssl_test(mut self) -> Self {
        self.live.tls = Tls::TestCertificates;
        self
    }

    /// `ssl_ocsp_fetch`: fetches OCSP responses from the responders that the certificates name, in the
    /// background, and staples them. Off by default: a server asks nobody else unless it is told to.
    ///
    /// Responses are verified, fetched again at half of their validity, and never stapled after it. Only
    /// `http://` responders are asked, without a proxy.
    #[cfg(feature = "ocsp")]
    pub const fn ssl_ocsp_fetch(mut self, fetch: bool) -> Self {
        self.live.ocsp_fetch = fetch;
        self
    }

    /// `ssl_auto_renew`: has the server renew the certificate of [`ssl_config`](Self::ssl_config) ahead of
    /// its end, at [`build`](Self::build) and while it serves, and serve the new one. Not those of single
    /// hosts, and not one whose key has a pass phrase. A renewal that fails leaves the old files, is logged,
    /// and is tried again, hourly at the least. Default: never.
    #[cfg(feature = "auto-renew")]
    pub fn ssl_auto_renew(mut self, renewal: AutoRenewal) -> Self {
        self.live.renewal = Some(renewal);
        self
    }

    /// `max_connections`: how many sessions may be live at a time. One more is told FATAL 53300.
    /// Default 100. An idle session costs up to 40 KiB with TLS.
    pub const fn max_connections(mut self, count: usize) -> Self {
        self.live.max_connections = count;
        self
    }

    /// How many connections may wait for login beside the sessions. When it is reached, a new
    /// connection displaces the oldest waiting one of the address that has most. Default 512. Each
    /// costs some 20 KiB; fewer than clients that connect at the same moment makes some of them fail.
    pub const fn max_pending_logins(mut self, count: usize) -> Self {
        self.live.logins.total = count;
        self
    }

    /// How many of them may come from one address, or from one /64 network of IPv6. When it is reached, a
    /// new connection displaces the oldest waiting one of that address. Sessions do not count. Default
    /// 256: as many clients of one host may connect at the same moment, and a host that floods the
    /// server leaves half of the places to others.
    pub const fn max_pending_logins_per_address(mut self, count: usize) -> Self {
        self.live.logins.per_source = count;
        self
    }

    /// Networks for which [`max_pending_logins_per_address`](Self::max_pending_logins_per_address) does
    /// not hold, such as the address of a pooler or of a gateway with many clients behind it. They are
    /// also the last to lose connections when all places are taken. Default none.
    pub fn pending_logins_exempt_addresses(
        mut self,
        networks: impl IntoIterator<Item = IpNet>,
    ) -> Self {
        self.live.logins.exempt = networks.into_iter().collect();
        self
    }

    /// `authentication_timeout`: how long a client may take up to its StartupMessage, and again for
    /// authentication. Default 60 s; a shorter one frees what silent clients hold sooner and may be
    /// too short for slow networks.
    pub const fn authentication_timeout(mut self, timeout: Duration) -> Self {
        self.live.authentication_timeout = timeout;
        self
    }

    /// `tcp_keepalives_idle`: how long a connection is silent before the peer is probed. Zero, the
    /// default, is the operating system's value, often two hours.
    pub const fn tcp_keepalives_idle(mut self, idle: Duration) -> Self {
        self.live.keepalive.idle = idle;
        self
    }

    /// `tcp_keepalives_interval`: how long to wait for the answer to a probe. Zero, the default, is
    /// the operating system's value.
    pub const fn tcp_keepalives_interval(mut self, interval: Duration) -> Self {
        self.live.keepalive.interval = interval;
        self
    }

    /// `tcp_keepalives_count`: after how many unanswered probes the connection is dead. Zero, the
    /// default, is the operating system's value.
    pub const fn tcp_keepalives_count(mut self, count: u32) -> Self {
        self.live.keepalive.count = count;
        self
    }

    /// Allows addresses beyond loopback although no password is asked for.
    ///
    /// # Security
    ///
    /// Whoever can open a connection is any user it likes. Only sensible where something else decides
    /// who can, such as a container's network or client certificates
    /// ([`SslMode::VerifyFull`](crate::SslMode::VerifyFull)).
    pub fn dangerous_trust_everywhere(mut self) -> Self {
        self.live.access = self.live.access.dangerous_trust_everywhere();
        self
    }

    /// Sets who may connect and how clients prove who they are, all at once.
    pub fn access(mut self, access: AccessConfig) -> Self {
        self.live.access = access;
        self
    }

    /// `hba_file`: who may connect and how, line by line; see [`AccessConfig::hba_file`].
    pub fn hba_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.live.access = self.live.access.hba_file(path);
        self
    }

    /// `ident_file`: which names in certificates may be which users; see [`AccessConfig::ident_file`].
    pub fn ident_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.live.access = self.live.access.ident_file(path);
        self
    }

    /// `users_file`: who has which password; see [`AccessConfig::users_file`].
    pub fn users_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.live.access = self.live.access.users_file(path);
        self
    }

    /// `reload_on_change`: whether the server watches its files while it serves and reloads when one of them
    /// has changed; see [`ReloadHandle`](crate::ReloadHandle). Off by default: a program knows itself when
    /// it has written them.
    pub const fn reload_on_change(mut self, on: bool) -> Self {
        self.live.reload_on_change = on;
        self
    }

    /// Has every reload ask `source` for the configuration instead of reading the files of this one again;
    /// see [`ReloadHandle`](crate::ReloadHandle).
    pub fn config_source(mut self, source: Arc<dyn ConfigSource>) -> Self {
        self.source = Some(source);
        self
    }

    /// Checks everything that can be checked before listening, makes development certificates if
    /// they are asked for, and starts the engine if it needs to be started.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: everything that is wrong with the settings and their files, or why the engine
    /// does not start.
    pub fn build(self, engine: impl IntoEngine) -> Result<PgServer, BuildError> {
        let addresses = if self.addresses.is_empty() {
            vec![DEFAULT_ADDRESS]
        } else {
            self.addresses
        };
        #[cfg(feature = "auto-renew")]
        if let Some(own) = self.live.own_certificate() {
            own.check_at_start();
        }
        let live = Live::load(self.live, self.source, addresses.clone())?;
        let context = Context {
            engine: engine.into_engine()?,
            live: Arc::new(live),
            slots: Arc::default(),
            login_budget: Arc::default(),
            sessions: Arc::default(),
            cancels: Arc::default(),
            counters: Arc::default(),
            shutdown: ShutdownHandle::new(),
        };
        Ok(PgServer::new(Arc::new(context), addresses))
    }

    pub(crate) const fn live(&self) -> &LiveConfig {
        &self.live
    }

    pub(crate) fn into_live(self) -> LiveConfig {
        self.live
    }
}
