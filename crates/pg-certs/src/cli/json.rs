//! What the commands answer with `--json`.

use std::path::Path;
use std::time::SystemTime;

use pg_certs::CertificateInfo;
use pg_certs::doctor::Check;
use pg_certs::info::RevocationList;
use pg_certs::verdict::Verdict;
use serde::Serialize;

/// A certificate.
#[derive(Debug, Serialize)]
pub(super) struct Certificate {
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    days_left: i64,
    names: Vec<String>,
    key: String,
    signature: String,
    is_authority: bool,
    extended_key_usage: Option<Vec<String>>,
    sha256: String,
}

impl Certificate {
    pub(super) fn new(info: &CertificateInfo, now: SystemTime) -> Self {
        Self {
            subject: info.subject().rfc2253(),
            issuer: info.issuer().rfc2253(),
            serial: hex(info.serial_bytes()),
            not_before: info.not_before_text(),
            not_after: info.not_after_text(),
            days_left: info.days_left(now),
            names: texts(info.subject_alt_names()),
            key: info.key_algorithm().to_string(),
            signature: info.signature_algorithm().to_string(),
            is_authority: info.is_ca(),
            extended_key_usage: info.extended_key_usage().map(texts),
            sha256: info.fingerprint_text(),
        }
    }
}

/// A revocation list.
#[derive(Debug, Serialize)]
pub(super) struct List {
    issuer: String,
    number: Option<String>,
    this_update: String,
    next_update: String,
    revoked: Vec<Revoked>,
}

#[derive(Debug, Serialize)]
struct Revoked {
    serial: String,
    reason: Option<&'static str>,
}

impl List {
    pub(super) fn new(list: &RevocationList) -> Self {
        let revoked = list.revoked();
        Self {
            issuer: list.issuer().rfc2253(),
            number: list.number(),
            this_update: list.this_update_text(),
            next_update: list.next_update_text(),
            revoked: revoked
                .iter()
                .map(|entry| Revoked {
                    serial: hex(entry.serial_bytes()),
                    reason: entry.reason().map(|reason| reason.as_str()),
                })
                .collect(),
        }
    }
}

/// Something about a file.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    level: &'static str,
    file: String,
    text: String,
}

impl From<&Check> for Finding {
    fn from(check: &Check) -> Self {
        Self {
            level: check.level.as_str(),
            file: path(&check.file),
            text: check.text.clone(),
        }
    }
}

/// Whether a client connects.
#[derive(Debug, Serialize)]
pub(super) struct Connects {
    host: String,
    sslmode: &'static str,
    connects: bool,
    outcome: &'static str,
    reason: String,
    cure: Option<String>,
    caution: Option<String>,
}

impl From<&Verdict> for Connects {
    fn from(verdict: &Verdict) -> Self {
        Self {
            host: verdict.host.clone(),
            sslmode: verdict.sslmode.as_str(),
            connects: verdict.outcome.connects(),
            outcome: verdict.outcome.as_str(),
            reason: verdict.reason.clone(),
            cure: verdict.cure.clone(),
            caution: verdict.caution.clone(),
        }
    }
}

/// A path as text.
pub(super) fn path(path: &Path) -> String {
    path.display().to_string()
}

/// Bytes as OpenSSL prints serial numbers.
pub(super) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn texts(items: &[impl ToString]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
