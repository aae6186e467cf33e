//! `pg-certs export-ca`: what clients need.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pg_certs::connect::{self, Connection};
use pg_certs::files::Existing;

use super::files::Authority;
use super::output::{self, Exit};

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Where to write the certificate [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
    /// Host that clients connect to
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    host: String,
    /// Port that clients connect to
    #[arg(long, value_name = "PORT", default_value_t = 5432)]
    port: u16,
    /// User that clients connect as
    #[arg(long, value_name = "NAME", default_value = "postgres")]
    user: String,
    /// Database that clients connect to
    #[arg(long, value_name = "NAME", default_value = "postgres")]
    database: String,
    #[command(flatten)]
    authority: Authority,
}

/// With the certificate on standard output, the rest goes to standard error, so that it can be redirected.
pub(super) fn run(options: &Options) -> Result<Exit> {
    let authority = options.authority.load()?;
    let existing = match options.force {
        true => Existing::Replace,
        false => Existing::Keep,
    };
    match &options.out {
        Some(path) => {
            authority.write_certificate(path, existing)?;
            output::text(&strings(options, connect::absolute(path)))?;
        }
        None => {
            output::text(&authority.certificate_pem())?;
            output::note(&format!(
                "with the certificate in the file \"ca.crt\":\n{}",
                strings(options, PathBuf::from("ca.crt")).trim_end()
            ));
        }
    }
    Ok(Exit::Fine)
}

fn strings(options: &Options, root: PathBuf) -> String {
    Connection::new(options.host.as_str(), options.user.as_str(), root)
        .with_port(options.port)
        .with_database(options.database.as_str())
        .all()
        .into_iter()
        .map(|(client, text)| format!("{client}:\n    {text}\n"))
        .collect()
}
