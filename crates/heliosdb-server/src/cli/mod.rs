//! From the command line to a running server and an exit code.

mod access;
mod check;
mod command;
mod connect;
mod exit;
mod hba;
mod hosts;
mod logging;
mod preflight;
mod reload;
mod report;
mod serve;
mod signals;
mod tls;
mod user;

use std::process::ExitCode;

use heliosdb_server::settings;

use self::exit::Exit;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    // Ends the process by itself after --help, --version and wrong usage.
    let flags = command::command().get_matches();
    match flags.subcommand() {
        Some((hba::NAME, matches)) => return hba::run(matches).into(),
        Some((user::NAME, matches)) => return user::run(matches).into(),
        _ => {}
    }
    let environment: Vec<_> = std::env::vars_os().collect();
    let exit = match settings::load(&flags, environment.iter().cloned()) {
        Ok(loaded) if flags.get_flag(command::CHECK_CONFIG) => check::run(&loaded),
        Ok(loaded) => serve::run(loaded, (flags, environment)),
        Err(definition) => {
            report::errors(&[definition.into()]);
            Exit::Configuration
        }
    };
    exit.into()
}
