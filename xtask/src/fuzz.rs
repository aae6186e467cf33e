//! `cargo xtask fuzz [target] [seconds]`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use crate::project::Project;

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The fuzz target; all of them if left out
    target: Option<String>,
    /// Seconds for each target
    #[arg(default_value_t = 10)]
    seconds: u32,
}

/// Runs the fuzz targets of every crate that has some.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let sh = &project.sh;
    ensure!(
        cmd!(sh, "cargo fuzz --version").quiet().read().is_ok(),
        "cargo-fuzz is not installed: cargo install cargo-fuzz --locked"
    );
    let mut ran = 0;
    for (folder, target) in targets(project)? {
        if options.target.as_ref().is_some_and(|name| *name != target) {
            continue;
        }
        let _in_crate = sh.push_dir(folder);
        let limit = format!("-max_total_time={}", options.seconds);
        cmd!(sh, "cargo +nightly fuzz run {target} -- {limit}").run()?;
        ran += 1;
    }
    ensure!(ran > 0, "there is no such fuzz target");
    eprintln!("fuzz: {ran} targets, {} seconds each", options.seconds);
    Ok(())
}

/// Each crate's folder with the name of a fuzz target of it.
fn targets(project: &Project) -> Result<Vec<(PathBuf, String)>> {
    let sh = &project.sh;
    let mut all = Vec::new();
    for folder in sh.read_dir(project.root.join("crates"))? {
        let sources = folder.join("fuzz/fuzz_targets");
        if !sources.is_dir() {
            continue;
        }
        for source in sh.read_dir(sources)? {
            // A folder holds what targets share.
            if !source.is_file() {
                continue;
            }
            let name = source.file_stem().context("a fuzz target has a name")?;
            all.push((folder.clone(), name.to_string_lossy().into_owned()));
        }
    }
    Ok(all)
}
