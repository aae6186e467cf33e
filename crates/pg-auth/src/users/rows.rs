//! The lines of the file, with the places of what an edit replaces.

use std::collections::HashMap;
use std::ops::Range;

use super::error::{Fault, FaultKind};
use super::parse;
use crate::scram::Verifier;

/// Every line that names a user, and every line that cannot be understood.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// From top to bottom. What is wrong with a verifier alone stands in its row.
    pub(super) faults: Vec<Fault>,
}

/// A line that names a user; no two rows have the same name.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// Its number; the first line is 1.
    pub(super) line: usize,
    /// Where in the text the line stands, with its line break.
    pub(super) line_at: Range<usize>,
    /// Where in the text the second field stands, without its quotes.
    pub(super) verifier_at: Range<usize>,
    pub(super) verifier: Result<Verifier, FaultKind>,
}

impl Rows {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut all = Self::default();
        let mut first_lines: HashMap<String, usize> = HashMap::new();
        let mut end = 0_usize;
        for (number, line) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
            let start = end;
            end = start.saturating_add(line.len());
            let entry = match parse::line(line) {
                Ok(None) => continue,
                Ok(Some(entry)) => entry,
                Err(kind) => {
                    all.faults.push(Fault { line: number, kind });
                    continue;
                }
            };
            if let Some(first) = first_lines.get(&entry.name) {
                let kind = FaultKind::Duplicate {
                    user: entry.name,
                    first: *first,
                };
                all.faults.push(Fault { line: number, kind });
                continue;
            }
            first_lines.insert(entry.name.clone(), number);
            let at = |within: usize| start.saturating_add(within);
            all.rows.push(Row {
                name: entry.name,
                line: number,
                line_at: start..end,
                verifier_at: at(entry.verifier_at.start)..at(entry.verifier_at.end),
                verifier: entry.verifier,
            });
        }
        all
    }
}
