//! From when to when a certificate is valid.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

use super::error::GenerateError;
use crate::info::CertificateInfo;

/// The validity of a certificate to be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity(Kind);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Between(SystemTime, SystemTime),
    Days(u32),
}

impl Validity {
    /// From a little before now (peers whose clock is behind must not say "not yet valid") until so many
    /// days from now, cut to the validity of the issuer.
    pub const fn days(days: u32) -> Self {
        Self(Kind::Days(days))
    }

    /// Exactly from and to these times, in seconds; refused if they leave the validity of the issuer.
    /// For certificates that have expired or are not yet valid.
    pub const fn between(not_before: SystemTime, not_after: SystemTime) -> Self {
        Self(Kind::Between(not_before, not_after))
    }

    /// The dates to write into the certificate.
    pub(super) fn resolve(
        self,
        now: SystemTime,
        backdating: Duration,
        issuer: Option<&CertificateInfo>,
    ) -> Result<(OffsetDateTime, OffsetDateTime), GenerateError> {
        let (begin, end, exact) = match self.0 {
            Kind::Between(begin, end) => (seconds(begin), seconds(end), true),
            Kind::Days(days) => (
                seconds(now)
                    .saturating_sub(i64::try_from(backdating.as_secs()).unwrap_or(i64::MAX)),
                seconds(now).saturating_add(i64::from(days) * 86_400),
                false,
            ),
        };
        let bad = || GenerateError::BadValidity {
            not_before: text(begin),
            not_after: text(end),
        };
        let (mut from, mut to) = (begin, end);
        if let Some(issuer) = issuer {
            let (issuer_begin, issuer_end) =
                (seconds(issuer.not_before()), seconds(issuer.not_after()));
            if !exact {
                from = from.max(issuer_begin);
                to = to.min(issuer_end);
            }
            let inside = issuer_begin <= from && to <= issuer_end;
            // An issuer that has expired leaves nothing: the cut end lies in the past.
            if !inside || (!exact && to <= seconds(now)) {
                return Err(GenerateError::OutsideIssuer {
                    not_before: text(begin),
                    not_after: text(end),
                    issuer: issuer.subject().rfc2253(),
                    issuer_not_before: issuer.not_before_text(),
                    issuer_not_after: issuer.not_after_text(),
                });
            }
        }
        if from > to || from < FIRST_SECOND {
            return Err(bad());
        }
        match (
            OffsetDateTime::from_unix_timestamp(from),
            OffsetDateTime::from_unix_timestamp(to),
        ) {
            (Ok(from), Ok(to)) => Ok((from, to)),
            _ => Err(bad()),
        }
    }
}

fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds)
        }
    }
}

fn text(seconds: i64) -> String {
    match OffsetDateTime::from_unix_timestamp(seconds) {
        Ok(time) => format!(
            "{} {:02}:{:02}:{:02} UTC",
            time.date(),
            time.hour(),
            time.minute(),
            time.second()
        ),
        Err(_) => format!("second {seconds} of the Unix epoch"),
    }
}

/// Peers whose clock is behind by up to an hour accept a new certificate.
pub(super) const LEAF_BACKDATING: Duration = Duration::from_secs(60 * 60);

/// An authority is backdated further, so that certificates which have already expired can be issued.
pub(super) const AUTHORITY_BACKDATING: Duration = Duration::from_secs(24 * 60 * 60);

/// 1950-01-01, the first day of UTCTime.
const FIRST_SECOND: i64 = -631_152_000;
