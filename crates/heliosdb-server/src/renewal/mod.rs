//! The server renews its own certificate ahead of its end, from an authority whose key it can read:
//! `ssl_auto_renew`.

mod error;
mod schedule;
mod task;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use pg_certs::CertificateInfo;
use pg_certs::generate::Renewal;
use pg_tls::SslConfig;

pub(crate) use self::error::RenewalError;
pub(crate) use self::task::run;
use crate::report;

/// Who renews the server's certificate, and when.
///
/// ```
/// use std::time::Duration;
/// use heliosdb_server::{AutoRenewal, PgServerBuilder};
///
/// let month = Duration::from_secs(30 * 24 * 60 * 60);
/// let builder = PgServerBuilder::new()
///     .ssl_auto_renew(AutoRenewal::new(month, "certs/ca.crt", "certs/ca.key"));
/// # let _ = builder;
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AutoRenewal(Renewal);

impl AutoRenewal {
    /// By the authority in these files, so long before the end, though never before two thirds of the
    /// certificate's life are over.
    ///
    /// The new certificate has the names of the old one, lasts as long, and has a new key; it is written
    /// over the old one, key and certificate together, and served to new connections.
    pub fn new(
        before: Duration,
        ca_certificate: impl Into<PathBuf>,
        ca_key: impl Into<PathBuf>,
    ) -> Self {
        Self(Renewal::new(ca_certificate, ca_key, before))
    }

    /// For the certificate of these settings; `None` if there is no TLS.
    pub(crate) fn of(&self, tls: &SslConfig) -> Option<OwnCertificate> {
        tls.mode.is_enabled().then(|| OwnCertificate {
            renewal: self.0.clone(),
            certificate: tls.cert_path.clone(),
            key: tls.key_path.clone(),
            has_passphrase: tls.passphrase_command.is_some(),
        })
    }
}

/// The server's certificate, and how it is renewed.
#[derive(Clone, Debug)]
pub(crate) struct OwnCertificate {
    renewal: Renewal,
    certificate: PathBuf,
    key: PathBuf,
    /// Whether the key may be encrypted, which a new one would not be.
    has_passphrase: bool,
}

/// What came of looking after a certificate.
#[derive(Debug)]
pub(crate) enum Checked {
    /// It is renewed in so long, unless it changes.
    NotDue(Duration),
    /// The files have a new one.
    Renewed,
}

impl OwnCertificate {
    /// Renews the certificate if it is time, and says so in the log.
    pub(crate) fn check(&self, now: SystemTime) -> Result<Checked, RenewalError> {
        let path = &self.certificate;
        let info = CertificateInfo::from_pem_file(path)?;
        let wait = self.renewal.wait(&info, now);
        if !wait.is_zero() {
            return Ok(Checked::NotDue(wait));
        }
        if self.has_passphrase {
            return Err(RenewalError::Passphrase);
        }
        match self.renewal.run(path, &self.key, now)? {
            Some(issued) => {
                report::renewed(path, issued.info());
                Ok(Checked::Renewed)
            }
            None => Ok(Checked::NotDue(wait)),
        }
    }

    /// As [`check`](Self::check), before anything is loaded: whatever happens, the server goes on with what
    /// there is.
    pub(crate) fn check_at_start(&self) {
        if let Err(error) = self.check(SystemTime::now()) {
            self.report(&error);
        }
    }

    pub(crate) fn report(&self, error: &RenewalError) {
        let end = CertificateInfo::from_pem_file(&self.certificate).map(|it| it.not_after_text());
        report::not_renewed(&self.certificate, end.ok().as_deref(), error);
    }
}

#[cfg(test)]
mod tests;
