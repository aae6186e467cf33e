//! What the program says, and how it ends.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Error, Result};
use pg_certs::files::WriteError;
use pg_certs::generate::{GenerateError, IndexError};
use serde::Serialize;

/// The outcome, as the caller of the program sees it; documented in the guide.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Exit {
    /// Done, or nothing is wrong.
    Fine,
    /// Something is wrong, or has to be mended before the command can do its work.
    Problem,
    /// The system did not do what it was asked: no space, no permission.
    System,
}

impl Exit {
    /// What a failed command ends with.
    pub(super) fn of(error: &Error) -> Self {
        let refused =
            |error: &WriteError| matches!(error, WriteError::Io { .. } | WriteError::Busy { .. });
        let of_system = error.chain().any(|cause| {
            cause.downcast_ref::<WriteError>().is_some_and(refused)
                || matches!(
                    cause.downcast_ref::<GenerateError>(),
                    Some(GenerateError::Write(error)) if refused(error)
                )
                || matches!(
                    cause.downcast_ref::<IndexError>(),
                    Some(IndexError::Write(error)) if refused(error)
                )
        });
        // Not any system error further down: a file that is not there is for the caller to mend.
        match of_system || error.downcast_ref::<io::Error>().is_some() {
            true => Self::System,
            false => Self::Problem,
        }
    }
}

impl From<Exit> for ExitCode {
    /// 2 is clap's, for wrong usage.
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Problem => 1,
            Exit::System => 3,
        })
    }
}

/// Writes to standard output.
pub(super) fn text(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .context("could not write to standard output")
}

/// Writes JSON to standard output.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    let mut json = serde_json::to_string_pretty(value).context("could not write JSON")?;
    json.push('\n');
    text(&json)
}

/// Says something that is not the answer, on standard error.
pub(super) fn note(text: &str) {
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(io::stderr(), "pg-certs: {text}");
}

/// Says why a command failed.
pub(super) fn failure(error: &Error) {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // The system's words are enough, and some errors have told their cause already.
        let cause = cause.split(" (os error ").next().unwrap_or_default();
        if !text.contains(cause) {
            let separator = if text.is_empty() { "" } else { ": " };
            text.push_str(&format!("{separator}{cause}"));
        }
    }
    note(&format!("error: {text}"));
}
