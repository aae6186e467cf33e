//! `pg-certs revoke`: a certificate that is not to be trusted any more.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use pg_certs::CertificateInfo;
use pg_certs::generate::Index;
use pg_certs::info::RevocationReason;

use super::crl::{self, List};
use super::files::Authority;
use super::output::{self, Exit};

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The certificate to revoke
    #[arg(value_name = "FILE", required_unless_present = "serial")]
    cert: Option<PathBuf>,
    /// Its serial number in hexadecimal instead, if this authority's index has it
    #[arg(long, value_name = "HEX", conflicts_with = "cert")]
    serial: Option<String>,
    /// Why: unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation,
    /// certificateHold, privilegeWithdrawn or aACompromise
    #[arg(long, default_value_t = RevocationReason::Unspecified)]
    reason: RevocationReason,
    #[command(flatten)]
    list: List,
    #[command(flatten)]
    authority: Authority,
}

pub(super) fn run(options: &Options) -> Result<Exit> {
    let authority = options.authority.load()?;
    if options.reason == RevocationReason::RemoveFromCrl {
        bail!("a certificate that is revoked stays revoked; issue a new one");
    }
    let mut index = Index::open(Index::beside(&options.authority.certificate()))?;
    let subject = match (&options.cert, &options.serial) {
        (Some(path), _) => {
            let info = CertificateInfo::from_pem_file(path)?;
            if info.issuer() != authority.info().subject() {
                bail!(
                    "\"{}\" was issued by \"{}\", and this authority is \"{}\"; revoke it where it was issued",
                    path.display(),
                    info.issuer(),
                    authority.info().subject()
                );
            }
            index.revoke(&info, options.reason)?;
            info.subject().slash()
        }
        (None, Some(serial)) => index.revoke_serial(serial, options.reason)?,
        (None, None) => bail!("name the certificate's file or its serial number"),
    };
    // The index first: if the list cannot be written, the next one has it.
    index.save()?;
    output::text(&format!(
        "revoked the certificate of \"{subject}\" ({})\n",
        options.reason
    ))?;
    crl::make(&options.list, &options.authority, &authority, &index)?;
    output::text("  servers refuse it once they have loaded this list\n")?;
    Ok(Exit::Fine)
}
