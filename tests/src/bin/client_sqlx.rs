//! Connects with sqlx and its rustls, runs `select 1`, and tells in one line of JSON what came of
//! it.
//!
//! Arguments are libpq's options, as for `client_tokio_postgres`. sqlx takes `sslmode=allow` for
//! `disable` and knows no direct TLS. It does not tell whether a session is in TLS either, so the
//! connection goes through a socket of this program, which looks at the bytes that pass. Used by
//! `cargo xtask test-ssl`.

mod client;
#[path = "client/report.rs"]
mod report;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow};
use client::{Failure, Options, SslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The first byte of a TLS record that carries a ClientHello.
const TLS_HANDSHAKE: u8 = 0x16;
/// Length of an SSLRequest.
const SSL_REQUEST_LENGTH: usize = 8;

#[tokio::main]
async fn main() {
    report::report(run().await);
}

async fn run() -> Result<bool, Failure> {
    let options = Options::from_arguments()?;
    // sqlx takes the process's provider, and with both compiled in somebody has to choose one.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a crypto provider is installed already"))?;
    if options.direct {
        return Err(anyhow!("sqlx has no sslnegotiation=direct").into());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("tap")?;
    let tapped = listener.local_addr().context("tap")?.port();
    let is_tls = Arc::new(AtomicBool::new(false));
    tokio::spawn(tap(listener, options.port, is_tls.clone()));
    let mut connection = connect_options(&options, tapped)
        .connect()
        .await
        .map_err(|error| failure(&error))?;
    sqlx::query_scalar::<_, i32>(sqlx::AssertSqlSafe(options.command))
        .fetch_one(&mut connection)
        .await
        .map_err(|error| failure(&error))?;
    connection.close().await.map_err(|error| failure(&error))?;
    Ok(is_tls.load(Ordering::Relaxed))
}

fn connect_options(options: &Options, port: u16) -> PgConnectOptions {
    let mut connect = PgConnectOptions::new_without_pgpass()
        .host(&options.host)
        .port(port)
        .username(&options.user)
        .database(&options.dbname)
        .ssl_mode(match options.sslmode {
            SslMode::Disable => PgSslMode::Disable,
            SslMode::Prefer => PgSslMode::Prefer,
            SslMode::Require => PgSslMode::Require,
            SslMode::VerifyCa => PgSslMode::VerifyCa,
            SslMode::VerifyFull => PgSslMode::VerifyFull,
        });
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

/// Passes one connection on to the server, and notes whether TLS follows an SSLRequest.
async fn tap(listener: TcpListener, port: u16, is_tls: Arc<AtomicBool>) -> io::Result<()> {
    let (mut client, _) = listener.accept().await?;
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let mut head = [0; SSL_REQUEST_LENGTH];
    client.read_exact(&mut head).await?;
    server.write_all(&head).await?;
    if head == *b"\x00\x00\x00\x08\x04\xd2\x16\x2f" {
        let answer = server.read_u8().await?;
        client.write_u8(answer).await?;
        let mut next = [0];
        if client.peek(&mut next).await? == 1 {
            is_tls.store(next == [TLS_HANDSHAKE], Ordering::Relaxed);
        }
    }
    io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
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
