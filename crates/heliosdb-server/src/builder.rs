//! `PgServerBuilder`: what a server is to be.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use pg_tls::{Acceptor, SslConfig};
use tokio::sync::Semaphore;

use crate::access::{AccessConfig, CurrentAccess, TlsFacts};
use crate::budget::{LoginBudget, LoginLimits};
use crate::context::Context;
use crate::engine::IntoEngine;
use crate::error::BuildError;
use crate::listen::Keepalive;
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
    tls: Tls,
    access: AccessConfig,
    max_connections: usize,
    logins: LoginLimits,
    authentication_timeout: Duration,
    keepalive: Keepalive,
}

/// Where the TLS settings come from.
#[derive(Clone, Debug)]
enum Tls {
    Settings(Box<SslConfig>),
    #[cfg(feature = "dev-certs")]
    TestCertificates,
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
        }
    }

    /// Adds an address to listen on; the first replaces the default. Port 0 lets the system choose.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// Sets the TLS settings. The last of this and `ssl_test` counts.
    pub fn ssl_config(mut self, config: SslConfig) -> Self {
        self.tls = Tls::Settings(Box::new(config));
        self
    }

    /// Offers TLS with development certificates, which [`build`](Self::build) makes unless there are
    /// good ones already (`certs-dev`, or `$HELIOSDB_CERTS_DIR`). Plaintext is served too
    /// ([`SslMode::Prefer`](crate::SslMode::Prefer)).
    #[cfg(feature = "dev-certs")]
    pub fn ssl_test(mut self) -> Self {
        self.tls = Tls::TestCertificates;
        self
    }

    /// `max_connections`: how many sessions may be live at a time. One more is told FATAL 53300.
    /// Default 100. An idle session costs up to 40 KiB with TLS.
    pub const fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count;
        self
    }

    /// How many connections may wait for login beside the sessions. When it is reached, a new
    /// connection displaces the oldest waiting one of the address that has most. Default 512. Each
    /// costs some 20 KiB; fewer than clients that connect at the same moment makes some of them fail.
    pub const fn max_pending_logins(mut self, count: usize) -> Self {
        self.logins.total = count;
        self
    }

    /// How many of them may come from one address, or from one /64 network of IPv6. When it is reached, a
    /// new connection displaces the oldest waiting one of that address. Sessions do not count. Default
    /// 256: as many clients of one host may connect at the same moment, and a host that floods the
    /// server leaves half of the places to others.
    pub const fn max_pending_logins_per_address(mut self, count: usize) -> Self {
        self.logins.per_source = count;
        self
    }

    /// Networks for which [`max_pending_logins_per_address`](Self::max_pending_logins_per_address) does
    /// not hold, such as the address of a pooler or of a gateway with many clients behind it. They are
    /// also the last to lose connections when all places are taken. Default none.
    pub fn pending_logins_exempt_addresses(
        mut self,
        networks: impl IntoIterator<Item = IpNet>,
    ) -> Self {
        self.logins.exempt = networks.into_iter().collect();
        self
    }

    /// `authentication_timeout`: how long a client may take up to its StartupMessage, and again for
    /// authentication. Default 60 s; a shorter one frees what silent clients hold sooner and may be
    /// too short for slow networks.
    pub const fn authentication_timeout(mut self, timeout: Duration) -> Self {
        self.authentication_timeout = timeout;
        self
    }

    /// `tcp_keepalives_idle`: how long a connection is silent before the peer is probed. Zero, the
    /// default, is the operating system's value, often two hours.
    pub const fn tcp_keepalives_idle(mut self, idle: Duration) -> Self {
        self.keepalive.idle = idle;
        self
    }

    /// `tcp_keepalives_interval`: how long to wait for the answer to a probe. Zero, the default, is
    /// the operating system's value.
    pub const fn tcp_keepalives_interval(mut self, interval: Duration) -> Self {
        self.keepalive.interval = interval;
        self
    }

    /// `tcp_keepalives_count`: after how many unanswered probes the connection is dead. Zero, the
    /// default, is the operating system's value.
    pub const fn tcp_keepalives_count(mut self, count: u32) -> Self {
        self.keepalive.count = count;
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
        self.access = self.access.dangerous_trust_everywhere();
        self
    }

    /// Sets who may connect and how clients prove who they are, all at once.
    pub fn access(mut self, access: AccessConfig) -> Self {
        self.access = access;
        self
    }

    /// `hba_file`: who may connect and how, line by line; see [`AccessConfig::hba_file`].
    pub fn hba_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.access = self.access.hba_file(path);
        self
    }

    /// `ident_file`: which names in certificates may be which users; see [`AccessConfig::ident_file`].
    pub fn ident_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.access = self.access.ident_file(path);
        self
    }

    /// `users_file`: who has which password; see [`AccessConfig::users_file`].
    pub fn users_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.access = self.access.users_file(path);
        self
    }

    /// Checks everything that can be checked before listening, makes development certificates if
    /// they are asked for, and starts the engine if it needs to be started.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for the first setting that cannot work.
    pub fn build(self, engine: impl IntoEngine) -> Result<PgServer, BuildError> {
        for (setting, is_zero) in [
            ("max_connections", self.max_connections == 0),
            ("max_pending_logins", self.logins.total == 0),
            (
                "max_pending_logins_per_address",
                self.logins.per_source == 0,
            ),
            (
                "authentication_timeout",
                self.authentication_timeout.is_zero(),
            ),
        ] {
            if is_zero {
                return Err(BuildError::Zero { setting });
            }
        }
        let addresses = if self.addresses.is_empty() {
            vec![DEFAULT_ADDRESS]
        } else {
            self.addresses
        };
        let tls = self.tls.settings()?;
        let facts = TlsFacts {
            mode: tls.mode,
            client_ca: tls.ca_path.is_some(),
        };
        let access = CurrentAccess::load(self.access, facts)?;
        for &address in &addresses {
            access.get().check_address(address)?;
        }
        let tls = tls.load()?;
        let context = Context {
            engine: engine.into_engine()?,
            acceptor: Acceptor::new(tls),
            access: Arc::new(access),
            authentication_timeout: self.authentication_timeout,
            slots: Arc::new(Semaphore::new(
                self.max_connections.min(Semaphore::MAX_PERMITS),
            )),
            login_budget: Arc::new(LoginBudget::new(self.logins)),
            sessions: Arc::default(),
            cancels: Arc::default(),
            counters: Arc::default(),
            shutdown: ShutdownHandle::new(),
        };
        Ok(PgServer::new(Arc::new(context), addresses, self.keepalive))
    }
}

impl Tls {
    fn settings(self) -> Result<SslConfig, BuildError> {
        match self {
            Self::Settings(config) => Ok(*config),
            #[cfg(feature = "dev-certs")]
            Self::TestCertificates => {
                let (cert, key) = pg_certs::CertificateManager::setup_test_certs()
                    .map_err(|error| BuildError::TestCertificates(error.into()))?;
                Ok(SslConfig::new(pg_tls::SslMode::Prefer, cert, key))
            }
        }
    }
}
