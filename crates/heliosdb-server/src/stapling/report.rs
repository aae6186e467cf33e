//! The log about staples.

use std::time::Duration;

use pg_certs::info::time_text;
use pg_certs::ocsp::{InquiryError, Staple};

use super::fetch::FetchError;
use crate::report::TARGET;

pub(super) fn warning(text: &str) {
    tracing::warn!(target: TARGET, "{text}");
}

pub(super) fn fetched(subject: &str, staple: &Staple) {
    let until = staple.valid_until_text();
    tracing::info!(
        target: TARGET,
        "OCSP response for \"{subject}\" fetched: it is stapled until {until}"
    );
}

pub(super) fn not_fetched(
    subject: &str,
    error: &FetchError,
    wait: Duration,
    present: Option<&pg_tls::Staple>,
) {
    let seconds = wait.as_secs().max(1);
    let present = match present {
        Some(staple) => format!(
            "the one of before is stapled until {}",
            time_text(staple.valid_until)
        ),
        None => "nothing is stapled".to_owned(),
    };
    tracing::warn!(
        target: TARGET,
        "could not fetch an OCSP response for \"{subject}\": {error}; {present}; next try in {seconds} s"
    );
}

/// Nothing is stapled: "revoked" in a staple would tell clients no more than the missing one does to those
/// that demand it, and keep nobody out who has stolen the key.
pub(super) fn revoked(subject: &str, error: &FetchError) {
    tracing::error!(
        target: TARGET,
        "the certificate of \"{subject}\" IS REVOKED, says {error}; nothing is stapled"
    );
}

pub(super) fn cannot_ask(subject: &str, error: &InquiryError) {
    tracing::warn!(
        target: TARGET,
        "no OCSP response can be fetched for \"{subject}\": {error}"
    );
}

pub(super) fn without_responder(count: usize, example: &str) {
    tracing::warn!(
        target: TARGET,
        "\"ssl_ocsp_fetch\" is on, but {count} of the certificates name no OCSP responder, such as \"{example}\""
    );
}
