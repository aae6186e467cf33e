//! `pg-certs init-ca`: a new authority.

use anyhow::{Result, bail};
use clap::Args;
use pg_certs::CertificateAuthority;
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, KeyType};

use super::files::{self, Authority};
use super::output::Exit;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Its name, as everybody sees it in certificates
    #[arg(long, value_name = "NAME", default_value = "PostgreSQL CA")]
    name: String,
    /// Kind of key: ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096
    #[arg(long, value_name = "KIND", default_value_t)]
    key_type: KeyType,
    /// How long it is valid [default: 3650]
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    #[command(flatten)]
    authority: Authority,
}

/// An authority is never replaced: everybody who trusts it would have to be told.
pub(super) fn run(options: &Options) -> Result<Exit> {
    let (certificate, key) = (options.authority.certificate(), options.authority.key());
    if let Some(path) = [&certificate, &key].into_iter().find(|path| path.exists()) {
        bail!(
            "\"{}\" already exists, and an authority is never replaced; choose another --dir, or move it \
             away if nobody trusts it any more",
            path.display()
        );
    }
    let mut spec = CaSpec::new(options.name.as_str()).with_key_type(options.key_type);
    if let Some(validity) = files::validity(options.days) {
        spec = spec.with_validity(validity);
    }
    let authority = CertificateAuthority::create(&spec)?;
    authority.write(&certificate, &key, Existing::Keep)?;
    let what = format!("made the authority \"{}\"", options.name);
    files::wrote(&what, authority.info(), &certificate, Some(&key))?;
    Ok(Exit::Fine)
}
