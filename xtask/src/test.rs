//! `cargo xtask test`: all tests of the workspace, then the matrix of clients.

use anyhow::Result;

use crate::project::Project;
use crate::test_ssl;

/// Runs everything that can fail.
pub(crate) fn run(project: &Project, absent: test_ssl::Absent) -> Result<()> {
    project.cargo("test", &["--workspace"]).run()?;
    // The same features as the tests had, so this finds nothing left to compile.
    project.build()?;
    test_ssl::run_all(project, absent)
}
