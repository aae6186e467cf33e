//! A small client for machines without psql: connects with tokio-postgres and rustls, and prints
//! the rows that a command gives.
//!
//! `pgclient host=localhost port=5432 user=postgres dbname=postgres sslmode=verify-full
//! sslrootcert=certs-dev/ca.crt "command=select version()"`.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "rows are what the program is for"
)]

mod client;
#[path = "client/postgres.rs"]
mod postgres;
#[path = "client/tls.rs"]
mod tls;

use std::process::ExitCode;

use client::{Failure, Options};
use tokio_postgres::SimpleQueryMessage;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { sqlstate, text }) => {
            let code = sqlstate.map_or_else(String::new, |code| format!(" ({code})"));
            eprintln!("pgclient: {text}{code}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let options = Options::from_words(std::env::args().skip(1), &["command"])?;
    let (client, tls, _) = postgres::connect(&options).await?;
    println!(
        "You are connected to database \"{}\" as user \"{}\" on host \"{}\" at port \"{}\", {}.",
        options.dbname,
        options.user,
        options.host,
        options.port,
        if tls { "in TLS" } else { "in clear" }
    );
    let answer = client
        .simple_query(options.own("command").unwrap_or("select 1"))
        .await;
    for message in answer.map_err(|error| postgres::failure(&error))? {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
                println!("{}", names.join(" | "));
            }
            SimpleQueryMessage::Row(row) => {
                let values: Vec<&str> = (0..row.len())
                    .map(|column| row.try_get(column).ok().flatten().unwrap_or("null"))
                    .collect();
                println!("{}", values.join(" | "));
            }
            SimpleQueryMessage::CommandComplete(count) => println!("({count} rows)"),
            _ => {}
        }
    }
    Ok(())
}
