//! A row of the acceptance table: one of PostgreSQL's own cases, what comes of it there, and what comes of it here.

use heliosdb_tests::libpq::Libpq;
use heliosdb_tests::log::{self, LogEvent};
use heliosdb_tests::program::Place;
use heliosdb_tests::recorder::{Began, Recorder};

use super::certificates;
use super::server::{Server, Setup, Software, major};

/// One case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Number in spec section 9.
    pub(super) id: &'static str,
    /// What is done.
    pub(super) about: &'static str,
    /// How it is proven.
    pub(super) proof: Proof,
}

/// How a case is proven.
#[derive(Clone, Copy, Debug)]
pub(super) enum Proof {
    /// By a client that connects.
    Connect(Connect),
    /// By a server that must start.
    Starts(Setup),
    /// By a server that must not start, and says this.
    Fails(Setup, &'static str),
    /// By a server that starts as PostgreSQL and says this here instead, for that reason.
    FailsHere(Setup, &'static str, &'static str),
    /// Not here; what PostgreSQL does, and why not here.
    Elsewhere(&'static str, Verdict),
}

/// What became of a case that no client runs here, or that ends otherwise here than there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    /// The same, proven by this test.
    SameBy(&'static str),
    /// Otherwise on purpose, for this reason.
    Differs(&'static str),
    /// Nothing about the server.
    ClientOnly(&'static str),
    /// Comes with that issue.
    Pending(u32),
}

/// What comes of a connection: texts are parts of what the client says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Works,
    WorksSaying(&'static str),
    Fails(&'static str),
}

/// A client that connects and selects 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connect {
    setup: Setup,
    /// libpq's options, behind those that every case has.
    options: &'static str,
    environment: &'static [(&'static str, &'static str)],
    expected: Outcome,
    /// First libpq that knows the options.
    libpq: u32,
    /// Text that the server must have logged, and the first PostgreSQL that does.
    logged: &'static [(u32, &'static str)],
    /// Text that is logged here instead, and why.
    logged_here: Option<(&'static str, &'static str)>,
    /// Text that it must not have logged.
    not_logged: &'static str,
    /// What comes of it here instead, and why.
    ours: Option<(Outcome, &'static str)>,
    client_only: bool,
}

impl Row {
    pub(super) const fn connect(
        id: &'static str,
        setup: Setup,
        about: &'static str,
        options: &'static str,
        expected: Outcome,
    ) -> Self {
        let connect = Connect {
            setup,
            options,
            environment: &[],
            expected,
            libpq: 0,
            logged: &[],
            logged_here: None,
            not_logged: "",
            ours: None,
            client_only: false,
        };
        Self {
            id,
            about,
            proof: Proof::Connect(connect),
        }
    }

    pub(super) const fn elsewhere(
        id: &'static str,
        about: &'static str,
        there: &'static str,
        verdict: Verdict,
    ) -> Self {
        Self {
            id,
            about,
            proof: Proof::Elsewhere(there, verdict),
        }
    }

    const fn with(self, connect: Connect) -> Self {
        Self {
            proof: Proof::Connect(connect),
            ..self
        }
    }

    const fn client(&self) -> Connect {
        match self.proof {
            Proof::Connect(connect) => connect,
            Proof::Starts(_) | Proof::Fails(..) | Proof::FailsHere(..) | Proof::Elsewhere(..) => {
                panic!("no client connects in this row")
            }
        }
    }

    /// The first libpq that knows the options.
    pub(super) const fn since(self, libpq: u32) -> Self {
        self.with(Connect {
            libpq,
            ..self.client()
        })
    }

    pub(super) const fn environment(
        self,
        environment: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.with(Connect {
            environment,
            ..self.client()
        })
    }

    pub(super) const fn logs(self, logged: &'static [(u32, &'static str)]) -> Self {
        self.with(Connect {
            logged,
            ..self.client()
        })
    }

    /// Text that is logged here instead, and why.
    pub(super) const fn logs_here(self, text: &'static str, why: &'static str) -> Self {
        self.with(Connect {
            logged_here: Some((text, why)),
            ..self.client()
        })
    }

    pub(super) const fn does_not_log(self, not_logged: &'static str) -> Self {
        self.with(Connect {
            not_logged,
            ..self.client()
        })
    }

    /// The client ends it by itself, whatever the server.
    pub(super) const fn client_only(self) -> Self {
        self.with(Connect {
            client_only: true,
            ..self.client()
        })
    }

    /// What comes of it here instead, and why.
    pub(super) const fn ours(self, outcome: Outcome, why: &'static str) -> Self {
        self.with(Connect {
            ours: Some((outcome, why)),
            ..self.client()
        })
    }

    /// Whether this software has what the row sets up.
    const fn is_known_to(&self, software: Software<'_>) -> bool {
        match &self.proof {
            Proof::Connect(Connect { setup, .. })
            | Proof::Starts(setup)
            | Proof::Fails(setup, _)
            | Proof::FailsHere(setup, ..) => setup.is_known_to(software),
            Proof::Elsewhere(..) => true,
        }
    }

    /// The case that runs this row, if it is one of another table.
    pub(super) const fn covered_by(&self) -> Option<&'static str> {
        match self.proof {
            Proof::Elsewhere(_, Verdict::SameBy(case)) => Some(case),
            _ => None,
        }
    }

    /// The cells of the table: PostgreSQL, here with libpq 15, here with libpq 18, verdict.
    pub(super) fn cells(&self) -> [String; 4] {
        let none = || "–".to_owned();
        match self.proof {
            Proof::Connect(connect) => {
                let there = connect.expected.to_string();
                let same = || there.clone();
                let (here, verdict) = match (connect.ours, connect.logged_here) {
                    (Some((ours, why)), _) => {
                        (ours.to_string(), format!("deliberate difference: {why}"))
                    }
                    (None, Some((text, why))) => (
                        same(),
                        format!("deliberate difference: logs `{text}`; {why}"),
                    ),
                    (None, None) if connect.client_only => {
                        (same(), "same; the client alone decides".into())
                    }
                    (None, None) => (same(), "same".into()),
                };
                let old = if connect.libpq > 15 {
                    format!("since libpq {}", connect.libpq)
                } else {
                    here.clone()
                };
                [there, old, here, verdict]
            }
            Proof::Starts(_) => ["starts".into(), none(), none(), "same".into()],
            Proof::Fails(_, says) => [
                "does not start".into(),
                none(),
                none(),
                format!("same: `{says}`"),
            ],
            Proof::FailsHere(_, says, why) => [
                "starts".into(),
                none(),
                none(),
                format!("deliberate difference: `{says}`; {why}"),
            ],
            Proof::Elsewhere(there, verdict) => [there.into(), none(), none(), verdict.to_string()],
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Works => f.write_str("works"),
            Self::WorksSaying(text) => write!(f, "works, `{text}`"),
            Self::Fails(text) => write!(f, "`{text}`"),
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SameBy(test) => write!(f, "same: `{test}`"),
            Self::Differs(why) => write!(f, "deliberate difference: {why}"),
            Self::ClientOnly(why) => write!(f, "client-only: {why}"),
            Self::Pending(issue) => write!(f, "pending: issue {issue}"),
        }
    }
}

/// A row that was run, and what its connections were: the log tells the rest when the server has stopped.
struct Ran<'a> {
    row: &'a Row,
    libpq: u32,
    began: Vec<Began>,
}

/// Runs every row with every libpq, one server for each run of rows that share a setup.
///
/// # Panics
///
/// With all rows that end otherwise than they must.
pub(super) fn run(software: Software<'_>, rows: &[Row]) {
    let place = Place::new();
    certificates::write(place.root());
    let libpqs = Libpq::installed();
    let mut faults = Vec::new();
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let count = rest
            .iter()
            .take_while(|row| setup(row) == setup(first))
            .count();
        let (now, later) = rest.split_at(count);
        rest = later;
        if !first.is_known_to(software) {
            continue;
        }
        match first.proof {
            Proof::Connect(Connect { setup, .. }) => {
                connections(software, setup, now, &place, &libpqs, &mut faults)
            }
            Proof::Starts(setup) => {
                let events = Server::start(software, setup, &place).stop();
                faults.extend(unwanted(setup, first, &events));
            }
            Proof::FailsHere(setup, ..) if matches!(software, Software::PostgreSql(_)) => {
                drop(Server::start(software, setup, &place).stop());
            }
            Proof::Fails(setup, says) | Proof::FailsHere(setup, says, _) => {
                let said = Server::fails(software, setup, &place);
                if !said.contains(says) {
                    faults.push(format!("{}: no {says:?} in {said}", first.id));
                }
            }
            Proof::Elsewhere(..) => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What must be equal for two rows to share a server.
fn setup(row: &Row) -> (Option<Setup>, &'static str) {
    match row.proof {
        Proof::Connect(connect) => (Some(connect.setup), ""),
        Proof::Starts(_) | Proof::Fails(..) | Proof::FailsHere(..) | Proof::Elsewhere(..) => {
            (None, row.id)
        }
    }
}

fn connections(
    software: Software<'_>,
    setup: Setup,
    rows: &[Row],
    place: &Place,
    libpqs: &[Libpq],
    faults: &mut Vec<String>,
) {
    let server = Server::start(software, setup, place);
    let recorder = Recorder::start(server.address());
    let mut ran = Vec::new();
    for row in rows {
        let connect = row.client();
        for libpq in libpqs.iter().filter(|libpq| libpq.major() >= connect.libpq) {
            if let Err(fault) = attempt(software, &connect, libpq, place, &recorder) {
                faults.push(format!("{} with libpq {}: {fault}", row.id, libpq.major()));
            }
            ran.push(Ran {
                row,
                libpq: libpq.major(),
                began: recorder.take(),
            });
        }
    }
    let events = server.stop();
    if let Some(first) = rows.first() {
        faults.extend(unwanted(setup, first, &events));
    }
    let mut logs = log::by_connection(events);
    for Ran { row, libpq, began } in ran {
        let mut events: Vec<LogEvent> = Vec::new();
        for connection in began {
            let of_port = logs
                .get_mut(&connection.port)
                .and_then(std::collections::VecDeque::pop_front);
            events.extend(of_port.unwrap_or_default());
        }
        if let Err(fault) = logged(software, &row.client(), &events) {
            faults.push(format!("{} with libpq {libpq}: {fault}", row.id));
        }
    }
}

/// What is wrong with the log as a whole.
fn unwanted(setup: Setup, row: &Row, events: &[(u16, LogEvent)]) -> Option<String> {
    let text = setup.never_logs;
    let found = { events.iter() }
        .find(|(_, event)| !text.is_empty() && event.message.contains(text))
        .map(|(_, event)| event)?;
    Some(format!("{}: logged: {found:?}", row.id))
}

fn attempt(
    software: Software<'_>,
    connect: &Connect,
    libpq: &Libpq,
    place: &Place,
    recorder: &Recorder,
) -> Result<(), String> {
    let conninfo = format!(
        "hostaddr=127.0.0.1 port={} {}",
        recorder.address().port(),
        connect.options
    );
    let said = libpq.run(place.root(), connect.environment, &conninfo, &["select 1"]);
    let expected = match (software, connect.ours) {
        (Software::Ours, Some((ours, _))) => ours,
        _ => connect.expected,
    };
    let works = said.success && said.stdout == "1\n";
    let as_expected = match expected {
        Outcome::Works => works && said.stderr.is_empty(),
        Outcome::WorksSaying(text) => works && said.stderr.contains(text),
        Outcome::Fails(text) => !said.success && said.stderr.contains(text),
    };
    if as_expected {
        return Ok(());
    }
    Err(format!("expected {expected}, got {said:?}"))
}

fn logged(software: Software<'_>, connect: &Connect, events: &[LogEvent]) -> Result<(), String> {
    let has = |text: &str| {
        events.iter().any(|event| {
            event.message.contains(text)
                || event
                    .detail
                    .as_ref()
                    .is_some_and(|detail| detail.contains(text))
        })
    };
    let expected: Vec<&str> = match (software, connect.logged_here) {
        (Software::Ours, Some((text, _))) => vec![text],
        _ => connect
            .logged
            .iter()
            .filter(|(since, _)| *since <= major(software))
            .map(|(_, text)| *text)
            .collect(),
    };
    if let Some(text) = expected.into_iter().find(|text| !has(text)) {
        return Err(format!("not logged: {text:?} in {events:?}"));
    }
    if !connect.not_logged.is_empty() && has(connect.not_logged) {
        return Err(format!("logged: {:?} in {events:?}", connect.not_logged));
    }
    Ok(())
}
