//! Drives sqlx with its rustls for `cargo xtask test-ssl`, by the line protocol of
//! `xtask/clients/README.md`.
//!
//! sqlx takes `sslmode=allow` for `disable`, and knows neither direct TLS nor a cancel.

mod client;
#[path = "client/serve.rs"]
mod serve;

use anyhow::anyhow;
use client::{Failure, Options, SslMode};
use futures_util::TryStreamExt as _;
use serve::{ROWS, Session, expect};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // sqlx takes the process's provider, and with both compiled in somebody has to choose one.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a crypto provider is installed already"))?;
    serve::serve::<PgConnection>("sqlx").await
}

impl Session for PgConnection {
    async fn connect(options: &Options) -> Result<Self, Failure> {
        if options.direct {
            return Err(anyhow!("sqlx has no sslnegotiation=direct").into());
        }
        if options.bound.is_some() {
            return Err(anyhow!("sqlx has no channel_binding").into());
        }
        let connection = connect_options(options).connect().await;
        connection.map_err(|error| failure(&error))
    }

    async fn one(&mut self) -> Result<(), Failure> {
        let one = sqlx::query_scalar::<_, i32>("select 1").fetch_one(self);
        expect("select 1", one.await.map_err(|error| failure(&error))?, 1)
    }

    async fn prepared(&mut self) -> Result<(), Failure> {
        for value in [41, 1] {
            let next = sqlx::query_scalar::<_, i32>("select $1::int + 1").bind(value);
            let next = next.fetch_one(&mut *self).await;
            let next = next.map_err(|error| failure(&error))?;
            expect("the prepared statement", next, value + 1)?;
        }
        Ok(())
    }

    async fn copy(&mut self, table: &str) -> Result<(), Failure> {
        let seen = copy(self, table).await.map_err(|error| failure(&error))?;
        expect("the copy", seen.as_slice(), ROWS)
    }

    async fn cancel(&mut self, _: &str) -> Result<bool, Failure> {
        Err(anyhow!("sqlx has no cancel").into())
    }

    async fn close(self) -> Result<(), Failure> {
        let closed = sqlx::Connection::close(self).await;
        closed.map_err(|error| failure(&error))
    }
}

/// Moves the rows in and out; gives what came out.
async fn copy(connection: &mut PgConnection, table: &str) -> Result<Vec<u8>, sqlx::Error> {
    let create = format!("create table {table} (a int, b text)");
    connection.execute(AssertSqlSafe(create)).await?;
    let mut sink = connection
        .copy_in_raw(&format!("copy {table} from stdin"))
        .await?;
    sink.send(ROWS).await?;
    sink.finish().await?;
    let stream = connection
        .copy_out_raw(&format!("copy {table} to stdout"))
        .await?;
    let parts: Vec<_> = stream.try_collect().await?;
    connection
        .execute(AssertSqlSafe(format!("drop table {table}")))
        .await?;
    Ok(parts.concat())
}

fn connect_options(options: &Options) -> PgConnectOptions {
    let mut connect = PgConnectOptions::new_without_pgpass()
        .host(&options.host)
        .port(options.port)
        .username(&options.user)
        .database(&options.dbname)
        .ssl_mode(match options.sslmode {
            SslMode::Disable => PgSslMode::Disable,
            SslMode::Prefer => PgSslMode::Prefer,
            SslMode::Require => PgSslMode::Require,
            SslMode::VerifyCa => PgSslMode::VerifyCa,
            SslMode::VerifyFull => PgSslMode::VerifyFull,
        });
    if let Some(password) = &options.password {
        connect = connect.password(password);
    }
    if let Some(path) = &options.sslrootcert {
        connect = connect.ssl_root_cert(path);
    }
    if let Some(path) = &options.sslcert {
        connect = connect.ssl_client_cert(path);
    }
    if let Some(path) = &options.sslkey {
        connect = connect.ssl_client_key(path);
    }
    connect
}

/// The driver's error, with the server's code and words if there are any.
fn failure(error: &sqlx::Error) -> Failure {
    match error.as_database_error() {
        Some(response) => Failure {
            sqlstate: response.code().map(|code| code.into_owned()),
            text: response.message().to_owned(),
        },
        None => Failure::of(error),
    }
}
