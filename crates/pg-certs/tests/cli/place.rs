//! A directory of its own for one test, and the program in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The working directory of one test.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One with an authority in `certs`.
    pub(crate) fn with_authority() -> Self {
        let place = Self::new();
        place.run("init-ca --name Test-CA").expect(0);
        place
    }

    /// One with an authority and a server for `localhost` and `db.example` in `certs`.
    pub(crate) fn with_server() -> Self {
        let place = Self::with_authority();
        place.run("server localhost db.example").expect(0);
        place
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The bits of the mode that `chmod` sets.
    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    /// The program with these arguments and nothing of the environment of the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pg-certs"));
        command
            .args(arguments)
            .env_clear()
            .current_dir(self.0.path());
        command
    }

    /// Runs it with arguments that spaces separate.
    pub(crate) fn run(&self, arguments: &str) -> Ended {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        self.run_with(&arguments)
    }

    pub(crate) fn run_with(&self, arguments: &[&str]) -> Ended {
        Ended::new(self.command(arguments).output().unwrap())
    }

    /// Another program in this directory, which must succeed; its standard output.
    #[track_caller]
    pub(crate) fn other(&self, program: &str, arguments: &str) -> String {
        let (ok, text) = self.try_other(program, arguments);
        assert!(ok, "{program} {arguments}: {text}");
        text
    }

    /// Whether it succeeds, and both of its outputs.
    pub(crate) fn try_other(&self, program: &str, arguments: &str) -> (bool, String) {
        let output = Command::new(program)
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It must have ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}stderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// It must have written exactly this to standard error, and nothing to standard output.
    #[track_caller]
    pub(crate) fn complains(&self, text: &str) {
        assert_eq!((self.stdout.as_str(), self.stderr.as_str()), ("", text));
    }

    /// Each of these must stand in standard output.
    #[track_caller]
    pub(crate) fn shows(&self, texts: &[&str]) {
        for text in texts {
            assert!(
                self.stdout.contains(text),
                "no {text:?} in\n{}",
                self.stdout
            );
        }
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}
