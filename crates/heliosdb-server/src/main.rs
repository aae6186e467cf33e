//! The `heliosdb-server` program: the library, made usable from a command line.
//!
//! What it can be told, and how it ends, is in `docs/guides/CONFIGURATION.md`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
