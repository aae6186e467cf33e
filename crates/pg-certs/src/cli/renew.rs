//! `pg-certs renew`: the same certificate with new dates.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::Args;
use pg_certs::CertificateInfo;
use pg_certs::generate::{Renewal, RenewalKey};

use super::files::{self, Authority};
use super::output::{self, Exit};
use super::period;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The certificate, replaced in place [default: DIR/server.crt]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its key, replaced in place [default: the certificate's path with .key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Keep the key instead of making a new one
    #[arg(long)]
    keep_key: bool,
    /// Do nothing unless it expires within this time and two thirds of its life are over: 30d, 12h
    #[arg(long, value_name = "TIME", value_parser = period::parse)]
    if_expires_within: Option<Duration>,
    /// How long the new one is valid [default: as long as the old one]
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    #[command(flatten)]
    authority: Authority,
}

pub(super) fn run(options: &Options) -> Result<Exit> {
    let directory = &options.authority.directory;
    let certificate = directory.file(options.cert.as_deref(), "server.crt");
    let key = options
        .key
        .clone()
        .unwrap_or_else(|| certificate.with_extension("key"));
    let which = match options.keep_key {
        true => RenewalKey::Keep,
        false => RenewalKey::New,
    };
    let validity = files::validity(options.days);
    let issued = match options.if_expires_within {
        Some(within) => {
            let (ca_certificate, ca_key) =
                (options.authority.certificate(), options.authority.key());
            let mut renewal = Renewal::new(ca_certificate, ca_key, within).with_key(which);
            if let Some(validity) = validity {
                renewal = renewal.with_validity(validity);
            }
            match renewal.run(&certificate, &key, SystemTime::now())? {
                Some(issued) => issued,
                None => return not_due(&certificate),
            }
        }
        None => {
            let authority = options.authority.load()?;
            authority.renew_files(&certificate, &key, which, validity)?
        }
    };
    options.authority.record(issued.info())?;
    let what = format!("renewed the certificate of \"{}\"", issued.info().subject());
    let key = (which == RenewalKey::New).then_some(key.as_path());
    files::wrote(&what, issued.info(), &certificate, key)?;
    Ok(Exit::Fine)
}

fn not_due(certificate: &Path) -> Result<Exit> {
    let info = CertificateInfo::from_pem_file(certificate)?;
    output::text(&format!(
        "not due: {} is valid until {} ({} days left)\n",
        certificate.display(),
        info.not_after_text(),
        info.days_left(SystemTime::now())
    ))?;
    Ok(Exit::Fine)
}
