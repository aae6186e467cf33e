//! `cargo xtask probe-peers`: `pg-certs probe` against PostgreSQL, PgBouncer, stunnel and our server; its
//! verdicts held to what psql really does, its output kept in the guide.

mod guide;
mod libpq;
mod peers;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use self::libpq::Psql;
use self::peers::{Kind, Peer};
use crate::gen_certs;
use crate::process::{Finished, run_for};
use crate::project::Project;
use crate::test_ssl::Absent;
use crate::test_ssl::access::{OTHER_USER, USER};
use crate::test_ssl::servers;

/// How to run it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Use the programs as they are
    #[arg(long)]
    no_build: bool,
    /// Do not write the output into the guide
    #[arg(long)]
    keep_guide: bool,
}

/// The names that each server is checked for: two that its certificate has, and one that it has not.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "db.example"];

/// One probe takes a fraction of a second.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The part of the JSON that is compared.
#[derive(Deserialize)]
struct Report {
    ssl_request: SslRequest,
    verdicts: Vec<Verdict>,
    early_bytes: EarlyBytes,
    negotiation: Negotiation,
}

#[derive(Deserialize)]
struct SslRequest {
    answer: String,
}

#[derive(Deserialize)]
struct Verdict {
    sslmode: String,
    host: Option<String>,
    connects: Option<bool>,
    encrypted: Option<bool>,
    reason: String,
}

#[derive(Deserialize)]
struct EarlyBytes {
    outcome: String,
}

#[derive(Deserialize)]
struct Negotiation {
    direct: Attempt,
    direct_without_alpn: Attempt,
}

#[derive(Deserialize)]
struct Attempt {
    accepted: Option<bool>,
}

/// Builds what is needed, then probes every peer.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    if !options.no_build {
        project.build()?;
    }
    run_built(project, Absent::Reported, !options.keep_guide)
}

/// The programs must have been built.
pub(crate) fn run_built(project: &Project, absent: Absent, write_guide: bool) -> Result<()> {
    let scratch = tempfile::Builder::new().prefix("probe-peers-").tempdir()?;
    let folder = scratch.path();
    servers::open_to_all(folder)?;
    gen_certs::write_all(folder, &[USER, OTHER_USER])?;
    let psqls = Psql::find(project);
    ensure!(
        absent == Absent::Reported || psqls.len() == 2,
        "psql 15 or psql 18 is absent: cargo xtask setup"
    );
    let mut sections = Vec::new();
    let mut verdicts = 0;
    for kind in Kind::ALL {
        let Some(family) = peers::Family::prepare(project, *kind, folder)? else {
            ensure!(
                absent == Absent::Reported,
                "{kind} is absent: cargo xtask setup"
            );
            eprintln!("probe-peers: {kind} is absent");
            continue;
        };
        for case in kind.cases() {
            let peer = family
                .start(*case)
                .with_context(|| format!("{kind}, {case}"))?;
            let report = probe_json(project, &peer, folder)?;
            check_facts(*kind, &report).with_context(|| format!("{kind}, {case}"))?;
            for psql in &psqls {
                verdicts += compare(psql, &peer, folder, &report)
                    .with_context(|| format!("{kind}, {case}, {psql}"))?;
            }
            if *case == peers::DOCUMENTED {
                sections.push((*kind, shown(project, &peer, folder)?));
            }
        }
        eprintln!("probe-peers: {kind}: done");
    }
    eprintln!("probe-peers: {verdicts} verdicts are what psql does");
    if write_guide && sections.len() == Kind::ALL.len() {
        guide::write(project, &sections)?;
    }
    Ok(())
}

fn probe(project: &Project, peer: &Peer, folder: &Path) -> Command {
    let mut command = Command::new(project.program("pg-certs"));
    command.args(["probe", &format!("localhost:{}", peer.port)]);
    command.args(["--user", peer.user, "--database", "postgres", "--root-cert"]);
    command.arg(folder.join("ca.crt"));
    command
}

fn probe_json(project: &Project, peer: &Peer, folder: &Path) -> Result<Report> {
    let mut command = probe(project, peer, folder);
    command.arg("--json");
    for host in HOSTS {
        command.args(["--host", host]);
    }
    let said = finished(&mut command)?;
    serde_json::from_str(&said.stdout)
        .with_context(|| format!("not the JSON of a probe: {}{}", said.stdout, said.stderr))
}

/// The output for people; the port is the system's choice, and any would do.
fn shown(project: &Project, peer: &Peer, folder: &Path) -> Result<String> {
    let said = finished(&mut probe(project, peer, folder))?;
    Ok(said.stdout.replace(&format!(":{}", peer.port), ":5432"))
}

fn finished(command: &mut Command) -> Result<Finished> {
    run_for(command, TIMEOUT)?.context("pg-certs probe does not end")
}

/// What each kind of server is known to do, beside the verdicts.
fn check_facts(kind: Kind, report: &Report) -> Result<()> {
    let direct = &report.negotiation.direct;
    // Without TLS there is none from the first byte either.
    let served = kind.knows_direct_tls() && report.ssl_request.answer == "accepted";
    ensure!(
        direct.accepted == Some(served),
        "direct TLS: {:?}",
        direct.accepted
    );
    ensure!(
        report.negotiation.direct_without_alpn.accepted == Some(false),
        "direct TLS is served without ALPN"
    );
    ensure!(
        report.early_bytes.outcome == "refused",
        "early bytes: {}",
        report.early_bytes.outcome
    );
    Ok(())
}

/// Holds each verdict to what psql does; gives how many.
fn compare(psql: &Psql, peer: &Peer, folder: &Path, report: &Report) -> Result<usize> {
    for verdict in &report.verdicts {
        let host = verdict.host.as_deref().unwrap_or("localhost");
        let seen = psql.connect(peer, folder, &verdict.sslmode, host)?;
        ensure!(
            seen.encrypted.is_some() == (verdict.connects == Some(true))
                && seen.encrypted == verdict.encrypted,
            "sslmode={} host={host}: the verdict is {:?} (encrypted: {:?}): {}\npsql: {}",
            verdict.sslmode,
            verdict.connects,
            verdict.encrypted,
            verdict.reason,
            seen.text
        );
    }
    Ok(report.verdicts.len())
}
