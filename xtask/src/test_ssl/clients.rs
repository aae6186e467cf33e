//! The real clients: how each is called, and how its answer is read.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;

use super::cells::{Cell, ClientCertificate, Driver, SslMode, Style, USER};
use super::outcome::{Failure, Outcome, Seen};
use crate::process::{Finished, run_for};
use crate::project::{Project, is_file};
use crate::setup;

/// How long a client may take for connection and query.
const CELL_TIMEOUT: Duration = Duration::from_secs(20);
/// The program that [`Psycopg`] runs.
const PSYCOPG_PROGRAM: &str = include_str!("psycopg_client.py");

/// The clients that are on this machine.
pub(crate) struct Clients {
    psql_15: Option<PathBuf>,
    psql_18: Option<PathBuf>,
    tokio_postgres: PathBuf,
    sqlx: PathBuf,
    python: Option<PathBuf>,
    idle_psycopg: Mutex<Vec<Psycopg>>,
    certificates: PathBuf,
    /// A home directory without `.postgresql`, whose files libpq would use unasked.
    home: PathBuf,
}

impl Clients {
    /// Looks for the clients; `folder` holds the certificates and may be written to.
    pub(crate) fn find(project: &Project, folder: &Path) -> Result<Self> {
        let home = folder.join("home");
        fs::create_dir(&home)?;
        let psql_18 = setup::postgresql_18(project).join("bin/psql");
        let python = setup::python(project);
        Ok(Self {
            psql_15: setup::psql_15(),
            psql_18: is_file(&psql_18).then_some(psql_18),
            tokio_postgres: project.program("client_tokio_postgres"),
            sqlx: project.program("client_sqlx"),
            python: is_file(&python).then_some(python),
            idle_psycopg: Mutex::default(),
            certificates: folder.to_owned(),
            home,
        })
    }

    /// Whether the driver can be run.
    pub(crate) fn has(&self, driver: Driver) -> bool {
        match driver {
            Driver::Psql15 => self.psql_15.is_some(),
            Driver::Psql18 => self.psql_18.is_some(),
            Driver::Psycopg => self.python.is_some(),
            Driver::TokioPostgres => is_file(&self.tokio_postgres),
            Driver::Sqlx => is_file(&self.sqlx),
        }
    }

    /// Connects to a server on 127.0.0.1 as the cell says.
    pub(crate) fn run(&self, cell: &Cell, port: u16) -> Seen {
        if let Some(reason) = cell.client.driver.lacks(cell.sslmode) {
            return Seen::without(Outcome::NotApplicable, reason);
        }
        if !self.has(cell.client.driver) {
            return Seen::without(Outcome::Absent, "the client is not installed");
        }
        let seen = match cell.client.driver {
            Driver::Psql15 => self.psql(self.psql_15.as_deref(), cell, port),
            Driver::Psql18 => self.psql(self.psql_18.as_deref(), cell, port),
            Driver::Psycopg => self.psycopg(cell, port),
            Driver::TokioPostgres => self.rust_client(&self.tokio_postgres, cell, port),
            Driver::Sqlx => self.rust_client(&self.sqlx, cell, port),
        };
        seen.unwrap_or_else(|error| {
            let text = format!("{error:#}");
            failed(vec![Failure::Other(text.clone())], None, text)
        })
    }

    fn psql(&self, program: Option<&Path>, cell: &Cell, port: u16) -> Result<Seen> {
        let program = program.context("psql is absent")?;
        let mut command = self.command(program);
        command.args(["--no-psqlrc", "--no-password", "--quiet", "--no-align"]);
        command.args(["--command", r"\conninfo", "--command", "select 1"]);
        command
            .arg("--dbname")
            .arg(self.options(cell, port).join(" "));
        let Some(said) = run_for(&mut command, CELL_TIMEOUT)? else {
            return Ok(timeout());
        };
        if !said.success {
            return Ok(failed(libpq_failures(&said.stderr), None, said.stderr));
        }
        Ok(Seen {
            outcome: psql_outcome(&said)?,
            sqlstates: None,
            text: said.stdout,
        })
    }

    fn rust_client(&self, program: &Path, cell: &Cell, port: u16) -> Result<Seen> {
        let mut command = self.command(program);
        command.args(self.options(cell, port));
        let Some(said) = run_for(&mut command, CELL_TIMEOUT)? else {
            return Ok(timeout());
        };
        let answer: RustAnswer = serde_json::from_str(said.stdout.trim())
            .with_context(|| format!("answered {:?} {:?}", said.stdout, said.stderr))?;
        Ok(match answer {
            RustAnswer::Connected { tls } => Seen {
                outcome: encrypted(tls),
                sqlstates: Some(Vec::new()),
                text: String::new(),
            },
            RustAnswer::Failed { sqlstate, text } => failed(
                vec![Failure::of(&text)],
                Some(sqlstate.into_iter().collect()),
                text,
            ),
        })
    }

    fn psycopg(&self, cell: &Cell, port: u16) -> Result<Seen> {
        let idle = self.idle_psycopg.lock().map_err(poisoned)?.pop();
        let mut client = match idle {
            Some(client) => client,
            None => Psycopg::start(self.command(self.python.as_deref().context("no Python")?))?,
        };
        let answer = client.ask(&self.options(cell, port).join(" "))?;
        self.idle_psycopg.lock().map_err(poisoned)?.push(client);
        Ok(match answer {
            PsycopgAnswer { timeout: true, .. } => timeout(),
            PsycopgAnswer {
                tls: Some(tls),
                sqlstates,
                ..
            } => Seen {
                outcome: encrypted(tls),
                sqlstates: Some(sqlstates),
                text: String::new(),
            },
            PsycopgAnswer {
                error, sqlstates, ..
            } => failed(libpq_failures(&error), Some(sqlstates), error),
        })
    }

    /// A command that sees neither the user's home nor his `PG…` variables.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("HOME", &self.home).env("LC_ALL", "C");
        command
    }

    /// The connection string, in libpq's words, which the Rust clients know too.
    fn options(&self, cell: &Cell, port: u16) -> Vec<String> {
        let mut all = vec![
            "host=localhost".to_owned(),
            "hostaddr=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("user={USER}"),
            "dbname=postgres".to_owned(),
            "connect_timeout=10".to_owned(),
            format!("sslmode={}", cell.sslmode),
        ];
        // Below verify-ca libpq verifies too if it is given an authority.
        if matches!(cell.sslmode, SslMode::VerifyCa | SslMode::VerifyFull) {
            all.push(self.file("sslrootcert", "ca.crt"));
        }
        if let Some(name) = certificate_file(cell.certificate) {
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

/// The name of the certificate that `gen_certs` wrote for it.
const fn certificate_file(certificate: ClientCertificate) -> Option<&'static str> {
    match certificate {
        ClientCertificate::None => None,
        ClientCertificate::Good => Some("client-alice"),
        ClientCertificate::OtherUser => Some("client-bob"),
        ClientCertificate::WrongCa => Some("bad-client-wrong-ca"),
        ClientCertificate::Expired => Some("bad-client-expired"),
        ClientCertificate::NotYetValid => Some("bad-client-not-yet-valid"),
    }
}

/// The one line that the programs in `tests/src/bin` print.
#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
enum RustAnswer {
    Connected {
        tls: bool,
    },
    Failed {
        sqlstate: Option<String>,
        text: String,
    },
}

/// The one line that [`PSYCOPG_PROGRAM`] prints for each connection.
#[derive(Deserialize)]
struct PsycopgAnswer {
    #[serde(default)]
    timeout: bool,
    #[serde(default)]
    tls: Option<bool>,
    #[serde(default)]
    error: String,
    #[serde(default)]
    sqlstates: Vec<String>,
}

/// A Python that connects again and again, because starting it takes longer than connecting.
struct Psycopg {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Psycopg {
    fn start(mut python: Command) -> Result<Self> {
        let mut child = python
            .args([OsString::from("-c"), PSYCOPG_PROGRAM.into()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start Python")?;
        Ok(Self {
            requests: child.stdin.take().context("Python's standard input")?,
            answers: BufReader::new(child.stdout.take().context("Python's standard output")?),
            child,
        })
    }

    fn ask(&mut self, conninfo: &str) -> Result<PsycopgAnswer> {
        writeln!(self.requests, "{conninfo}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("psycopg answered {line:?}"))
    }
}

impl Drop for Psycopg {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// psql 15 prints a line about TLS only if there is TLS, psql 18 a table that always has the row.
fn psql_outcome(said: &Finished) -> Result<Outcome> {
    if !said.stdout.contains("(1 row)") {
        anyhow::bail!("psql answered no row: {:?} {:?}", said.stdout, said.stderr);
    }
    let tls = said.stdout.lines().any(|line| {
        line.starts_with("SSL connection (protocol:") || line.starts_with("SSL Connection|true")
    });
    Ok(encrypted(tls))
}

/// libpq tells of each connection it made; what comes before is about none in particular.
fn libpq_failures(text: &str) -> Vec<Failure> {
    const START: &str = "connection to server at";
    if text.contains(START) {
        text.split(START).skip(1).map(Failure::of).collect()
    } else {
        vec![Failure::of(text)]
    }
}

const fn encrypted(tls: bool) -> Outcome {
    if tls { Outcome::Tls } else { Outcome::Plain }
}

fn failed(failures: Vec<Failure>, sqlstates: Option<Vec<String>>, text: String) -> Seen {
    Seen {
        outcome: Outcome::Failed(failures),
        sqlstates,
        text,
    }
}

fn timeout() -> Seen {
    failed(vec![Failure::Timeout], None, String::new())
}

fn poisoned<T>(_: std::sync::PoisonError<T>) -> anyhow::Error {
    anyhow!("another cell panicked")
}
