//! From the command line to an exit code. What the commands do is in the library; here is how they are
//! asked and what they say.

mod client;
mod crl;
mod doctor;
mod export_ca;
mod files;
mod init_ca;
mod inspect;
mod json;
mod output;
mod period;
mod probe;
mod renew;
mod revoke;
mod server;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::output::Exit;

/// Make, check and explain certificates for PostgreSQL servers and clients
#[derive(Debug, Parser)]
#[command(name = "pg-certs", version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// One file for each; the order is that of the life of a certificate.
#[derive(Debug, Subcommand)]
enum Command {
    /// Make a certificate authority
    InitCa(init_ca::Options),
    /// Make a certificate for a server
    Server(server::Options),
    /// Make a certificate for a client
    Client(client::Options),
    /// Issue a certificate once more, with new dates
    Renew(renew::Options),
    /// Revoke a certificate and make the list of revoked ones anew
    Revoke(revoke::Options),
    /// Make the list of revoked certificates anew
    Crl(crl::Options),
    /// Show what is in files
    Inspect(inspect::Options),
    /// Check a certificate against its key, or against authorities
    Verify(verify::Options),
    /// Write the authority's certificate, and say how clients connect with it
    ExportCa(export_ca::Options),
    /// Say what will go wrong with a server's files, before it starts
    Doctor(doctor::Options),
    /// Say what clients will meet at a running server, whichever it is
    Probe(probe::Options),
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    // Ends the process by itself after --help, --version and wrong usage.
    let outcome = match Arguments::parse().command {
        Command::InitCa(options) => init_ca::run(&options),
        Command::Server(options) => server::run(&options),
        Command::Client(options) => client::run(&options),
        Command::Renew(options) => renew::run(&options),
        Command::Revoke(options) => revoke::run(&options),
        Command::Crl(options) => crl::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::ExportCa(options) => export_ca::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Probe(options) => probe::run(&options),
    };
    outcome
        .unwrap_or_else(|error| {
            output::failure(&error);
            Exit::of(&error)
        })
        .into()
}

const AFTER_HELP: &str = "\
    Files are in the directory \"certs\" unless --dir, PG_CERTS_DIR or an option for the file says \
    otherwise. Keys are written with mode 0600 from the moment they exist, and nothing is replaced \
    without being asked.\n\n\
    Exit codes: 0 fine, 1 a problem was found or something has to be mended first, 2 wrong usage, \
    3 the system refused.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Arguments;

    #[test]
    fn clap_accepts_the_command() {
        Arguments::command().debug_assert();
    }
}
