//! `pg-certs client`: a certificate for a user.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use pg_certs::generate::ClientSpec;

use super::files::{self, Authority, Making};
use super::output::Exit;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The PostgreSQL user, which becomes the common name
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Organization in front of the name
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Organizational unit in front of the name
    #[arg(long, value_name = "NAME")]
    organizational_unit: Option<String>,
    /// Where to write the certificate and its intermediates [default: DIR/client-USER.crt]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Where to write the key [default: DIR/client-USER.key]
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
    let user = &options.user;
    if user.contains('/') && (options.cert.is_none() || options.key.is_none()) {
        bail!("\"{user}\" cannot be part of a file name; say where to write with --cert and --key");
    }
    let directory = &options.authority.directory;
    let certificate = directory.file(options.cert.as_deref(), &format!("client-{user}.crt"));
    let key = directory.file(options.key.as_deref(), &format!("client-{user}.key"));
    let mut spec = ClientSpec::new(user).with_key_type(options.making.key_type);
    if let Some(organization) = &options.organization {
        spec = spec.with_organization(organization);
    }
    if let Some(unit) = &options.organizational_unit {
        spec = spec.with_organizational_unit(unit);
    }
    if let Some(validity) = files::validity(options.days) {
        spec = spec.with_validity(validity);
    }
    let issued = options.authority.load()?.issue_client(&spec)?;
    options.making.write(&issued, &certificate, &key)?;
    options.authority.record(issued.info())?;
    let what = format!("made a client certificate for the user \"{user}\"");
    files::wrote(&what, issued.info(), &certificate, Some(&key))?;
    Ok(Exit::Fine)
}
