//! The program `pg-certs`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
