//! `cargo xtask test-ssl`: real clients × sslmode × server mode × certificates, and × access rules
//! × what is done in the session.
//!
//! Every cell is one try of a real client with a real server process. What it should give is
//! computed by [`expect`]; the same cells can be tried against PostgreSQL itself, the oracle. The
//! clients are programs of `xtask/clients`, each in its own language.

pub(crate) mod access;
pub(crate) mod cells;
mod clients;
mod drivers;
mod expect;
mod failure;
mod outcome;
mod programs;
mod psql;
mod report;
mod resident;
pub(crate) mod servers;
mod tap;

use std::collections::VecDeque;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{io, thread};

use anyhow::{Result, bail, ensure};

use self::access::{OTHER_USER, USER};
use self::cells::{Cell, Setup, Style};
use self::clients::Clients;
use self::failure::Failure;
use self::outcome::{Outcome, Seen};
use self::report::{Report, Row, Totals};
use self::servers::{PostgreSql, Target};
use crate::gen_certs;
use crate::project::Project;

/// Connections tried at the same time: enough to keep two cores busy.
const WORKERS: usize = 4;

/// What to try, and how to tell.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct Options {
    /// Try the same against PostgreSQL with the equivalent configuration, and compare
    #[arg(long, value_enum)]
    oracle: Option<Oracle>,
    /// Try the oracle alone, against the expectations
    #[arg(long, requires = "oracle")]
    oracle_only: bool,
    /// Use the programs as they are
    #[arg(long)]
    no_build: bool,
    /// Write every cell to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Try only cells whose text contains this, for instance `client=psql-18 ` or `sslmode=allow`
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
}

/// Which PostgreSQL.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Oracle {
    #[value(name = "15")]
    Release15,
    #[value(name = "18")]
    Release18,
    Both,
}

impl Oracle {
    const fn releases(self) -> &'static [u32] {
        match self {
            Self::Release15 => &[15],
            Self::Release18 => &[18],
            Self::Both => &[15, 18],
        }
    }
}

/// What it means that a client or an oracle is not on the machine.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Absent {
    /// It is said, and the rest is tried.
    Reported,
    /// It is a failure: CI tries everything or nothing.
    Fails,
}

/// Builds what the matrix needs, then runs it.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    if !options.no_build {
        project.build()?;
    }
    run_built(project, options, Absent::Reported)
}

/// Runs the whole matrix with both oracles; the programs must have been built.
pub(crate) fn run_all(project: &Project, absent: Absent) -> Result<()> {
    let options = Options {
        oracle: Some(Oracle::Both),
        json: Some(project.target.join("test-ssl.json")),
        ..Options::default()
    };
    run_built(project, &options, absent)
}

fn run_built(project: &Project, options: &Options, absent: Absent) -> Result<()> {
    let start = Instant::now();
    let scratch = tempfile::Builder::new().prefix("test-ssl-").tempdir()?;
    let folder = scratch.path();
    servers::open_to_all(folder)?;
    gen_certs::write_all(folder, &[USER, OTHER_USER])?;
    let cells = cells::cells(&options.filter);
    let clients = Clients::find(project, folder, |driver| {
        cells.iter().any(|cell| cell.client.driver == driver)
    })?;
    for (driver, version) in &clients.present {
        println!("client {driver}: {version}");
    }
    for (driver, reason) in &clients.absent {
        println!("absent: {driver}: {reason}");
    }
    let mut absent_oracles = 0;
    let mut targets = Vec::new();
    if !options.oracle_only {
        targets.push(Target::HeliosDb { project, folder });
    }
    for &release in options.oracle.map_or(&[][..], Oracle::releases) {
        match PostgreSql::prepare(project, release, folder, &format!("postgresql-{release}"))? {
            Some(oracle) => targets.push(Target::PostgreSql(oracle)),
            None => {
                absent_oracles += 1;
                println!("absent: PostgreSQL {release}: nothing was compared with it");
            }
        }
    }
    ensure!(!targets.is_empty(), "there is no server to try");
    let report = try_all(&targets, &clients, &cells)?;
    report.print_table();
    let totals = report.conclude();
    if let Some(path) = &options.json {
        report.write_json(path, totals)?;
        println!("every cell: {}", path.display());
    }
    let seconds = start.elapsed().as_secs();
    let tried = report.targets.join(", ");
    println!("test-ssl: tried {tried} in {seconds} s");
    judge(totals, absent, absent_oracles, scratch)
}

/// Prints the closing line and decides whether the run is a success.
fn judge(
    totals: Totals,
    absent: Absent,
    absent_oracles: usize,
    scratch: tempfile::TempDir,
) -> Result<()> {
    let Totals {
        passed,
        failed,
        not_applicable,
        absent: absent_cells,
    } = totals;
    let skipped = not_applicable + absent_cells;
    println!("test-ssl: {passed} passed, {failed} failed, {skipped} skipped");
    ensure!(passed + failed > 0, "test-ssl tried no cell");
    if failed > 0 {
        let logs = scratch.keep();
        bail!(
            "test-ssl: {failed} cells are wrong; logs are in {}",
            logs.display()
        );
    }
    if absent == Absent::Fails {
        ensure!(
            absent_cells == 0 && absent_oracles == 0,
            "clients or servers of the matrix are absent: cargo xtask setup"
        );
    }
    Ok(())
}

/// Starts each target in each setup once and tries the setup's cells against it.
fn try_all(targets: &[Target<'_>], clients: &Clients, cells: &[Cell]) -> Result<Report> {
    let progress = Progress::new(cells.len() * targets.len());
    let mut rows = Vec::new();
    for group in cells.chunk_by(|one, next| one.setup == next.setup) {
        let Some(setup) = group.first().map(|cell| cell.setup) else {
            continue;
        };
        let mut columns = Vec::new();
        for target in targets {
            progress.begin(&target.name(), setup);
            columns.push(try_setup(target, setup, group, clients, &progress)?);
        }
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        rows.extend(group.iter().map(|cell| {
            Row {
                cell: *cell,
                expected: targets
                    .iter()
                    .map(|target| expect::expect(cell, target.kind()))
                    .collect(),
                seen: columns.iter_mut().filter_map(Iterator::next).collect(),
            }
        }));
    }
    progress.end();
    Ok(Report {
        targets: targets.iter().map(Target::name).collect(),
        rows,
    })
}

/// Results in the order of `cells`.
fn try_setup(
    target: &Target<'_>,
    setup: Setup,
    cells: &[Cell],
    clients: &Clients,
    progress: &Progress,
) -> Result<Vec<Seen>> {
    let (server, port) = match target.start(setup) {
        Ok(started) => started,
        Err(error) => {
            let text = format!("{} did not start: {error:#}", target.name());
            let outcome = Outcome::Failed(vec![Failure::Other(text.clone())]);
            return Ok(vec![Seen::without(outcome, &text); cells.len()]);
        }
    };
    let knows_direct = target.knows_direct_tls();
    let kind = target.kind();
    let queue: Mutex<VecDeque<(usize, &Cell)>> = Mutex::new(cells.iter().enumerate().collect());
    let results = Mutex::new(Vec::with_capacity(cells.len()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = queue
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front();
                    let Some((index, cell)) = next else {
                        break;
                    };
                    let seen = if knows_direct || cell.client.style != Style::Direct {
                        clients.run(cell, kind, port)
                    } else {
                        Seen::without(Outcome::NotApplicable, "older than direct TLS")
                    };
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((index, seen));
                    progress.step();
                }
            });
        }
    });
    server.stop()?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, seen)| seen).collect())
}

/// Tells how far the run is.
struct Progress {
    done: AtomicUsize,
    all: usize,
    on_terminal: bool,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self {
            done: AtomicUsize::new(0),
            all,
            on_terminal: io::stderr().is_terminal(),
        }
    }

    fn begin(&self, target: &str, setup: Setup) {
        let done = self.done.load(Ordering::Relaxed);
        let line = format!("[{done:>5}/{}] {target}, {setup}", self.all);
        if self.on_terminal {
            eprint!("\r{line:<78}");
        } else {
            eprintln!("{line}");
        }
    }

    fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.on_terminal {
            eprint!("\r[{done:>5}");
            io::stderr().flush().ok();
        }
    }

    fn end(&self) {
        if self.on_terminal {
            eprintln!();
        }
    }
}
