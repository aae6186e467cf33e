//! A client program that does one thing after the other, because starting it takes longer than connecting.
//!
//! The line protocol is described in `xtask/clients/README.md`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How long a program may take until it is ready; a virtual machine on a busy computer is slow.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What a program says when it is ready.
#[derive(Deserialize)]
struct Hello {
    /// The driver and its version.
    driver: String,
}

/// What a program says of one request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    /// All went well.
    pub(crate) ok: bool,
    /// Whether the statement was interrupted, after `cancel`.
    pub(crate) canceled: Option<bool>,
    /// The server fell silent.
    pub(crate) timeout: bool,
    /// The driver's words, if it failed.
    pub(crate) error: String,
    /// The code of the ErrorResponse that it failed by.
    pub(crate) sqlstate: Option<String>,
    /// The code of every ErrorResponse before the session, from who can tell.
    pub(crate) sqlstates: Option<Vec<String>>,
}

/// A running program.
pub(crate) struct Resident {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
}

impl Resident {
    /// Starts the program and waits until it is ready; gives the driver's version too.
    pub(crate) fn start(command: &mut Command) -> Result<(Self, String)> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let stdout = child.stdout.take().context("standard output")?;
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let resident = Self {
            requests: child.stdin.take().context("standard input")?,
            answers,
            child,
        };
        let hello: Hello = resident
            .answer(START_TIMEOUT)?
            .with_context(|| format!("not ready after {START_TIMEOUT:?}"))?;
        Ok((resident, hello.driver))
    }

    /// Has something done; `None` if that took longer than `timeout`, after which it is of no use.
    pub(crate) fn ask(&mut self, request: &str, timeout: Duration) -> Result<Option<Answer>> {
        writeln!(self.requests, "{request}")?;
        self.answer(timeout)
    }

    fn answer<T: DeserializeOwned>(&self, timeout: Duration) -> Result<Option<T>> {
        let line = match self.answers.recv_timeout(timeout) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the program ended"),
        };
        let answer = serde_json::from_str(&line).with_context(|| format!("answered {line:?}"))?;
        Ok(Some(answer))
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
