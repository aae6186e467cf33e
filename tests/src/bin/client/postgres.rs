//! tokio-postgres with this project's options.

use std::sync::atomic::Ordering;

use tokio_postgres::config::{SslMode as DriverMode, SslNegotiation};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::client::{Failure, Options, SslMode};
use crate::tls;

/// A session, and whether it is in TLS.
pub(crate) async fn connect(options: &Options) -> Result<(Client, bool), Failure> {
    let (config, handshake_seen) = tls::config(options)?;
    let (client, connection) = Config::new()
        .host(&options.host)
        .port(options.port)
        .user(&options.user)
        .dbname(&options.dbname)
        .ssl_mode(match options.sslmode {
            SslMode::Disable => DriverMode::Disable,
            SslMode::Prefer => DriverMode::Prefer,
            // The driver has no deeper mode; the depth is in the verifier.
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverMode::Require,
        })
        .ssl_negotiation(if options.direct {
            SslNegotiation::Direct
        } else {
            SslNegotiation::Postgres
        })
        .connect(MakeRustlsConnect::new(config))
        .await
        .map_err(|error| failure(&error))?;
    tokio::spawn(connection);
    Ok((client, handshake_seen.load(Ordering::Relaxed)))
}

/// The driver's error, with the server's code and words if there are any.
pub(crate) fn failure(error: &Error) -> Failure {
    match error.as_db_error() {
        Some(response) => Failure {
            sqlstate: Some(response.code().code().to_owned()),
            text: format!("{}: {}", response.severity(), response.message()),
        },
        None => Failure::of(error),
    }
}
