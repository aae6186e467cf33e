//! `pg-certs probe`: what a server's clients will meet.

use std::io::{IsTerminal as _, stdout};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use pg_certs::probe::{self, ProbeError, Target, Text};
use pg_certs::verdict::ClientSslMode;

use super::output::{self, Exit};

/// Look at a running PostgreSQL server from outside, and say for each sslmode whether libpq will connect
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Options {
    /// The server; the port is 5432 if it is not said
    #[arg(value_name = "HOST[:PORT]")]
    target: Target,
    /// The user to log in as
    #[arg(long, value_name = "NAME", default_value = "postgres")]
    user: String,
    /// The database [default: named as the user]
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// A name that clients use for the server; repeatable, the first is sent as SNI [default: HOST]
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// The clients' sslrootcert
    #[arg(long, value_name = "FILE")]
    root_cert: Option<PathBuf>,
    /// The mode that has to connect, or the exit code is 1 [default: verify-full with --root-cert, else
    /// require]
    #[arg(long, value_name = "MODE")]
    sslmode: Option<ClientSslMode>,
    /// A certificate that ends within so many days is an error
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    expires_within: u32,
    /// How long one connection may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(options: &Options) -> Result<Exit> {
    let report = match probe::probe(&options.to_library()) {
        Ok(report) => report,
        Err(error @ (ProbeError::Connect { .. } | ProbeError::Resolve { .. })) => {
            output::failure(&error.into());
            return Ok(Exit::System);
        }
        Err(error) => return Err(error.into()),
    };
    if options.json {
        output::json(&report)?;
    } else {
        // https://no-color.org
        let colour = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        output::text(&Text::new(&report).with_colour(colour).to_string())?;
    }
    Ok(match report.is_ok() {
        true => Exit::Fine,
        false => Exit::Problem,
    })
}

impl Options {
    fn to_library(&self) -> probe::Options {
        let mut options = probe::Options::new(self.target.clone())
            .with_user(&self.user)
            .with_expires_within_days(self.expires_within)
            .with_timeout(Duration::from_secs(self.timeout));
        if let Some(database) = &self.database {
            options = options.with_database(database);
        }
        for host in &self.hosts {
            options = options.with_host(host);
        }
        if let Some(file) = &self.root_cert {
            options = options.with_root_certificates(file);
        }
        if let Some(mode) = self.sslmode {
            options = options.with_sslmode(mode);
        }
        options
    }
}

const AFTER_HELP: &str = "\
    It makes some thirty connections, most of which the server will log as failed handshakes, and sends \
    no password.\n\n\
    Exit codes: 0 fine, 1 an error was found, 2 wrong usage, 3 the server could not be reached.";
