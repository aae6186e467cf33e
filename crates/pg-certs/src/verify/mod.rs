//! Judges a certificate file and a key file, as a server would use them.

mod authority;
mod chain;
mod key;
mod report;

use std::path::Path;
use std::time::SystemTime;

use zeroize::Zeroizing;

pub use self::authority::{ChainCheck, ChainFault, Purpose, load_lists};
pub(crate) use self::chain::{PathFault, check_path};
pub(crate) use self::key::{KeyMatch, key_match};
pub use self::report::{Finding, VerifyReport};
use crate::files::is_interrupted;
use crate::info::{CertificateInfo, KeyAlgorithm};
use crate::key_file::check_key_file_permissions;
use crate::load::{LoadError, load_private_key, load_trust_anchors, parse_chain};

/// Judges the files of a server at the time `now`; with `ca`, also against the authorities its clients
/// trust.
pub(crate) fn verify(
    certificate: &Path,
    key: &Path,
    ca: Option<&Path>,
    now: SystemTime,
) -> Result<VerifyReport, LoadError> {
    let parsed = parse_chain(certificate)?.into_iter();
    let (chain, infos): (Vec<_>, Vec<_>) = parsed.map(|parsed| (parsed.der, parsed.info)).unzip();
    let key_der = Zeroizing::new(load_private_key(key)?);
    let anchors = ca.map(load_trust_anchors).transpose()?;

    let mut report = VerifyReport::new(certificate, key, &infos, now);
    if let Err(error) = check_key_file_permissions(key) {
        report.error(Finding::KeyFile { error });
    }
    if is_interrupted(certificate, key) {
        report.error(Finding::Interrupted);
    }
    if let Some((leaf, leaf_der)) = infos.first().zip(chain.first()) {
        match key_match(leaf_der, &key_der) {
            KeyMatch::Same => judge_leaf(leaf, &mut report),
            KeyMatch::Different => {
                let owner = chain
                    .iter()
                    .position(|der| key_match(der, &key_der) == KeyMatch::Same);
                report.error(match owner {
                    Some(index) => Finding::LeafNotFirst { number: index + 1 },
                    None => Finding::KeyMismatch,
                });
            }
            KeyMatch::Unknown(reason) => report.error(Finding::KeyNotUsable { reason }),
        }
    }
    judge_dates(&infos, now, &mut report);
    chain::judge(&infos, &chain, anchors.as_deref(), now, &mut report);
    Ok(report)
}

/// What makes a leaf unusable for a server, or unwelcome with some clients.
fn judge_leaf(leaf: &CertificateInfo, report: &mut VerifyReport) {
    if leaf.is_ca() {
        // OpenSSL's clients accept it, rustls' do not; and operators have them from `openssl req -x509`.
        match leaf.is_self_issued() {
            true => report.warning(Finding::SelfSignedAuthority),
            false => report.error(Finding::AuthorityAsLeaf),
        }
    }
    if !leaf.allows_server_auth() {
        report.error(Finding::NotForServers);
    }
    if !leaf.can_sign_tls() {
        report.warning(Finding::NoDigitalSignature);
    }
    if leaf.subject_alt_names().is_empty() {
        report.warning(Finding::NoSubjectAltName);
    }
    if matches!(leaf.key_algorithm(), KeyAlgorithm::Rsa { bits } if *bits < RSA_BITS_MIN) {
        report.warning(Finding::WeakKey);
    }
}

fn judge_dates(infos: &[CertificateInfo], now: SystemTime, report: &mut VerifyReport) {
    for (number, info) in (1..).zip(infos) {
        if now < info.not_before() {
            report.error(Finding::NotYetValid {
                number,
                from: info.not_before_text(),
            });
        }
        if now > info.not_after() {
            report.error(Finding::Expired {
                number,
                since: info.not_after_text(),
            });
        } else if info.days_left(now) < DAYS_LEFT_MIN {
            report.warning(Finding::ExpiresSoon {
                number,
                days: info.days_left(now),
            });
        }
        if info.signature_algorithm().is_weak() && !info.is_self_issued() {
            report.warning(Finding::WeakSignature {
                number,
                algorithm: info.signature_algorithm().name().to_owned(),
            });
        }
    }
}

/// Time for a person to act before the end.
const DAYS_LEFT_MIN: i64 = 14;

/// What current clients ask of RSA keys.
const RSA_BITS_MIN: usize = 2048;

#[cfg(test)]
mod tests;
