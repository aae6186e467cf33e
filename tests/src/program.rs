//! The program `heliosdb-server` as a process: started, asked, stopped.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use pg_certs::CertificateManager;
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine; a hang fails the test instead of the run.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program as cargo built it, beside this test.
pub fn program() -> PathBuf {
    built("heliosdb-server")
}

/// A program of the workspace as cargo built it.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let directory = test
        .parent()
        .and_then(Path::parent)
        .expect("tests lie in target/PROFILE/deps");
    let program = directory.join(name);
    let profile = if cfg!(debug_assertions) {
        ""
    } else {
        " --release"
    };
    assert!(
        program.exists(),
        "{} is missing: build it with `cargo build --workspace --bins{profile}`",
        program.display()
    );
    program
}

/// A place of its own for one test: the program's home and working directory.
#[derive(Debug)]
pub struct Place(TempDir);

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.0.path()
    }

    /// A path in it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file in it.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A certificate and its key, the key for the owner alone.
    pub fn certificate(&self) -> (PathBuf, PathBuf) {
        let (certificate, key) = CertificateManager::generate_test_cert().unwrap();
        let files = (
            self.write("server.crt", &certificate),
            self.write("server.key", &key),
        );
        fs::set_permissions(&files.1, fs::Permissions::from_mode(0o600)).unwrap();
        files
    }

    /// The program with this home and nothing else of the environment of the tests.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.0.path())
            .env("TMPDIR", self.0.path())
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a program that ends by itself.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::new(self.command(arguments).output().unwrap())
    }

    /// Runs `pg-certs` with arguments that spaces separate; it must succeed. Its standard output.
    #[track_caller]
    pub fn pg_certs(&self, arguments: &str) -> String {
        let output = Command::new(built("pg-certs"))
            .args(arguments.split(' '))
            .env_clear()
            .current_dir(self.0.path())
            .output()
            .unwrap();
        Ended::new(output).expect(0).stdout
    }

    /// Serves on a free port of 127.0.0.1.
    #[must_use]
    pub fn serve(&self, arguments: &[&str]) -> Running {
        let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
        Running::start(self.command(&arguments))
    }
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

#[expect(
    clippy::return_self_not_must_use,
    reason = "an assertion that the next one may follow"
)]
impl Ended {
    /// What the program left behind.
    #[must_use]
    pub fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It must have ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}stderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// It must have said this on standard error.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "no {text:?} in\n{}",
            self.stderr
        );
        self
    }
}

/// A server that accepts connections. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// What was read of standard error so far.
    log: Vec<String>,
}

impl Running {
    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        let Ok(ready) = stdout.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!(
                "did not get ready:\n{}",
                stderr.iter().collect::<Vec<_>>().join("\n")
            );
        };
        let addresses = ready
            .strip_prefix("heliosdb-server ready to accept connections on ")
            .unwrap_or_else(|| panic!("{ready:?} is not the line of a server that is ready"))
            .split(", ")
            .map(|address| address.parse().unwrap())
            .collect();
        Self {
            child,
            addresses,
            stdout,
            stderr,
            log: Vec::new(),
        }
    }

    /// The first address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        *self.addresses.first().unwrap()
    }

    /// Waits for a line on standard error.
    #[track_caller]
    pub fn log_line(&mut self, containing: &str) -> String {
        if let Some(line) = self.log.iter().find(|line| line.contains(containing)) {
            return line.clone();
        }
        while let Ok(line) = self.stderr.recv_timeout(PATIENCE) {
            self.log.push(line.clone());
            if line.contains(containing) {
                return line;
            }
        }
        panic!("no {containing:?} in\n{}", self.log.join("\n"));
    }

    /// Waits for a line on standard error behind those that were waited for before.
    #[track_caller]
    pub fn next_log_line(&mut self, containing: &str) {
        while let Ok(line) = self.stderr.recv_timeout(PATIENCE) {
            let found = line.contains(containing);
            self.log.push(line);
            if found {
                return;
            }
        }
        panic!("no further {containing:?} in\n{}", self.log.join("\n"));
    }

    /// Memory that it holds now, in bytes: `VmRSS` of `/proc/PID/status`.
    #[must_use]
    pub fn resident_bytes(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
        kibibytes.parse::<usize>().unwrap() * 1024
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end; gives back the code and what was written since the line that it is ready.
    pub fn end(mut self) -> Ended {
        // Ends when the program has closed its side.
        self.log.extend(self.stderr.iter());
        let stdout: Vec<String> = self.stdout.iter().collect();
        Ended {
            code: self.child.wait().unwrap().code(),
            stdout: stdout.concat(),
            stderr: self.log.join("\n"),
        }
    }

    /// Ends it by SIGTERM; it must end well.
    #[track_caller]
    pub fn stop(self) -> Ended {
        self.signal("TERM");
        self.end().expect(0)
    }

    /// The certificate that the server says its clients should trust.
    pub fn root(&mut self) -> PathBuf {
        let connect = self.log_line("sslrootcert=");
        let (_, root) = connect.split_once("sslrootcert=").unwrap();
        PathBuf::from(root.trim_end_matches('"'))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(stream)
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
    });
    receiver
}
