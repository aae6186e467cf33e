//! The log: one event a line on standard error, for people or for machines.

use std::env::{self, VarError};
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _};

use heliosdb_server::settings::LogFormat;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::report::Complaint;

/// Starts logging to standard error.
pub(super) fn start(format: LogFormat, filter: EnvFilter) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // Its report about a closed standard error would panic.
        .log_internal_errors(false);
    match format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => builder
            .with_ansi(io::stderr().is_terminal())
            .event_format(PostgresLike {
                process: std::process::id(),
            })
            .init(),
    }
}

/// What is logged, from `RUST_LOG` or the default.
pub(super) fn filter() -> Result<EnvFilter, Complaint> {
    let wrong = |error: anyhow::Error| {
        Complaint::new(error.context(format!("environment {VARIABLE}"))).hint(format!(
            "Write directives as in {VARIABLE}=debug,pg_tls=trace."
        ))
    };
    let directives = match env::var(VARIABLE) {
        Ok(directives) if !directives.is_empty() => directives,
        Ok(_) | Err(VarError::NotPresent) => DEFAULT_FILTER.to_owned(),
        Err(error @ VarError::NotUnicode(_)) => return Err(wrong(error.into())),
    };
    EnvFilter::try_new(directives).map_err(|error| wrong(error.into()))
}

const VARIABLE: &str = "RUST_LOG";

const DEFAULT_FILTER: &str = "warn,heliosdb_server=info,pg_tls=info";

/// `2026-11-25 03:26:25.123 UTC [4242] LOG:  message`, with DETAIL and HINT on lines of their own:
/// PostgreSQL's `log_line_prefix = '%m [%p] '`.
struct PostgresLike {
    process: u32,
}

impl<S, N> FormatEvent<S, N> for PostgresLike
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut prefix = timestamp()?;
        write!(prefix, " [{}] ", self.process)?;
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                && !fields.is_empty()
            {
                write!(prefix, "{fields} ")?;
            }
        }

        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        let ours = OURS
            .iter()
            .any(|target| metadata.target().starts_with(target));
        let target = if ours && *metadata.level() <= Level::INFO {
            String::new()
        } else {
            format!("{}: ", metadata.target())
        };
        let text = format!("{target}{}{}", line.message, line.fields);
        let level = severity(*metadata.level());
        let severity = line.severity.as_deref().unwrap_or(level);
        write_line(&mut writer, &prefix, severity, &text)?;
        for (label, note) in &line.notes {
            write_line(&mut writer, &prefix, label, note)?;
        }
        Ok(())
    }
}

/// Whose targets need not be named in lines for the operator.
const OURS: [&str; 2] = ["heliosdb_server", "pg_tls"];

/// Line breaks are indented as PostgreSQL does, so that no text that a client sent can look like a
/// line of the log.
fn write_line(writer: &mut Writer<'_>, prefix: &str, label: &str, text: &str) -> fmt::Result {
    let text = text
        .replace("\r\n", "\n")
        .replace('\r', "\\r")
        .replace('\n', "\n\t");
    writeln!(writer, "{prefix}{label}:  {text}")
}

/// PostgreSQL's words for the levels.
const fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "LOG",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

/// The time in UTC to the millisecond.
fn timestamp() -> Result<String, fmt::Error> {
    let mut rfc3339 = String::new();
    SystemTime.format_time(&mut Writer::new(&mut rfc3339))?;
    let milliseconds = rfc3339
        .get(.."2026-11-25T03:26:25.123".len())
        .unwrap_or(&rfc3339);
    Ok(format!("{} UTC", milliseconds.replace('T', " ")))
}

/// An event's fields, sorted by what they become.
#[derive(Default)]
struct Line {
    /// PostgreSQL's severity, when it says more than the level.
    severity: Option<String>,
    message: String,
    fields: String,
    notes: Vec<(String, String)>,
}

impl Line {
    fn put(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" => self.message = text,
            "severity" => self.severity = Some(text),
            name @ ("detail" | "hint" | "context") => {
                self.notes.push((name.to_ascii_uppercase(), text));
            }
            // The `log` crate's metadata, in events that came from there.
            name if name.starts_with("log.") => {}
            name => self.fields.push_str(&format!(" {name}={text}")),
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What was logged, without the times.
    fn logged(events: impl FnOnce()) -> Vec<String> {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .event_format(PostgresLike { process: 42 })
            .finish();
        tracing::subscriber::with_default(subscriber, events);
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        let without_time = |line: &str| match line.split_once(" UTC ") {
            Some((time, rest)) if !line.starts_with('\t') => {
                assert_eq!(time.len(), "2026-11-25 03:26:25.123".len(), "{line}");
                rest.to_owned()
            }
            _ => line.to_owned(),
        };
        text.lines().map(without_time).collect()
    }

    #[test]
    fn lines_look_like_postgresqls() {
        let lines = logged(|| {
            tracing::info!("connection received: host=127.0.0.1 port=50714");
            tracing::warn!(target: "heliosdb_nano::storage", pages = 3, "slow");
            tracing::debug!(target: "pg_tls::acceptor", "handshake");
            tracing::error!(hint = "Mend it.", detail = %"It broke.", "broken");
            tracing::warn!(severity = "FATAL", sqlstate = "28000", "refused");
        });
        assert_eq!(
            lines,
            [
                "[42] LOG:  connection received: host=127.0.0.1 port=50714",
                "[42] WARNING:  heliosdb_nano::storage: slow pages=3",
                "[42] DEBUG:  pg_tls::acceptor: handshake",
                "[42] ERROR:  broken",
                "[42] HINT:  Mend it.",
                "[42] DETAIL:  It broke.",
                "[42] FATAL:  refused sqlstate=28000",
            ]
        );
    }

    #[test]
    fn spans_come_before_the_severity() {
        let lines = logged(|| {
            let _outer = tracing::info_span!("connection", id = 7).entered();
            let _inner = tracing::info_span!("nothing").entered();
            tracing::info!("here");
        });
        assert_eq!(lines, ["[42] id=7 LOG:  here"]);
    }

    #[test]
    fn no_text_can_look_like_a_line_of_its_own() {
        let forged = "bob\n2026-01-01 00:00:00.000 UTC [1] LOG:  all is well\r\rreally";
        let lines = logged(|| tracing::info!("user={forged}"));
        assert_eq!(
            lines,
            [
                "[42] LOG:  user=bob",
                "\t2026-01-01 00:00:00.000 UTC [1] LOG:  all is well\\r\\rreally",
            ]
        );
    }
}
