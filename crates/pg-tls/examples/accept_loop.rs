//! A TLS accept loop for any PostgreSQL-wire server: `cargo run --example accept_loop CERT KEY`.
//!
//! Make the files with pg-certs, then try it with
//! `psql "host=localhost sslmode=require port=PORT user=alice"`: psql reports the FATAL that this
//! server sends in place of a database.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "an example talks to whoever runs it"
)]

use std::time::Duration;

use pg_tls::{Acceptor, Negotiated, Peer, Session, SslConfig, SslMode};
use pg_wire::SqlState;
use pg_wire::backend::ErrorResponse;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files = std::env::args().skip(1);
    let (Some(cert), Some(key)) = (files.next(), files.next()) else {
        return Err("usage: accept_loop CERT KEY".into());
    };
    let acceptor = Acceptor::new(SslConfig::new(SslMode::Require, cert, key).load()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);

    loop {
        let (stream, address) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let deadline = Duration::from_secs(60);
            match acceptor
                .negotiate(stream, Peer::Tcp(address), deadline)
                .await
            {
                Ok(Negotiated::Session(session)) => serve(session, acceptor.tls().mode()).await,
                Ok(_) => {} // A cancel request, or a client that left.
                Err(error) => error.log_line().iter().for_each(|line| eprintln!("{line}")),
            }
        });
    }
}

/// Where a server would authenticate the user and run queries.
async fn serve(mut session: Session<TcpStream>, mode: SslMode) {
    let answer = match session.admit(mode) {
        Err(refusal) => refusal.response().clone(),
        Ok(()) => {
            let tls = session.tls.as_ref().map_or("no TLS", |tls| tls.cipher);
            ErrorResponse::fatal(
                SqlState::CANNOT_CONNECT_NOW,
                format!("there is no database here, but you came by {tls}"),
            )
        }
    };
    let sent = session.stream.write_all(&answer.to_bytes()).await;
    if let Err(error) = sent.and(pg_tls::close(session.stream, Duration::from_secs(2)).await) {
        eprintln!("{error}");
    }
}
