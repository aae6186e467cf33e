//! The table, the disagreements, and the file for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;

use super::cells::{Cell, Driver, SslMode};
use super::outcome::{Expected, Failure, LEGEND, Outcome, Seen};

/// A cell with its rule's answer and what each target gave, in the order of the targets.
pub(crate) struct Row {
    pub(crate) cell: Cell,
    pub(crate) expected: Expected,
    pub(crate) seen: Vec<Seen>,
}

/// A way in which a cell is wrong.
struct Disagreement {
    cell: Cell,
    text: String,
}

/// Everything that was tried.
pub(crate) struct Report {
    /// Names of the targets; the first is the one under test, the others are its oracles.
    pub(crate) targets: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// How many cells agreed, did not, or were not tried.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) not_applicable: usize,
    pub(crate) absent: usize,
}

impl Report {
    /// Prints the table of the first target, with what was expected wherever that differs.
    ///
    /// Client certificates that make no difference share a line, so that what does stands out.
    pub(crate) fn print_table(&self) {
        let heads: Vec<String> = SslMode::ALL
            .iter()
            .map(|mode| format!("{:<18}", mode.as_str()))
            .collect();
        let heads = heads.concat();
        println!(
            "\n{:<21} {:<11} {:<13} {:<38} {heads}",
            "client", "server", "server cert", "client cert"
        );
        // Line of results → client certificates, in the order of first appearance.
        let mut groups: Vec<(Cell, String, Vec<&str>)> = Vec::new();
        for line in self.lines() {
            let same = groups.iter_mut().find(|(cell, text, _)| {
                cell.client == line.cell.client
                    && cell.setup == line.cell.setup
                    && *text == line.text
            });
            match same {
                Some((_, _, certificates)) => certificates.push(line.cell.certificate.as_str()),
                None => groups.push((line.cell, line.text, vec![line.cell.certificate.as_str()])),
            }
        }
        for (cell, text, certificates) in groups {
            let certificates = if certificates.len() == 6 {
                "any".to_owned()
            } else {
                certificates.join(" ")
            };
            println!(
                "{:<21} {:<11} {:<13} {:<38} {text}",
                cell.client, cell.setup.mode, cell.setup.certificate, certificates
            );
        }
        println!("\n{LEGEND}\n");
    }

    /// One line for each client, server and client certificate.
    fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for row in &self.rows {
            let Some(seen) = row.seen.first() else {
                continue;
            };
            let mut text = seen.outcome.to_string();
            if seen.was_tried() && !seen.is(&row.expected) {
                text = format!("{text}!={}", row.expected.outcome);
            }
            let same = |line: &&mut Line| {
                line.cell.client == row.cell.client
                    && line.cell.setup == row.cell.setup
                    && line.cell.certificate == row.cell.certificate
            };
            match lines.last_mut().filter(same) {
                Some(line) => write!(line.text, " {text:<17}").ok(),
                None => {
                    lines.push(Line {
                        cell: row.cell,
                        text: format!("{text:<17}"),
                    });
                    None
                }
            };
        }
        lines
    }

    /// Counts the cells, prints each that is wrong, and names what was not tried.
    pub(crate) fn conclude(&self) -> Totals {
        let mut totals = Totals::default();
        let mut absent: BTreeMap<String, usize> = BTreeMap::new();
        let mut disagreements = Vec::new();
        for row in &self.rows {
            let wrong = self.disagreements(row);
            if !wrong.is_empty() {
                totals.failed += 1;
                disagreements.extend(wrong);
                continue;
            }
            let tried = row.seen.iter().any(Seen::was_tried);
            match row.seen.first().map(|seen| &seen.outcome) {
                _ if tried => totals.passed += 1,
                Some(Outcome::Absent) | None => {
                    totals.absent += 1;
                    *absent
                        .entry(row.cell.client.driver.to_string())
                        .or_default() += 1;
                }
                Some(_) => totals.not_applicable += 1,
            }
        }
        print_disagreements(&disagreements);
        for &driver in Driver::ALL {
            for reason in SslMode::ALL.iter().filter_map(|&mode| driver.lacks(mode)) {
                println!("n/a: {reason}");
            }
        }
        for (driver, count) in absent {
            println!("absent: {driver}: {count} cells were not tried");
        }
        totals
    }

    fn disagreements(&self, row: &Row) -> Vec<Disagreement> {
        let mut all = Vec::new();
        let mut wrong = |text: String| {
            all.push(Disagreement {
                cell: row.cell,
                text,
            });
        };
        let tried = self
            .targets
            .iter()
            .zip(&row.seen)
            .filter(|(_, seen)| seen.was_tried());
        let mut first: Option<(&String, &Seen)> = None;
        for (name, seen) in tried {
            if !seen.is(&row.expected) {
                wrong(format!(
                    "{name} gave {}, expected {} {:?}",
                    words(seen),
                    row.expected.outcome,
                    row.expected.sqlstates
                ));
            }
            match first {
                None => first = Some((name, seen)),
                Some((other, one)) if !seen.agrees_with(one) => wrong(format!(
                    "{name} gave {}, but {other} gave {}",
                    words(seen),
                    words(one)
                )),
                Some(_) => {}
            }
        }
        all
    }

    /// Writes every cell with all that is known of it.
    pub(crate) fn write_json(&self, path: &Path, totals: Totals) -> Result<()> {
        let rows: Vec<_> = self.rows.iter().map(|row| self.json_of(row)).collect();
        let all = json!({ "targets": self.targets, "totals": totals, "cells": rows });
        let file =
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut file = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut file, &all)?;
        file.flush()?;
        Ok(())
    }

    fn json_of(&self, row: &Row) -> serde_json::Value {
        let seen: BTreeMap<&str, serde_json::Value> = self
            .targets
            .iter()
            .zip(&row.seen)
            .map(|(name, seen)| {
                let value = json!({
                    "outcome": seen.outcome.to_string(),
                    "sqlstates": seen.sqlstates,
                    "as_expected": seen.was_tried().then(|| seen.is(&row.expected)),
                    "text": seen.text.trim(),
                });
                (name.as_str(), value)
            })
            .collect();
        json!({
            "client": row.cell.client.to_string(),
            "server_mode": row.cell.setup.mode.as_str(),
            "server_certificate": row.cell.setup.certificate.as_str(),
            "client_certificate": row.cell.certificate.as_str(),
            "sslmode": row.cell.sslmode.as_str(),
            "expected": {
                "outcome": row.expected.outcome.to_string(),
                "sqlstates": row.expected.sqlstates,
            },
            "seen": seen,
        })
    }
}

/// Prints each once, with the number of further cells of which the same is to be said.
fn print_disagreements(all: &[Disagreement]) {
    let mut groups: Vec<(&Disagreement, usize)> = Vec::new();
    for one in all {
        match groups.iter_mut().find(|(first, _)| first.text == one.text) {
            Some((_, more)) => *more += 1,
            None => groups.push((one, 0)),
        }
    }
    for (Disagreement { cell, text }, more) in groups {
        println!("WRONG {cell}\n      {text}");
        if more > 0 {
            println!("      and so in {more} more cells");
        }
    }
}

/// The results of one client with one certificate at one server.
struct Line {
    cell: Cell,
    text: String,
}

/// An outcome with what makes it understandable.
fn words(seen: &Seen) -> String {
    let codes = seen
        .sqlstates
        .as_ref()
        .map_or_else(String::new, |codes| format!(" {codes:?}"));
    match &seen.outcome {
        Outcome::Failed(failures) => {
            let known = !failures.iter().any(|one| matches!(one, Failure::Other(_)));
            let text = if known { "" } else { seen.text.trim() };
            format!("{}{codes} {text}", seen.outcome)
                .trim_end()
                .to_owned()
        }
        outcome => format!("{outcome}{codes}"),
    }
}
