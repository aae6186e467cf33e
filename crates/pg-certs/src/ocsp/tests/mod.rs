//! Answers of all kinds, and what is made of them.

mod openssl;
mod responder;

use std::sync::LazyLock;

use proptest::prelude::*;
use rcgen::ExtendedKeyUsagePurpose;
use x509_cert::der::Encode;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlReason;
use x509_ocsp::{CertStatus, OcspResponse, OcspResponseStatus, ResponseBytes, RevokedInfo};

use self::responder::{DAY, Draft, Party, after, now, octets, time};
use super::*;
use crate::info::RevocationReason;

const SERIAL: u64 = 42;

/// An authority and a server certificate of it.
struct World {
    authority: Party,
    inquiry: Inquiry,
}

impl World {
    fn new() -> Self {
        let authority = Party::authority("CA");
        let server = authority.issue("db.example", SERIAL, |_| {});
        let inquiry = Inquiry::new(&server.der, std::slice::from_ref(&authority.der)).unwrap();
        Self { authority, inquiry }
    }

    fn good(&self) -> Draft<'_> {
        Draft::good(&self.authority, SERIAL)
    }

    fn judge(&self, draft: Draft<'_>) -> Result<Staple, ResponseError> {
        self.inquiry.verify(&draft.sign(), now())
    }
}

#[test]
fn a_good_answer_is_stapled_as_it_came() {
    let world = World::new();
    let response = world.good().sign();
    let staple = world.inquiry.verify(&response, now()).unwrap();
    assert_eq!(staple.response(), response);
    assert_eq!(staple.this_update(), now());
    assert_eq!(staple.valid_until(), after(DAY));
    assert_eq!(staple.valid_until_text(), "2027-01-16 08:00:00 UTC");
}

#[test]
fn answers_are_recognized_however_they_name_things() {
    let world = World::new();
    let others = |draft: &mut Draft<'_>| {
        let mut other = draft.answers[0].clone();
        other.cert_id = world.authority.id(SERIAL + 1);
        other.cert_status = CertStatus::unknown();
        draft.answers.insert(0, other);
    };
    let changes: [(&str, Change<'_>); 4] = [
        ("responder by key", &|draft| {
            draft.responder = world.authority.by_key();
        }),
        ("certificate by SHA-256", &|draft| {
            draft.answer().cert_id = world.authority.id_sha256(SERIAL);
        }),
        ("behind an answer about another", &others),
        ("an extension that may be passed over", &|draft| {
            draft.extensions = Some(vec![extension(false)]);
        }),
    ];
    for (name, change) in changes {
        let mut draft = world.good();
        change(&mut draft);
        let verdict = world.judge(draft).map(|staple| staple.valid_until());
        assert_eq!(verdict, Ok(after(DAY)), "{name}");
    }
}

/// What makes a good answer another one.
type Change<'a> = &'a dyn Fn(&mut Draft<'_>);

#[test]
fn answers_about_other_certificates_do_not_count() {
    let world = World::new();
    let changes: [Change<'_>; 5] = [
        &|draft| draft.answer().cert_id = world.authority.id(SERIAL + 1),
        &|draft| draft.answer().cert_id.issuer_name_hash = octets(&[0; 20]),
        &|draft| draft.answer().cert_id.issuer_key_hash = octets(&[0; 20]),
        &|draft| draft.answer().cert_id.hash_algorithm.oid = "1.2.840.3".parse().unwrap(),
        &|draft| draft.answers.clear(),
    ];
    for change in changes {
        let mut draft = world.good();
        change(&mut draft);
        assert_eq!(world.judge(draft), Err(ResponseError::OtherCertificate));
    }
}

#[test]
fn what_is_not_good_is_not_stapled() {
    let world = World::new();
    let revoked = |reason| {
        CertStatus::Revoked(RevokedInfo {
            revocation_time: time(after(-DAY)),
            revocation_reason: reason,
        })
    };
    let cases: [(Change<'_>, ResponseError); 8] = [
        (
            &|draft| draft.answer().next_update = Some(time(now())),
            ResponseError::Expired { valid_until: now() },
        ),
        (
            &|draft| draft.answer().this_update = time(after(301)),
            ResponseError::NotYetValid {
                this_update: after(301),
            },
        ),
        (
            &|draft| {
                draft.answer().this_update = time(after(-600));
                draft.answer().next_update = None;
            },
            ResponseError::TooOld {
                this_update: after(-600),
            },
        ),
        (
            &|draft| draft.answer().next_update = Some(time(after(-1))),
            malformed("its validity ends before it begins"),
        ),
        (
            &|draft| draft.answer().cert_status = revoked(Some(CrlReason::KeyCompromise)),
            ResponseError::Revoked {
                at: after(-DAY),
                reason: Some(RevocationReason::KeyCompromise),
            },
        ),
        (
            &|draft| draft.answer().cert_status = revoked(None),
            ResponseError::Revoked {
                at: after(-DAY),
                reason: None,
            },
        ),
        (
            &|draft| draft.answer().cert_status = CertStatus::unknown(),
            ResponseError::Unknown,
        ),
        (
            &|draft| draft.extensions = Some(vec![extension(true)]),
            malformed("it has a critical extension that is not known"),
        ),
    ];
    for (change, expected) in cases {
        let mut draft = world.good();
        change(&mut draft);
        assert_eq!(world.judge(draft), Err(expected));
    }
}

#[test]
fn a_little_ahead_or_without_an_end_is_good_for_a_while() {
    let world = World::new();
    for (this_update, next_update, valid_until) in [
        (after(300), Some(after(DAY)), after(DAY)),
        (now(), Some(after(1)), after(1)),
        (after(-599), None, after(1)),
        (after(300), None, after(900)),
    ] {
        let mut draft = world.good();
        draft.answer().this_update = time(this_update);
        draft.answer().next_update = next_update.map(time);
        let staple = world.judge(draft).unwrap();
        assert_eq!(staple.valid_until(), valid_until);
    }
}

#[test]
fn only_the_issuer_and_whom_it_authorized_may_sign() {
    const FOR_OCSP: &[ExtendedKeyUsagePurpose] = &[ExtendedKeyUsagePurpose::OcspSigning];
    let world = World::new();
    let other = Party::authority("other CA");
    let namesake = Party::authority("CA");
    let authorized = world.authority.responder(FOR_OCSP);
    let ends_soon = world.authority.issue("responder", 8, |params| {
        params.extended_key_usages = FOR_OCSP.to_vec();
        params.not_after = after(60).into();
    });
    let ended = world.authority.issue("responder", 9, |params| {
        params.extended_key_usages = FOR_OCSP.to_vec();
        params.not_after = after(-60).into();
    });
    let by = |signer: &'_ Party| {
        world
            .judge(world.good().by(signer))
            .map(|staple| staple.valid_until())
            .map_err(|error| error.to_string())
    };
    let unauthorized = |reason: &str| {
        Err(format!(
            "the signer of the OCSP response is not the issuer of the certificate, nor authorized by it: {reason}"
        ))
    };

    assert_eq!(by(&authorized), Ok(after(DAY)));
    assert_eq!(by(&ends_soon), Ok(after(60)));
    assert!(by(&ended).unwrap_err().contains("CertExpired"));
    for purposes in [&[][..], &[ExtendedKeyUsagePurpose::ServerAuth]] {
        let error = by(&world.authority.responder(purposes)).unwrap_err();
        assert!(error.contains("RequiredEkuNotFound"), "{error}");
    }
    assert_eq!(
        by(&other.responder(FOR_OCSP)),
        unauthorized("UnknownIssuer")
    );
    let error = by(&namesake.responder(FOR_OCSP)).unwrap_err();
    assert!(error.contains("InvalidSignature"), "{error}");
    assert_eq!(by(&other), unauthorized("CaUsedAsEndEntity"));
    // Its name is the issuer's, so it claims to be the issuer.
    assert_eq!(
        by(&namesake),
        Err("the signature of the OCSP response is not valid".to_owned())
    );

    let mut draft = world.good().by(&authorized);
    draft.certificates.clear();
    let error = world.judge(draft).unwrap_err();
    assert_eq!(
        Err(error.to_string()),
        unauthorized("its certificate is not in the response")
    );
}

#[test]
fn signatures_that_do_not_fit_are_refused() {
    let world = World::new();
    let responder = world
        .authority
        .responder(&[ExtendedKeyUsagePurpose::OcspSigning]);
    let mut draft = world.good().by(&responder);
    // Signed with the issuer's key, in the name of the responder.
    draft.signer = &world.authority;
    assert_eq!(world.judge(draft), Err(ResponseError::BadSignature));

    let mut draft = world.good();
    draft.algorithm = "1.2.840.10045.4.1"; // ecdsa-with-SHA1
    assert_eq!(
        world.judge(draft),
        Err(ResponseError::UnsupportedSignature {
            algorithm: "1.2.840.10045.4.1".to_owned()
        })
    );
}

#[test]
fn refusals_of_the_responder_are_told() {
    let world = World::new();
    for (response, expected) in [
        (OcspResponse::malformed_request(), "malformedRequest"),
        (OcspResponse::internal_error(), "internalError"),
        (OcspResponse::try_later(), "tryLater"),
        (OcspResponse::sig_required(), "sigRequired"),
        (OcspResponse::unauthorized(), "unauthorized"),
    ] {
        let error = world
            .inquiry
            .verify(&response.to_der().unwrap(), now())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the OCSP responder answered \"{expected}\"")
        );
    }
}

#[test]
fn damaged_responses_are_refused() {
    let world = World::new();
    let response = world.good().sign();
    for len in 0..response.len() {
        let verdict = world.inquiry.verify(&response[..len], now());
        assert!(
            matches!(verdict, Err(ResponseError::Malformed { .. })),
            "{len} bytes: {verdict:?}"
        );
    }
    for position in 0..response.len() {
        for bit in 0..8 {
            let mut flipped = response.clone();
            flipped[position] ^= 1 << bit;
            let verdict = world.inquiry.verify(&flipped, now());
            assert!(verdict.is_err(), "bit {bit} of byte {position}");
        }
    }
    let longer = [response.as_slice(), &[0]].concat();
    assert!(matches!(
        world.inquiry.verify(&longer, now()),
        Err(ResponseError::Malformed { .. })
    ));
    assert_eq!(
        world.inquiry.verify(&[0; MAX_RESPONSE_LEN + 1], now()),
        Err(ResponseError::TooLarge {
            len: MAX_RESPONSE_LEN + 1
        })
    );
    let unknown_type = ResponseBytes {
        response_type: "1.2.840.3".parse().unwrap(),
        response: octets(&[]),
    };
    for (response_bytes, reason) in [
        (Some(unknown_type), "it is of the unknown type 1.2.840.3"),
        (None, "it has no content"),
    ] {
        let response = OcspResponse {
            response_status: OcspResponseStatus::Successful,
            response_bytes,
        };
        let verdict = world.inquiry.verify(&response.to_der().unwrap(), now());
        assert_eq!(verdict, Err(malformed(reason)));
    }
}

#[test]
fn files_hold_a_response_or_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("response");
    let good = World::new().good().sign();
    let refusal = OcspResponse::try_later().to_der().unwrap();
    for content in [&good, &refusal] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(&load_response(&path).unwrap(), content);
    }
    let told = |path: &std::path::Path| load_response(path).unwrap_err().to_string();
    let says = |fault: &str| {
        format!(
            "could not load OCSP response file \"{}\": {fault}",
            path.display()
        )
    };
    for content in [&good[..good.len() - 1], b"", b"-----BEGIN X509 CRL-----"] {
        std::fs::write(&path, content).unwrap();
        let text = told(&path);
        assert!(
            text.starts_with(&says("it is not a valid OCSP response: ")),
            "{text}"
        );
        assert!(
            text.ends_with("; write it as openssl ocsp -respout does, in DER"),
            "{text}"
        );
    }
    std::fs::remove_file(&path).unwrap();
    let expected = says("No such file or directory; check the path and that this user may read it");
    assert_eq!(told(&path), expected);
    std::fs::create_dir(&path).unwrap();
    assert!(told(&path).starts_with(&says("it is not a regular file")));
}

#[test]
fn the_issuer_is_found_by_its_key() {
    let world = World::new();
    let (namesake, other) = (Party::authority("CA"), Party::authority("other CA"));
    let server = world.authority.issue("db.example", SERIAL, |_| {});
    let candidates = [&namesake, &other, &world.authority].map(|party| party.der.clone());
    let inquiry = Inquiry::new(&server.der, &candidates).unwrap();
    assert!(inquiry.verify(&world.good().sign(), now()).is_ok());

    let error = Inquiry::new(&server.der, &candidates[..2]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the certificate of its issuer (\"CN=CA\") is missing; append it to the file of the server certificate"
    );
    assert!(matches!(
        Inquiry::new(&server.der[1..], &candidates),
        Err(InquiryError::Certificate(_))
    ));
}

#[test]
fn texts_say_what_to_do() {
    let at = now();
    for (error, expected) in [
        (
            ResponseError::Revoked {
                at,
                reason: Some(RevocationReason::Superseded),
            },
            "the certificate was revoked at 2027-01-15 08:00:00 UTC (superseded); replace it by a new one with a new key",
        ),
        (
            ResponseError::Revoked { at, reason: None },
            "the certificate was revoked at 2027-01-15 08:00:00 UTC; replace it by a new one with a new key",
        ),
        (
            ResponseError::NotYetValid { this_update: at },
            "the OCSP response is not valid before 2027-01-15 08:00:00 UTC, more than 5 minutes from now; check the clock of this machine",
        ),
        (
            ResponseError::TooOld { this_update: at },
            "the OCSP response of 2027-01-15 08:00:00 UTC names no end of its validity (nextUpdate) and is older than 10 minutes",
        ),
    ] {
        assert_eq!(error.to_string(), expected);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(INQUIRY.verify(&bytes, now()).is_err());
        let wrapped = OcspResponse {
            response_status: OcspResponseStatus::Successful,
            response_bytes: Some(ResponseBytes {
                response_type: "1.3.6.1.5.5.7.48.1.1".parse().unwrap(),
                response: octets(&bytes),
            }),
        };
        prop_assert!(INQUIRY.verify(&wrapped.to_der().unwrap(), now()).is_err());
    }
}

/// Made once: a key for every case would take long.
static INQUIRY: LazyLock<Inquiry> = LazyLock::new(|| World::new().inquiry);

fn extension(critical: bool) -> Extension {
    Extension {
        extn_id: "1.2.840.3".parse().unwrap(),
        critical,
        extn_value: octets(&[5, 0]),
    }
}

fn malformed(reason: &str) -> ResponseError {
    ResponseError::Malformed {
        reason: reason.to_owned(),
    }
}
