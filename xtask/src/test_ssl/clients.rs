//! The real clients: how each is called, and how its answer is read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::cells::{Action, Cell, Driver, Login, SslMode, Style};
use super::drivers::{Binding, Cancel, Tells};
use super::failure::Failure;
use super::outcome::{Outcome, Seen};
use super::programs::Programs;
use super::psql;
use super::resident::{Answer, Resident};
use super::servers::Kind;
use super::tap::{Channel, Tap};
use crate::project::Project;

/// How long a client may take for connection and query.
pub(crate) const CELL_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a statement is run that ended before the CancelRequest came.
const CANCEL_TRIES: u32 = 4;
/// How long PostgreSQL's statement runs that is to be interrupted, in seconds.
const STATEMENT_SECONDS: u32 = 2;

/// The clients that are on this machine.
pub(crate) struct Clients {
    programs: Programs,
    /// The programs of each driver that wait for something to do; a driver that is absent has none.
    idle: BTreeMap<Driver, Mutex<Vec<Resident>>>,
    /// Drivers with their versions, and those that are absent with the reason.
    pub(crate) present: BTreeMap<Driver, String>,
    pub(crate) absent: BTreeMap<Driver, String>,
    certificates: PathBuf,
    numbers: AtomicUsize,
}

impl Clients {
    /// Looks for the clients among `wanted`; `folder` holds the certificates and may be written to.
    pub(crate) fn find(
        project: &Project,
        folder: &Path,
        wanted: impl Fn(Driver) -> bool,
    ) -> Result<Self> {
        let home = folder.join("home");
        fs::create_dir(&home)?;
        let log = File::create(folder.join("clients.log"))?;
        let mut clients = Self {
            programs: Programs::new(project, home, log),
            idle: BTreeMap::new(),
            present: BTreeMap::new(),
            absent: BTreeMap::new(),
            certificates: folder.to_owned(),
            numbers: AtomicUsize::new(0),
        };
        for &driver in Driver::ALL.iter().filter(|&&driver| wanted(driver)) {
            match clients.start(driver) {
                Ok(version) => {
                    clients.present.insert(driver, version);
                }
                Err(error) => {
                    clients.absent.insert(driver, format!("{error:#}"));
                }
            }
        }
        Ok(clients)
    }

    fn start(&mut self, driver: Driver) -> Result<String> {
        if psql::is(driver) {
            return psql::version(self.programs.command(driver)?);
        }
        self.programs.compile(driver)?;
        let (resident, version) = Resident::start(&mut self.programs.command(driver)?)?;
        self.idle.insert(driver, Mutex::new(vec![resident]));
        Ok(version)
    }

    /// Does what the cell says with a server on 127.0.0.1.
    pub(crate) fn run(&self, cell: &Cell, kind: Kind, port: u16) -> Seen {
        if let Some(reason) = cell.lacks() {
            return Seen::without(Outcome::NotApplicable, reason);
        }
        if !self.present.contains_key(&cell.client.driver) {
            return Seen::without(Outcome::Absent, "the client is not installed");
        }
        let seen = self.try_often(cell, kind, port);
        seen.unwrap_or_else(|error| {
            let text = format!("{error:#}");
            Seen::failed(vec![Failure::Other(text.clone())], None, text)
        })
    }

    /// Asks through a tap; again, if the statement ended before it could be interrupted.
    fn try_often(&self, cell: &Cell, kind: Kind, port: u16) -> Result<Seen> {
        let mut tries = 0;
        loop {
            tries += 1;
            let tap = Tap::open(port)?;
            let answer = if psql::is(cell.client.driver) {
                self.ask_psql(cell, kind, tap.port())?
            } else {
                self.ask(cell.client.driver, &self.request(cell, kind, tap.port()))?
            };
            let channels = tap.close();
            let too_late =
                answer.canceled == Some(false) && (kind == Kind::PostgreSql || channels.len() < 2);
            if !too_late || tries == CANCEL_TRIES {
                return Ok(seen(cell, answer, channels));
            }
        }
    }

    fn ask_psql(&self, cell: &Cell, kind: Kind, port: u16) -> Result<Answer> {
        psql::ask(
            self.programs.command(cell.client.driver)?,
            cell.client.driver,
            cell.action,
            &self.options(cell, port).join(" "),
            &self.table(),
            &statement(kind, self.number()),
        )
    }

    fn ask(&self, driver: Driver, request: &str) -> Result<Answer> {
        let idle = || -> Result<MutexGuard<'_, Vec<Resident>>> {
            let pool = self.idle.get(&driver).context("the client is absent")?;
            Ok(pool.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let waiting = idle()?.pop();
        let mut resident = match waiting {
            Some(resident) => resident,
            None => Resident::start(&mut self.programs.command(driver)?)?.0,
        };
        let Some(answer) = resident.ask(request, CELL_TIMEOUT)? else {
            return Ok(Answer {
                timeout: true,
                ..Answer::default()
            });
        };
        idle()?.push(resident);
        Ok(answer)
    }

    /// A line of the protocol of `xtask/clients/README.md`.
    fn request(&self, cell: &Cell, kind: Kind, port: u16) -> String {
        let mut words = vec![cell.action.to_string()];
        words.extend(self.options(cell, port));
        match cell.action {
            Action::Copy => words.push(format!("table={}", self.table())),
            Action::Cancel => {
                words.push(format!("statement={}", statement(kind, self.number())));
                words.push(format!("seconds={STATEMENT_SECONDS}"));
            }
            Action::Session | Action::Prepared | Action::Reconnect => {}
        }
        words.join("\t")
    }

    /// A name that no other cell uses.
    fn table(&self) -> String {
        format!("copied_{}", self.number())
    }

    /// A number that is given out once.
    fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The connection string, in libpq's words, which every program knows.
    fn options(&self, cell: &Cell, port: u16) -> Vec<String> {
        let mut all = vec![
            "host=localhost".to_owned(),
            "hostaddr=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("user={}", cell.login.user()),
            "dbname=postgres".to_owned(),
            "connect_timeout=10".to_owned(),
            format!("sslmode={}", cell.sslmode),
        ];
        if let Some(password) = cell.login.password() {
            all.push(format!("password={password}"));
        }
        match (cell.login, cell.client.driver.traits().binding) {
            (Login::ScramBound, Binding::LibPq) => all.push("channel_binding=require".to_owned()),
            (Login::ScramBound, _) => all.push("channel_binding=prefer".to_owned()),
            (Login::ScramUnbound, _) => all.push("channel_binding=disable".to_owned()),
            _ => {}
        }
        // Below verify-ca libpq verifies too if it is given an authority.
        if matches!(cell.sslmode, SslMode::VerifyCa | SslMode::VerifyFull) {
            all.push(self.file("sslrootcert", "ca.crt"));
        }
        if let Some(name) = cell.login.certificate_file(cell.certificate) {
            all.push(self.file("sslcert", &format!("{name}.crt")));
            all.push(self.file("sslkey", &format!("{name}.key")));
        }
        match cell.client.style {
            Style::Negotiated => {}
            Style::Tls12 => all.push("ssl_max_protocol_version=TLSv1.2".to_owned()),
            Style::Direct => all.push("sslnegotiation=direct".to_owned()),
        }
        all
    }

    fn file(&self, option: &str, name: &str) -> String {
        format!("{option}={}", self.certificates.join(name).display())
    }
}

/// SQL that runs for some seconds, or for less than one where there is nothing to sleep by.
///
/// The engine remembers results, even of other sessions, so no two statements may be alike.
fn statement(kind: Kind, number: usize) -> String {
    match kind {
        Kind::PostgreSql => format!("select pg_sleep({STATEMENT_SECONDS})"),
        Kind::Nano => format!(
            "select count(*) from generate_series(1, 3000) a, generate_series({}, {}) b",
            number + 1,
            number + 3000
        ),
    }
}

/// Reads a program's answer.
fn seen(cell: &Cell, answer: Answer, channels: Vec<Channel>) -> Seen {
    let traits = cell.client.driver.traits();
    if answer.timeout {
        return Seen::failed(vec![Failure::Timeout], None, String::new());
    }
    // The session is the last connection but for its cancel, and that comes after it.
    let is_tls = channels
        .iter()
        .rfind(|channel| channel.is_tls() || **channel == Channel::Clear)
        .is_some_and(|channel| channel.is_tls());
    let mut seen = if answer.ok {
        let silent = matches!(
            traits.cancel,
            Cancel::LikeSessionSilently | Cancel::InClearSilently
        );
        let outcome = match answer.canceled {
            Some(false) if !silent => Outcome::Uninterrupted,
            _ if is_tls => Outcome::Tls,
            _ => Outcome::Plain,
        };
        let none_failed = matches!(traits.tells, Tells::Each).then(Vec::new);
        Seen {
            outcome,
            sqlstates: answer.sqlstates.or(none_failed),
            channels: None,
            text: String::new(),
        }
    } else {
        failure(cell, answer)
    };
    seen.channels = Some(channels);
    seen
}

fn failure(cell: &Cell, answer: Answer) -> Seen {
    let traits = cell.client.driver.traits();
    let one = |text: &str| match (Failure::of(text), &answer.sqlstate) {
        (Failure::Other(_), Some(code)) if !is_drivers_own(code) => Failure::Code(code.clone()),
        (failure, _) if traits.tells_alerts => failure,
        (failure, _) => failure.without_alert(),
    };
    let (failures, sqlstates) = match traits.tells {
        Tells::EachText => (psql::libpq_failures(&answer.error, one), None),
        Tells::Each => (psql::libpq_failures(&answer.error, one), answer.sqlstates),
        Tells::First | Tells::Last | Tells::LastButPassword => {
            let code = answer.sqlstate.clone().filter(|code| !is_drivers_own(code));
            (vec![one(&answer.error)], Some(code.into_iter().collect()))
        }
    };
    Seen::failed(failures, sqlstates, answer.error)
}

/// Whether drivers give this code to what no ErrorResponse said: class 08, but for the protocol
/// violation that servers complain of.
fn is_drivers_own(code: &str) -> bool {
    code.starts_with("08") && code != "08P01"
}

/// A command that sees neither the user's home nor his `PG…` variables.
pub(crate) fn without_users_own(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).env("LC_ALL", "C");
    command
}
