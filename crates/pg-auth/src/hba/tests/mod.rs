//! Tables, with PostgreSQL's texts as PostgreSQL 18.6 gives them for the same lines.

mod certificate;
mod decide;
mod load;

use std::fs;

use super::*;

/// The rules of a file with this text.
pub(super) fn load(text: &str) -> Result<Rules, FileErrors> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pg_hba.conf");
    fs::write(&path, text).unwrap();
    Rules::load(&path)
}
