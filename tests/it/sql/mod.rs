//! SQL through TLS: real clients against our server with its real engine, HeliosDB Nano.
//!
//! What the engine cannot do is asserted as it behaves, so that a newer engine shows up here, and marked
//! "engine's limit"; the server neither causes nor hides it.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy.toml allows it in test functions, not beside them"
)]

mod bulk;
mod concurrent;
mod copy;
mod extended;
mod limits;
mod psql;
mod statements;
mod wire;

use heliosdb_tests::config::Config;
use heliosdb_tests::server;
use heliosdb_tests::sql_client::{DEADLINE, Sql};
use heliosdb_tests::target::Target;
use pg_tls::SslMode;

/// A server that takes TLS only and answers with the real engine.
fn start() -> Target {
    server::start(Config::new(SslMode::Require).nano())
}

/// Runs a test with asynchronous clients against a server of its own.
fn with_server(test: impl AsyncFnOnce(Sql)) {
    with_server_of(Config::new(SslMode::Require), test);
}

fn with_server_of(config: Config, test: impl AsyncFnOnce(Sql)) {
    let target = server::start(config.nano());
    let pki = target.pki();
    let sql = Sql::new(target.address(), &pki.server_ca_pem);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(DEADLINE, test(sql)).await })
        .expect("the test came to its end in time");
    target.finish();
}
