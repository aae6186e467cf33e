//! `005_negotiate_encryption`: which connections a client makes, what it asks for on each and how it ends (spec 9.8).
//!
//! Events: C connection, R another connection, S+ and S- SSLRequest accepted or refused, D+ and D- TLS from the first
//! byte, G- GSSENCRequest refused, ok logged in, x refused by the access rules. The whole list is the expectation, so
//! that no needless attempt goes unseen.

use std::collections::HashMap;
use std::collections::VecDeque;

use heliosdb_tests::libpq::Libpq;
use heliosdb_tests::log::{self, LogEvent};
use heliosdb_tests::program::Place;
use heliosdb_tests::recorder::{Began, Recorder};

use super::certificates;
use super::row::Verdict::{self, ClientOnly, Differs};
use super::server::{Access, Server, Setup, Software, major};

const TLS: Setup = Setup::new("server-cn-only").access(Access::Negotiation);
const NO_TLS: Setup = TLS.no_ssl();

/// The columns: libpq's options.
pub(super) const COLUMNS: [&str; 5] = [
    "sslmode=disable",
    "sslmode=allow",
    "sslmode=prefer",
    "sslmode=require",
    "sslmode=require sslnegotiation=direct",
];
/// Options with which libpq refuses to connect at all, in every row.
const WEAK: [&str; 3] = [
    "sslmode=disable sslnegotiation=direct",
    "sslmode=allow sslnegotiation=direct",
    "sslmode=prefer sslnegotiation=direct",
];
const REFUSED_BY_LIBPQ: &str = "→ fail";
/// First libpq, and first PostgreSQL, that knows TLS from the first byte.
const DIRECT: u32 = 17;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Number in the specification.
    pub(super) id: &'static str,
    setup: Setup,
    /// The user, who names the rule.
    pub(super) user: &'static str,
    /// libpq's `gssencmode`.
    pub(super) gssencmode: &'static str,
    /// What comes of each column.
    pub(super) columns: [&'static str; 5],
    /// Columns in which libpq 15 does otherwise, and what: its own doing, the same against PostgreSQL.
    pub(super) older: &'static [(usize, &'static str)],
}

impl Row {
    const fn new(
        id: &'static str,
        setup: Setup,
        user: &'static str,
        gssencmode: &'static str,
        columns: [&'static str; 5],
    ) -> Self {
        Self {
            id,
            setup,
            user,
            gssencmode,
            columns,
            older: &[],
        }
    }

    /// Whether its server speaks TLS.
    pub(super) const fn has_tls(&self) -> bool {
        self.setup.ssl
    }

    const fn older(self, older: &'static [(usize, &'static str)]) -> Self {
        Self { older, ..self }
    }

    fn expected(&self, column: usize, libpq: &Libpq) -> &'static str {
        let older = self
            .older
            .iter()
            .find(|(of, _)| *of == column && libpq.major() < DIRECT);
        older.map_or(self.columns[column], |(_, events)| events)
    }
}

/// libpq 15 looks for a ticket only when it is connected.
const ALL_THE_SAME: &[(usize, &str)] = &[
    (0, "C → fail"),
    (1, "C → fail"),
    (2, "C → fail"),
    (3, "C → fail"),
];
const NO_CONNECTION: [&str; 5] = [REFUSED_BY_LIBPQ; 5];
const PLAIN_ONLY: [&str; 5] = [
    "C ok → plain",
    "C ok → plain",
    "C S- ok → plain",
    "C S- → fail",
    "C D- → fail",
];
const BOTH: [&str; 5] = [
    "C ok → plain",
    "C ok → plain",
    "C S+ ok → ssl",
    "C S+ ok → ssl",
    "C D+ ok → ssl",
];
const TLS_ONLY: [&str; 5] = [
    "C x → fail",
    "C x R S+ ok → ssl",
    "C S+ ok → ssl",
    "C S+ ok → ssl",
    "C D+ ok → ssl",
];
const NEVER_TLS: [&str; 5] = [
    "C ok → plain",
    "C ok → plain",
    "C S+ x R ok → plain",
    "C S+ x → fail",
    "C D+ x → fail",
];
const NOBODY: [&str; 5] = [
    "C x → fail",
    "C x R S+ x → fail",
    "C S+ x R x → fail",
    "C S+ x → fail",
    "C D+ x → fail",
];
const NOBODY_PLAIN: [&str; 5] = [
    "C x → fail",
    "C x R S- → fail",
    "C S- x → fail",
    "C S- → fail",
    "C D- → fail",
];

/// The rows that a server without GSSAPI can be asked. A client without a ticket sends no GSSENCRequest either.
pub(super) const ROWS: &[Row] = &[
    Row::new("N01", NO_TLS, "testuser", "disable", PLAIN_ONLY),
    Row::new("N02", NO_TLS, "testuser", "prefer", PLAIN_ONLY),
    Row::new("N03", NO_TLS, "testuser", "require", NO_CONNECTION).older(ALL_THE_SAME),
    Row::new("N10", NO_TLS, "testuser", "disable", PLAIN_ONLY),
    Row::new("N13", NO_TLS, "gssuser", "disable", NOBODY_PLAIN).older(&[(1, "C x R S- x → fail")]),
    Row::new("N16", NO_TLS, "nogssuser", "disable", PLAIN_ONLY),
    Row::new("N07", TLS, "testuser", "disable", BOTH),
    Row::new("N08", TLS, "ssluser", "disable", TLS_ONLY),
    Row::new("N09", TLS, "nossluser", "disable", NEVER_TLS),
    Row::new("N19", TLS, "testuser", "disable", BOTH),
    Row::new("N22", TLS, "gssuser", "disable", NOBODY),
    Row::new("N25", TLS, "ssluser", "disable", TLS_ONLY),
    Row::new("N28", TLS, "nogssuser", "disable", BOTH),
    Row::new("N31", TLS, "nossluser", "disable", NEVER_TLS),
];

const NO_GSSAPI: Verdict = Differs(
    "there is no GSSAPI here: the server answers `N` to GSSENCRequest (`encryption_requests::a01_gssencrequest_is_refused_and_the_loop_goes_on`), \
     and a client whose `gssencmode` is not `require` goes on as without a ticket",
);
const NO_INJECTION: Verdict = Differs(
    "an injection point inside PostgreSQL; this server never answers an encryption request with an error \
     (`modes::disable_serves_plaintext_alone`)",
);

/// The others, several to a line, and why not here.
pub(super) const ELSEWHERE: &[(&str, &str, Verdict)] = &[
    (
        "N04, N05, N06",
        "libpq built without TLS",
        ClientOnly("such a client speaks plaintext alone, as in N01 to N03 (a)"),
    ),
    (
        "N11, N12, N14, N15, N17, N18",
        "GSSAPI client with a ticket, TLS off",
        NO_GSSAPI,
    ),
    (
        "N20, N21, N23, N24, N26, N27, N29, N30, N32, N33",
        "GSSAPI client with a ticket, TLS on",
        NO_GSSAPI,
    ),
    (
        "N34, N35, N37, N38",
        "the server fails before it reads the request",
        NO_INJECTION,
    ),
    (
        "N36, N39",
        "the server fails between answer and handshake",
        NO_INJECTION,
    ),
    ("N40", "GSSAPI and TLS, both preferred", NO_GSSAPI),
    (
        "N41, N42",
        "Unix socket",
        Differs("the server listens on TCP alone"),
    ),
];

/// An attempt of a client, whose end the log tells when the server has stopped.
struct Attempt {
    what: String,
    expected: &'static str,
    success: bool,
    began: Vec<Began>,
}

/// Runs every row in every column with every libpq.
///
/// # Panics
///
/// With all cells that are otherwise.
pub(super) fn run(software: Software<'_>) {
    let place = Place::new();
    certificates::write(place.root());
    let mut faults = Vec::new();
    for setup in [NO_TLS, TLS] {
        let server = Server::start(software, setup, &place);
        let recorder = Recorder::start(server.address());
        let mut attempts = Vec::new();
        for row in ROWS.iter().filter(|row| row.setup == setup) {
            for libpq in Libpq::installed() {
                row_of(row, &libpq, software, &place, &recorder, &mut attempts);
            }
        }
        let mut logs = log::by_connection(server.stop());
        for attempt in attempts {
            let seen = seen(&attempt, &mut logs);
            if seen != attempt.expected {
                faults.push(format!(
                    "{}: expected {:?}, got {seen:?}",
                    attempt.what, attempt.expected
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn row_of(
    row: &Row,
    libpq: &Libpq,
    software: Software<'_>,
    place: &Place,
    recorder: &Recorder,
    attempts: &mut Vec<Attempt>,
) {
    let knows_direct = libpq.major() >= DIRECT;
    let columns = COLUMNS
        .iter()
        .enumerate()
        .map(|(at, options)| (*options, row.expected(at, libpq)));
    let weak = WEAK.iter().map(|options| (*options, REFUSED_BY_LIBPQ));
    for (options, expected) in columns.chain(weak) {
        let is_direct = options.contains("direct");
        let unanswered = expected != REFUSED_BY_LIBPQ && major(software) < DIRECT;
        if is_direct && (!knows_direct || unanswered) {
            continue;
        }
        let conninfo = format!(
            "host=localhost hostaddr=127.0.0.1 port={} user={} dbname=postgres gssencmode={} {options}",
            recorder.address().port(),
            row.user,
            row.gssencmode
        );
        let said = libpq.run(place.root(), &[], &conninfo, &["select 1"]);
        attempts.push(Attempt {
            what: format!("{} {options} with libpq {}", row.id, libpq.major()),
            expected,
            success: said.success,
            began: recorder.take(),
        });
    }
}

/// The events of an attempt in the table's words.
fn seen(attempt: &Attempt, logs: &mut HashMap<u16, VecDeque<Vec<LogEvent>>>) -> String {
    let mut words = Vec::new();
    let mut encrypted = false;
    for (number, began) in attempt.began.iter().enumerate() {
        words.push(if number == 0 { "C" } else { "R" });
        words.extend(&began.events);
        let events = logs
            .get_mut(&began.port)
            .and_then(VecDeque::pop_front)
            .unwrap_or_default();
        let has = |text| events.iter().any(|event| event.message.starts_with(text));
        if has("connection authorized: ") {
            words.push("ok");
        }
        if has("no pg_hba.conf entry ") {
            words.push("x");
        }
        encrypted = began
            .events
            .iter()
            .any(|event| ["S+", "D+"].contains(event));
    }
    words.push("→");
    words.push(match (attempt.success, encrypted) {
        (false, _) => "fail",
        (true, true) => "ssl",
        (true, false) => "plain",
    });
    words.join(" ")
}
