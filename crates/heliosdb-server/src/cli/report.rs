//! Telling the operator what is wrong and how to mend it.

use std::fmt;
use std::io::{self, Write as _};

use heliosdb_server::ConfigurationError;
use heliosdb_server::settings::{Origin, Problem, SettingsError};

/// One thing that is wrong: where, what, and how to mend it.
#[derive(Debug)]
pub(super) struct Complaint {
    text: String,
    hint: Option<String>,
}

impl Complaint {
    /// An error with its causes on one line.
    pub(super) fn new(error: impl Into<anyhow::Error>) -> Self {
        let mut text = String::new();
        for cause in error.into().chain() {
            let cause = cause.to_string();
            // The system's words are enough, and some errors have told their cause already.
            let cause = cause.split(" (os error ").next().unwrap_or_default();
            if !text.contains(cause) {
                let separator = if text.is_empty() { "" } else { ": " };
                text.push_str(&format!("{separator}{cause}"));
            }
        }
        Self { text, hint: None }
    }

    /// What could not be done, and the error that kept it from being done.
    pub(super) fn because(text: impl Into<String>, error: impl Into<anyhow::Error>) -> Self {
        Self::new(error.into().context(text.into()))
    }

    /// What is wrong, when no error says it.
    pub(super) const fn text(text: String) -> Self {
        Self { text, hint: None }
    }

    /// Puts the place before the text.
    pub(super) fn at(mut self, origin: &Origin) -> Self {
        if *origin != Origin::Default {
            self.text = format!("{origin}: {}", self.text);
        }
        self
    }

    /// Says how to mend it.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        self.hint_if_any(Some(hint.into()))
    }

    /// Says how to mend it, if that is known.
    pub(super) fn hint_if_any(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Writes it to the log as what ends the program.
    pub(super) fn log_error(&self) {
        tracing::error!(
            severity = "FATAL",
            hint = self.hint.as_deref(),
            "{}",
            self.text
        );
    }

    /// Writes it to the log as what the operator should look at.
    pub(super) fn log_warning(&self) {
        tracing::warn!(hint = self.hint.as_deref(), "{}", self.text);
    }
}

impl From<Complaint> for ConfigurationError {
    fn from(complaint: Complaint) -> Self {
        let Complaint { text, hint } = complaint;
        Self::Source { text, hint }
    }
}

impl From<&Problem> for Complaint {
    fn from(problem: &Problem) -> Self {
        let complaint = Self {
            text: problem.error.to_string(),
            hint: problem.error.hint(),
        };
        complaint.at(&problem.origin)
    }
}

impl From<SettingsError> for Complaint {
    fn from(error: SettingsError) -> Self {
        Self {
            hint: error.hint(),
            text: error.to_string(),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.hint {
            Some(hint) => write!(f, "\n    HINT:  {hint}"),
            None => Ok(()),
        }
    }
}

/// Writes what is wrong to standard error as it is, before there is a log.
pub(super) fn errors(complaints: &[Complaint]) {
    plain(
        complaints,
        &format!(
            "{} in the configuration",
            counted(complaints.len(), "error")
        ),
    );
}

/// The verdict on a configuration that works, with what may trouble clients nevertheless.
pub(super) fn warnings(complaints: &[Complaint]) {
    plain(
        complaints,
        &match complaints.len() {
            0 => "the configuration is right".to_owned(),
            count => format!(
                "the configuration works, with {}",
                counted(count, "warning")
            ),
        },
    );
}

/// What kept a command from doing what it was told.
pub(super) fn failure(complaint: &Complaint) {
    line(&complaint.to_string());
}

/// What a command has done.
pub(super) fn done(text: &str) {
    line(text);
}

fn line(text: &str) {
    let text = format!("{}: {text}\n", env!("CARGO_BIN_NAME"));
    // Nobody is left to hear that standard error is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}

fn plain(complaints: &[Complaint], verdict: &str) {
    let mut text = format!("{}: {verdict}\n", env!("CARGO_BIN_NAME"));
    for complaint in complaints {
        text.push_str(&format!("{complaint}\n"));
    }
    // Nobody is left to hear that standard error is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_and_in_the_systems_words() {
        let missing = || io::Error::from_raw_os_error(2);
        let complaint = Complaint::because("could not open it", missing());
        assert_eq!(
            complaint.to_string(),
            "could not open it: No such file or directory"
        );
        let text = "could not open it: No such file or directory; check the path";
        let complaint = Complaint::because(text, missing()).hint("Look.");
        assert_eq!(complaint.to_string(), format!("{text}\n    HINT:  Look."));
    }

    #[test]
    fn the_origin_comes_first_unless_it_is_the_default() {
        let complaint = || Complaint::text("wrong".to_owned());
        assert_eq!(complaint().at(&Origin::Default).to_string(), "wrong");
        let flag = Origin::Flag("--listen".to_owned());
        assert_eq!(complaint().at(&flag).to_string(), "--listen: wrong");
    }
}
