//! Every command of the project: `cargo xtask demo`, `test`, `ci`, `gen-certs`, `test-ssl`, …
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line tool talks to its user"
)]

mod bench;
mod ci;
mod demo;
mod deny;
mod fuzz;
mod gen_certs;
mod heliosdb;
mod layers;
mod probe_peers;
mod process;
mod project;
mod scan;
mod setup;
mod test;
mod test_ssl;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Bring up heliosdb-server with TLS, connect a client, leave the server running
    Demo(demo::Options),
    /// Run all tests of the workspace, then test-ssl against both PostgreSQL releases
    Test,
    /// Everything CI asks: setup, fmt, clippy, doc, layers, deny, slim builds, test, demo
    Ci,
    /// Write a certificate authority and certificates of every kind into certs-dev
    GenCerts(gen_certs::Options),
    /// Try every client, sslmode and certificate against every server mode
    TestSsl(test_ssl::Options),
    /// Probe PostgreSQL, PgBouncer, stunnel and our server, and hold the verdicts to what psql does
    ProbePeers(probe_peers::Options),
    /// Ask sslyze and testssl.sh about the server, profile by profile
    Scan(scan::Options),
    /// Make sure that what the build and the tests need is there
    Setup,
    /// Run one fuzz target, or all of them, for some seconds each
    Fuzz(fuzz::Options),
    /// Run the benchmarks
    Bench,
    /// Check which crate may depend on which
    Layers,
    /// Check licences, bans and sources of all dependencies
    Deny,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let project = Project::find()?;
    match &arguments.task {
        Task::Demo(options) => demo::run(&project, options),
        Task::Test => {
            setup::run(&project)?;
            test::run(&project, test_ssl::Absent::Reported)
        }
        Task::Ci => ci::run(&project),
        Task::GenCerts(options) => gen_certs::run(&project, options),
        Task::TestSsl(options) => test_ssl::run(&project, options),
        Task::ProbePeers(options) => probe_peers::run(&project, options),
        Task::Scan(options) => scan::run(&project, options),
        Task::Setup => setup::run(&project),
        Task::Fuzz(options) => fuzz::run(&project, options),
        Task::Bench => bench::run(&project),
        Task::Layers => layers::check(&project),
        Task::Deny => deny::run(&project),
    }
}
