//! The table, the disagreements, and the file for machines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;

use super::cells::{Action, Cell, ClientCertificate, Driver, SslMode};
use super::failure::Failure;
use super::outcome::{Expected, LEGEND, Outcome, Seen};

/// A cell with the rule's answer for each target and what it gave, in the order of the targets.
pub(crate) struct Row {
    pub(crate) cell: Cell,
    pub(crate) expected: Vec<Expected>,
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
    /// Client certificates and clients that make no difference share a line, so that what does
    /// stands out.
    pub(crate) fn print_table(&self) {
        let heads: Vec<String> = SslMode::ALL
            .iter()
            .map(|mode| format!("{:<15}", mode.as_str()))
            .collect();
        let mut setup = None;
        for (line, clients) in self.shared_lines() {
            if setup != Some(line.cell.setup) {
                setup = Some(line.cell.setup);
                println!("\n{}", line.cell.setup);
                println!("  {:<50} {} client", "", heads.join(" "));
            }
            let what = format!(
                "{} {}, client-cert {}",
                line.cell.login,
                line.cell.action,
                line.certificates.join(" ")
            );
            println!("  {what:<50} {} {}", line.results(), clients.join(" "));
        }
        println!("\n{LEGEND}\n");
    }

    /// One line for each server, login, action and client certificate, with the clients that it
    /// holds for.
    fn shared_lines(&self) -> Vec<(Line, Vec<String>)> {
        let mut shared: Vec<(Line, Vec<String>)> = Vec::new();
        for line in self.lines_of_clients() {
            let client = line.cell.client.to_string();
            match shared
                .iter_mut()
                .find(|(other, _)| other.says_the_same(&line))
            {
                Some((_, clients)) => clients.push(client),
                None => shared.push((line, vec![client])),
            }
        }
        shared
    }

    /// One line for each client, server, login and action, with the certificates it holds for.
    fn lines_of_clients(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for mut line in self.lines() {
            let same = |other: &&mut Line| {
                other.cell.client == line.cell.client
                    && other.is_about_the_same(&line)
                    && other.texts == line.texts
            };
            match lines.iter_mut().find(same) {
                Some(other) => other.certificates.append(&mut line.certificates),
                None => lines.push(line),
            }
        }
        for line in &mut lines {
            if line.certificates.len() == ClientCertificate::ALL.len() {
                line.certificates = vec!["any"];
            }
        }
        lines
    }

    /// One line for each client, server, login, action and client certificate.
    fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for row in &self.rows {
            let (Some(seen), Some(expected)) = (row.seen.first(), row.expected.first()) else {
                continue;
            };
            let mut text = seen.outcome.to_string();
            if seen.was_tried() && !seen.is(expected) {
                text = format!("{text}!={}", expected.outcome);
            }
            let result = (row.cell.sslmode, text);
            let certificate = row.cell.certificate.as_str();
            let same = |line: &&mut Line| {
                line.cell.client == row.cell.client
                    && line.cell.certificate == row.cell.certificate
                    && line.is_about(&row.cell)
            };
            match lines.last_mut().filter(same) {
                Some(line) => line.texts.push(result),
                None => lines.push(Line {
                    cell: row.cell,
                    certificates: vec![certificate],
                    texts: vec![result],
                }),
            }
        }
        lines
    }

    /// Counts the cells, prints each that is wrong, and names what was not tried.
    pub(crate) fn conclude(&self) -> Totals {
        let mut totals = Totals::default();
        let mut absent: BTreeMap<Driver, usize> = BTreeMap::new();
        let mut lacking: BTreeMap<&str, usize> = BTreeMap::new();
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
                    *absent.entry(row.cell.client.driver).or_default() += 1;
                }
                Some(_) => {
                    totals.not_applicable += 1;
                    *lacking
                        .entry(row.cell.lacks().unwrap_or_default())
                        .or_default() += 1;
                }
            }
        }
        print_disagreements(&disagreements);
        self.print_documented_differences();
        for (reason, count) in lacking.iter().filter(|(reason, _)| !reason.is_empty()) {
            println!("n/a: {reason}: {count} cells");
        }
        for (driver, count) in absent {
            println!("absent: {driver}: {count} cells were not tried");
        }
        totals
    }

    /// Says what is as expected and yet not what PostgreSQL gives.
    fn print_documented_differences(&self) {
        let mut all: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for row in &self.rows {
            for ((name, seen), expected) in self.targets.iter().zip(&row.seen).zip(&row.expected) {
                if let Some(because) = expected.because.filter(|_| seen.is(expected)) {
                    let clients = all.entry((name.as_str(), because)).or_default();
                    clients.push(row.cell.client.to_string());
                }
            }
        }
        for ((name, because), mut clients) in all {
            let count = clients.len();
            clients.dedup();
            println!("{name} is not PostgreSQL: {because}");
            println!("      {count} cells of {}", clients.join(", "));
        }
    }

    fn disagreements(&self, row: &Row) -> Vec<Disagreement> {
        let mut all = Vec::new();
        let mut wrong = |text: String| {
            all.push(Disagreement {
                cell: row.cell,
                text,
            });
        };
        let results = self.targets.iter().zip(&row.seen).zip(&row.expected);
        let tried = results.filter(|((_, seen), _)| seen.was_tried());
        let mut first: Option<(&String, &Seen, &Expected)> = None;
        for ((name, seen), expected) in tried {
            if !seen.is(expected) {
                let cancel = expected
                    .cancel
                    .map_or_else(String::new, |on| format!(", the cancel on {on:?}"));
                wrong(format!(
                    "{name} gave {}, expected {} {:?}{cancel}",
                    words(seen),
                    expected.outcome,
                    expected.sqlstates
                ));
            }
            match first {
                None => first = Some((name, seen, expected)),
                Some((other, one, its)) => {
                    // A session alone shows its transport; drivers whose connection broke make
                    // others at any time.
                    let connections =
                        row.cell.action == Action::Session || seen.connected_like(one);
                    let documented = its.because.is_some() || expected.because.is_some();
                    if !connections || !(documented || seen.agrees_with(one)) {
                        let text = format!(
                            "{name} gave {}, but {other} gave {}",
                            words(seen),
                            words(one)
                        );
                        wrong(text);
                    }
                }
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
            .zip(&row.expected)
            .map(|((name, seen), expected)| {
                let value = json!({
                    "outcome": seen.outcome.to_string(),
                    "sqlstates": seen.sqlstates,
                    "connections": seen.channels,
                    "expected": {
                        "outcome": expected.outcome.to_string(),
                        "sqlstates": expected.sqlstates,
                        "differs_because": expected.because,
                    },
                    "as_expected": seen.was_tried().then(|| seen.is(expected)),
                    "text": seen.text.trim(),
                });
                (name.as_str(), value)
            })
            .collect();
        json!({
            "client": row.cell.client.to_string(),
            "server_mode": row.cell.setup.mode.as_str(),
            "server_certificate": row.cell.setup.certificate.as_str(),
            "rules": row.cell.setup.rules.as_str(),
            "login": row.cell.login.as_str(),
            "client_certificate": row.cell.certificate.as_str(),
            "action": row.cell.action.as_str(),
            "sslmode": row.cell.sslmode.as_str(),
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

/// The results of one client for all its sslmodes.
struct Line {
    /// The first of its cells.
    cell: Cell,
    certificates: Vec<&'static str>,
    texts: Vec<(SslMode, String)>,
}

impl Line {
    /// Whether only client, certificate and sslmode may differ.
    fn is_about(&self, cell: &Cell) -> bool {
        let key = |cell: &Cell| (cell.setup, cell.login, cell.action);
        key(&self.cell) == key(cell)
    }

    fn is_about_the_same(&self, other: &Self) -> bool {
        self.is_about(&other.cell)
    }

    /// Whether only the client differs.
    fn says_the_same(&self, other: &Self) -> bool {
        self.is_about_the_same(other)
            && self.certificates == other.certificates
            && self.texts == other.texts
    }

    /// A column for each sslmode.
    fn results(&self) -> String {
        let columns = SslMode::ALL.iter().map(|&mode| {
            let result = self.texts.iter().find(|(of, _)| *of == mode);
            format!("{:<15}", result.map_or("", |(_, text)| text))
        });
        columns.collect::<Vec<_>>().join(" ")
    }
}

/// An outcome with what makes it understandable.
fn words(seen: &Seen) -> String {
    let codes = seen
        .sqlstates
        .as_ref()
        .map_or_else(String::new, |codes| format!(" {codes:?}"));
    let channels = seen.channels.as_ref().map_or_else(String::new, |channels| {
        let channels: Vec<String> = channels.iter().map(ToString::to_string).collect();
        format!(" by {}", channels.join(", "))
    });
    match &seen.outcome {
        Outcome::Failed(failures) => {
            let known = !failures.iter().any(|one| matches!(one, Failure::Other(_)));
            let text = if known { "" } else { seen.text.trim() };
            format!("{}{codes}{channels} {text}", seen.outcome)
                .trim_end()
                .to_owned()
        }
        outcome => format!("{outcome}{codes}{channels}"),
    }
}
