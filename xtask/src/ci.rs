//! `cargo xtask ci`: all that a change must pass, in the order in which it fails soonest.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::project::{Project, which};
use crate::test_ssl::Absent;
use crate::{demo, deny, layers, setup, test};

/// A library, and the features with which it is checked alone.
const SLIM: &[(&str, &str)] = &[
    ("pg-wire", ""),
    ("pg-certs", ""),
    ("pg-certs", "generate,ring"),
    ("pg-certs", "probe"),
    ("pg-tls", "ring"),
    ("heliosdb-server", ""),
    ("heliosdb-server", "aws-lc-rs"),
];

type Step = (&'static str, fn(&Project) -> Result<()>);

/// Heavy steps share their compiled dependencies: the engine is checked once and built once.
const STEPS: &[Step] = &[
    ("setup", setup::run),
    ("fmt", fmt),
    ("layers", layers::check),
    ("slim builds", slim_builds),
    ("clippy", clippy),
    ("doc", doc),
    ("deny", deny::run),
    ("test", |project| test::run(project, Absent::Fails)),
    ("demo", demo::run_once),
];

/// Runs every step and tells how long each took.
pub(crate) fn run(project: &Project) -> Result<()> {
    let start = Instant::now();
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for (name, step) in STEPS {
        eprintln!("\nci: {name}");
        let start = Instant::now();
        step(project).with_context(|| format!("ci: {name} failed"))?;
        times.push((name, start.elapsed()));
    }
    eprintln!();
    for (name, time) in times {
        eprintln!("ci: {name:<12} {:>5} s", time.as_secs());
    }
    eprintln!("ci: all green in {} s", start.elapsed().as_secs());
    Ok(())
}

fn fmt(project: &Project) -> Result<()> {
    // `cargo fmt` resolves nothing, and knows no `--locked`.
    xshell::cmd!(project.sh, "cargo fmt --all -- --check").run()?;
    Ok(())
}

fn slim_builds(project: &Project) -> Result<()> {
    for (package, features) in SLIM {
        project
            .cargo("check", &["--package", package, "--no-default-features"])
            .args(["--features", features])
            .run()?;
    }
    if ["cmake", "go"].iter().any(|tool| which(tool).is_none()) {
        eprintln!("ci: the feature fips is not checked: its build needs CMake and Go");
        return Ok(());
    }
    project
        .cargo("check", &["--package", "pg-tls", "--no-default-features"])
        .args(["--features", "fips"])
        .run()?;
    Ok(())
}

fn clippy(project: &Project) -> Result<()> {
    project
        .cargo("clippy", &["--workspace", "--all-targets"])
        .args(["--", "-D", "warnings"])
        .run()?;
    Ok(())
}

fn doc(project: &Project) -> Result<()> {
    // With the examples, the dependencies have the features that clippy checked them with.
    project
        .cargo("doc", &["--workspace", "--no-deps", "--lib", "--examples"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(())
}
