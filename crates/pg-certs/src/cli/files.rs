//! Where the files are.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use pg_certs::CertificateAuthority;
use pg_certs::CertificateInfo;
use pg_certs::files::{Existing, WriteError};
use pg_certs::generate::{Index, IssuedCertificate, KeyType, Validity};

use super::output;

/// The directory of everything that is not named by itself.
#[derive(Args, Debug)]
pub(super) struct Directory {
    /// Directory of the files
    #[arg(
        long,
        value_name = "DIR",
        env = "PG_CERTS_DIR",
        default_value = "certs"
    )]
    dir: PathBuf,
}

impl Directory {
    /// A file in it, unless it is named by itself.
    pub(super) fn file(&self, named: Option<&Path>, name: &str) -> PathBuf {
        named.map_or_else(|| self.dir.join(name), Path::to_owned)
    }
}

/// The authority.
#[derive(Args, Debug)]
pub(super) struct Authority {
    #[command(flatten)]
    pub(super) directory: Directory,
    /// Certificate of the authority [default: DIR/ca.crt]
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// Key of the authority [default: DIR/ca.key]
    #[arg(long, value_name = "FILE")]
    ca_key: Option<PathBuf>,
}

impl Authority {
    /// Its certificate file.
    pub(super) fn certificate(&self) -> PathBuf {
        self.directory.file(self.ca_cert.as_deref(), "ca.crt")
    }

    /// Its key file.
    pub(super) fn key(&self) -> PathBuf {
        self.directory.file(self.ca_key.as_deref(), "ca.key")
    }

    /// Loads it.
    pub(super) fn load(&self) -> Result<CertificateAuthority> {
        let certificate = self.certificate();
        let authority = CertificateAuthority::load(&certificate, self.key());
        match certificate.exists() {
            true => Ok(authority?),
            false => authority.context("there is no authority here; make one: pg-certs init-ca"),
        }
    }

    /// Notes in the authority's index that it has issued a certificate.
    pub(super) fn record(&self, issued: &CertificateInfo) -> Result<()> {
        let mut index = Index::open(Index::beside(&self.certificate()))?;
        index.issued(issued);
        Ok(index.save()?)
    }
}

/// What all new certificates have in common.
#[derive(Args, Debug)]
pub(super) struct Making {
    /// Kind of key: ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096
    #[arg(long, value_name = "KIND", default_value_t)]
    pub(super) key_type: KeyType,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

impl Making {
    /// Writes what was made, over nothing that exists unless that was asked for.
    pub(super) fn write(
        &self,
        issued: &IssuedCertificate,
        certificate: &Path,
        key: &Path,
    ) -> Result<()> {
        let existing = match self.force {
            true => Existing::Replace,
            false => Existing::Keep,
        };
        match issued.write(certificate, key, existing) {
            Err(WriteError::WouldOverwrite { path }) => bail!(
                "\"{}\" already exists and would be lost; add --force to replace it",
                path.display()
            ),
            written => Ok(written?),
        }
    }
}

/// A validity in days.
pub(super) fn validity(days: Option<u32>) -> Option<Validity> {
    days.map(Validity::days)
}

/// Says what was written.
pub(super) fn wrote(
    what: &str,
    info: &CertificateInfo,
    certificate: &Path,
    key: Option<&Path>,
) -> Result<()> {
    let key = key
        .map(|key| format!("\n  key:         {}", key.display()))
        .unwrap_or_default();
    output::text(&format!(
        "{what}, valid until {}\n  certificate: {}{key}\n",
        info.not_after_text(),
        certificate.display(),
    ))
}
