//! What psql really does.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::peers::Peer;
use crate::process::run_for;
use crate::project::{Project, is_file};
use crate::setup;
use crate::test_ssl::access::PASSWORD;

/// A psql with the libpq of its release.
pub(super) struct Psql {
    release: u32,
    program: PathBuf,
}

/// How a connection went.
pub(super) struct Seen {
    /// Whether the session was encrypted; `None` if there was none.
    pub(super) encrypted: Option<bool>,
    /// What psql said.
    pub(super) text: String,
}

/// A local connection that hangs fails instead.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Psql {
    /// Those on the machine.
    pub(super) fn find(project: &Project) -> Vec<Self> {
        let psql_18 = setup::postgresql_18(project).join("bin/psql");
        [(15, setup::psql_15()), (18, Some(psql_18))]
            .into_iter()
            .filter_map(|(release, program)| Some((release, program.filter(|it| is_file(it))?)))
            .map(|(release, program)| Self { release, program })
            .collect()
    }

    /// Connects and asks whether the session is encrypted.
    pub(super) fn connect(
        &self,
        peer: &Peer,
        folder: &Path,
        sslmode: &str,
        host: &str,
    ) -> Result<Seen> {
        let root = folder.join("ca.crt");
        let conninfo = format!(
            "host={host} hostaddr=127.0.0.1 port={} user={} password={PASSWORD} dbname=postgres \
             sslmode={sslmode} sslrootcert={} gssencmode=disable",
            peer.port,
            peer.user,
            root.display()
        );
        let mut command = Command::new(&self.program);
        // Nothing of the user's: neither his environment nor his certificates.
        command.env_clear().env("HOME", folder).env("LC_ALL", "C");
        command.args(["--no-psqlrc", "--no-password", "--command", "\\conninfo"]);
        command.arg("--dbname").arg(&conninfo);
        let said = run_for(&mut command, TIMEOUT)?
            .with_context(|| format!("psql does not end: {conninfo}"))?;
        Ok(Seen {
            encrypted: said.success.then(|| is_encrypted(&said.stdout)),
            text: format!("{}{}", said.stdout, said.stderr),
        })
    }
}

/// psql 15 adds a line about SSL, psql 18 has a row for it.
fn is_encrypted(conninfo: &str) -> bool {
    conninfo.contains("SSL connection (") || conninfo.lines().any(is_row_of_tls)
}

fn is_row_of_tls(line: &str) -> bool {
    let mut columns = line.split('|').map(str::trim);
    columns.next() == Some("SSL Connection") && columns.next() == Some("true")
}

impl fmt::Display for Psql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "psql {}", self.release)
    }
}
