//! The server a case runs against: ours or a real PostgreSQL, behind one face.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::case::Case;
use crate::client::{Client, Manners};
use crate::config::Config;
use crate::log::{self, Expected, LogEvent};
use crate::pki::Pki;
use crate::tls::Tls;
use crate::wire::Report;

/// Which server it is, as far as a case may care.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Ours, which is held to PostgreSQL 18's behaviour.
    Ours,
    /// PostgreSQL of this major version.
    PostgreSql(u32),
}

/// A running server.
pub trait Server {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Begins a shutdown that ends busy sessions when `grace` is over, and returns at once.
    fn shut_down(&self, grace: Duration);

    /// Stops it in an orderly way and tells what it logged, each event with the port of the client it is about.
    fn stop(self: Box<Self>) -> Vec<(u16, LogEvent)>;
}

/// A running server with what the case has said about it so far.
pub struct Target {
    server: Box<dyn Server>,
    kind: Kind,
    config: Config,
    case: Cell<&'static str>,
    connections: RefCell<Vec<Connection>>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("kind", &self.kind)
            .field("config", &self.config)
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// What a case has said about the log of one of its connections.
struct Connection {
    case: &'static str,
    port: u16,
    special: Vec<Expected>,
    ordinary: Vec<String>,
}

impl Target {
    /// Takes a server that runs under `config`.
    #[must_use]
    pub fn new(server: Box<dyn Server>, kind: Kind, config: Config) -> Self {
        Self {
            server,
            kind,
            config,
            case: Cell::new(""),
            connections: RefCell::default(),
        }
    }

    /// Runs a case; its log is compared by `finish`.
    pub fn run(&self, case: &Case) {
        self.case.set(case.name);
        (case.run)(self);
    }

    /// Which server it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The configuration it runs under.
    #[must_use]
    pub fn config(&self) -> Config {
        self.config
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The certificates of this process; the server uses `server` of them.
    #[must_use]
    pub fn pki(&self) -> &'static Pki {
        Pki::get()
    }

    /// The newest protocol the server speaks, as its messages write it.
    #[must_use]
    pub fn latest(&self) -> &'static str {
        if self.speaks_3_2() { "3.2" } else { "3.0" }
    }

    /// Whether the server speaks protocol 3.2 (PostgreSQL 18 and later, and ours).
    #[must_use]
    pub fn speaks_3_2(&self) -> bool {
        self.is_at_least(18)
    }

    /// Whether the server behaves as PostgreSQL of this major version or later.
    #[must_use]
    pub fn is_at_least(&self, major: u32) -> bool {
        match self.kind {
            Kind::Ours => true,
            Kind::PostgreSql(own) => own >= major,
        }
    }

    /// Connects. Unless `expect_log` says otherwise, the server must log nothing out of the ordinary about it.
    #[must_use]
    #[track_caller]
    pub fn connect(&self) -> Client {
        let manners = match self.kind {
            Kind::Ours => Manners::Strict,
            Kind::PostgreSql(_) => Manners::MayReset,
        };
        let client = Client::connect(self.address(), manners);
        self.connections.borrow_mut().push(Connection {
            case: self.case.get(),
            port: client.port(),
            special: Vec::new(),
            ordinary: Vec::new(),
        });
        client
    }

    /// Connects to a server with TLS by `SSLRequest`.
    #[must_use]
    #[track_caller]
    pub fn connect_tls(&self, tls: &Tls) -> Client {
        let mut client = self.connect();
        client.ssl_request(tls);
        client
    }

    /// What the server must have logged about this connection, and nothing else out of the ordinary.
    pub fn expect_log(&self, client: &Client, events: impl IntoIterator<Item = Expected>) {
        self.with_connection(client, |connection| connection.special.extend(events));
    }

    /// An ordinary line (`connection authorized: …`) the server must have logged about this connection. `*` in it
    /// stands for any text.
    pub fn expect_line(&self, client: &Client, line: impl Into<String>) {
        self.with_connection(client, |connection| connection.ordinary.push(line.into()));
    }

    /// The server must refuse: this ErrorResponse, an orderly close, the same in the log.
    #[track_caller]
    pub fn expect_fatal(&self, client: &mut Client, report: &Report) {
        self.expect_log(client, [Expected::fatal(report)]);
        client.expect_report(report);
        client.expect_close();
    }

    /// The server must close without a word to the client and log this, LOG 08P01.
    #[track_caller]
    pub fn expect_log_only(&self, client: &mut Client, message: &str) {
        self.expect_log(client, [Expected::log_only("08P01", message)]);
        client.expect_close();
    }

    /// Begins a shutdown that ends busy sessions when `grace` is over, and returns at once. The case must have its
    /// configuration for itself: others of the same would find no server.
    pub fn shut_down(&self, grace: Duration) {
        self.server.shut_down(grace);
    }

    /// Stops the server and compares its log, connection by connection.
    ///
    /// # Panics
    ///
    /// If the log of any connection is not as expected.
    pub fn finish(self) {
        let mut logs = log::by_connection(self.server.stop());
        let mut faults = String::new();
        for connection in self.connections.into_inner() {
            let Connection {
                case,
                port,
                special,
                ordinary,
            } = connection;
            let events = logs
                .get_mut(&port)
                .and_then(VecDeque::pop_front)
                .unwrap_or_default();
            if let Err(fault) = log::compare(port, &events, &special, &ordinary) {
                faults.push_str(&format!("{case}: {fault}"));
            }
        }
        assert!(faults.is_empty(), "{faults}");
    }

    fn with_connection(&self, client: &Client, change: impl FnOnce(&mut Connection)) {
        let port = client.port();
        let mut connections = self.connections.borrow_mut();
        let connection = connections
            .iter_mut()
            .rfind(|connection| connection.port == port);
        change(connection.expect("a connection made by `connect`"));
    }
}
