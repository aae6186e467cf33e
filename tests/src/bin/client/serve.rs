//! The line protocol of `xtask/clients/README.md`, for the programs in Rust.

use std::io::{BufRead as _, stdin};

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use crate::client::{Failure, Options};

/// What goes into a table by COPY, and comes out of it.
pub(crate) const ROWS: &[u8] = b"1\tone\n2\t\\N\n";

/// What a driver's session can do; everything fails if the result is not as it should be.
pub(crate) trait Session: Sized {
    async fn connect(options: &Options) -> Result<Self, Failure>;
    /// Runs `select 1`.
    async fn one(&mut self) -> Result<(), Failure>;
    /// Prepares a statement with a parameter, and executes it twice.
    async fn prepared(&mut self) -> Result<(), Failure>;
    /// Moves [`ROWS`] into a new table and out of it.
    async fn copy(&mut self, table: &str) -> Result<(), Failure>;
    /// Begins a statement and cancels it; tells whether that interrupted it.
    async fn cancel(&mut self, statement: &str) -> Result<bool, Failure>;
    async fn close(self) -> Result<(), Failure>;
}

/// Answers until standard input ends.
#[expect(clippy::print_stdout, reason = "the answers are the program's purpose")]
pub(crate) async fn serve<S: Session>(driver: &str) -> anyhow::Result<()> {
    println!("{}", json!({ "driver": driver }));
    for line in stdin().lock().lines() {
        let answer = act::<S>(&line?).await;
        let answer = answer.unwrap_or_else(
            |Failure { sqlstate, text }| json!({ "error": text, "sqlstate": sqlstate }),
        );
        println!("{answer}");
    }
    Ok(())
}

async fn act<S: Session>(line: &str) -> Result<Value, Failure> {
    let mut words = line.split('\t').map(str::to_owned);
    let action = words.next().context("an empty line")?;
    let options = Options::from_words(words, &["seconds", "statement", "table"])?;
    let mut session = S::connect(&options).await?;
    let mut answer = json!({ "ok": true });
    match action.as_str() {
        "session" => {}
        "reconnect" => {
            session.one().await?;
            session.close().await?;
            session = S::connect(&options).await?;
        }
        "prepared" => session.prepared().await?,
        "copy" => session.copy(options.own("table")?).await?,
        "cancel" => {
            let canceled = session.cancel(options.own("statement")?).await?;
            answer = json!({ "ok": true, "canceled": canceled });
        }
        _ => return Err(anyhow!("{action} is not known here").into()),
    }
    session.one().await?;
    session.close().await?;
    Ok(answer)
}

/// Fails unless something gave what it should.
pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(
    what: &str,
    seen: T,
    wanted: T,
) -> Result<(), Failure> {
    if seen == wanted {
        Ok(())
    } else {
        Err(anyhow!("{what} gave {seen:?}, expected {wanted:?}").into())
    }
}
