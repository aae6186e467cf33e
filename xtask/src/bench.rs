//! `cargo xtask bench`: all Criterion benchmarks.

use anyhow::Result;

use crate::project::Project;

/// Runs the benchmarks of the workspace.
pub(crate) fn run(project: &Project) -> Result<()> {
    project
        .cargo("bench", &["--package", "heliosdb-benches"])
        .run()?;
    Ok(())
}
