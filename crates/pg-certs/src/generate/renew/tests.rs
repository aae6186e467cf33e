//! Renewed certificates, judged by openssl and by rustls' verifier.

use super::*;
use crate::CertificateManager;
use crate::generate::tests::Fixture;
use crate::generate::{CaSpec, ClientSpec, ServerSpec};
use crate::testing::{openssl, text};

/// Whole days, asked a while after the certificate was made.
fn days_left(info: &CertificateInfo) -> i64 {
    info.days_left(SystemTime::now() + Duration::from_secs(60))
}

#[test]
fn a_renewed_certificate_is_the_old_one_with_new_dates() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    for key_type in [KeyType::EcdsaP384, KeyType::Ed25519] {
        let spec = ServerSpec::new(["db.example", "*.db.example", "192.0.2.1"])
            .with_common_name("The database")
            .with_key_type(key_type)
            .with_validity(Validity::days(90))
            .with_ocsp_responder("http://ocsp.example/")
            .with_must_staple();
        let old = fixture.ca.issue_server(&spec).unwrap();
        let (certificate, key) = fixture.write(&old, &format!("{key_type}"));
        let new = fixture
            .ca
            .renew_files(&certificate, &key, RenewalKey::New, None)
            .unwrap();
        let (before, after) = (old.info(), new.info());
        assert_eq!(after.subject(), before.subject());
        assert_eq!(after.subject_alt_names(), before.subject_alt_names());
        assert_eq!(after.extended_key_usage(), before.extended_key_usage());
        assert_eq!(after.key_algorithm(), before.key_algorithm());
        assert_eq!(after.ocsp_responders(), ["http://ocsp.example/"]);
        assert!(after.must_staple());
        assert_ne!(after.serial(), before.serial());
        assert_ne!(old.key_pem(), new.key_pem());
        assert_eq!(days_left(after), 89);
        let (ok, verdict) =
            fixture.verify(&new, "sslserver", &["-verify_hostname", "a.db.example"]);
        assert!(ok, "{verdict}");
        let report =
            CertificateManager::verify_cert_files_with_ca(&certificate, &key, &fixture.ca_path)
                .unwrap();
        assert!(report.is_ok() && report.warnings().is_empty(), "{report}");
        assert_eq!(report.certificate(), Some(after));
    }
}

#[test]
fn a_kept_key_is_not_written() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let spec = ClientSpec::new("alice").with_organization("Org");
    let old = fixture.ca.issue_client(&spec).unwrap();
    let (certificate, key) = fixture.write(&old, "alice");
    let touched = std::fs::metadata(&key).unwrap().modified().unwrap();
    let new = fixture
        .ca
        .renew_files(
            &certificate,
            &key,
            RenewalKey::Keep,
            Some(Validity::days(7)),
        )
        .unwrap();
    assert_eq!(new.key_pem(), old.key_pem());
    assert_eq!(
        std::fs::metadata(&key).unwrap().modified().unwrap(),
        touched
    );
    assert_eq!(new.info().subject().rfc2253(), "CN=alice,O=Org");
    assert_eq!(days_left(new.info()), 6);
    assert!(fixture.verify(&new, "sslclient", &[]).0);

    let other = fixture.ca.issue_client(&ClientSpec::new("bob")).unwrap();
    std::fs::write(&key, other.key_pem()).unwrap();
    let error = fixture
        .ca
        .renew_files(&certificate, &key, RenewalKey::Keep, None)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the certificate of \"CN=alice,O=Org\" cannot be renewed: the key to keep is not its key"
    );
}

#[test]
fn what_cannot_be_repeated_is_not_renewed() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let stranger = Fixture::new(&CaSpec::new("Stranger"));
    let issued = stranger
        .ca
        .issue_server(&ServerSpec::new(["localhost"]))
        .unwrap();
    let (certificate, key) = stranger.write(&issued, "server");
    let before = std::fs::read(&certificate).unwrap();
    let renew = |certificate: &PathBuf, key: &PathBuf| {
        let renewed = fixture
            .ca
            .renew_files(certificate, key, RenewalKey::New, None);
        renewed.unwrap_err().to_string()
    };
    assert_eq!(
        renew(&certificate, &key),
        "the certificate of \"CN=localhost\" cannot be renewed: it was issued by \"CN=Stranger\", not by \
         \"CN=CA\"; renew it there, or issue a new one"
    );
    assert_eq!(std::fs::read(&certificate).unwrap(), before);
    let ca_key = fixture.dir.path().join("ca.key");
    assert_eq!(
        renew(&fixture.ca_path, &ca_key),
        "the certificate of \"CN=CA\" cannot be renewed: it is the certificate of an authority"
    );

    let (odd, odd_key) = (
        fixture.dir.path().join("odd.crt"),
        fixture.dir.path().join("odd.key"),
    );
    let check = |subject: &str, extension: &str, what: &str| {
        openssl(
            &[
                "req",
                "-x509",
                "-nodes",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-CA",
                text(&fixture.ca_path),
                "-CAkey",
                text(&ca_key),
                "-subj",
                subject,
                "-addext",
                "basicConstraints=CA:FALSE",
                "-addext",
                extension,
                "-keyout",
                text(&odd_key),
                "-out",
                text(&odd),
            ],
            b"",
        );
        let error = renew(&odd, &odd_key);
        assert!(
            error.ends_with(&format!("{what} cannot be repeated; issue a new one")),
            "{error}"
        );
    };
    check("/OU=a/OU=b/CN=x", "subjectAltName=DNS:x", "its subject");
    check(
        "/CN=x",
        "subjectAltName=RID:1.2.3",
        "its alternative name \"othername:<unsupported>\"",
    );
}

#[test]
fn renewal_is_due_late_in_life() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let days = |count: u64| Duration::from_secs(count * 86_400);
    let server = |count| {
        let spec = ServerSpec::new(["localhost"]).with_validity(Validity::days(count));
        fixture.ca.issue_server(&spec).unwrap()
    };
    let (long, short) = (server(90), server(6));
    for (issued, from_end, expected) in [
        (&long, days(31), false),
        (&long, days(30), true),
        (&long, days(0), true),
        // Thirty days before the end it was not made yet: a third of its life is left.
        (&short, days(3), false),
        (&short, days(2), true),
    ] {
        let now = issued.info().not_after() - from_end;
        assert_eq!(
            is_renewal_due(issued.info(), days(30), now),
            expected,
            "{from_end:?} before the end"
        );
    }
}

#[test]
fn an_authority_that_ends_with_the_certificate_renews_nothing() {
    let fixture = Fixture::new(&CaSpec::new("Short").with_validity(Validity::days(9)));
    let old = fixture
        .ca
        .issue_server(&ServerSpec::new(["localhost"]))
        .unwrap();
    let (certificate, key) = fixture.write(&old, "server");
    let day = Duration::from_secs(86_400);
    let renewal = Renewal::new(
        &fixture.ca_path,
        fixture.dir.path().join("ca.key"),
        30 * day,
    );
    let now = SystemTime::now();
    assert!(renewal.run(&certificate, &key, now).unwrap().is_none());
    let error = renewal
        .run(&certificate, &key, now + 8 * day)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(
            "the certificate of \"CN=localhost\" cannot be renewed: the authority \"CN=Short\" ends on 2"
        ),
        "{error}"
    );
    assert_eq!(
        std::fs::read_to_string(&certificate).unwrap(),
        old.chain_pem()
    );
}
