//! libpq, by the `psql` that carries it, in each release that is on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One release of libpq.
#[derive(Clone, Debug)]
pub struct Libpq {
    major: u32,
    psql: PathBuf,
}

/// What a `psql` said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whether it ended with 0.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Libpq {
    /// Those that `cargo xtask setup` installs, 15 and 18, as far as they are there. Each that is not is reported on
    /// standard error, so that its absence is no silent success.
    #[must_use]
    #[expect(
        clippy::print_stderr,
        reason = "what is absent is said, not passed over"
    )]
    pub fn installed() -> Vec<Self> {
        let target = std::env::current_exe().unwrap();
        // A test lies in target/PROFILE/deps.
        let target = target.ancestors().nth(3).unwrap();
        let all = [
            (15, PathBuf::from("/usr/lib/postgresql/15/bin/psql")),
            (18, target.join("clients/postgresql-18/bin/psql")),
        ];
        let (present, absent): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, psql)| psql.exists());
        for (major, psql) in absent {
            eprintln!("libpq {major} is absent: no {}", psql.display());
        }
        present
            .into_iter()
            .map(|(major, psql)| Self { major, psql })
            .collect()
    }

    /// Major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Connects and runs statements, in a directory whose files the options may name, with nothing of the user's
    /// environment.
    #[must_use]
    pub fn run(
        &self,
        directory: &Path,
        environment: &[(&str, &str)],
        conninfo: &str,
        statements: &[&str],
    ) -> Said {
        let output = Command::new(&self.psql)
            .args(["--no-psqlrc", "--no-password", "--quiet"])
            .args(["--no-align", "--tuples-only", "--dbname", conninfo])
            .args(statements.iter().flat_map(|it| ["--command", *it]))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .env("HOME", directory)
            .env("PGCONNECT_TIMEOUT", "10")
            .envs(environment.iter().copied())
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
