//! The certificates that a server sends: facts, order, trust.

use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use super::fault::printable;
use super::report::{Certificate, Completeness, Stapled, Trust};
use crate::info::CertificateInfo;
use crate::ocsp::Inquiry;
use crate::verdict::{ClientCertificate, ClientSslMode, Outcome, Plaintext, Question};

/// Reads a chain, as far as it can be read.
pub(super) fn read(chain: &[CertificateDer<'static>]) -> Vec<CertificateInfo> {
    let infos = chain.iter().map(|der| CertificateInfo::from_der(der));
    infos.map_while(Result::ok).collect()
}

/// Its facts.
pub(super) fn describe(info: &CertificateInfo, now: SystemTime) -> Certificate {
    let names = info.subject_alt_names().iter().take(NAMES_MAX);
    Certificate {
        subject: printable(&info.subject().rfc2253()),
        issuer: printable(&info.issuer().rfc2253()),
        common_name: info.common_name().ok().flatten().map(printable),
        names: names.map(|name| printable(&name.to_string())).collect(),
        serial: printable(info.serial()),
        not_before: info.not_before_text(),
        not_after: info.not_after_text(),
        days_left: info.days_left(now),
        key: printable(&info.key_algorithm().to_string()),
        signature: printable(info.signature_algorithm().name()),
        fingerprint_sha256: info.fingerprint_text(),
        version: info.version(),
        is_ca: info.is_ca(),
    }
}

/// Judges a chain as `sslmode=verify-ca` does with these certificates in `sslrootcert`.
pub(super) fn trust(
    chain: &[CertificateDer<'static>],
    roots: &[CertificateDer<'static>],
    now: SystemTime,
) -> Trust {
    let leaf = chain.first().map(|leaf| CertificateInfo::from_der(leaf));
    if let Some(Ok(leaf)) = leaf
        && leaf.version() < 3
    {
        return Trust::Unknown {
            reason: "it is of X.509 version 1, which libpq takes and rustls does not".to_owned(),
        };
    }
    let verdict = Question {
        host: "",
        roots: Some(roots),
        chain: Some(chain),
        plaintext: Plaintext::Refused,
        client_certificate: ClientCertificate::NotDemanded,
        now,
    }
    .judge(ClientSslMode::VerifyCa);
    match verdict.outcome {
        Outcome::AuthorityVerified => Trust::Trusted,
        _ => Trust::Refused {
            reason: printable(&verdict.reason),
            fix: verdict.cure.as_deref().map(printable),
        },
    }
}

/// Judges a stapled OCSP response; `None` if there is none.
pub(super) fn stapled(
    chain: &[CertificateDer<'static>],
    response: &[u8],
    roots: Option<&[CertificateDer<'static>]>,
    now: SystemTime,
) -> Option<Stapled> {
    let (leaf, sent) = chain.split_first()?;
    if response.is_empty() {
        return None;
    }
    let issuers: Vec<_> = sent
        .iter()
        .chain(roots.unwrap_or_default())
        .cloned()
        .collect();
    let Ok(inquiry) = Inquiry::new(leaf, &issuers) else {
        return Some(Stapled::Unknown);
    };
    Some(match inquiry.verify(response, now) {
        Ok(staple) => Stapled::Good {
            until: staple.valid_until_text(),
        },
        Err(error) => Stapled::Bad {
            reason: printable(&error.to_string()),
        },
    })
}

/// Whether what the server sent leads to an end.
pub(super) fn completeness(infos: &[CertificateInfo], trusted: Option<&Trust>) -> Completeness {
    if trusted == Some(&Trust::Trusted) {
        return Completeness::Complete;
    }
    for (number, pair) in (1..).zip(infos.windows(2)) {
        if let [issued, issuer] = pair
            && issued.issuer() != issuer.subject()
        {
            return Completeness::Broken {
                reason: printable(&format!(
                    "certificate {number} was issued by \"{}\", but \"{}\" follows it",
                    issued.issuer(),
                    issuer.subject()
                )),
            };
        }
    }
    match infos.last() {
        None => Completeness::Broken {
            reason: "no certificate could be read".to_owned(),
        },
        Some(last) if last.is_self_issued() => Completeness::Complete,
        Some(last) => Completeness::EndsBelow {
            issuer: printable(&last.issuer().rfc2253()),
        },
    }
}

/// Names of one certificate that are told.
const NAMES_MAX: usize = 100;
