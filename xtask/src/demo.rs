//! `cargo xtask demo`: the server with TLS, and a client on it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process::Output;
use crate::project::{Project, which};
use crate::{gen_certs, heliosdb, setup};

/// The port that PostgreSQL's clients try by themselves.
const POSTGRESQL_PORT: u16 = 5432;
/// What the client asks.
const QUERY: &str = "select version()";

/// How long the server stays.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Stop the server after the query
    #[arg(long)]
    once: bool,
}

/// From nothing to a query in TLS.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    setup::run(project)?;
    eprintln!("demo: building the server (the first time takes several minutes: RocksDB)");
    project.build()?;
    show(project, options.once)
}

/// The demonstration for CI: built already, and over after the query.
pub(crate) fn run_once(project: &Project) -> Result<()> {
    show(project, true)
}

fn show(project: &Project, once: bool) -> Result<()> {
    let certs = project.certs_dev();
    gen_certs::write_missing(&certs)?;
    let ca = certs.join("ca.crt");
    let (server, address) = heliosdb::start(
        project,
        heliosdb::Start {
            listen: free_address(),
            ssl_mode: "require",
            certificate: certs.join("server.crt"),
            key: certs.join("server.key"),
            ca: Some(&ca),
            access: None,
            flags: &[],
            output: Output::Terminal,
        },
    )?;
    let conninfo = conninfo(address, &ca);
    query(project, &conninfo)?;
    if once {
        server.stop()?;
        eprintln!("demo: a client connected with sslmode=verify-full and got its answer");
        return Ok(());
    }
    let root = ca.display();
    println!(
        "\nThe server runs (process {}). Connect with:\n\n    \
         psql \"{conninfo}\"\n    \
         psql \"postgresql://postgres@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={root}\"\n\n\
         and with a client certificate:\n\n    \
         psql \"{as_alice} sslcert={alice}.crt sslkey={alice}.key\"\n\n\
         Ctrl-C ends it.",
        server.id(),
        port = address.port(),
        as_alice = conninfo.replace("user=postgres", "user=alice"),
        alice = certs.join("client-alice").display(),
    );
    server.wait()
}

fn conninfo(address: SocketAddr, ca: &Path) -> String {
    format!(
        "host=localhost port={} user=postgres dbname=postgres sslmode=verify-full sslrootcert={}",
        address.port(),
        ca.display()
    )
}

/// PostgreSQL's port, or any other if somebody has that one.
fn free_address() -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, POSTGRESQL_PORT));
    match TcpListener::bind(usual) {
        Ok(_) => usual,
        Err(error) => {
            eprintln!("demo: not on port {POSTGRESQL_PORT}: {error}");
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
        }
    }
}

/// Connects with psql or, where there is none, with the project's own client.
fn query(project: &Project, conninfo: &str) -> Result<()> {
    let mut command = if let Some(psql) = which("psql") {
        let mut command = Command::new(psql);
        command.args(["--no-psqlrc", "--no-password", "--set", "ON_ERROR_STOP=1"]);
        command.args(["--command", r"\conninfo", "--command", QUERY]);
        command.args(["--dbname", conninfo]);
        command
    } else {
        eprintln!("demo: psql is absent, so the project's own client connects");
        let mut command = Command::new(project.program("pgclient"));
        command
            .args(conninfo.split(' '))
            .arg(format!("command={QUERY}"));
        command
    };
    println!("\n$ psql \"{conninfo}\"");
    let status = command.status().context("cannot run the client")?;
    ensure!(status.success(), "the client ended with {status}");
    Ok(())
}
