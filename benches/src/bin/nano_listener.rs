//! HeliosDB Nano's own TLS listener, the baseline for our relay: `nano_listener ADDR CERT KEY`.

use std::sync::Arc;

use heliosdb_benches::Arguments;
use heliosdb_nano::EmbeddedDatabase;
use heliosdb_nano::protocol::postgres::{PgServerBuilder, SslConfig, SslMode};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments {
        address,
        certificate,
        key,
    } = Arguments::take(&mut std::env::args().skip(1))?;
    let server = PgServerBuilder::new()
        .address(address)
        .max_connections(10_000)
        .ssl_config(SslConfig::new(SslMode::Allow, certificate, key))
        .build(Arc::new(EmbeddedDatabase::new_in_memory()?))?;
    // On a worker: the thread of `main` would have to wake one for each connection.
    tokio::spawn(async move { server.serve().await }).await??;
    Ok(())
}
