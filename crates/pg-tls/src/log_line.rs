//! `LogLine`: one line of the server's log, in PostgreSQL's words, not yet written anywhere.

use std::fmt;

use pg_wire::{Severity, SqlState};

/// What PostgreSQL would write to its log about an event.
///
/// The library returns these instead of writing them: only the server knows the process, the session
/// and the format. [`Display`](fmt::Display) gives PostgreSQL's text form, one field a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLine {
    /// `LOG` for what the client never hears of, `FATAL` for what it was sent.
    pub severity: Severity,
    /// The SQLSTATE that goes with it.
    pub sqlstate: SqlState,
    /// The text.
    pub message: String,
    /// The DETAIL field; may have several lines.
    pub detail: Option<String>,
    /// The HINT field.
    pub hint: Option<String>,
}

impl LogLine {
    /// A line without DETAIL and HINT.
    #[must_use]
    pub fn new(severity: Severity, sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self {
            severity,
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:  {}", self.severity, self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, "\nDETAIL:  {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nHINT:  {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pg_wire::{Severity, SqlState};

    use super::LogLine;

    #[test]
    fn text_form_is_postgresqls() {
        let mut line = LogLine::new(Severity::Log, SqlState::PROTOCOL_VIOLATION, "no");
        assert_eq!(line.to_string(), "LOG:  no");
        line.detail = Some("why".into());
        line.hint = Some("what to do".into());
        assert_eq!(
            line.to_string(),
            "LOG:  no\nDETAIL:  why\nHINT:  what to do"
        );
    }
}
