//! Certificates that take turns, and a server in this process whose files the test replaces.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use heliosdb_server::reload::ReloadAttempt;
use heliosdb_server::{PgServerBuilder, ReloadHandle, ShutdownHandle, SslConfig};
use pg_tls::SslMode;
use tempfile::{NamedTempFile, TempDir};
use tokio::runtime::Runtime;

use crate::config::USERS;
use crate::engine::Scripted;
use crate::pki::{Authority, Identity, Leaf};

/// How long a watch may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Certificates for a server and its clients, made once per test process.
#[derive(Debug)]
pub struct Rotation {
    /// For the server, each by an intermediate authority of its own, so that no two chains share a certificate.
    pub servers: Vec<Identity>,
    /// For the server, validity 2001–2002.
    pub expired: Identity,
    /// Two authorities of the same name and with different keys, PEM.
    pub client_cas: [String; 2],
    /// `CN=alice` by each of them.
    pub clients: [Identity; 2],
}

impl Rotation {
    /// The process's certificates.
    #[must_use]
    pub fn get() -> &'static Self {
        static ROTATION: OnceLock<Rotation> = OnceLock::new();
        ROTATION.get_or_init(Self::make)
    }

    fn make() -> Self {
        let root = Authority::root("Rotation server CA");
        let server = |number: usize| {
            let intermediate = root.intermediate(&format!("Rotation intermediate {number}"));
            Leaf::server().issue(&intermediate)
        };
        let authorities = [(), ()].map(|()| Authority::root("Rotation client CA"));
        Self {
            servers: (0..10).map(server).collect(),
            expired: Leaf::server().years(2001, 2002).issue(&root),
            clients: [0, 1].map(|number| Leaf::client("alice").issue(&authorities[number])),
            client_cas: authorities.map(|authority| authority.pem),
        }
    }
}

/// The files of a server.
#[derive(Debug)]
pub struct Files(TempDir);

impl Default for Files {
    fn default() -> Self {
        Self::new()
    }
}

impl Files {
    /// The first certificate, the first client CA, and the users of all tests.
    ///
    /// # Panics
    ///
    /// If they cannot be written.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("heliosdb-reload-")
            .tempdir();
        let files = Self(directory.unwrap());
        let rotation = Rotation::get();
        files.put_identity(&rotation.servers[0]);
        files.put("clients.crt", &rotation.client_cas[0]);
        let users = USERS.map(|user| format!("\"{}\" \"{}\"\n", user.name, user.verifier));
        files.put("users", &users.concat());
        files
    }

    /// A path among them.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file for its owner alone in the place of what there was, at once.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn put(&self, name: &str, text: &str) {
        let new = NamedTempFile::new_in(self.0.path()).unwrap();
        fs::write(new.path(), text).unwrap();
        new.persist(self.path(name)).unwrap();
    }

    /// Replaces `server.crt` and `server.key`.
    pub fn put_identity(&self, identity: &Identity) {
        self.put("server.crt", identity.chain_pem());
        self.put("server.key", identity.key_pem());
    }

    /// Sets the permissions of a file.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// A server with them: TLS for all, a client certificate for who likes, passwords.
    pub fn builder(&self) -> PgServerBuilder {
        let ssl = SslConfig::new(
            SslMode::Require,
            self.path("server.crt"),
            self.path("server.key"),
        );
        PgServerBuilder::new()
            .ssl_config(ssl.with_ca_cert(self.path("clients.crt")))
            .users_file(self.path("users"))
    }
}

/// A server that serves until it is dropped.
#[derive(Debug)]
pub struct Served {
    runtime: Option<Runtime>,
    shutdown: ShutdownHandle,
    /// Where it listens.
    pub address: SocketAddr,
    /// Reloads it.
    pub handle: ReloadHandle,
}

impl Served {
    /// Serves on a free port, in front of the scripted engine.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(builder: PgServerBuilder) -> Self {
        let runtime = Runtime::new().unwrap();
        let builder = builder.address(([127, 0, 0, 1], 0).into());
        let server = builder.build(Arc::new(Scripted::default())).unwrap();
        let bound = runtime.block_on(server.bind()).unwrap();
        let address = bound.local_addrs()[0];
        runtime.spawn(bound.serve());
        Self {
            runtime: Some(runtime),
            shutdown: server.shutdown_handle(),
            address,
            handle: server.reload_handle(),
        }
    }

    /// Does something that the server notices by itself, and waits until it serves this certificate. There may be
    /// several reloads on the way, none of which fails.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub fn serves_after(&self, identity: &Identity, change: impl FnOnce()) {
        self.wait_after(change, |attempt| {
            assert_eq!(attempt.failure, None);
            let tls = self.handle.tls();
            let mut served = tls.identities();
            served.any(|served| served.certificate() == identity.der())
        });
    }

    /// The same for a reload that fails; tells why.
    ///
    /// # Panics
    ///
    /// If it does not come.
    #[must_use]
    pub fn fails_after(&self, change: impl FnOnce()) -> String {
        let attempt = self.wait_after(change, |attempt| attempt.failure.is_some());
        attempt.failure.unwrap_or_default()
    }

    fn wait_after(
        &self,
        change: impl FnOnce(),
        is_it: impl Fn(&ReloadAttempt) -> bool,
    ) -> ReloadAttempt {
        let mut status = self.handle.subscribe();
        change();
        loop {
            let changed = async { tokio::time::timeout(PATIENCE, status.changed()).await };
            let changed = self.runtime.as_ref().unwrap().block_on(changed);
            changed.expect("no reload").expect("no server");
            let attempt = status.borrow_and_update().last_attempt.clone().unwrap();
            if is_it(&attempt) {
                return attempt;
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.shutdown(Duration::ZERO);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
