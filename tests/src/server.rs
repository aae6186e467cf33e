//! Our server, in this process, one per case.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heliosdb_server::engine::{IntoEngine, NanoEngine};
use heliosdb_server::{AccessConfig, PgServer, PgServerBuilder, ShutdownHandle, SslConfig};
use pg_tls::{CryptoProvider, TlsVersion};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::collector::Collector;
use crate::config::{Access, Config, Engine, Provider, TlsVersions, USERS, User};
use crate::engine::Scripted;
use crate::log::LogEvent;
use crate::pki::Pki;
use crate::target::{Kind, Server, Target};

/// How long a server may take to stop.
const PATIENCE: Duration = Duration::from_secs(15);

/// Starts our server for a case.
///
/// # Panics
///
/// If it does not start.
#[must_use]
pub fn start(config: Config) -> Target {
    match config.engine {
        Engine::Scripted => start_with(config, Arc::new(Scripted::default())),
        Engine::Nano => start_with(config, Arc::new(NanoEngine::in_memory().unwrap())),
    }
}

/// Starts our server in front of an engine of the test's.
///
/// # Panics
///
/// If it does not start.
#[must_use]
pub fn start_with(config: Config, engine: impl IntoEngine) -> Target {
    let directory = tempfile::Builder::new()
        .prefix("heliosdb-server-")
        .tempdir()
        .unwrap();
    let log = Collector::default();
    let runtime = runtime(&log);
    let builder = PgServerBuilder::new()
        .address(([127, 0, 0, 1], 0).into())
        .ssl_config(ssl_config(config, &directory))
        .max_connections(usize::try_from(config.max_connections).unwrap())
        .authentication_timeout(config.authentication_timeout);
    let builder = builder.access(access(config, &directory));
    log.enter_thread();
    let server = builder.build(engine).unwrap();
    let shutdown = server.shutdown_handle();
    let bound = runtime.block_on(server.bind()).unwrap();
    Collector::leave_thread();
    let address = bound.local_addrs()[0];
    let serving = runtime.spawn(bound.serve());
    let running = Running {
        runtime: Some(runtime),
        serving: Some(serving),
        address,
        server,
        shutdown,
        log,
        _directory: directory,
    };
    Target::new(Box::new(running), Kind::Ours, config)
}

fn runtime(log: &Collector) -> Runtime {
    let log = log.clone();
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || log.enter_thread())
        .on_thread_stop(Collector::leave_thread)
        .build()
        .unwrap()
}

fn ssl_config(config: Config, directory: &TempDir) -> SslConfig {
    if !config.mode.is_enabled() {
        return SslConfig::disabled();
    }
    let pki = Pki::get();
    let write = |name: &str, text: &str| write(directory, name, text);
    let cert = write("server.crt", pki.server.chain_pem());
    let key = write("server.key", pki.server.key_pem());
    let mut ssl = SslConfig::new(config.mode, cert, key)
        .with_max_record_size(config.max_record_size)
        .with_crypto_provider(match config.provider {
            Provider::AwsLcRs => CryptoProvider::AwsLcRs,
            Provider::Ring => CryptoProvider::Ring,
        });
    ssl = match config.tls_versions {
        TlsVersions::Both => ssl,
        TlsVersions::Tls13Only => ssl.with_min_protocol_version(TlsVersion::Tls13),
        TlsVersions::Tls12Only => ssl.with_max_protocol_version(TlsVersion::Tls12),
    };
    if config.client_ca {
        ssl = ssl.with_ca_cert(write("client-ca.crt", &pki.client_ca_pem));
    }
    ssl
}

fn access(config: Config, directory: &TempDir) -> AccessConfig {
    match config.access {
        Access::Trust => AccessConfig::new(),
        Access::Users => AccessConfig::new().users_file(users_file(directory)),
        Access::Rules { hba, ident } => AccessConfig::new()
            .users_file(users_file(directory))
            .hba_file(write(directory, "pg_hba.conf", hba))
            .ident_file(write(directory, "pg_ident.conf", ident))
            // Cases prove what the rules do, as they stand on PostgreSQL too.
            .dangerous_cleartext_passwords()
            .dangerous_trust_everywhere(),
    }
}

fn users_file(directory: &TempDir) -> PathBuf {
    let line = |user: &User| format!("\"{}\" \"{}\"\n", user.name, user.verifier);
    let text: String = USERS.iter().map(line).collect();
    write(directory, "users", &text)
}

/// A file that only its owner may read.
fn write(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

struct Running {
    runtime: Option<Runtime>,
    serving: Option<JoinHandle<()>>,
    address: SocketAddr,
    server: PgServer,
    shutdown: ShutdownHandle,
    log: Collector,
    _directory: TempDir,
}

impl Running {
    /// Waits until every connection has come to its own end, or its time is over.
    fn join(&mut self) {
        // The case has let go of its clients, and the server must notice that by itself.
        let deadline = Instant::now() + PATIENCE;
        while self.server.counters().sessions_live > 0 {
            assert!(Instant::now() < deadline, "sessions outlive their clients");
            std::thread::sleep(Duration::from_millis(1));
        }
        self.shutdown.shutdown(PATIENCE);
        let (Some(runtime), Some(serving)) = (&self.runtime, self.serving.take()) else {
            return;
        };
        let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, serving).await });
        ended
            .expect("the server does not stop")
            .expect("the server panicked");
    }
}

impl Server for Running {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn shut_down(&self, grace: Duration) {
        self.shutdown.shutdown(grace);
    }

    fn stop(mut self: Box<Self>) -> Vec<(u16, LogEvent)> {
        self.join();
        self.log.events()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A case that fails leaves its connections open, so nothing is waited for here.
        self.shutdown.shutdown(Duration::ZERO);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
