//! The same certificate once more, with new dates.

mod repeat;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::KeyPair;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use self::repeat::repeated;
use super::authority::CertificateAuthority;
use super::error::GenerateError;
use super::issued::IssuedCertificate;
use super::key_type::KeyType;
use super::params;
use super::validity::Validity;
use crate::files::{Existing, write_certificate};
use crate::info::{CertificateInfo, KeyAlgorithm};
use crate::load::{load_certificate_chain, load_private_key};
use crate::pem::encode_key;
use crate::verify::{KeyMatch, key_match};

/// Which key a renewed certificate gets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RenewalKey {
    /// The old one, for clients that have pinned it.
    Keep,
    /// A new one of the same kind, or ECDSA P-256 where this crate cannot make that kind.
    New,
}

/// When a certificate is to be renewed: so long before its end, but never before two thirds of its life
/// are over, so that a short-lived one is not renewed without end.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use pg_certs::generate::{CaSpec, ServerSpec, is_renewal_due};
/// use pg_certs::CertificateAuthority;
///
/// let ca = CertificateAuthority::create(&CaSpec::new("Example CA"))?;
/// let server = ca.issue_server(&ServerSpec::new(["localhost"]))?; // 365 days
/// let (days, now) = (|count: u64| Duration::from_secs(count * 86_400), SystemTime::now());
/// assert!(!is_renewal_due(server.info(), days(30), now));
/// assert!(is_renewal_due(server.info(), days(30), now + days(336)));
/// # Ok::<(), pg_certs::generate::GenerateError>(())
/// ```
#[must_use]
pub fn is_renewal_due(certificate: &CertificateInfo, before: Duration, now: SystemTime) -> bool {
    until_renewal(certificate, before, now).is_zero()
}

/// How long until [`is_renewal_due`].
#[must_use]
pub fn until_renewal(certificate: &CertificateInfo, before: Duration, now: SystemTime) -> Duration {
    let before = before.min(lifetime(certificate) / 3);
    certificate
        .not_after()
        .duration_since(now)
        .unwrap_or_default()
        .saturating_sub(before)
}

/// Renews a certificate file ahead of its end, from the files of an authority: for a program that does so
/// by itself.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use pg_certs::CertificateAuthority;
/// use pg_certs::files::Existing;
/// use pg_certs::generate::{CaSpec, Renewal, ServerSpec};
///
/// let dir = tempfile::tempdir()?;
/// let path = |name: &str| dir.path().join(name);
/// let ca = CertificateAuthority::create(&CaSpec::new("Example CA"))?;
/// ca.write(path("ca.crt"), path("ca.key"), Existing::Keep)?;
/// let server = ca.issue_server(&ServerSpec::new(["localhost"]))?;
/// server.write(path("server.crt"), path("server.key"), Existing::Keep)?;
///
/// let days = |count: u64| Duration::from_secs(count * 86_400);
/// let renewal = Renewal::new(path("ca.crt"), path("ca.key"), days(30));
/// let now = SystemTime::now();
/// assert!(renewal.run(&path("server.crt"), &path("server.key"), now)?.is_none());
/// let later = now + days(340);
/// assert!(renewal.run(&path("server.crt"), &path("server.key"), later)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Renewal {
    ca_certificate: PathBuf,
    ca_key: PathBuf,
    before: Duration,
    key: RenewalKey,
    validity: Option<Validity>,
}

impl Renewal {
    /// By the authority in these files, so long before the end; see [`is_renewal_due`]. Each time with a
    /// new key, for as long as before.
    pub fn new(
        ca_certificate: impl Into<PathBuf>,
        ca_key: impl Into<PathBuf>,
        before: Duration,
    ) -> Self {
        Self {
            ca_certificate: ca_certificate.into(),
            ca_key: ca_key.into(),
            before,
            key: RenewalKey::New,
            validity: None,
        }
    }

    /// Which key the new certificate gets.
    #[must_use]
    pub const fn with_key(mut self, key: RenewalKey) -> Self {
        self.key = key;
        self
    }

    /// Another validity than that of the old certificate.
    #[must_use]
    pub const fn with_validity(mut self, validity: Validity) -> Self {
        self.validity = Some(validity);
        self
    }

    /// How long until a certificate is to be renewed.
    #[must_use]
    pub fn wait(&self, certificate: &CertificateInfo, now: SystemTime) -> Duration {
        until_renewal(certificate, self.before, now)
    }

    /// Renews the files if it is time; `None` if it is not. The authority is read then, not before.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: a file cannot be loaded or written, the authority refuses, or it ends itself no
    /// later than the certificate. The old files are then whole and in place.
    pub fn run(
        &self,
        certificate: &Path,
        key: &Path,
        now: SystemTime,
    ) -> Result<Option<IssuedCertificate>, GenerateError> {
        crate::files::finish_interrupted(certificate, key)?;
        let old = CertificateInfo::from_pem_file(certificate)?;
        if !is_renewal_due(&old, self.before, now) {
            return Ok(None);
        }
        let ca = CertificateAuthority::load(&self.ca_certificate, &self.ca_key)?;
        if ca.info().not_after() <= old.not_after() {
            return Err(GenerateError::NotRenewable {
                subject: old.subject().rfc2253(),
                reason: format!(
                    "the authority \"{}\" ends on {} itself, so that a new one would not last longer; make \
                     a new authority",
                    ca.info().subject(),
                    ca.info().not_after_text()
                ),
            });
        }
        ca.renew_files(certificate, key, self.key, self.validity)
            .map(Some)
    }
}

impl CertificateAuthority {
    /// Issues a certificate once more: the same subject, alternative names, purposes, OCSP responder and
    /// must-staple, new dates and a new serial number. Other extensions are not repeated.
    ///
    /// `validity` is that of the old certificate, in whole days, unless said otherwise.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: another authority issued it, it says something that cannot be repeated here, the
    /// key is not its key, or the dates are not possible.
    pub fn renew(
        &self,
        old: &CertificateDer<'static>,
        kept_key: Option<&PrivateKeyDer<'static>>,
        validity: Option<Validity>,
    ) -> Result<IssuedCertificate, GenerateError> {
        let info = CertificateInfo::from_der(old)
            .map_err(|error| GenerateError::Crypto(Box::new(error)))?;
        let refuse = |reason: String| GenerateError::NotRenewable {
            subject: info.subject().rfc2253(),
            reason,
        };
        if info.is_ca() {
            return Err(refuse("it is the certificate of an authority".to_owned()));
        }
        if info.issuer() != self.info().subject() {
            return Err(refuse(format!(
                "it was issued by \"{}\", not by \"{}\"; renew it there, or issue a new one",
                info.issuer(),
                self.info().subject()
            )));
        }
        if let Some(key) = kept_key
            && key_match(old, key) != KeyMatch::Same
        {
            return Err(refuse("the key to keep is not its key".to_owned()));
        }
        let key = match kept_key {
            Some(key) => KeyPair::try_from(key)?,
            None => key_type(info.key_algorithm()).generate()?,
        };
        let mut params = repeated(&info)
            .map_err(|what| refuse(format!("{what} cannot be repeated; issue a new one")))?;
        params.key_usages = params::leaf_key_usages(key_type(info.key_algorithm()));
        let validity = validity.unwrap_or_else(|| Validity::days(days(lifetime(&info))));
        let mut issued = self.issue(params, validity, key)?;
        if issued.info().subject() != info.subject() {
            return Err(refuse(
                "its subject cannot be repeated; issue a new one".to_owned(),
            ));
        }
        if let Some(key) = kept_key {
            issued.keep_key(encode_key(key));
        }
        Ok(issued)
    }

    /// [Renews](Self::renew) a certificate file with its key file, in place: a new key replaces the old
    /// one together with the certificate, as [`files`](crate::files) describes; a key that is kept is not
    /// written.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: a file cannot be loaded or written, or what [`renew`](Self::renew) refuses. The
    /// old files are then whole and in place.
    pub fn renew_files(
        &self,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
        which: RenewalKey,
        validity: Option<Validity>,
    ) -> Result<IssuedCertificate, GenerateError> {
        let (certificate, key) = (certificate.as_ref(), key.as_ref());
        crate::files::finish_interrupted(certificate, key)?;
        let chain = load_certificate_chain(certificate)?;
        let Some(old) = chain.first() else {
            return Err(GenerateError::NotRenewable {
                subject: String::new(),
                reason: "the file has no certificate".to_owned(),
            });
        };
        match which {
            RenewalKey::Keep => {
                let kept = Zeroizing::new(load_private_key(key)?);
                let issued = self.renew(old, Some(&kept), validity)?;
                write_certificate(certificate, issued.chain_pem(), Existing::Replace)?;
                Ok(issued)
            }
            RenewalKey::New => {
                let issued = self.renew(old, None, validity)?;
                issued.write(certificate, key, Existing::Replace)?;
                Ok(issued)
            }
        }
    }
}

/// From beginning to end.
fn lifetime(certificate: &CertificateInfo) -> Duration {
    certificate
        .not_after()
        .duration_since(certificate.not_before())
        .unwrap_or_default()
}

/// Whole days, at least one.
fn days(lifetime: Duration) -> u32 {
    u32::try_from(lifetime.as_secs() / SECONDS_PER_DAY)
        .unwrap_or(u32::MAX)
        .max(1)
}

fn key_type(algorithm: &KeyAlgorithm) -> KeyType {
    match algorithm {
        KeyAlgorithm::EcdsaP384 => KeyType::EcdsaP384,
        KeyAlgorithm::Ed25519 => KeyType::Ed25519,
        KeyAlgorithm::Rsa { bits: ..=2048 } => KeyType::Rsa2048,
        KeyAlgorithm::Rsa { bits: ..=3072 } => KeyType::Rsa3072,
        KeyAlgorithm::Rsa { .. } => KeyType::Rsa4096,
        _ => KeyType::EcdsaP256,
    }
}

const SECONDS_PER_DAY: u64 = 86_400;

#[cfg(test)]
mod tests;
