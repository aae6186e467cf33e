//! `--check-config`: everything that can be known without serving.

use std::io::{self, Write as _};

use heliosdb_server::settings::Loaded;

use super::exit::Exit;
use super::logging;
use super::preflight;
use super::report::{self, Complaint};

/// Shows the effective configuration on standard output and everything wrong on standard error.
pub(super) fn run(loaded: &Loaded) -> Exit {
    // A closed standard output changes nothing about the configuration.
    let _ = io::stdout().write_all(loaded.to_toml().as_bytes());
    let (complaints, warnings) = judge(loaded);
    if !complaints.is_empty() {
        report::errors(&complaints);
        return Exit::Configuration;
    }
    report::warnings(&warnings);
    Exit::Success
}

/// Everything wrong that can be known without serving, and what works but will trouble clients.
pub(super) fn judge(loaded: &Loaded) -> (Vec<Complaint>, Vec<Complaint>) {
    let mut complaints: Vec<Complaint> = loaded.problems().iter().map(Complaint::from).collect();
    complaints.extend(logging::filter().err());
    let (found, warnings) = preflight::check(loaded);
    complaints.extend(found);
    (complaints, warnings)
}
