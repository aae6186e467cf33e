//! A TLS server in a few lines, with development certificates and a database in memory.
//!
//! ```text
//! cargo run --example postgres_server_ssl [ADDRESS:PORT]
//! ```

use std::env;
use std::sync::Arc;

use heliosdb_server::{EmbeddedDatabase, PgServerBuilder, Result};

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(env::var("RUST_LOG").unwrap_or_else(|_| "heliosdb_server=info".to_owned()))
        .with_writer(std::io::stderr)
        .init();
    let address = env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:5432").parse()?;

    let db = Arc::new(EmbeddedDatabase::new_in_memory()?);
    let server = PgServerBuilder::new()
        .address(address)
        .ssl_test()
        .build(db)?
        .bind()
        .await?;

    for address in server.local_addrs() {
        how_to_connect(address.port());
    }
    let shutdown = server.shutdown_handle();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            // The second Ctrl-C does not wait for the grace period of the first.
            shutdown.shutdown(std::time::Duration::from_secs(5));
        }
    });
    server.serve().await;
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "it is what the user of the example waits for"
)]
fn how_to_connect(port: u16) {
    let certificate = env::var("HELIOSDB_CERTS_DIR").unwrap_or_else(|_| "certs-dev".to_owned());
    println!("Connect, with the server's certificate verified:");
    println!(
        "  psql \"host=localhost port={port} user=postgres dbname=postgres \
         sslmode=verify-full sslrootcert={certificate}/server.crt\""
    );
    println!("Stop with Ctrl-C.");
}
