//! Connects with tokio-postgres and rustls, runs `select 1`, and tells in one line of JSON what
//! came of it.
//!
//! Arguments are libpq's options: `client_tokio_postgres host=localhost port=5432 user=alice
//! dbname=postgres sslmode=verify-full sslrootcert=ca.crt sslcert=alice.crt sslkey=alice.key
//! sslnegotiation=direct`. The driver has no `sslmode=allow`; the depths of `verify-ca` and
//! `verify-full` are in the verifier that it is given. Used by `cargo xtask test-ssl`.

mod client;
#[path = "client/postgres.rs"]
mod postgres;
#[path = "client/report.rs"]
mod report;
#[path = "client/tls.rs"]
mod tls;

use anyhow::Context as _;
use client::{Failure, Options};

#[tokio::main]
async fn main() {
    report::report(run().await);
}

async fn run() -> Result<bool, Failure> {
    let options = Options::from_arguments()?;
    let (client, tls) = postgres::connect(&options).await?;
    let row = client.query_one(&options.command, &[]).await;
    let row = row.map_err(|error| postgres::failure(&error))?;
    row.try_get::<_, i32>(0).context("the answer to select 1")?;
    Ok(tls)
}
