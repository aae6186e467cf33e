//! The examination, file by file.

use std::path::Path;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use super::{Check, Diagnosis, Doctor, Level};
use crate::info::{CertificateInfo, RevocationList, SubjectAltName};
use crate::key_file::check_key_file_permissions;
use crate::load::{
    load_certificate_chain, load_private_key, load_revocation_lists, load_trust_anchors,
};
use crate::verdict::{Question, Verdict};
use crate::verify::{Finding, verify};

pub(super) fn examine(doctor: &Doctor, now: SystemTime) -> Diagnosis {
    let mut patient = Patient {
        doctor,
        now,
        checks: Vec::new(),
    };
    let chain = patient.pair();
    let roots = doctor
        .roots
        .as_deref()
        .and_then(|path| patient.authorities(path, "clients trust"));
    let signers = doctor
        .client_authorities
        .as_deref()
        .and_then(|path| patient.authorities(path, "signs client certificates:"));
    patient.lists(signers.as_deref());
    let verdicts = chain
        .map(|chain| patient.verdicts(&chain, roots.as_deref()))
        .unwrap_or_default();
    Diagnosis {
        checks: patient.checks,
        verdicts,
    }
}

struct Patient<'a> {
    doctor: &'a Doctor,
    now: SystemTime,
    checks: Vec<Check>,
}

impl Patient<'_> {
    fn say(&mut self, level: Level, file: &Path, text: impl ToString) {
        self.checks.push(Check {
            level,
            file: file.to_owned(),
            text: text.to_string(),
        });
    }

    /// Certificate and key; the chain if it loads.
    fn pair(&mut self) -> Option<Vec<CertificateDer<'static>>> {
        let (certificate, key) = (&self.doctor.certificate, &self.doctor.key);
        let chain = load_certificate_chain(certificate);
        if let Err(error) = &chain {
            self.say(Level::Error, certificate, error);
        }
        let key_loads = load_private_key(key);
        match (&chain, &key_loads) {
            (Ok(chain), Ok(_)) => self.whole_pair(chain),
            (_, Err(error)) => self.say(Level::Error, key, error),
            (Err(_), Ok(_)) => {
                if let Err(error) = check_key_file_permissions(key) {
                    self.say(Level::Error, key, Finding::KeyFile { error });
                }
            }
        }
        chain.ok()
    }

    fn whole_pair(&mut self, chain: &[CertificateDer<'static>]) {
        let (certificate, key) = (&self.doctor.certificate, &self.doctor.key);
        let report = match verify(certificate, key, None, self.now) {
            Ok(report) => report,
            Err(error) => return self.say(Level::Error, error.path(), &error),
        };
        if let Some(leaf) = report.certificate() {
            self.say(
                Level::Ok,
                certificate,
                format!("for {}, {}", names(leaf), lasts(leaf, self.now)),
            );
        }
        for (number, der) in (1..).zip(chain) {
            if let Ok(info) = CertificateInfo::from_der(der) {
                self.runs_out(certificate, &format!("certificate {number}"), &info);
            }
        }
        let levels = [
            (Level::Error, report.errors()),
            (Level::Warning, report.warnings()),
        ];
        let mut key_is_good = true;
        for (level, findings) in levels {
            for finding in findings {
                let about_key = matches!(
                    finding,
                    Finding::KeyFile { .. } | Finding::KeyMismatch | Finding::KeyNotUsable { .. }
                );
                key_is_good &= !about_key;
                self.say(level, if about_key { key } else { certificate }, finding);
            }
        }
        if key_is_good {
            self.say(
                Level::Ok,
                key,
                "belongs to the certificate, and nobody else can read it",
            );
        }
    }

    /// A file of authorities; what is in it if it loads.
    fn authorities(&mut self, path: &Path, what: &str) -> Option<Vec<CertificateDer<'static>>> {
        let anchors = match load_trust_anchors(path) {
            Ok(anchors) => anchors,
            Err(error) => {
                self.say(Level::Error, path, error);
                return None;
            }
        };
        let infos: Vec<CertificateInfo> = anchors
            .iter()
            .filter_map(|der| CertificateInfo::from_der(der).ok())
            .collect();
        for info in &infos {
            let text = format!("{what} \"{}\", {}", info.subject(), lasts(info, self.now));
            match self.now > info.not_after() {
                true => self.say(Level::Error, path, format!("{text}; renew the authority")),
                false => self.say(Level::Ok, path, text),
            }
            self.runs_out(path, &format!("the authority \"{}\"", info.subject()), info);
        }
        if !infos.iter().any(CertificateInfo::is_self_issued) {
            self.say(
                Level::Warning,
                path,
                "it has no self-signed root, where PostgreSQL and libpq end a chain; append the root's \
                 certificate",
            );
        }
        Some(anchors)
    }

    /// Revocation lists: each usable and about somebody who signs, and nobody left out.
    fn lists(&mut self, signers: Option<&[CertificateDer<'static>]>) {
        let signers: Vec<CertificateInfo> = signers
            .unwrap_or_default()
            .iter()
            .filter_map(|der| CertificateInfo::from_der(der).ok())
            .collect();
        let mut all: Vec<RevocationList> = Vec::new();
        for path in &self.doctor.lists {
            match load_revocation_lists(path) {
                Ok(lists) => {
                    for list in &lists {
                        self.list(path, list, &signers);
                    }
                    all.extend(lists);
                }
                Err(error) => self.say(Level::Error, path, error),
            }
        }
        let Some(first) = self.doctor.lists.first().filter(|_| !all.is_empty()) else {
            return;
        };
        let uncovered = signers
            .iter()
            .filter(|signer| !all.iter().any(|list| list.issuer() == signer.subject()));
        for signer in uncovered {
            self.say(
                Level::Error,
                first,
                format!(
                    "there is no list of \"{}\", so all certificates that it signed are refused; add its list",
                    signer.subject()
                ),
            );
        }
    }

    fn list(&mut self, path: &Path, list: &RevocationList, signers: &[CertificateInfo]) {
        let text = format!(
            "list of \"{}\", {} revoked, next one due on {}",
            list.issuer(),
            list.revoked().len(),
            list.next_update_text()
        );
        let due = list.next_update().duration_since(self.now).ok();
        if due.is_none_or(|due| due < self.doctor.expires_within) {
            let text = match due {
                None => {
                    format!("{text}, which is past: clients are refused; make it: pg-certs crl")
                }
                Some(_) => format!("{text}, which is soon; make it: pg-certs crl"),
            };
            self.say(Level::Error, path, text);
        } else {
            self.say(Level::Ok, path, text);
        }
        if !signers.is_empty() && !signers.iter().any(|it| it.subject() == list.issuer()) {
            self.say(
                Level::Warning,
                path,
                format!(
                    "\"{}\" signs no client certificates here; is it the right list?",
                    list.issuer()
                ),
            );
        }
    }

    /// An error if a certificate that is still valid ends within the time asked for.
    fn runs_out(&mut self, path: &Path, which: &str, info: &CertificateInfo) {
        let left = info.not_after().duration_since(self.now);
        if left.is_ok_and(|left| left < self.doctor.expires_within) {
            self.say(
                Level::Error,
                path,
                format!("{which} expires on {}; renew it", info.not_after_text()),
            );
        }
    }

    fn verdicts(
        &self,
        chain: &[CertificateDer<'static>],
        roots: Option<&[CertificateDer<'static>]>,
    ) -> Vec<Verdict> {
        let hosts = match self.doctor.hosts.as_slice() {
            [] => hosts_of(chain),
            hosts => hosts.to_vec(),
        };
        hosts
            .iter()
            .flat_map(|host| {
                Question {
                    host,
                    roots,
                    chain: Some(chain),
                    plaintext: self.doctor.plaintext,
                    client_certificate: self.doctor.client_certificate,
                    now: self.now,
                }
                .judge_all()
            })
            .collect()
    }
}

fn names(leaf: &CertificateInfo) -> String {
    let names: Vec<String> = leaf
        .subject_alt_names()
        .iter()
        .map(|name| match name {
            SubjectAltName::Dns(name) => name.clone(),
            SubjectAltName::Ip(address) => address.to_string(),
            other => other.to_string(),
        })
        .collect();
    match names.as_slice() {
        [] => format!("\"{}\"", leaf.subject()),
        names => names.join(", "),
    }
}

fn lasts(info: &CertificateInfo, now: SystemTime) -> String {
    format!(
        "until {} ({} days left)",
        info.not_after_text(),
        info.days_left(now)
    )
}

/// A host for each name of the certificate; for a wildcard, one that it covers.
fn hosts_of(chain: &[CertificateDer<'static>]) -> Vec<String> {
    let Some(Ok(leaf)) = chain.first().map(|leaf| CertificateInfo::from_der(leaf)) else {
        return Vec::new();
    };
    let hosts: Vec<String> = leaf
        .subject_alt_names()
        .iter()
        .filter_map(|name| match name {
            SubjectAltName::Dns(name) => Some(match name.strip_prefix('*') {
                Some(rest) => format!("any{rest}"),
                None => name.clone(),
            }),
            SubjectAltName::Ip(address) => Some(address.to_string()),
            _ => None,
        })
        .collect();
    match (hosts.as_slice(), leaf.common_name()) {
        ([], Ok(Some(name))) => vec![name.to_owned()],
        _ => hosts,
    }
}
