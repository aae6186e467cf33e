//! What our server logs, per server.
//!
//! A subscriber that is set for a thread does not follow tasks to other threads, and one for the whole process would
//! mix the servers of all tests. Each server has a runtime of its own, so its threads all get its collector.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{Registry, registry};

use crate::log::LogEvent;

/// Collects the events of one server.
#[derive(Clone, Debug, Default)]
pub struct Collector(Arc<Mutex<Vec<(u16, LogEvent)>>>);

impl Collector {
    /// Everything collected so far, each event with the port of the client it is about (0: about none).
    #[must_use]
    pub fn events(&self) -> Vec<(u16, LogEvent)> {
        self.0.lock().unwrap().clone()
    }

    /// Collects what the current thread logs, until `leave_thread`.
    pub fn enter_thread(&self) {
        let subscriber = registry().with(self.clone());
        let guard = tracing::subscriber::set_default(subscriber);
        GUARD.with(|slot| *slot.borrow_mut() = Some(guard));
    }

    /// Ends what `enter_thread` began.
    pub fn leave_thread() {
        GUARD.with(|slot| *slot.borrow_mut() = None);
    }
}

thread_local! {
    static GUARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

impl Layer<Registry> for Collector {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, Registry>) {
        // PostgreSQL's log by default holds LOG and above. Lines about a client say their severity.
        let severity = match *event.metadata().level() {
            Level::ERROR => "PANIC",
            Level::WARN => "FATAL",
            Level::INFO => "LOG",
            _ => return,
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let port = port(&fields.peer)
            .or_else(|| port(&fields.message))
            .unwrap_or(0);
        let event = LogEvent {
            severity: fields.severity.unwrap_or_else(|| severity.into()),
            sqlstate: fields.sqlstate.unwrap_or_else(|| "00000".into()),
            message: fields.message,
            detail: fields.detail,
            hint: fields.hint,
        };
        self.0.lock().unwrap().push((port, event));
    }
}

/// The number behind the last `port=`.
fn port(text: &str) -> Option<u16> {
    text.rsplit_once("port=")?.1.parse().ok()
}

#[derive(Default)]
struct Fields {
    message: String,
    peer: String,
    severity: Option<String>,
    sqlstate: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.into(),
            "peer" => self.peer = value.into(),
            "severity" => self.severity = Some(value.into()),
            "sqlstate" => self.sqlstate = Some(value.into()),
            "detail" => self.detail = Some(value.into()),
            "hint" => self.hint = Some(value.into()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
