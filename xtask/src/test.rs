//! `cargo xtask test`: all tests of the workspace, then the matrix of clients.

use anyhow::Result;

use crate::project::Project;
use crate::test_ssl;

/// Runs everything that can fail.
pub(crate) fn run(project: &Project, absent: test_ssl::Absent) -> Result<()> {
    // The tests of the binary run it; with the same features, nothing is compiled twice.
    project.build()?;
    project.cargo("test", &["--workspace"]).run()?;
    test_ssl::run_all(project, absent)
}
