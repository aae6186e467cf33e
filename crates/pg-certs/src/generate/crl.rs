//! What a certificate revocation list shall say.

use std::time::SystemTime;

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
use time::OffsetDateTime;

use super::error::GenerateError;
use super::validity::{LEAF_BACKDATING, Validity};
use crate::info::{
    CertificateInfo, DistinguishedName, RevocationList, RevocationReason, RevokedCertificate,
};

/// A certificate revocation list to be made by
/// [`CertificateAuthority::sign_crl`](super::CertificateAuthority::sign_crl).
///
/// A server that checks revocation refuses everybody once the list has expired, so whoever makes one
/// must make the next in time, even if nothing was revoked.
#[derive(Clone, Debug)]
pub struct CrlSpec {
    number: Vec<u8>,
    validity: Validity,
    revoked: Vec<RevokedCertificate>,
    /// Whose certificates were revoked here.
    issuers: Vec<DistinguishedName>,
}

impl CrlSpec {
    /// An empty list with the number 1, for 30 days.
    pub fn new() -> Self {
        Self {
            number: vec![1],
            validity: Validity::days(LIST_DAYS),
            revoked: Vec::new(),
            issuers: Vec::new(),
        }
    }

    /// The list that follows `previous`: the same entries and the next number, for 30 days from now.
    pub fn after(previous: &RevocationList) -> Self {
        Self {
            number: next(previous.number_bytes().unwrap_or_default()),
            revoked: previous.revoked(),
            issuers: vec![previous.issuer().clone()],
            ..Self::new()
        }
    }

    /// The number of the list; each list of an authority must have a greater one than the last
    /// (RFC 5280, section 5.2.3).
    #[must_use]
    pub fn with_number(mut self, number: u64) -> Self {
        self.number = number.to_be_bytes().to_vec();
        self
    }

    /// From its issue (thisUpdate) to its expiry (nextUpdate).
    #[must_use]
    pub fn with_validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// Adds a certificate, revoked now. One that the list has already stays as it was.
    #[must_use]
    pub fn revoke(self, certificate: &CertificateInfo, reason: RevocationReason) -> Self {
        self.revoke_at(certificate, reason, SystemTime::now())
    }

    /// Adds a certificate, revoked at this time. One that the list has already stays as it was.
    #[must_use]
    pub fn revoke_at(
        mut self,
        certificate: &CertificateInfo,
        reason: RevocationReason,
        revoked_at: SystemTime,
    ) -> Self {
        self.issuers.push(certificate.issuer().clone());
        if !self.revoked.iter().any(|entry| entry.is(certificate)) {
            self.revoked.push(RevokedCertificate {
                serial: certificate.serial_bytes().to_vec(),
                revoked_at,
                reason: Some(reason),
                invalid_since: None,
            });
        }
        self
    }

    /// Adds entries as they are. One whose serial number the list has already stays as it was.
    #[must_use]
    pub fn with_entries(mut self, entries: impl IntoIterator<Item = RevokedCertificate>) -> Self {
        for entry in entries {
            if !self
                .revoked
                .iter()
                .any(|known| known.serial == entry.serial)
            {
                self.revoked.push(entry);
            }
        }
        self
    }

    /// Whether the list has this certificate.
    pub fn has(&self, certificate: &CertificateInfo) -> bool {
        self.revoked.iter().any(|entry| entry.is(certificate))
    }

    /// The parameters for an authority with this certificate; an authority can revoke only what it
    /// issued.
    pub(super) fn params(
        &self,
        authority: &CertificateInfo,
    ) -> Result<CertificateRevocationListParams, GenerateError> {
        if let Some(issuer) = self
            .issuers
            .iter()
            .find(|issuer| *issuer != authority.subject())
        {
            return Err(GenerateError::NotIssuedHere {
                issuer: issuer.rfc2253(),
                authority: authority.subject().rfc2253(),
            });
        }
        let (this_update, next_update) =
            self.validity
                .resolve(SystemTime::now(), LEAF_BACKDATING, None)?;
        Ok(CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from_slice(&self.number),
            issuing_distribution_point: None,
            revoked_certs: self
                .revoked
                .iter()
                .map(|entry| RevokedCertParams {
                    serial_number: SerialNumber::from_slice(&entry.serial),
                    revocation_time: date(entry.revoked_at),
                    reason_code: entry.reason.map(RevocationReason::to_rcgen),
                    invalidity_date: entry.invalid_since.map(date),
                })
                .collect(),
            // OpenSSL finds the list by the key identifier in the authority's own certificate.
            key_identifier_method: match authority.subject_key_id() {
                Some(id) => KeyIdMethod::PreSpecified(id.to_vec()),
                None => KeyIdMethod::Sha256,
            },
        })
    }
}

impl Default for CrlSpec {
    fn default() -> Self {
        Self::new()
    }
}

/// Whole seconds, as both of DER's date types have them.
fn date(time: SystemTime) -> OffsetDateTime {
    let time = OffsetDateTime::from(time);
    time.replace_nanosecond(0).unwrap_or(time)
}

/// One more, big-endian.
fn next(number: &[u8]) -> Vec<u8> {
    let mut next = number.to_vec();
    for byte in next.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return next;
        }
    }
    next.insert(0, 1);
    next
}

/// A month is what most authorities give their lists.
const LIST_DAYS: u32 = 30;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::CertificateAuthority;
    use crate::files::Existing;
    use crate::generate::{CaSpec, ClientSpec};
    use crate::testing::{openssl, text, try_openssl};

    #[test]
    fn lists_say_what_they_should_and_openssl_believes_them() {
        let dir = tempfile::tempdir().unwrap();
        let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
        let ca_path = dir.path().join("ca.crt");
        ca.write_certificate(&ca_path, Existing::Keep).unwrap();
        let [alice, bob] =
            ["alice", "bob"].map(|user| ca.issue_client(&ClientSpec::new(user)).unwrap());
        let revoked_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let spec = CrlSpec::new()
            .with_number(255)
            .revoke_at(alice.info(), RevocationReason::KeyCompromise, revoked_at)
            .revoke(alice.info(), RevocationReason::Superseded);
        assert!(spec.has(alice.info()) && !spec.has(bob.info()));
        let list = ca.sign_crl(&spec).unwrap();
        let revoked = list.revoked();
        let [entry] = revoked.as_slice() else {
            panic!("{revoked:?}");
        };
        assert_eq!(entry.serial(), alice.info().serial());
        assert_eq!(entry.revoked_at(), revoked_at);
        assert_eq!(entry.reason(), Some(RevocationReason::KeyCompromise));
        assert_eq!(entry.invalid_since(), None);

        let list_path = dir.path().join("ca.crl");
        std::fs::write(&list_path, list.pem()).unwrap();
        let said = openssl(
            &[
                "crl",
                "-in",
                text(&list_path),
                "-CAfile",
                text(&ca_path),
                "-text",
                "-noout",
            ],
            b"",
        );
        for expected in [
            "verify OK",
            "X509v3 CRL Number: \n                255",
            "Key Compromise",
        ] {
            assert!(said.contains(expected), "{expected} in {said}");
        }
        for (client, accepted) in [(&alice, false), (&bob, true)] {
            let path = dir.path().join("client.crt");
            std::fs::write(&path, client.certificate_pem()).unwrap();
            let files = [
                "-CAfile",
                text(&ca_path),
                "-CRLfile",
                text(&list_path),
                text(&path),
            ];
            let (ok, said) =
                try_openssl(&[&["verify", "-crl_check_all"], &files[..]].concat(), b"");
            assert_eq!(ok, accepted, "{said}");
        }

        let next = ca.sign_crl(&CrlSpec::after(&list)).unwrap();
        assert_eq!(next.number().as_deref(), Some("256"));
        assert_eq!(next.revoked(), revoked);
    }

    #[test]
    fn an_authority_revokes_only_what_it_issued() {
        let [one, other] =
            ["One", "Other"].map(|name| CertificateAuthority::create(&CaSpec::new(name)).unwrap());
        let alice = other.issue_client(&ClientSpec::new("alice")).unwrap();
        let spec = CrlSpec::new().revoke(alice.info(), RevocationReason::Unspecified);
        assert_eq!(
            one.sign_crl(&spec).unwrap_err().to_string(),
            "the authority \"CN=One\" cannot revoke certificates that \"CN=Other\" issued; use the issuing authority"
        );
        let list = other.sign_crl(&spec).unwrap();
        assert!(one.sign_crl(&CrlSpec::after(&list)).is_err());
    }

    #[test]
    fn reasons_are_read_as_they_are_printed() {
        for reason in RevocationReason::ALL {
            assert_eq!(reason.to_string().parse(), Ok(*reason));
        }
        assert_eq!(
            "lost".parse::<RevocationReason>().unwrap_err().to_string(),
            "unknown reason \"lost\"; there are unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, \
             cessationOfOperation, certificateHold, removeFromCRL, privilegeWithdrawn, aACompromise"
        );
    }

    #[test]
    fn numbers_go_up_by_one() {
        for (number, expected) in [
            (vec![], vec![1]),
            (vec![0], vec![1]),
            (vec![1], vec![2]),
            (vec![0xff], vec![1, 0]),
            (vec![1, 0xff, 0xff], vec![2, 0, 0]),
        ] {
            assert_eq!(next(&number), expected, "{number:?}");
        }
    }
}
