//! How bad a report is.

use std::fmt;

/// The severity of an error, notice or log line, from harmless to fatal.
///
/// PostgreSQL sends everything up to [`Warning`](Self::Warning) as a NoticeResponse and the rest as
/// an ErrorResponse (`send_message_to_frontend` in `elog.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// `DEBUG`: for developers.
    Debug,
    /// `LOG`: for the operator.
    Log,
    /// `INFO`: asked for by the user.
    Info,
    /// `NOTICE`: helpful to the user.
    Notice,
    /// `WARNING`: likely a mistake.
    Warning,
    /// `ERROR`: the statement is aborted.
    Error,
    /// `FATAL`: the session ends.
    Fatal,
    /// `PANIC`: all sessions end.
    Panic,
}

impl Severity {
    /// The word on the wire and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Log => "LOG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Panic => "PANIC",
        }
    }

    /// The severity that a word on the wire means; the words are never translated in field `V`.
    pub fn from_wire(word: &[u8]) -> Option<Self> {
        let all = [
            Self::Debug,
            Self::Log,
            Self::Info,
            Self::Notice,
            Self::Warning,
            Self::Error,
            Self::Fatal,
            Self::Panic,
        ];
        all.into_iter()
            .find(|severity| severity.as_str().as_bytes() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_both_ways() {
        assert_eq!(Severity::from_wire(b"FATAL"), Some(Severity::Fatal));
        assert_eq!(Severity::from_wire(b"FATAAL"), None);
        assert!(Severity::Warning < Severity::Error);
    }
}
