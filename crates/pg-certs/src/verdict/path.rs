//! Whether OpenSSL, with libpq's settings, verifies a server's chain.

use std::time::SystemTime;

use rustls::{CertificateError, Error};
use rustls_pki_types::CertificateDer;

use super::Obstacle;
use crate::info::CertificateInfo;
use crate::verify::{PathFault, check_path};

/// What libpq says when a chain does not verify; the reason follows.
const VERIFY_FAILED: &str = "SSL error: certificate verify failed";

/// Judges the chain as libpq does with these authorities in `sslrootcert`: it must end at one that is
/// self-signed. `chain` has the server's own certificate first.
pub(super) fn judge(
    chain: &[CertificateDer<'_>],
    roots: &[CertificateDer<'_>],
    now: SystemTime,
) -> Result<(), Obstacle> {
    let info = |der: &CertificateDer<'_>| CertificateInfo::from_der(der).ok();
    let Some(leaf) = chain.first() else {
        return Err(Obstacle::new("the server sent no certificate"));
    };
    if roots.contains(leaf)
        && let Some(info) = info(leaf)
        && info.is_self_issued()
    {
        return judge_trusted_leaf(&info, now);
    }
    let is_root = |der: &&CertificateDer<'_>| info(der).is_none_or(|info| info.is_self_issued());
    let (anchors, between): (Vec<_>, Vec<_>) = roots.iter().partition(is_root);
    let anchors: Vec<_> = anchors.into_iter().cloned().collect();
    // OpenSSL also builds with the authorities of the file that are no roots.
    let path: Vec<_> = chain.iter().chain(between).cloned().collect();
    let Err(fault) = check_path(&path, &anchors, now) else {
        return Ok(());
    };
    if check_path(chain, roots, now).is_ok() {
        return Err(Obstacle::new(format!(
            "{VERIFY_FAILED}: sslrootcert has an intermediate authority without its root"
        ))
        .cure("append the root's certificate to sslrootcert"));
    }
    Err(explain(chain, roots, &fault))
}

/// A certificate that is in `sslrootcert` itself: OpenSSL needs no path for it, authority or not.
fn judge_trusted_leaf(leaf: &CertificateInfo, now: SystemTime) -> Result<(), Obstacle> {
    if now > leaf.not_after() {
        return Err(expired(&leaf.not_after_text()));
    }
    if now < leaf.not_before() {
        return Err(not_yet_valid(&leaf.not_before_text()));
    }
    if !leaf.allows_server_auth() {
        return Err(wrong_purpose());
    }
    Ok(())
}

fn explain(
    chain: &[CertificateDer<'_>],
    roots: &[CertificateDer<'_>],
    fault: &PathFault,
) -> Obstacle {
    let infos: Vec<CertificateInfo> = chain
        .iter()
        .filter_map(|der| CertificateInfo::from_der(der).ok())
        .collect();
    let PathFault::Refused(Error::InvalidCertificate(error)) = fault else {
        return Obstacle::new(format!("{VERIFY_FAILED}: {fault}"));
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let first = infos.iter().min_by_key(|info| info.not_after());
            expired(
                &first
                    .map(CertificateInfo::not_after_text)
                    .unwrap_or_default(),
            )
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            let last = infos.iter().max_by_key(|info| info.not_before());
            not_yet_valid(
                &last
                    .map(CertificateInfo::not_before_text)
                    .unwrap_or_default(),
            )
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            wrong_purpose()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            unknown_issuer(&infos, roots)
        }
        other => Obstacle::new(format!("{VERIFY_FAILED}: {other}")),
    }
}

/// The chain ends somewhere: either the client trusts somebody else, or a certificate is missing in
/// between.
fn unknown_issuer(chain: &[CertificateInfo], roots: &[CertificateDer<'_>]) -> Obstacle {
    let trusted: Vec<String> = roots
        .iter()
        .filter_map(|der| CertificateInfo::from_der(der).ok())
        .map(|info| format!("\"{}\"", info.subject()))
        .collect();
    let issuer = chain
        .last()
        .map(|last| last.issuer().rfc2253())
        .unwrap_or_default();
    let namesake = trusted.contains(&format!("\"{issuer}\""));
    let (reason, cure) = match namesake {
        true => (
            format!("sslrootcert has another authority of the name \"{issuer}\""),
            format!("give clients the certificate of the \"{issuer}\" that issued the server's"),
        ),
        false => (
            format!(
                "the chain ends at the issuer \"{issuer}\", and sslrootcert has {}",
                trusted.join(", ")
            ),
            format!(
                "give clients the certificate of \"{issuer}\" as sslrootcert; if it is an intermediate \
                 authority, append its certificate to the server's certificate file instead"
            ),
        ),
    };
    Obstacle::new(format!("{VERIFY_FAILED}: {reason}")).cure(cure)
}

fn expired(since: &str) -> Obstacle {
    Obstacle::new(format!(
        "{VERIFY_FAILED}: certificate has expired on {since}"
    ))
    .cure("renew it: pg-certs renew")
}

fn not_yet_valid(from: &str) -> Obstacle {
    Obstacle::new(format!(
        "{VERIFY_FAILED}: certificate is not valid before {from}"
    ))
    .cure("check the clocks of client and server, or issue it anew")
}

fn wrong_purpose() -> Obstacle {
    Obstacle::new(format!(
        "{VERIFY_FAILED}: the certificate is not for servers (extendedKeyUsage without serverAuth)"
    ))
    .cure("issue one for servers: pg-certs server")
}
