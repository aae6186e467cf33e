//! One line of an index, in OpenSSL's form.

use std::time::SystemTime;

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::info::{CertificateInfo, RevocationReason, RevokedCertificate};

/// `STATUS EXPIRY REVOCATION SERIAL FILE SUBJECT`, with tabs between.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Line {
    expiry: String,
    pub(super) revoked: Option<Revocation>,
    /// Hexadecimal, two digits a byte, as OpenSSL writes it.
    pub(super) serial: String,
    file: String,
    pub(super) subject: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Revocation {
    pub(super) at: SystemTime,
    pub(super) reason: Option<RevocationReason>,
}

impl Line {
    pub(super) fn new(certificate: &CertificateInfo) -> Self {
        Self {
            expiry: asn1(certificate.not_after()),
            revoked: None,
            serial: hex(certificate.serial_bytes()),
            file: "unknown".to_owned(),
            // Control characters are escaped in it, so that there is no tab.
            subject: certificate.subject().slash(),
        }
    }

    pub(super) fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.splitn(6, '\t').collect();
        let [status, expiry, revoked, serial, file, subject] = fields.as_slice() else {
            return None;
        };
        let revoked = match (*status, *revoked) {
            ("V" | "E", "") => None,
            ("R", revoked) => Some(Revocation::parse(revoked)?),
            _ => return None,
        };
        let is_hex = !serial.is_empty() && serial.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| Self {
            expiry: (*expiry).to_owned(),
            revoked,
            serial: (*serial).to_owned(),
            file: (*file).to_owned(),
            subject: (*subject).to_owned(),
        })
    }

    pub(super) fn print(&self) -> String {
        let (status, revoked) = match &self.revoked {
            Some(revocation) => ("R", revocation.print()),
            None => ("V", String::new()),
        };
        [
            status,
            &self.expiry,
            &revoked,
            &self.serial,
            &self.file,
            &self.subject,
        ]
        .join("\t")
    }

    pub(super) fn entry(&self) -> Option<RevokedCertificate> {
        let revocation = self.revoked?;
        Some(RevokedCertificate {
            serial: bytes(&self.serial)?,
            revoked_at: revocation.at,
            reason: revocation.reason,
            invalid_since: None,
        })
    }
}

impl Revocation {
    /// `261125135200Z`, or with a reason behind a comma. OpenSSL's other forms of reasons are kept
    /// without the reason.
    fn parse(text: &str) -> Option<Self> {
        let (at, reason) = match text.split_once(',') {
            Some((at, reason)) => (at, Some(reason)),
            None => (text, None),
        };
        Some(Self {
            at: from_asn1(at)?,
            reason: reason.and_then(|reason| {
                RevocationReason::ALL
                    .iter()
                    .copied()
                    .find(|known| known.as_str().eq_ignore_ascii_case(reason))
            }),
        })
    }

    fn print(&self) -> String {
        match self.reason {
            Some(reason) => format!("{},{reason}", asn1(self.at)),
            None => asn1(self.at),
        }
    }
}

/// UTCTime up to 2049 and GeneralizedTime from then on.
pub(super) fn asn1(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    match time.year() {
        year @ 1950..=2049 => format!("{:02}{rest}", year % 100),
        year => format!("{year:04}{rest}"),
    }
}

pub(super) fn from_asn1(text: &str) -> Option<SystemTime> {
    let digits = text.strip_suffix('Z')?;
    let (year, rest) = digits.split_at_checked(digits.len().checked_sub(10)?)?;
    let year = match (year.len(), year.parse::<i32>().ok()?) {
        (2, year @ 50..) => 1900 + year,
        (2, year) => 2000 + year,
        (4, year) => year,
        _ => return None,
    };
    let number = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    let date = Date::from_calendar_date(year, Month::try_from(number(0)?).ok()?, number(2)?);
    let time = Time::from_hms(number(4)?, number(6)?, number(8)?);
    Some(
        PrimitiveDateTime::new(date.ok()?, time.ok()?)
            .assume_utc()
            .into(),
    )
}

pub(super) fn readable(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    format!(
        "{} {:02}:{:02}:{:02} UTC",
        time.date(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let hex = format!("{}{hex}", if hex.len() % 2 == 1 { "0" } else { "" });
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect()
}

/// A serial number without what its spelling leaves open.
pub(super) fn normal(serial: &str) -> String {
    let digits: String = serial.chars().filter(|c| *c != ':').collect();
    digits.trim_start_matches('0').to_ascii_uppercase()
}
