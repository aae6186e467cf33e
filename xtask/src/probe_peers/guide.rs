//! Keeps the output in the guide, between two marks.

use std::fs;

use anyhow::{Context as _, Result};

use super::peers::Kind;
use crate::project::Project;

const GUIDE: &str = "docs/guides/PROBE.md";
const BEGIN: &str = "<!-- begin: written by cargo xtask probe-peers -->\n";
const END: &str = "<!-- end -->\n";

/// Puts the sections where the last ones are.
pub(super) fn write(project: &Project, sections: &[(Kind, String)]) -> Result<()> {
    let path = project.root.join(GUIDE);
    let old = fs::read_to_string(&path).with_context(|| format!("cannot read {GUIDE}"))?;
    let marks = || format!("{GUIDE} has lost a mark");
    let (before, rest) = old.split_once(BEGIN).with_context(marks)?;
    let (_, after) = rest.split_once(END).with_context(marks)?;
    let mut text = format!("{before}{BEGIN}");
    for (kind, shown) in sections {
        let shown = shown.trim_end();
        text.push_str(&format!("\n### {kind}\n\n```text\n{shown}\n```\n"));
    }
    text.push_str(&format!("\n{END}{after}"));
    fs::write(&path, text).with_context(|| format!("cannot write {GUIDE}"))?;
    eprintln!("probe-peers: wrote {GUIDE}");
    Ok(())
}
