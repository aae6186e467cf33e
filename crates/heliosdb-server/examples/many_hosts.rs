//! Measures what many hosts cost: `many_hosts [COUNT…]`, by default 1, 100 and 10,000.
//!
//! For each count it makes a certificate and key for every host, a file of hosts with one client CA for all,
//! and prints how long the file and the certificates take to load, by how much memory grows, how long a
//! handshake takes, and how long it takes to find that a host is not served.
#![expect(clippy::print_stdout, reason = "a measurement is for whoever reads it")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heliosdb_server::{SslConfig, SslMode, load_hosts};
use pg_certs::CertificateAuthority;
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, ServerSpec};
use pg_tls::{Acceptor, CryptoProvider, Peer};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

const ROUNDS: usize = 2_001;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let counts = std::env::args().skip(1).map(|count| count.parse());
    let mut counts = counts.collect::<Result<Vec<usize>, _>>()?;
    if counts.is_empty() {
        counts = vec![1, 100, 10_000];
    }
    println!("hosts  file ms  certificates ms  KiB a host  answer us  refusal us");
    for count in counts {
        measure(count).await?;
    }
    Ok(())
}

async fn measure(count: usize) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let ca = CertificateAuthority::create(&CaSpec::new("Many hosts"))?;
    write_files(directory.path(), &ca, count)?;

    let before = resident()?;
    let start = Instant::now();
    let hosts = load_hosts(directory.path().join("hosts"))?;
    let file = start.elapsed();
    let start = Instant::now();
    let tls = SslConfig::new(SslMode::Require, "", "")
        .with_hosts(hosts)
        .load()?;
    let certificates = start.elapsed();
    let memory = resident()?.saturating_sub(before) / count;

    let acceptor = Acceptor::new(tls);
    let client = client(&ca)?;
    let asked = format!("h{}.example", count.saturating_sub(1));
    let answer = rounds(&acceptor, &client, &asked).await?;
    let refusal = rounds(&acceptor, &client, "unserved.example").await?;
    println!(
        "{count:>5} {:>8.1} {:>16.1} {memory:>11} {:>10.1} {:>11.1}",
        file.as_secs_f64() * 1e3,
        certificates.as_secs_f64() * 1e3,
        answer.as_secs_f64() * 1e6,
        refusal.as_secs_f64() * 1e6,
    );
    Ok(())
}

fn write_files(directory: &Path, ca: &CertificateAuthority, count: usize) -> anyhow::Result<()> {
    ca.write_certificate(directory.join("ca.crt"), Existing::Replace)?;
    let mut lines = String::new();
    for number in 0..count {
        let name = format!("h{number}.example");
        let (certificate, key) = (format!("{number}.crt"), format!("{number}.key"));
        ca.issue_server(&ServerSpec::new([name.as_str()]))?.write(
            directory.join(&certificate),
            directory.join(&key),
            Existing::Replace,
        )?;
        writeln!(lines, "{name} {certificate} {key} ca.crt")?;
    }
    fs::write(directory.join("hosts"), lines)?;
    Ok(())
}

fn client(ca: &CertificateAuthority) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(
        ca.certificate_pem().as_bytes(),
    )?)?;
    let provider = (CryptoProvider::AVAILABLE.first())
        .and_then(|provider| provider.to_rustls())
        .ok_or_else(|| anyhow::anyhow!("no cryptography in this build"))?;
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(Arc::new(client))
}

/// From a ClientHello to the server's first flight, whatever it says, by direct TLS in memory: the median.
async fn rounds(
    acceptor: &Acceptor,
    client: &Arc<ClientConfig>,
    name: &str,
) -> anyhow::Result<Duration> {
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        let name = ServerName::try_from(name.to_owned())?;
        let mut hello = Vec::new();
        ClientConnection::new(Arc::clone(client), name)?.write_tls(&mut hello)?;
        let (server, mut stream) = duplex(64 * 1024);
        stream.write_all(&hello).await?;
        let start = Instant::now();
        let negotiate = acceptor.negotiate(server, Peer::Tcp(([127, 0, 0, 1], 1).into()), PATIENCE);
        let flight = async {
            let mut first = [0; 1];
            let read = stream.read(&mut first).await;
            let elapsed = start.elapsed();
            drop(stream);
            read.map(|_| elapsed)
        };
        let (_, elapsed) = tokio::join!(negotiate, flight);
        all.push(elapsed?);
    }
    all.sort_unstable();
    Ok(all.get(all.len() / 2).copied().unwrap_or_default())
}

/// Memory that the process holds, in KiB.
fn resident() -> anyhow::Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let text = line.unwrap_or_default().trim().trim_end_matches(" kB");
    Ok(text.parse()?)
}

const PATIENCE: Duration = Duration::from_secs(10);
