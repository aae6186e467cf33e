//! `pg-certs crl`: the list of revoked certificates.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use clap::Args;
use pg_certs::CertificateAuthority;
use pg_certs::files::{Existing, write_certificate};
use pg_certs::generate::{Index, Validity};
use pg_certs::info::RevocationList;
use pg_certs::load::load_revocation_lists;

use super::files::Authority;
use super::output::{self, Exit};
use super::period;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Do nothing unless the list is due within this time: 7d, 12h
    #[arg(long, value_name = "TIME", value_parser = period::parse)]
    if_expires_within: Option<Duration>,
    #[command(flatten)]
    list: List,
    #[command(flatten)]
    authority: Authority,
}

/// Where the list is, and for how long.
#[derive(Args, Debug)]
pub(super) struct List {
    /// The list, replaced in place [default: DIR/ca.crl]
    #[arg(long, value_name = "FILE")]
    crl: Option<PathBuf>,
    /// In how many days the next list must come, or servers refuse everybody
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    next_update: u32,
}

pub(super) fn run(options: &Options) -> Result<Exit> {
    let authority = options.authority.load()?;
    let index = Index::open(Index::beside(&options.authority.certificate()))?;
    if let (Some(within), Some(list)) = (
        options.if_expires_within,
        previous(&options.list, &options.authority)?,
    ) {
        let left = list.next_update().duration_since(SystemTime::now());
        if left.is_ok_and(|left| left > within) {
            output::text(&format!(
                "not due: the next list has to come by {}\n",
                list.next_update_text()
            ))?;
            return Ok(Exit::Fine);
        }
    }
    make(&options.list, &options.authority, &authority, &index)?;
    Ok(Exit::Fine)
}

/// Makes the list that follows the one in its place.
pub(super) fn make(
    options: &List,
    files: &Authority,
    authority: &CertificateAuthority,
    index: &Index,
) -> Result<()> {
    let path = path(options, files);
    let list = index.sign_crl(
        authority,
        previous(options, files)?.as_ref(),
        Validity::days(options.next_update),
    )?;
    write_certificate(&path, &list.pem(), Existing::Replace)?;
    output::text(&format!(
        "made revocation list number {} with {} revoked, next one due by {}\n  list:        {}\n",
        list.number().unwrap_or_default(),
        list.revoked().len(),
        list.next_update_text(),
        path.display()
    ))
}

fn path(options: &List, files: &Authority) -> PathBuf {
    match &options.crl {
        Some(path) => path.clone(),
        None => files.certificate().with_extension("crl"),
    }
}

fn previous(options: &List, files: &Authority) -> Result<Option<RevocationList>> {
    let path = path(options, files);
    if !path.exists() {
        return Ok(None);
    }
    let lists = load_revocation_lists(&path).context(
        "the list that is to be followed cannot be read, and so its number is not known",
    )?;
    Ok(lists.into_iter().next())
}
