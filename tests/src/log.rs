//! What a server wrote to its log about one connection, and what a case says it must have written.

use std::collections::{HashMap, VecDeque};
use std::fmt;

/// One event of a server's log, in PostgreSQL's terms.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogEvent {
    /// `LOG`, `FATAL`, `ERROR`, `WARNING` …
    pub severity: String,
    /// SQLSTATE; `00000` where there is none.
    pub sqlstate: String,
    /// The message without DETAIL and HINT.
    pub message: String,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
}

/// How a text is compared.
#[derive(Clone, Debug)]
pub enum Text {
    /// Must be absent.
    None,
    /// Must be this.
    Exactly(String),
    /// Must begin with this; words must follow if it ends with a space.
    Begins(String),
    /// Is not looked at: the cryptographic library decides whether it is there.
    Any,
}

impl Text {
    fn matches(&self, text: Option<&str>) -> bool {
        match (self, text) {
            (Self::Any, _) | (Self::None, None) => true,
            (Self::Exactly(expected), Some(text)) => expected == text,
            (Self::Begins(start), Some(text)) => {
                text.starts_with(start) && !(start.ends_with(' ') && start == text)
            }
            (Self::None, Some(_)) | (Self::Exactly(_) | Self::Begins(_), None) => false,
        }
    }
}

/// One event a case expects.
#[derive(Clone, Debug)]
pub struct Expected {
    severity: &'static str,
    sqlstate: String,
    message: Text,
    detail: Text,
    hint: Text,
    optional: bool,
}

impl Expected {
    /// LOG with a SQLSTATE: what PostgreSQL keeps from the client.
    #[must_use]
    pub fn log_only(sqlstate: &str, message: impl Into<String>) -> Self {
        Self::new("LOG", sqlstate, Text::Exactly(message.into()))
    }

    /// LOG without a SQLSTATE.
    #[must_use]
    pub fn log(message: impl Into<String>) -> Self {
        Self::log_only("00000", message)
    }

    /// FATAL: what the client was told as well.
    #[must_use]
    pub fn fatal(report: &crate::wire::Report) -> Self {
        Self {
            detail: report.detail.clone().map_or(Text::None, Text::Exactly),
            hint: report.hint.clone().map_or(Text::None, Text::Exactly),
            ..Self::new(
                "FATAL",
                &report.sqlstate,
                Text::Exactly(report.message.clone()),
            )
        }
    }

    /// ERROR: what the client was told as well, the session going on. PostgreSQL may add where in the statement.
    #[must_use]
    pub fn error(report: &crate::wire::Report) -> Self {
        let message = Text::Begins(report.message.clone());
        Self {
            severity: "ERROR",
            message,
            ..Self::fatal(report)
        }
    }

    /// LOG 08P01 `could not accept SSL connection: …`, the rest being the library's words.
    #[must_use]
    pub fn handshake_failure() -> Self {
        let message = Text::Begins("could not accept SSL connection: ".into());
        Self {
            detail: Text::Any,
            hint: Text::Any,
            ..Self::new("LOG", "08P01", message)
        }
    }

    /// LOG 08006 about a session whose client has gone by RST, whatever the server was doing.
    #[must_use]
    pub fn connection_lost() -> Self {
        Self::new("LOG", "08006", Text::Begins("could not ".into()))
    }

    /// May as well be missing.
    #[must_use]
    pub fn or_nothing(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    /// With exactly this DETAIL.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Text::Exactly(detail.into()),
            ..self
        }
    }

    /// With a DETAIL or not: PostgreSQL adds one that names a line of its pg_hba.conf.
    #[must_use]
    pub fn any_detail(self) -> Self {
        Self {
            detail: Text::Any,
            ..self
        }
    }

    /// With exactly this HINT.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Text::Exactly(hint.into()),
            ..self
        }
    }

    fn new(severity: &'static str, sqlstate: &str, message: Text) -> Self {
        Self {
            severity,
            sqlstate: sqlstate.into(),
            message,
            detail: Text::None,
            hint: Text::None,
            optional: false,
        }
    }

    fn matches(&self, event: &LogEvent) -> bool {
        self.severity == event.severity
            && self.sqlstate == event.sqlstate
            && self.message.matches(Some(&event.message))
            && self.detail.matches(event.detail.as_deref())
            && self.hint.matches(event.hint.as_deref())
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.severity, self.sqlstate, self.message)?;
        write!(f, " detail {:?} hint {:?}", self.detail, self.hint)
    }
}

const RECEIVED: &str = "connection received: ";

/// Lines every connection may cause; they are no statement about what went wrong on it.
const ORDINARY: [&str; 5] = [
    RECEIVED,
    "connection authenticated: ",
    "connection authorized: ",
    "connection ready: ",
    "disconnection: ",
];

/// Sorts the events by connection: those of each port, in the order of the connections that had it, since the kernel
/// gives a port away again. Each connection's first event says that it was received.
#[must_use]
pub fn by_connection(events: Vec<(u16, LogEvent)>) -> HashMap<u16, VecDeque<Vec<LogEvent>>> {
    let mut ports: HashMap<u16, VecDeque<Vec<LogEvent>>> = HashMap::new();
    for (port, event) in events {
        let connections = ports.entry(port).or_default();
        if connections.is_empty() || event.message.starts_with(RECEIVED) {
            connections.push_back(Vec::new());
        }
        connections.back_mut().unwrap().push(event);
    }
    ports
}

/// Compares what was logged about the connection from `port` with what a case expects, in order and nothing more.
///
/// # Errors
///
/// A text that shows both.
pub fn compare(
    port: u16,
    events: &[LogEvent],
    expected: &[Expected],
    lines: &[String],
) -> Result<(), String> {
    let is_ordinary = |event: &LogEvent| {
        ORDINARY
            .iter()
            .any(|start| event.message.starts_with(start))
    };
    let special: Vec<_> = events.iter().filter(|event| !is_ordinary(event)).collect();
    let received = format!("{RECEIVED}host=127.0.0.1 port={port}");
    let mut left = special.iter().peekable();
    let all_there = expected.iter().all(|expected| {
        left.next_if(|event| expected.matches(event)).is_some() || expected.optional
    });
    let same = all_there && left.next().is_none();
    let has = |line: &String| {
        events
            .iter()
            .any(|event| is_ordinary(event) && glob(line, &event.message))
    };
    if same
        && lines.iter().all(has)
        && events
            .first()
            .is_some_and(|event| event.message == received)
    {
        return Ok(());
    }
    let mut text = format!("log of the connection from port {port}\nexpected\n  {received}\n");
    for expected in expected {
        text.push_str(&format!("  {expected}\n"));
    }
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    text.push_str("got\n");
    for event in events {
        text.push_str(&format!("  {event:?}\n"));
    }
    Err(text)
}

/// Whether `text` is `pattern`, in which each `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    (0..=text.len()).any(|at| text.is_char_boundary(at) && glob(rest, &text[at..]))
}
