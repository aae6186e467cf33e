//! The verdicts for people, and in the conformance document.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Row, Verdict};

/// What the verdicts stand between; the test `conformance` leaves it as it is.
const BEGIN: &str = "<!-- scans: written by cargo xtask scan --update -->\n";
const END: &str = "<!-- end of scans -->\n";

/// Prints a line for each verdict.
pub(super) fn print(rows: &[Row]) {
    for row in rows {
        let (word, notes) = words(&row.verdict);
        println!("{}, {}: {word}", row.setup, row.scanner);
        for note in notes {
            println!("    {note}");
        }
    }
}

/// Replaces the verdicts in the document.
pub(super) fn write(document: &Path, rows: &[Row]) -> Result<()> {
    let text = fs::read_to_string(document)?;
    let (before, rest) = text
        .split_once(BEGIN)
        .context("the document has no place for scans")?;
    let (_, after) = rest
        .split_once(END)
        .context("the document has no end of scans")?;
    fs::write(document, [before, BEGIN, &table(rows), END, after].concat())?;
    Ok(())
}

fn table(rows: &[Row]) -> String {
    let mut text =
        "\n| server | scanner | verdict | in its words |\n|---|---|---|---|\n".to_owned();
    for row in rows {
        let (word, notes) = words(&row.verdict);
        let notes = notes.join("<br>").replace('|', "\\|");
        text.push_str(&format!(
            "| {} | {} | {word} | {notes} |\n",
            row.setup, row.scanner
        ));
    }
    text.push('\n');
    text
}

fn words(verdict: &Verdict) -> (&'static str, Vec<&str>) {
    match verdict {
        Verdict::Passed(notes) => ("passed", notes.iter().map(String::as_str).collect()),
        Verdict::Failed(faults) => ("FAILED", faults.iter().map(String::as_str).collect()),
        Verdict::Absent(reason) => ("absent", vec![reason]),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{BEGIN, END, write};
    use crate::scan::{Row, Verdict};

    #[test]
    fn the_verdicts_take_the_place_of_the_old_ones() {
        let folder = tempfile::tempdir().unwrap();
        let document = folder.path().join("document.md");
        fs::write(&document, format!("before\n{BEGIN}old\n{END}after\n")).unwrap();
        let row = |scanner: &str, verdict| Row {
            setup: "modern",
            scanner: scanner.to_owned(),
            verdict,
        };
        let rows = [
            row(
                "one",
                Verdict::Passed(vec!["a|b".to_owned(), "c".to_owned()]),
            ),
            row("two", Verdict::Failed(vec!["d".to_owned()])),
            row("three", Verdict::Absent("e".to_owned())),
        ];
        write(&document, &rows).unwrap();
        let expected = format!(
            "before\n{BEGIN}\n| server | scanner | verdict | in its words |\n|---|---|---|---|\n\
             | modern | one | passed | a\\|b<br>c |\n| modern | two | FAILED | d |\n\
             | modern | three | absent | e |\n\n{END}after\n"
        );
        assert_eq!(fs::read_to_string(&document).unwrap(), expected);
    }
}
