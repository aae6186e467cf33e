//! What was found.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use crate::info::CertificateInfo;
use crate::key_file::KeyFileError;

/// The result of [`CertificateManager::verify_cert_files`](crate::CertificateManager::verify_cert_files).
///
/// Printed, it is one line for each fact, warning and error.
#[derive(Debug)]
#[must_use = "the files may be unusable: ask is_ok()"]
pub struct VerifyReport {
    leaf: Option<CertificateInfo>,
    info: Vec<String>,
    warnings: Vec<Finding>,
    errors: Vec<Finding>,
}

impl VerifyReport {
    pub(super) fn new(
        certificate: &Path,
        key: &Path,
        infos: &[CertificateInfo],
        now: SystemTime,
    ) -> Self {
        let mut report = Self {
            leaf: infos.first().cloned(),
            info: vec![
                format!("certificate file: {}", certificate.display()),
                format!("key file: {}", key.display()),
            ],
            warnings: Vec::new(),
            errors: Vec::new(),
        };
        if let Some(leaf) = infos.first() {
            report.describe(leaf, now);
        }
        for (number, info) in (2..).zip(infos.iter().skip(1)) {
            report.info.push(format!(
                "certificate {number} of the chain: {}",
                info.subject()
            ));
        }
        match infos.last() {
            Some(last) if last.is_self_issued() => {
                report.info.push(format!(
                    "clients trust it with the certificate of: {}",
                    last.subject()
                ));
            }
            Some(last) => {
                report.info.push(format!(
                    "clients trust it with the certificate of: {}",
                    last.issuer()
                ));
            }
            None => {}
        }
        report
    }

    fn describe(&mut self, leaf: &CertificateInfo, now: SystemTime) {
        let names: Vec<String> = leaf
            .subject_alt_names()
            .iter()
            .map(ToString::to_string)
            .collect();
        let purposes = leaf.extended_key_usage().map(|purposes| {
            let purposes: Vec<String> = purposes.iter().map(ToString::to_string).collect();
            purposes.join(", ")
        });
        self.info.extend([
            format!("subject: {}", leaf.subject()),
            format!("issuer: {}", leaf.issuer()),
            format!("serial number: {}", leaf.serial()),
            format!(
                "valid: from {} to {} ({} days left)",
                leaf.not_before_text(),
                leaf.not_after_text(),
                leaf.days_left(now)
            ),
            format!(
                "names: {}",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ),
            format!("key: {}", leaf.key_algorithm()),
            format!("signature: {}", leaf.signature_algorithm()),
            format!(
                "extended key usage: {}",
                purposes.as_deref().unwrap_or("any")
            ),
            format!("SHA-256 fingerprint: {}", leaf.fingerprint_text()),
        ]);
    }

    pub(super) fn warning(&mut self, finding: Finding) {
        self.warnings.push(finding);
    }

    pub(super) fn error(&mut self, finding: Finding) {
        self.errors.push(finding);
    }

    /// Whether a server can use the files: there are no errors.
    pub fn is_ok(&self) -> bool {
        self.errors.is_empty()
    }

    /// The first certificate of the file: the one that the server presents as its own.
    pub fn certificate(&self) -> Option<&CertificateInfo> {
        self.leaf.as_ref()
    }

    /// Facts, one line each.
    pub fn info(&self) -> &[String] {
        &self.info
    }

    /// What works but will trouble some clients, or soon all.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Why a server cannot use the files.
    pub fn errors(&self) -> &[Finding] {
        &self.errors
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.info {
            writeln!(f, "{line}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        for error in &self.errors {
            writeln!(f, "error: {error}")?;
        }
        Ok(())
    }
}

/// Something that a report warns of or objects to. Numbers count the certificates of the file from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// An authority's certificate where a server's belongs.
    #[error("the certificate is one of an authority (CA:TRUE); issue one for the server with it")]
    AuthorityAsLeaf,
    /// The names of the chain fit, but not the rest.
    #[error("the chain does not verify although its names fit: {reason}")]
    BadChain {
        /// What the verifier says.
        reason: String,
    },
    /// The issuer of a certificate is not in the file, though others follow.
    #[error(
        "the chain is not complete: the issuer \"{issuer}\" of certificate {number} is missing"
    )]
    ChainGap {
        /// The certificate without issuer.
        number: usize,
        /// Whose certificate is missing.
        issuer: String,
    },
    /// Past its end.
    #[error("certificate {number} has expired on {since}; renew it")]
    Expired {
        /// Which.
        number: usize,
        /// Since when.
        since: String,
    },
    /// Near its end.
    #[error("certificate {number} expires in {days} days; renew it")]
    ExpiresSoon {
        /// Which.
        number: usize,
        /// Whole days.
        days: i64,
    },
    /// A crash has cut off the replacement of this pair.
    #[error("a replacement of this pair was interrupted; generate or write it again to finish")]
    Interrupted,
    /// A certificate that issues another one but may not.
    #[error(
        "certificate {number} issued the one before it but is not an authority (CA:TRUE is missing)"
    )]
    IssuerNotAuthority {
        /// Which.
        number: usize,
    },
    /// Owner or mode of the key file, by PostgreSQL's rule.
    #[error("{error}{}", error.detail().map(|detail| format!(": {detail}")).unwrap_or_default())]
    KeyFile {
        /// What the rule objects to.
        error: KeyFileError,
    },
    /// The key belongs to another certificate.
    #[error("the key does not belong to the certificate; name the key that it was issued for")]
    KeyMismatch,
    /// The key cannot be used, so that nobody knows whether it belongs to the certificate.
    #[error("the key cannot be used: {reason}")]
    KeyNotUsable {
        /// What the cryptographic library says.
        reason: String,
    },
    /// The key belongs to a later certificate of the file.
    #[error(
        "the server's own certificate must come first, but the key belongs to certificate {number}"
    )]
    LeafNotFirst {
        /// Which.
        number: usize,
    },
    /// keyUsage without digitalSignature.
    #[error(
        "keyUsage does not allow digitalSignature, which TLS 1.3 needs; strict clients will refuse it"
    )]
    NoDigitalSignature,
    /// No subject alternative name.
    #[error(
        "there is no subjectAltName; many clients cannot verify the host name (sslmode=verify-full)"
    )]
    NoSubjectAltName,
    /// extKeyUsage without serverAuth.
    #[error("extendedKeyUsage does not allow serverAuth; clients will refuse it")]
    NotForServers,
    /// No path to the authorities given.
    #[error("clients that trust the given authorities will refuse it: {reason}")]
    NotTrusted {
        /// What the verifier says.
        reason: String,
    },
    /// Before its beginning.
    #[error("certificate {number} is not valid before {from}; check the clock")]
    NotYetValid {
        /// Which.
        number: usize,
        /// From when.
        from: String,
    },
    /// A self-signed certificate with CA:TRUE, as `openssl req -x509` makes them.
    #[error(
        "the certificate is self-signed with CA:TRUE; libpq accepts it, clients with rustls do not"
    )]
    SelfSignedAuthority,
    /// An RSA key below 2048 bits.
    #[error("the RSA key has less than 2048 bits; current clients will refuse it")]
    WeakKey,
    /// A signature on MD5 or SHA-1.
    #[error("certificate {number} is signed with {algorithm}, which current clients refuse")]
    WeakSignature {
        /// Which.
        number: usize,
        /// How.
        algorithm: String,
    },
    /// The issuer is in the file, but not next.
    #[error(
        "the chain is out of order: the issuer \"{issuer}\" of certificate {number} must come right after it"
    )]
    WrongOrder {
        /// The certificate.
        number: usize,
        /// Whose certificate must follow.
        issuer: String,
    },
}
