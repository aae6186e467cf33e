//! Order and completeness of a chain.

use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::report::{Finding, VerifyReport};
use crate::info::CertificateInfo;
use crate::provider::provider;

/// Judges the chain: each certificate is issued by the next one, in name and signature; with `anchors`,
/// the whole leads to one of them.
pub(super) fn judge(
    infos: &[CertificateInfo],
    chain: &[CertificateDer<'static>],
    anchors: Option<&[CertificateDer<'static>]>,
    now: SystemTime,
    report: &mut VerifyReport,
) {
    let mut in_order = true;
    for (number, pair) in (1..).zip(infos.windows(2)) {
        let [issued, issuer] = pair else { continue };
        if issued.issuer() == issuer.subject() {
            if !issuer.is_ca() && issuer.version() == 3 {
                report.error(Finding::IssuerNotAuthority { number: number + 1 });
            }
            continue;
        }
        in_order = false;
        let elsewhere = infos.iter().any(|other| issued.issuer() == other.subject());
        let issuer = issued.issuer().rfc2253();
        report.error(match elsewhere && !issued.is_self_issued() {
            true => Finding::WrongOrder { number, issuer },
            false => Finding::ChainGap { number, issuer },
        });
    }
    match anchors {
        Some(anchors) => {
            if let Err(fault) = check_path(chain, anchors, now) {
                report.error(Finding::NotTrusted {
                    reason: fault.to_string(),
                });
            }
        }
        None if in_order => judge_signatures(infos, chain, report),
        None => {}
    }
}

/// Without anchors the last certificate stands in for them: names that fit with signatures that do not
/// are two authorities of one name.
fn judge_signatures(
    infos: &[CertificateInfo],
    chain: &[CertificateDer<'static>],
    report: &mut VerifyReport,
) {
    let Some((last, _)) = chain.split_last().filter(|(_, rest)| !rest.is_empty()) else {
        return;
    };
    // A moment at which all are valid: dates are judged apart.
    let Some(moment) = infos.iter().map(CertificateInfo::not_before).max() else {
        return;
    };
    if !infos.iter().all(|info| moment <= info.not_after()) {
        return;
    }
    // Only the signatures: a leaf that is an authority or not for servers is reported by itself.
    let leaf_is_plain = infos
        .first()
        .is_some_and(|leaf| !leaf.is_ca() && leaf.allows_server_auth());
    if let (true, Err(fault)) = (
        leaf_is_plain,
        check_path(chain, std::slice::from_ref(last), moment),
    ) {
        report.error(Finding::BadChain {
            reason: fault.to_string(),
        });
    }
}

/// Why no path leads from a certificate to an anchor.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PathFault {
    #[error("this build has no cryptography; enable aws-lc-rs or ring")]
    NoCryptography,
    #[error(transparent)]
    Refused(#[from] rustls::Error),
}

/// Whether a server's chain leads to one of the anchors, in signatures, dates and purposes.
pub(crate) fn check_path(
    chain: &[CertificateDer<'_>],
    anchors: &[CertificateDer<'_>],
    now: SystemTime,
) -> Result<(), PathFault> {
    let (Some(provider), Some((leaf, intermediates))) = (provider(), chain.split_first()) else {
        return Err(PathFault::NoCryptography);
    };
    let mut roots = RootCertStore::empty();
    for anchor in anchors {
        roots.add(anchor.clone())?;
    }
    let since_epoch = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Ok(verify_server_cert_signed_by_trust_anchor(
        &ParsedCertificate::try_from(leaf)?,
        &roots,
        intermediates,
        UnixTime::since_unix_epoch(since_epoch),
        provider.signature_verification_algorithms.all,
    )?)
}
