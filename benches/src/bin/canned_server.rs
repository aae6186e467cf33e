//! Our server over the canned engine: `canned_server ADDR CERT KEY [ROW_BYTES [STREAM_MB]]`.

use std::sync::Arc;

use anyhow::Context as _;
use heliosdb_benches::{Arguments, CannedEngine};
use heliosdb_server::{PgServerBuilder, SslConfig, SslMode};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let Arguments {
        address,
        certificate,
        key,
    } = Arguments::take(&mut args)?;
    let row = args
        .next()
        .map_or(Ok(100), |row| row.parse())
        .context("ROW_BYTES")?;
    let megabytes: usize = args
        .next()
        .map_or(Ok(500), |size| size.parse())
        .context("STREAM_MB")?;
    let server = PgServerBuilder::new()
        .address(address)
        .max_connections(10_000)
        .ssl_config(SslConfig::new(SslMode::Allow, certificate, key))
        .build(Arc::new(CannedEngine::new(row, megabytes * 1_000_000)))?;
    // On a worker: the thread of `main` would have to wake one for each connection.
    tokio::spawn(async move { server.serve().await }).await??;
    Ok(())
}
