//! `cargo xtask test`: all tests of the workspace, then the matrix of clients.

use anyhow::Result;

use crate::project::{Project, is_file};
use crate::test_ssl::Absent;
use crate::{probe_peers, setup, test_ssl};

/// Runs everything that can fail.
pub(crate) fn run(project: &Project, absent: Absent) -> Result<()> {
    // The tests of the binary run it; with the same features, nothing is compiled twice.
    project.build()?;
    project.cargo("test", &["--workspace"]).run()?;
    ask_postgresql(project, absent)?;
    probe_peers::run_built(project, absent, false)?;
    test_ssl::run_all(project, absent)
}

/// The byte-level cases against PostgreSQL 18: what ours is held to must be true there.
fn ask_postgresql(project: &Project, absent: Absent) -> Result<()> {
    let bin = setup::postgresql_18(project).join("bin");
    if absent == Absent::Reported && !is_file(&bin.join("postgres")) {
        eprintln!("PostgreSQL 18 is absent: the byte-level cases were not asked of it");
        return Ok(());
    }
    project
        .cargo("test", &["--workspace", "--test", "it"])
        .args(["postgresql_itself_passes_every_case", "--", "--ignored"])
        .env("HELIOSDB_TEST_ORACLE", bin)
        .run()?;
    Ok(())
}
