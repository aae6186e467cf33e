//! `pg-certs server`: a certificate for a server.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pg_certs::generate::ServerSpec;

use super::files::{self, Authority, Making};
use super::output::Exit;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Host names and IP addresses that clients connect to, such as db.example, *.db.example, 192.0.2.1
    #[arg(required = true, value_name = "HOST")]
    hosts: Vec<String>,
    /// Common name [default: the first host]
    #[arg(long, value_name = "NAME")]
    common_name: Option<String>,
    /// Where to write the certificate and its intermediates [default: DIR/server.crt]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Where to write the key [default: DIR/server.key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// How long it is valid [default: 365]
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    #[command(flatten)]
    making: Making,
    #[command(flatten)]
    authority: Authority,
}

pub(super) fn run(options: &Options) -> Result<Exit> {
    let directory = &options.authority.directory;
    let certificate = directory.file(options.cert.as_deref(), "server.crt");
    let key = directory.file(options.key.as_deref(), "server.key");
    let mut spec =
        ServerSpec::new(options.hosts.iter().cloned()).with_key_type(options.making.key_type);
    if let Some(name) = &options.common_name {
        spec = spec.with_common_name(name);
    }
    if let Some(validity) = files::validity(options.days) {
        spec = spec.with_validity(validity);
    }
    let issued = options.authority.load()?.issue_server(&spec)?;
    options.making.write(&issued, &certificate, &key)?;
    options.authority.record(issued.info())?;
    let names: Vec<String> = issued
        .info()
        .subject_alt_names()
        .iter()
        .map(ToString::to_string)
        .collect();
    let what = format!("made a server certificate for {}", names.join(", "));
    files::wrote(&what, issued.info(), &certificate, Some(&key))?;
    Ok(Exit::Fine)
}
