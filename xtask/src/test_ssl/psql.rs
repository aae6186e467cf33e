//! psql, which is started anew for each cell, and libpq's way of telling what failed.

use std::io::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::cells::{Action, Driver};
use super::clients::CELL_TIMEOUT;
use super::failure::Failure;
use super::resident::Answer;
use crate::process::run_for;

/// Whether the driver is psql.
pub(crate) const fn is(driver: Driver) -> bool {
    matches!(driver, Driver::Psql15 | Driver::Psql18)
}

/// What it calls itself.
pub(crate) fn version(mut command: Command) -> Result<String> {
    let output = command
        .arg("--version")
        .output()
        .context("cannot run psql")?;
    ensure!(output.status.success(), "psql --version failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Does what the programs of `xtask/clients` do when they are asked.
pub(crate) fn ask(
    mut command: Command,
    driver: Driver,
    action: Action,
    conninfo: &str,
    table: &str,
    statement: &str,
) -> Result<Answer> {
    let (script, shown) = script(action, driver, table, statement);
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(script.as_bytes())?;
    command.args(["--no-psqlrc", "--no-password", "--quiet", "--no-align"]);
    command.args(["--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=verbose"]);
    command.arg("--file");
    command.arg(file.path()).arg("--dbname").arg(conninfo);
    let Some(said) = run_for(&mut command, CELL_TIMEOUT)? else {
        return Ok(Answer {
            timeout: true,
            ..Answer::default()
        });
    };
    // Ctrl-C ends a script too, well or not.
    let interrupted = action == Action::Cancel && !said.stderr.contains("psql: error:");
    if interrupted {
        let canceled = said
            .stderr
            .contains("canceling statement due to user request");
        return Ok(Answer {
            ok: true,
            canceled: Some(canceled),
            ..Answer::default()
        });
    }
    if !said.success {
        return Ok(Answer {
            sqlstate: sqlstate(&said.stderr),
            error: said.stderr,
            ..Answer::default()
        });
    }
    if shown.iter().any(|part| !said.stdout.contains(part)) {
        bail!("psql answered {:?} {:?}", said.stdout, said.stderr);
    }
    Ok(Answer {
        ok: true,
        ..Answer::default()
    })
}

/// What psql is to do, and what it then shows.
fn script(
    action: Action,
    driver: Driver,
    table: &str,
    statement: &str,
) -> (String, &'static [&'static str]) {
    let prepared = if driver == Driver::Psql15 {
        "prepare next(int) as select $1 + 1;\nexecute next(41);\nexecute next(1);\n"
    } else {
        "select $1::int + 1 \\parse next\n\\bind_named next 41 \\g\n\\bind_named next 1 \\g\n"
    };
    let (before, shown): (_, &[&str]) = match action {
        Action::Session => (String::new(), &["one\n1\n(1 row)"]),
        Action::Reconnect => (
            "select 1 as first;\n\\connect\n".to_owned(),
            &["first\n1\n(1 row)\none\n1\n(1 row)"],
        ),
        Action::Prepared => (
            prepared.to_owned(),
            &["\n42\n(1 row)", "\n2\n(1 row)", "one\n1\n(1 row)"],
        ),
        Action::Copy => (
            format!(
                "create table {table} (a int, b text);\n\
                 copy {table} from stdin;\n1\tone\n2\t\\N\n\\.\n\
                 copy {table} to stdout;\ndrop table {table};\n"
            ),
            &["1\tone\n2\t\\N\n", "one\n1\n(1 row)"],
        ),
        // The shell's parent is psql, and a signal to it is what Ctrl-C would send.
        Action::Cancel => (
            format!("\\! (sleep 0.3; kill -INT $PPID) &\n{statement};\n"),
            &[],
        ),
    };
    (format!("{before}select 1 as one;\n"), shown)
}

/// The code that follows `ERROR:` where psql is to be verbose.
fn sqlstate(text: &str) -> Option<String> {
    let (_, error) = text.split_once(" ERROR:  ")?;
    error.split_once(": ").map(|(code, _)| code.to_owned())
}

/// libpq tells of each connection it made; what comes before is about none in particular.
pub(crate) fn libpq_failures(text: &str, class: impl Fn(&str) -> Failure) -> Vec<Failure> {
    const START: &str = "connection to server at";
    if text.contains(START) {
        text.split(START).skip(1).map(class).collect()
    } else {
        vec![class(text)]
    }
}
