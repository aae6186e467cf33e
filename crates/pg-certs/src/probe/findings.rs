//! What is wrong or unwise, and what to do about it.

use super::Options;
use super::report::{
    Completeness, EarlyBytes, Finding, Login, Report, Severity, SslAnswer, Stapled, Tls,
};
use crate::info::{CertificateInfo, KeyAlgorithm};

/// Everything to say about a report, errors first; `infos` are the certificates that could be read.
pub(super) fn find(report: &Report, infos: &[CertificateInfo], options: &Options) -> Vec<Finding> {
    let mut all = Findings::default();
    required_mode(report, options, &mut all);
    if let Some(tls) = &report.tls {
        chain(tls, infos, options, &mut all);
        login(&tls.login, &mut all);
    }
    offers(report, &mut all);
    early_bytes(&report.early_bytes, &mut all);
    plaintext(report, &mut all);
    all.0.sort_by_key(|finding| finding.severity);
    all.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, code: &'static str, text: impl Into<String>) {
        self.push(Severity::Error, code, text.into());
    }

    fn warning(&mut self, code: &'static str, text: impl Into<String>) {
        self.push(Severity::Warning, code, text.into());
    }

    fn push(&mut self, severity: Severity, code: &'static str, text: String) {
        self.0.push(Finding {
            severity,
            code,
            text,
        });
    }
}

fn required_mode(report: &Report, options: &Options, all: &mut Findings) {
    let required = options.required_mode();
    let failed = report
        .verdicts
        .iter()
        .filter(|verdict| verdict.sslmode == required && verdict.connects != Some(true));
    for verdict in failed {
        let host = verdict.host.as_deref();
        let host = host.map(|host| format!(" host={host}")).unwrap_or_default();
        all.error(
            "sslmode",
            format!(
                "sslmode={required}{host} does not connect: {}",
                verdict.reason
            ),
        );
    }
}

fn chain(tls: &Tls, infos: &[CertificateInfo], options: &Options, all: &mut Findings) {
    for (number, certificate) in (1..).zip(&tls.chain) {
        let (days, not_after) = (certificate.days_left, &certificate.not_after);
        if days < 0 {
            all.error(
                "expired",
                format!("certificate {number} has expired on {not_after}; renew it"),
            );
        } else if days < i64::from(options.expires_within_days) {
            all.error(
                "expires",
                format!("certificate {number} expires in {days} days, on {not_after}; renew it"),
            );
        }
    }
    if let Completeness::Broken { reason } = &tls.completeness {
        all.error(
            "chain",
            format!("the chain does not fit together: {reason}"),
        );
    }
    if let Some(reason) = &tls.key_unproven {
        all.error(
            "key",
            format!("the server does not prove that it has the key of its certificate: {reason}"),
        );
    }
    if let Some(Stapled::Bad { reason }) = &tls.stapled_ocsp {
        all.error(
            "staple",
            format!("clients that look at the stapled OCSP response refuse the server: {reason}"),
        );
    }
    if let Some(leaf) = infos.first() {
        leaf_warnings(leaf, all);
    }
    for (number, info) in (1..).zip(infos) {
        if info.signature_algorithm().is_weak() && !info.is_self_issued() {
            all.warning(
                "weak_signature",
                format!(
                    "certificate {number} is signed with {}, which current clients refuse",
                    info.signature_algorithm()
                ),
            );
        }
    }
}

fn leaf_warnings(leaf: &CertificateInfo, all: &mut Findings) {
    if leaf.version() < 3 {
        all.warning(
            "x509_v1",
            "the certificate is of X.509 version 1: libpq accepts it, clients with rustls do not",
        );
    }
    if leaf.is_ca() {
        all.warning(
            "authority_as_server",
            "the certificate is one of an authority (CA:TRUE): libpq accepts it, clients with rustls \
             do not",
        );
    }
    if leaf.subject_alt_names().is_empty() {
        all.warning(
            "no_names",
            "there is no subjectAltName; many clients cannot verify the host name",
        );
    }
    if matches!(leaf.key_algorithm(), KeyAlgorithm::Rsa { bits } if *bits < RSA_BITS_MIN) {
        all.warning(
            "weak_key",
            "the RSA key has less than 2048 bits; current clients will refuse it",
        );
    }
}

fn login(login: &Login, all: &mut Findings) {
    let Login::Asks { methods } = login else {
        return;
    };
    for method in methods {
        match method.as_str() {
            "md5" => all.warning(
                "md5",
                "md5 is broken, and gone from PostgreSQL soon; use scram-sha-256",
            ),
            "password" => all.warning(
                "cleartext_password",
                "the server learns the password itself; use scram-sha-256",
            ),
            _ => {}
        }
    }
}

fn offers(report: &Report, all: &mut Findings) {
    for attempt in &report.versions {
        let accepted = attempt.accepted == Some(true);
        match attempt.name.as_str() {
            "TLSv1" | "TLSv1.1" if accepted => all.warning(
                "old_tls",
                format!(
                    "{} is accepted (RFC 8996 forbids it); set ssl_min_protocol_version to TLSv1.2",
                    attempt.name
                ),
            ),
            "TLSv1.3" if attempt.accepted == Some(false) => {
                all.warning("no_tls13", "TLS 1.3 is not offered");
            }
            _ => {}
        }
    }
    let direct_without_alpn = report.negotiation.direct_without_alpn.as_ref();
    if direct_without_alpn.is_some_and(|attempt| attempt.accepted == Some(true)) {
        all.warning(
            "direct_without_alpn",
            "direct TLS is served without ALPN, which lets an attacker confuse protocols (ALPACA)",
        );
    }
    let unanswered = report
        .versions
        .iter()
        .chain(&report.ciphers)
        .chain(report.groups.iter().map(|group| &group.attempt))
        .filter(|attempt| attempt.accepted.is_none())
        .count();
    if unanswered > 0 {
        all.warning(
            "unanswered",
            format!("{unanswered} attempts had no answer in time; try a longer --timeout"),
        );
    }
}

fn early_bytes(early: &EarlyBytes, all: &mut Findings) {
    match early {
        EarlyBytes::Executed { answer } => all.error(
            "early_bytes",
            format!(
                "bytes sent before the handshake are read as if they had come in TLS \
                 (CVE-2021-23214): {answer}; update the server"
            ),
        ),
        EarlyBytes::Ignored => all.warning(
            "early_bytes_ignored",
            "bytes sent before the handshake are thrown away instead of ending the connection",
        ),
        EarlyBytes::Refused { .. } | EarlyBytes::ServedInClear | EarlyBytes::Unknown { .. } => {}
    }
}

fn plaintext(report: &Report, all: &mut Findings) {
    let offered = report.ssl_request == SslAnswer::Accepted;
    match &report.plaintext {
        Login::Asks { methods } => {
            let sends_password = methods.iter().any(|method| method == "password");
            if sends_password {
                all.warning(
                    "cleartext_password_in_clear",
                    "without TLS the password goes over the wire as it is",
                );
            } else if offered {
                all.warning("plaintext", PLAINTEXT);
            }
        }
        Login::Admitted if offered => all.warning("plaintext", PLAINTEXT),
        Login::Admitted | Login::Ended { .. } | Login::Refused { .. } => {}
    }
}

const PLAINTEXT: &str = "logins without TLS are admitted (sslmode=prefer can be stripped of TLS); \
                         PostgreSQL: use hostssl rules";

/// What current clients ask of RSA keys.
const RSA_BITS_MIN: usize = 2048;
