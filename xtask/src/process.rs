//! Servers that a task starts and stops.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result, bail};

use crate::project::which;

/// How long a server may take until it accepts connections.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server may take to end after it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a child is looked at while waiting for its end.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Where a server's output goes.
pub(crate) enum Output {
    /// Standard error of this program.
    Terminal,
    /// A file that is made anew.
    File(PathBuf),
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    stop_signal: &'static str,
}

impl Server {
    /// Starts the command and waits for the line that contains `ready`; gives that line.
    ///
    /// `stop_signal` is the name, without `SIG`, of the signal that ends the server in an orderly
    /// way.
    pub(crate) fn start(
        mut command: Command,
        ready: &str,
        output: Output,
        stop_signal: &'static str,
    ) -> Result<(Self, String)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let log = match &output {
            Output::Terminal => None,
            Output::File(path) => Some(Arc::new(Mutex::new(
                File::create(path).with_context(|| format!("cannot create {}", path.display()))?,
            ))),
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            pump(stdout, log.clone(), sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            pump(stderr, log, sender);
        }
        let server = Self { child, stop_signal };
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match lines.recv_timeout(left) {
                Ok(line) if line.contains(ready) => return Ok((server, line)),
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    bail!(
                        "{name} was not ready after {START_TIMEOUT:?}{}",
                        tail(&output)
                    )
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    bail!("{name} ended before it was ready{}", tail(&output))
                }
            }
        }
    }

    /// The server's process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server ends by itself.
    pub(crate) fn wait(mut self) -> Result<()> {
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Asks the server to end, and waits for it.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.ask_to_end()?;
        match wait_until(&mut self.child, Instant::now() + STOP_TIMEOUT)? {
            Some(_) => Ok(()),
            None => bail!(
                "process {} did not end within {STOP_TIMEOUT:?} of SIG{}",
                self.child.id(),
                self.stop_signal
            ),
        }
    }

    fn ask_to_end(&self) -> Result<()> {
        // The shell's own: a small system has no program of that name.
        let kill = format!("kill -s {} {}", self.stop_signal, self.child.id());
        let status = Command::new("sh")
            .args(["-c", &kill])
            .status()
            .context("cannot run sh")?;
        anyhow::ensure!(status.success(), "kill said {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // PostgreSQL's children outlive a killed parent for a while, so ask first.
            let asked = self.ask_to_end().is_ok();
            let deadline = Instant::now() + STOP_TIMEOUT;
            if !asked || !matches!(wait_until(&mut self.child, deadline), Ok(Some(_))) {
                self.child.kill().ok();
                self.child.wait().ok();
            }
        }
    }
}

/// A command that ends when this program does, where the system can arrange that.
///
/// A process that dies by a signal runs no destructor, and would leave its servers behind.
pub(crate) fn bound_to_us(program: &Path, signal: &str) -> Command {
    match which("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", signal]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// What a finished command said.
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command that says little, for at most `timeout`; `None` if it had to be killed.
pub(crate) fn run_for(command: &mut Command, timeout: Duration) -> Result<Option<Finished>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let Some(status) = wait_until(&mut child, Instant::now() + timeout)? else {
        child.kill()?;
        child.wait()?;
        return Ok(None);
    };
    let output = child.wait_with_output()?;
    Ok(Some(Finished {
        success: status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }))
}

/// Waits for a child's end until the deadline; `None` if it still runs then.
fn wait_until(child: &mut Child, deadline: Instant) -> Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Copies a server's lines to its log and to whoever still listens, until the server closes them.
fn pump(
    stream: impl Read + Send + 'static,
    log: Option<Arc<Mutex<File>>>,
    sender: mpsc::Sender<String>,
) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            match log.as_deref().map(Mutex::lock) {
                None => eprintln!("{line}"),
                Some(Ok(mut file)) => {
                    writeln!(file, "{line}").ok();
                }
                Some(Err(_)) => {}
            }
            // Nobody listens once the server is ready.
            sender.send(line).ok();
        }
    });
}

/// The end of a log, for an error message.
fn tail(output: &Output) -> String {
    let Output::File(path) = output else {
        return String::new();
    };
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().skip(lines.len().saturating_sub(12));
    last.fold(format!("; the end of {}:", path.display()), |all, line| {
        format!("{all}\n    {line}")
    })
}
