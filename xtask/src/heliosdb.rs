//! Starts the server that this project is about.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::process::{Output, Server, bound_to_us};
use crate::project::{Project, is_file};

/// What the server prints, before its addresses, when it accepts connections.
const READY: &str = "heliosdb-server ready to accept connections on ";

/// How to start it.
pub(crate) struct Start<'a> {
    pub(crate) listen: SocketAddr,
    pub(crate) ssl_mode: &'a str,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) ca: Option<&'a Path>,
    pub(crate) access: Option<&'a Access>,
    /// Further flags.
    pub(crate) flags: &'a [&'a str],
    pub(crate) output: Output,
}

/// The files that say who may come in.
pub(crate) struct Access {
    pub(crate) hba: PathBuf,
    pub(crate) ident: PathBuf,
    pub(crate) users: PathBuf,
}

/// Starts the program that `Project::build` made; gives the address that it listens on.
pub(crate) fn start(project: &Project, start: Start<'_>) -> Result<(Server, SocketAddr)> {
    let program = project.program("heliosdb-server");
    ensure!(
        is_file(&program),
        "{} is not built: cargo build --workspace --bins --examples",
        program.display()
    );
    let mut command = bound_to_us(&program, "TERM");
    command
        .args(["--listen", &start.listen.to_string()])
        .args(["--ssl-mode", start.ssl_mode])
        .arg("--ssl-cert-file")
        .arg(start.certificate)
        .arg("--ssl-key-file")
        .arg(start.key)
        .args(start.flags);
    // What is set for a server of the user's is not for this one.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HELIOSDB_") {
            command.env_remove(name);
        }
    }
    if let Some(ca) = start.ca {
        command.arg("--ssl-ca-file").arg(ca);
    }
    if let Some(Access { hba, ident, users }) = start.access {
        command.arg("--hba-file").arg(hba);
        command.arg("--ident-file").arg(ident);
        command.arg("--users-file").arg(users);
    }
    let (server, line) = Server::start(command, READY, start.output, "TERM")?;
    let address = line
        .split_once(READY)
        .and_then(|(_, addresses)| addresses.split(',').next()?.trim().parse().ok())
        .with_context(|| format!("no address in {line:?}"))?;
    Ok((server, address))
}
