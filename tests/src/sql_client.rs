//! Real SQL clients, pointed at a server under test: psql, tokio-postgres and sqlx, all over TLS with `verify-full`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, PgConnection};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one whole test may take before it is taken for a hang.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Where a server listens and whom its clients trust.
#[derive(Clone, Debug)]
pub struct Sql {
    address: SocketAddr,
    ca: CertificateDer<'static>,
    files: Arc<TempDir>,
}

impl Sql {
    /// Takes the address and the CA as PEM.
    #[must_use]
    pub fn new(address: SocketAddr, ca_pem: &str) -> Self {
        let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap();
        let files = TempDir::new().unwrap();
        std::fs::write(files.path().join("ca.crt"), ca_pem).unwrap();
        Self {
            address,
            ca,
            files: Arc::new(files),
        }
    }

    /// The same server through another door, such as a [`byte_splitter`].
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// Where the server listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A path for a file of this test alone.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// The TLS side of tokio-postgres.
    #[must_use]
    pub fn tls(&self) -> MakeRustlsConnect {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        MakeRustlsConnect::new(config)
    }

    /// A session of tokio-postgres, as user `alice` in database `postgres`.
    pub async fn tokio_postgres(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::Config::new()
            .host("localhost")
            .hostaddr(self.address.ip())
            .port(self.address.port())
            .user("alice")
            .dbname("postgres")
            .ssl_mode(SslMode::Require)
            .connect(self.tls())
            .await
            .expect("tokio-postgres connects");
        // The task ends with the client: the connection is over when the last handle is dropped.
        tokio::spawn(connection);
        client
    }

    /// A session of sqlx, as user `alice` in database `postgres`.
    pub async fn sqlx(&self) -> PgConnection {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.address.port())
            .username("alice")
            .database("postgres")
            .ssl_mode(PgSslMode::VerifyFull)
            .ssl_root_cert(self.ca_file())
            .connect()
            .await
            .expect("sqlx connects")
    }

    /// Runs psql over `script` (its standard input) with these further arguments.
    pub async fn psql(&self, arguments: &[&str], script: &str) -> Psql {
        let conninfo = format!(
            "host=localhost hostaddr={} port={} user=alice dbname=postgres sslmode=verify-full sslrootcert={}",
            self.address.ip(),
            self.address.port(),
            self.ca_file().display()
        );
        let mut child = tokio::process::Command::new("psql")
            .args(["--no-psqlrc", "--no-password", "--dbname", &conninfo])
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .env("PAGER", "cat")
            .env("HOME", self.files.path())
            .current_dir(self.files.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("psql is installed");
        let mut input = child.stdin.take().unwrap();
        let (_, output) = tokio::join!(
            async move {
                // psql may stop reading at an error; what it says then is what the test looks at.
                let _ = input.write_all(script.as_bytes()).await;
            },
            child.wait_with_output()
        );
        let output = output.unwrap();
        Psql {
            status: output.status.code().expect("psql was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn ca_file(&self) -> PathBuf {
        self.files.path().join("ca.crt")
    }
}

/// How psql ended.
#[derive(Debug, Eq, PartialEq)]
pub struct Psql {
    /// Exit code: 0 fine, 1 psql's own failure, 2 connection lost, 3 script error under `ON_ERROR_STOP`.
    pub status: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
}

impl Psql {
    /// It must have succeeded without a complaint; returns what it printed.
    #[track_caller]
    #[must_use]
    pub fn printed(self) -> String {
        assert!(
            self.status == 0 && self.stderr.is_empty(),
            "psql complained: {self:?}"
        );
        self.stdout
    }
}

/// SQLSTATE and message of an error the server sent.
#[track_caller]
#[must_use]
pub fn report(error: &tokio_postgres::Error) -> (SqlState, String) {
    let error = error
        .as_db_error()
        .unwrap_or_else(|| panic!("not an ErrorResponse: {error:?}"));
    (error.code().clone(), error.message().to_owned())
}

/// SQLSTATE and message of an error the server sent, as sqlx hands it on.
#[track_caller]
#[must_use]
pub fn sqlx_report(error: &sqlx::Error) -> (String, String) {
    let error = error
        .as_database_error()
        .unwrap_or_else(|| panic!("not an ErrorResponse: {error:?}"));
    (
        error.code().expect("SQLSTATE").into_owned(),
        error.message().to_owned(),
    )
}

/// Listens in front of `server` and passes every byte on in a segment of its own, both ways.
pub async fn byte_splitter(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(server).await.unwrap();
            for socket in [&client, &server] {
                socket.set_nodelay(true).unwrap();
            }
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(pass_bytes(from_client, to_server));
            tokio::spawn(pass_bytes(from_server, to_client));
        }
    });
    address
}

async fn pass_bytes(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut chunk = [0; 4_096];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        for byte in &chunk[..count] {
            // A peer that has gone is the business of the client under test.
            if to.write_all(std::slice::from_ref(byte)).await.is_err() {
                return;
            }
        }
    }
}
