//! Sockets that never log in, and how long a client from elsewhere waits meanwhile: `login_flood [SOCKETS]`.
//!
//! Half of the sockets from 127.0.0.1 are silent, half drip a byte of a startup packet every second. The
//! ordinary client comes from 127.0.0.2. The server is a process of its own, so that its memory is its own,
//! over the canned engine; it is asked twice, with the default limits and with room for all sockets.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use heliosdb_benches::CannedEngine;
use heliosdb_server::{PgServerBuilder, SslConfig, SslMode};
use pg_certs::CertificateManager;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

const LOGINS: usize = 50;
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];
const STARTUP: &[u8] = b"\0\0\0\x14\0\x03\0\0user\0alice\0\0";
const READY: &[u8] = b"Z\0\0\0\x05I";
/// The beginning of a startup packet of 10,004 bytes.
const LONG_STARTUP: &[u8] = b"\0\0\x27\x14\0\x03\0\0";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("serve") => serve(args).await,
        sockets => {
            let sockets = sockets.map_or(Ok(10_000), str::parse).context("SOCKETS")?;
            flood(sockets).await
        }
    }
}

/// The server's process: `serve CERT KEY [MAX_PENDING_LOGINS]`; says its address.
async fn serve(mut args: impl Iterator<Item = String>) -> anyhow::Result<()> {
    raise_descriptor_limit()?;
    let certificate = args.next().context("CERT")?;
    let key = args.next().context("KEY")?;
    let mut builder = PgServerBuilder::new()
        .address(([127, 0, 0, 1], 0).into())
        .authentication_timeout(Duration::from_secs(600))
        .ssl_config(SslConfig::new(SslMode::Prefer, certificate, key));
    if let Some(count) = args.next() {
        let count = count.parse().context("MAX_PENDING_LOGINS")?;
        builder = builder
            .max_pending_logins(count)
            .max_pending_logins_per_address(count);
    }
    let server = builder.build(Arc::new(CannedEngine::new(100, 0)))?;
    let bound = server.bind().await?;
    let address = bound.local_addrs().first().context("no address")?;
    say(&address.to_string())?;
    tokio::spawn(bound.serve()).await?;
    Ok(())
}

async fn flood(sockets: usize) -> anyhow::Result<()> {
    raise_descriptor_limit()?;
    let directory = tempfile::tempdir()?;
    let (certificate, key) = CertificateManager::setup_test_certs_in(directory.path())?;
    let mut roots = RootCertStore::empty();
    for root in rustls::pki_types::CertificateDer::pem_file_iter(&certificate)? {
        roots.add(root?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(tls));

    say(&format!(
        "{sockets} sockets from 127.0.0.1, half of them dripping; {LOGINS} TLS logins from 127.0.0.2 each\n\n\
         | limits | login before, median | during, median | during, worst | memory before | during |\n\
         |---|---|---|---|---|---|"
    ))?;
    for (name, room) in [
        ("default (256 of 512)", None),
        ("room for all", Some(sockets + 1_000)),
    ] {
        let server = ServerProcess::start(&certificate, &key, room)?;
        let mut before = log_ins(&connector, server.address).await?;
        let memory_before = server.resident_mebibytes()?;
        let held = open(server.address, sockets).await?;
        let dripping = tokio::spawn(drip(held));
        let mut during = log_ins(&connector, server.address).await?;
        let memory = server.resident_mebibytes()?;
        dripping.abort();
        before.sort();
        during.sort();
        let at = |times: &[Duration], index: usize| times.get(index).copied().unwrap_or_default();
        say(&format!(
            "| {name} | {:.1?} | {:.1?} | {:.1?} | {memory_before} MiB | {memory} MiB |",
            at(&before, LOGINS / 2),
            at(&during, LOGINS / 2),
            at(&during, LOGINS - 1),
        ))?;
    }
    Ok(())
}

async fn open(address: SocketAddr, count: usize) -> anyhow::Result<Vec<TcpStream>> {
    let mut sockets = Vec::with_capacity(count);
    for index in 0..count {
        // Fast enough to overrun the backlog, in which case the kernel tries again by itself.
        let mut socket = TcpStream::connect(address)
            .await
            .with_context(|| format!("socket {index}"))?;
        if index % 2 == 0 {
            // A server at its limit may have closed it already.
            let _closed = socket.write_all(LONG_STARTUP).await;
        }
        sockets.push(socket);
    }
    Ok(sockets)
}

async fn drip(mut sockets: Vec<TcpStream>) {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        every_second.tick().await;
        for socket in sockets.iter_mut().step_by(2) {
            let _closed = socket.write(b"u").await;
        }
    }
}

async fn log_ins(connector: &TlsConnector, address: SocketAddr) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..LOGINS {
        times.push(log_in(connector, address).await?);
    }
    Ok(times)
}

/// From the connect to ReadyForQuery.
async fn log_in(connector: &TlsConnector, address: SocketAddr) -> anyhow::Result<Duration> {
    let since = Instant::now();
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 2], 0).into())?;
    let mut stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&SSL_REQUEST).await?;
    anyhow::ensure!(stream.read_u8().await? == b'S', "no TLS");
    let mut stream = connector
        .connect(ServerName::try_from("localhost")?, stream)
        .await?;
    stream.write_all(STARTUP).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(READY) {
        anyhow::ensure!(stream.read_buf(&mut answer).await? > 0, "no session");
    }
    Ok(since.elapsed())
}

struct ServerProcess {
    child: Child,
    address: SocketAddr,
}

impl ServerProcess {
    fn start(certificate: &str, key: &str, room: Option<usize>) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", certificate, key])
            .args(room.map(|count| count.to_string()))
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().context("the server did not start")?;
        Ok(Self { child, address })
    }

    fn resident_mebibytes(&self) -> anyhow::Result<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.context("no VmRSS")?.trim().trim_end_matches(" kB");
        Ok(kibibytes.parse::<usize>()? / 1024)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself, which shows elsewhere.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// Each side holds a descriptor for every socket.
fn raise_descriptor_limit() -> anyhow::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).context("limit of open files")
}

fn say(line: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{line}").context("standard output")
}
