//! tokio-postgres with this project's options.

use std::sync::atomic::Ordering;

use tokio_postgres::config::{ChannelBinding, SslMode as DriverMode, SslNegotiation};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::client::{Failure, Options, SslMode};
use crate::tls;

/// A session, whether it is in TLS, and what makes the TLS of a connection that cancels in it.
pub(crate) async fn connect(
    options: &Options,
) -> Result<(Client, bool, MakeRustlsConnect), Failure> {
    let (config, handshake_seen) = tls::config(options)?;
    let tls = MakeRustlsConnect::new(config);
    let mut driver_options = Config::new();
    if let Some(password) = &options.password {
        driver_options.password(password);
    }
    let (client, connection) = driver_options
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
        .channel_binding(match options.bound {
            None => ChannelBinding::Prefer,
            Some(true) => ChannelBinding::Require,
            Some(false) => ChannelBinding::Disable,
        })
        .connect(tls.clone())
        .await
        .map_err(|error| failure(&error))?;
    tokio::spawn(connection);
    Ok((client, handshake_seen.load(Ordering::Relaxed), tls))
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
