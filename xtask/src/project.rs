//! Where the project is, and the one way to build and find its programs.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use xshell::{Cmd, Shell, cmd};

/// The workspace, seen by a task.
pub(crate) struct Project {
    /// Runs commands; its directory is [`root`](Self::root).
    pub(crate) sh: Shell,
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the user put it.
    pub(crate) target: PathBuf,
    cargo: PathBuf,
}

/// The part of `cargo metadata` that is read here.
#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Project {
    /// Finds the workspace around the working directory.
    pub(crate) fn find() -> Result<Self> {
        let sh = Shell::new()?;
        // Cargo tells the programs it runs which cargo it is.
        let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        let json = cmd!(sh, "{cargo} metadata --locked --no-deps --format-version 1")
            .quiet()
            .read()
            .context("cargo metadata: run this inside the workspace")?;
        let metadata: Metadata = serde_json::from_str(&json).context("cargo metadata's answer")?;
        sh.change_dir(&metadata.workspace_root);
        Ok(Self {
            sh,
            root: metadata.workspace_root,
            target: metadata.target_directory,
            cargo,
        })
    }

    /// A cargo command, `--locked` always.
    pub(crate) fn cargo(&self, subcommand: &str, args: &[&str]) -> Cmd<'_> {
        let cargo = &self.cargo;
        cmd!(self.sh, "{cargo} {subcommand} --locked {args...}")
    }

    /// Builds every program of the workspace.
    ///
    /// `--examples` switches on the features that tests ask for too, so that the engine, minutes
    /// to compile, is compiled once and shared with `cargo test --workspace`.
    pub(crate) fn build(&self) -> Result<()> {
        self.cargo("build", &["--workspace", "--bins", "--examples"])
            .run()?;
        Ok(())
    }

    /// A program that [`build`](Self::build) made.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target
            .join("debug")
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// Where generated development certificates go.
    pub(crate) fn certs_dev(&self) -> PathBuf {
        self.root.join("certs-dev")
    }

    /// Where `setup` puts clients that come from a package registry.
    pub(crate) fn clients(&self) -> PathBuf {
        self.target.join("clients")
    }
}

/// Looks a program up in `PATH`.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|program| is_file(program))
}

/// Whether the path is a file, links followed.
pub(crate) fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file())
}
