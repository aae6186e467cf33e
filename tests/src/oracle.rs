//! A real PostgreSQL, to prove the cases' expectations on before ours is held to them.

use std::fs::{self, File, Permissions};
use std::io::{Seek as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pg_tls::SslMode;
use tempfile::TempDir;

use crate::config::{Access, Config, TlsVersions, USERS, User};
use crate::log::LogEvent;
use crate::pki::Pki;
use crate::target::{Kind, Server, Target};

/// Names the `bin` directory of the PostgreSQL to ask.
pub const VARIABLE: &str = "HELIOSDB_TEST_ORACLE";
const PATIENCE: Duration = Duration::from_secs(30);

/// An installed PostgreSQL with a database cluster to copy from: user `alice` (superuser), databases `alice` and
/// `postgres`, role `bob`.
#[derive(Debug)]
pub struct PostgreSql {
    bin: PathBuf,
    major: u32,
    /// PostgreSQL refuses to run as root, so root runs it as this user.
    other_user: Option<(u32, u32)>,
    template: TempDir,
}

impl PostgreSql {
    /// The one that the environment names, else the newest of Debian's; `None` if there is none.
    #[must_use]
    pub fn find() -> Option<Self> {
        if let Some(bin) = std::env::var_os(VARIABLE) {
            let bin = PathBuf::from(bin);
            assert!(
                bin.join("postgres").exists(),
                "{VARIABLE}: no postgres in {}",
                bin.display()
            );
            return Some(Self::at(bin));
        }
        let newest = fs::read_dir("/usr/lib/postgresql")
            .ok()?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let major: u32 = entry.file_name().to_str()?.parse().ok()?;
                let bin = entry.path().join("bin");
                bin.join("postgres").exists().then_some((major, bin))
            })
            .max()?;
        Some(Self::at(newest.1))
    }

    /// Major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    fn at(bin: PathBuf) -> Self {
        let is_root = output(Command::new("id").arg("-u")).trim() == "0";
        let other_user = is_root.then(|| {
            let id = |flag| {
                output(Command::new("id").args([flag, "postgres"]))
                    .trim()
                    .parse()
                    .unwrap()
            };
            (id("-u"), id("-g"))
        });
        let mut postgres = Self {
            bin,
            major: 0,
            other_user,
            template: private_directory(other_user),
        };
        let version = output(postgres.command("postgres").arg("--version"));
        let number = version.split_whitespace().nth(2).unwrap();
        postgres.major = number.split('.').next().unwrap().parse().unwrap();
        let data = postgres.template.path().join("data");
        output(
            postgres
                .command("initdb")
                .args(["--username=alice", "--auth=trust", "--no-sync"])
                .args(["--encoding=UTF8", "--locale=C", "-D"])
                .arg(&data),
        );
        let mut statements = "create database alice\ncreate role bob login\n".to_owned();
        for User { name, verifier, .. } in USERS {
            statements.push_str(&format!("alter role {name} password '{verifier}'\n"));
        }
        postgres.single_user(&data, &statements);
        postgres
    }

    /// Starts a server on a copy of the cluster.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(&self, config: Config) -> Target {
        let pki = Pki::get();
        let cluster = self.start_on(
            &self.copy(),
            &settings(config),
            &[
                ("server.crt", pki.server.chain_pem()),
                ("server.key", pki.server.key_pem()),
                ("client-ca.crt", &pki.client_ca_pem),
                ("pg_hba.conf", &access_rules(config)),
                ("pg_ident.conf", identity_maps(config)),
            ],
        );
        let cluster = cluster.unwrap_or_else(|log| panic!("PostgreSQL did not start:\n{log}"));
        Target::new(Box::new(cluster), Kind::PostgreSql(self.major), config)
    }

    /// A copy of the cluster.
    #[must_use]
    pub fn copy(&self) -> Data {
        let directory = private_directory(self.other_user);
        output(
            Command::new("cp")
                .arg("-a")
                .arg(self.template.path().join("data"))
                .arg(directory.path().join("data")),
        );
        Data(Arc::new(directory))
    }

    /// Runs statements, one a line, on a copy that no server runs on.
    pub fn run_script(&self, on: &Data, statements: &str) {
        self.single_user(&on.0.path().join("data"), statements);
    }

    fn single_user(&self, data: &Path, statements: &str) {
        let mut script = tempfile::tempfile().unwrap();
        script.write_all(statements.as_bytes()).unwrap();
        script.rewind().unwrap();
        output(
            self.command("postgres")
                .arg("--single")
                .arg("-D")
                .arg(data)
                .arg("postgres")
                .stdin(script),
        );
    }

    /// Starts a server on a copy that none runs on, with lines for `postgresql.conf` and files in the data directory,
    /// its access rules among them.
    ///
    /// # Errors
    ///
    /// Its log, if it ends instead.
    pub fn start_on(
        &self,
        on: &Data,
        settings: &str,
        files: &[(&str, &str)],
    ) -> Result<Cluster, String> {
        let directory = on.0.path();
        let data = directory.join("data");
        // Another program could take the port in between; then the server does not start and the test says so.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let settings = format!("{}{settings}", place(directory, port));
        for (name, text) in files.iter().chain([&("postgresql.conf", &*settings)]) {
            let path = data.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            if let Some((user, group)) = self.other_user {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
        let log = directory.join("log");
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut cluster = Cluster {
            child,
            log,
            port,
            _data: on.clone(),
        };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    fn command(&self, program: &str) -> Command {
        let path = self.bin.join(program);
        let mut command = match self.other_user {
            None => Command::new(path),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={group}"))
                    .args(["--clear-groups", "--pdeathsig=INT"])
                    .arg(path);
                command
            }
        };
        command.current_dir(self.template.path()).env("LC_ALL", "C");
        command
    }
}

/// What every cluster is told.
fn place(directory: &Path, port: u16) -> String {
    let directory = directory.display();
    format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{directory}'\n\
         autovacuum = off\nshared_buffers = 16MB\nfsync = off\nlogging_collector = off\nlc_messages = 'C'\n\
         log_line_prefix = '%r|%e|'\nlog_connections = on\nlog_disconnections = on\n"
    )
}

fn settings(config: Config) -> String {
    let ssl = if config.mode.is_enabled() {
        "on"
    } else {
        "off"
    };
    let ca = if config.client_ca {
        "client-ca.crt"
    } else {
        ""
    };
    let (min, max) = match config.tls_versions {
        TlsVersions::Both => ("TLSv1.2", ""),
        TlsVersions::Tls13Only => ("TLSv1.3", ""),
        TlsVersions::Tls12Only => ("TLSv1.2", "TLSv1.2"),
    };
    let timeout = config.authentication_timeout.as_secs();
    let most = config.max_connections;
    format!(
        "ssl = {ssl}\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nssl_ca_file = '{ca}'\n\
         ssl_min_protocol_version = '{min}'\nssl_max_protocol_version = '{max}'\n\
         authentication_timeout = {timeout}\nmax_connections = {most}\n\
         superuser_reserved_connections = 0\nmax_wal_senders = 2\n"
    )
}

fn identity_maps(config: Config) -> &'static str {
    match config.access {
        Access::Trust | Access::Users => "",
        Access::Rules { ident, .. } => ident,
    }
}

fn access_rules(config: Config) -> String {
    if let Access::Rules { hba, .. } = config.access {
        return hba.into();
    }
    let (kind, options) = match config.mode {
        SslMode::Disable | SslMode::Allow | SslMode::Prefer => ("host", ""),
        SslMode::Require => ("hostssl", ""),
        SslMode::VerifyCA => ("hostssl", "clientcert=verify-ca"),
        SslMode::VerifyFull => ("hostssl", "clientcert=verify-full"),
    };
    let method = match config.access {
        Access::Trust => "trust",
        Access::Users | Access::Rules { .. } => "scram-sha-256",
    };
    format!("{kind} all all 127.0.0.1/32 {method} {options}\n")
}

/// A database cluster of its own, gone with the last server on it.
#[derive(Clone, Debug)]
pub struct Data(Arc<TempDir>);

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Cluster {
    child: Child,
    log: PathBuf,
    port: u16,
    _data: Data,
}

impl Cluster {
    fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let exit = self.child.try_wait().unwrap();
            let log = fs::read_to_string(&self.log).unwrap();
            if log.contains("database system is ready to accept connections") {
                return Ok(());
            }
            if exit.is_some() || Instant::now() > deadline {
                return Err(log);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Has it read its configuration again, and waits until its log says this.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn reload(&self, says: &str) {
        self.signal("-HUP");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(&self.log).unwrap();
            if log.contains(says) {
                return;
            }
            assert!(Instant::now() < deadline, "no {says:?} in\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn signal(&self, name: &str) {
        output(Command::new("kill").args([name, &self.child.id().to_string()]));
    }

    fn has_ended(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

impl Server for Cluster {
    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Without grace a fast shutdown, which ends all sessions; with it a smart one, which ends none.
    fn shut_down(&self, grace: Duration) {
        self.signal(if grace.is_zero() { "-INT" } else { "-TERM" });
    }

    /// A smart shutdown first, since it lets every connection come to its own end and write its own line.
    fn stop(mut self: Box<Self>) -> Vec<(u16, LogEvent)> {
        if !self.has_ended(Duration::ZERO) {
            self.signal("-TERM");
        }
        if !self.has_ended(Duration::from_secs(5)) {
            self.signal("-INT");
        }
        assert!(self.has_ended(PATIENCE), "PostgreSQL does not stop");
        read_log(&fs::read_to_string(&self.log).unwrap())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|exit| exit.is_none()) {
            self.signal("-INT");
            self.child.wait().unwrap();
        }
    }
}

/// Reads lines of the form `127.0.0.1(40000)|08P01|LOG:  text` with their DETAIL and HINT lines.
fn read_log(text: &str) -> Vec<(u16, LogEvent)> {
    let mut events: Vec<(u16, LogEvent)> = Vec::new();
    let mut last = "";
    for line in text.lines() {
        let event = events.last_mut().map(|(_, event)| event);
        if let Some(more) = line.strip_prefix('\t') {
            if let (Some(event), "DETAIL") = (event, last) {
                let detail = event.detail.get_or_insert_default();
                detail.push('\n');
                detail.push_str(more);
            }
            continue;
        }
        let Some((port, sqlstate, severity, message)) = read_line(line) else {
            last = "";
            continue;
        };
        last = severity;
        match (severity, event) {
            ("DETAIL", Some(event)) => event.detail = Some(message.into()),
            ("HINT", Some(event)) => event.hint = Some(message.into()),
            ("STATEMENT" | "CONTEXT", _) => {}
            _ => events.push((
                port,
                LogEvent {
                    severity: severity.into(),
                    sqlstate: sqlstate.into(),
                    message: message.into(),
                    detail: None,
                    hint: None,
                },
            )),
        }
    }
    events
}

fn read_line(line: &str) -> Option<(u16, &str, &str, &str)> {
    let (peer, rest) = line.split_once('|')?;
    let (sqlstate, rest) = rest.split_once('|')?;
    let (severity, message) = rest.split_once(":  ")?;
    let port = peer.strip_suffix(')')?.split_once('(')?.1.parse().ok()?;
    Some((port, sqlstate, severity, message))
}

fn private_directory(owner: Option<(u32, u32)>) -> TempDir {
    let directory = tempfile::Builder::new()
        .prefix("heliosdb-oracle-")
        .tempdir()
        .unwrap();
    if let Some((user, group)) = owner {
        chown(directory.path(), Some(user), Some(group)).unwrap();
    }
    directory
}

#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
