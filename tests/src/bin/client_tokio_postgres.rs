//! Drives tokio-postgres with rustls for `cargo xtask test-ssl`, by the line protocol of
//! `xtask/clients/README.md`.
//!
//! The driver has no `sslmode=allow`; the depths of `verify-ca` and `verify-full` are in the
//! verifier that it is given.

mod client;
#[path = "client/postgres.rs"]
mod postgres;
#[path = "client/serve.rs"]
mod serve;
#[path = "client/tls.rs"]
mod tls;

use std::time::Duration;

use bytes::Bytes;
use client::{Failure, Options};
use futures_util::{SinkExt as _, TryStreamExt as _};
use postgres::failure;
use serve::{ROWS, Session, expect};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a statement runs before it is cancelled.
const BEFORE_CANCEL: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    serve::serve::<Connection>("tokio-postgres").await
}

/// A session, and what makes the TLS of the connection that cancels in it.
struct Connection {
    client: Client,
    tls: MakeRustlsConnect,
}

impl Session for Connection {
    async fn connect(options: &Options) -> Result<Self, Failure> {
        let (client, _, tls) = postgres::connect(options).await?;
        Ok(Self { client, tls })
    }

    async fn one(&mut self) -> Result<(), Failure> {
        let row = self.client.query_one("select 1", &[]).await;
        let row = row.map_err(|error| failure(&error))?;
        expect("select 1", row.get::<_, i32>(0), 1)
    }

    async fn prepared(&mut self) -> Result<(), Failure> {
        let prepared = self.client.prepare("select $1::int + 1").await;
        let statement = prepared.map_err(|error| failure(&error))?;
        for value in [41, 1] {
            let row = self.client.query_one(&statement, &[&value]).await;
            let row = row.map_err(|error| failure(&error))?;
            expect("the prepared statement", row.get(0), value + 1)?;
        }
        Ok(())
    }

    async fn copy(&mut self, table: &str) -> Result<(), Failure> {
        let seen = copy(&self.client, table)
            .await
            .map_err(|error| failure(&error))?;
        expect("the copy", seen.as_slice(), ROWS)
    }

    async fn cancel(&mut self, statement: &str) -> Result<bool, Failure> {
        let token = self.client.cancel_token();
        let canceller = async {
            // The driver takes a request for what it has not sent yet, too.
            tokio::time::sleep(BEFORE_CANCEL).await;
            token.cancel_query(self.tls.clone()).await
        };
        let (ended, requested) = tokio::join!(self.client.batch_execute(statement), canceller);
        requested.map_err(|error| failure(&error))?;
        match ended {
            Ok(()) => Ok(false),
            Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => Ok(true),
            Err(error) => Err(failure(&error)),
        }
    }

    async fn close(self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Moves the rows in and out; gives what came out.
async fn copy(client: &Client, table: &str) -> Result<Vec<u8>, tokio_postgres::Error> {
    client
        .batch_execute(&format!("create table {table} (a int, b text)"))
        .await?;
    let sink = client.copy_in(&format!("copy {table} from stdin")).await?;
    let mut sink = std::pin::pin!(sink);
    sink.send(Bytes::from_static(ROWS)).await?;
    sink.finish().await?;
    let stream = client.copy_out(&format!("copy {table} to stdout")).await?;
    let parts: Vec<Bytes> = stream.try_collect().await?;
    client.batch_execute(&format!("drop table {table}")).await?;
    Ok(parts.concat())
}
