//! `cargo xtask deny`: licences, bans and sources of all dependencies, by `deny.toml`.

use std::path::PathBuf;

use anyhow::Result;
use xshell::cmd;

use crate::project::{Project, is_file, which};

/// Runs cargo-deny, installing it below the target folder if it is absent.
///
/// The advisory database is left out because it is fetched from a place that CI cannot reach;
/// `deny.toml` names the command.
pub(crate) fn run(project: &Project) -> Result<()> {
    let sh = &project.sh;
    let deny = tool(project)?;
    cmd!(sh, "{deny} --locked check bans licenses sources").run()?;
    Ok(())
}

/// The program, from `PATH` or from an earlier run.
fn tool(project: &Project) -> Result<PathBuf> {
    if let Some(found) = which("cargo-deny") {
        return Ok(found);
    }
    let root = project.target.join("tools");
    let installed = root.join("bin/cargo-deny");
    if !is_file(&installed) {
        eprintln!("deny: installing cargo-deny, which takes some minutes");
        let sh = &project.sh;
        // In the project's target folder it would build the project's dependencies anew.
        let _target = sh.push_env("CARGO_TARGET_DIR", root.join("build"));
        cmd!(sh, "cargo install cargo-deny --locked --root {root}").run()?;
        sh.remove_path(root.join("build"))?;
    }
    Ok(installed)
}
