//! Generated certificates, judged by openssl and by rustls' verifier.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::*;
use crate::files::Existing;
use crate::testing::{EC, openssl, openssl_self_signed, text, try_openssl};
use crate::{CertificateInfo, CertificateManager};

/// An authority with files for openssl.
pub(super) struct Fixture {
    pub(super) dir: tempfile::TempDir,
    pub(super) ca: CertificateAuthority,
    pub(super) ca_path: PathBuf,
}

impl Fixture {
    pub(super) fn new(spec: &CaSpec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = CertificateAuthority::create(spec).unwrap();
        let ca_path = dir.path().join("ca.crt");
        ca.write(&ca_path, dir.path().join("ca.key"), Existing::Keep)
            .unwrap();
        Self { dir, ca, ca_path }
    }

    pub(super) fn write(&self, issued: &IssuedCertificate, name: &str) -> (PathBuf, PathBuf) {
        let certificate = self.dir.path().join(format!("{name}.crt"));
        let key = self.dir.path().join(format!("{name}.key"));
        issued.write(&certificate, &key, Existing::Keep).unwrap();
        (certificate, key)
    }

    /// openssl's strict verdict for a purpose.
    pub(super) fn verify(
        &self,
        issued: &IssuedCertificate,
        purpose: &str,
        more: &[&str],
    ) -> (bool, String) {
        let chain = self.dir.path().join("verify.pem");
        std::fs::write(&chain, issued.chain_pem()).unwrap();
        let fixed = [
            "verify",
            "-x509_strict",
            "-purpose",
            purpose,
            "-CAfile",
            text(&self.ca_path),
        ];
        let files = ["-untrusted", text(&chain), text(&chain)];
        try_openssl(&[&fixed, more, &files].concat(), b"")
    }
}

fn generatable() -> impl Iterator<Item = KeyType> {
    KeyType::ALL
        .into_iter()
        .filter(|key_type| cfg!(feature = "aws-lc-rs") || !key_type.is_rsa())
}

#[test]
fn every_key_type_makes_a_chain_that_openssl_and_rustls_accept() {
    for key_type in generatable() {
        // Large RSA keys take seconds to make; for an authority one size stands for all.
        let ca_key_type = match key_type {
            KeyType::Rsa3072 | KeyType::Rsa4096 => KeyType::EcdsaP256,
            other => other,
        };
        let fixture = Fixture::new(&CaSpec::new("CA").with_key_type(ca_key_type));
        let spec = ServerSpec::new(["db.example"]).with_key_type(key_type);
        let server = fixture.ca.issue_server(&spec).unwrap();
        let client = fixture
            .ca
            .issue_client(&ClientSpec::new("alice").with_key_type(ca_key_type))
            .unwrap();

        let (ok, verdict) =
            fixture.verify(&server, "sslserver", &["-verify_hostname", "db.example"]);
        assert!(ok, "{key_type}: {verdict}");
        let (ok, verdict) = fixture.verify(&client, "sslclient", &[]);
        assert!(ok, "{key_type}: {verdict}");
        let (certificate, key) = fixture.write(&server, "server");
        openssl(&["pkey", "-in", text(&key), "-noout", "-check"], b"");
        let report =
            CertificateManager::verify_cert_files_with_ca(&certificate, &key, &fixture.ca_path)
                .unwrap();
        assert!(report.is_ok() && report.warnings().is_empty(), "{report}");
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn authorities_with_keys_in_older_formats_can_issue() {
    let fixture = Fixture::new(&CaSpec::new("EC"));
    let (certificate, key) = (fixture.ca_path.clone(), fixture.dir.path().join("ca.key"));
    let sec1 = fixture.dir.path().join("sec1.key");
    openssl(&["ec", "-in", text(&key), "-out", text(&sec1)], b"");
    assert!(
        std::fs::read_to_string(&sec1)
            .unwrap()
            .contains("BEGIN EC PRIVATE KEY")
    );

    let ca = CertificateAuthority::load(&certificate, &sec1).unwrap();
    let client = ca.issue_client(&ClientSpec::new("alice")).unwrap();
    assert!(fixture.verify(&client, "sslclient", &[]).0);
    // Written again, the key is labelled as what it is.
    let (certificate, key) = (
        fixture.dir.path().join("again.crt"),
        fixture.dir.path().join("again.key"),
    );
    ca.write(&certificate, &key, Existing::Keep).unwrap();
    openssl(&["pkey", "-in", text(&key), "-noout", "-check"], b"");
    CertificateAuthority::load(&certificate, &key).unwrap();
}

#[test]
fn d03_a_certificate_serves_one_purpose() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let server = fixture
        .ca
        .issue_server(&ServerSpec::new(["localhost"]))
        .unwrap();
    let client = fixture.ca.issue_client(&ClientSpec::new("alice")).unwrap();
    assert!(!fixture.verify(&server, "sslclient", &[]).0);
    assert!(!fixture.verify(&client, "sslserver", &[]).0);
    assert!(!server.info().allows_client_auth() && !client.info().allows_server_auth());
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn rsa_without_aws_lc_rs_is_refused_with_the_cure() {
    let error = CertificateAuthority::create(&CaSpec::new("CA").with_key_type(KeyType::Rsa2048))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "this build uses ring, which cannot generate rsa-2048 keys; choose ecdsa-p256, ecdsa-p384 or ed25519, or build \
         pg-certs with the feature \"aws-lc-rs\""
    );
}

#[test]
fn l01_dates_have_the_right_asn1_type() {
    #[track_caller]
    fn check(end: i64, expected: &str) {
        let at =
            |seconds: i64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
        // Half a second must not show.
        let begin = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
        let spec = ServerSpec::new(["localhost"]).with_validity(Validity::between(begin, at(end)));
        let issued = self_signed(&spec).unwrap();
        let dump = openssl(&["asn1parse"], issued.certificate_pem().as_bytes());
        let times: Vec<&str> = dump
            .lines()
            .filter(|line| line.contains("TIME"))
            .map(|line| line.split_once("prim: ").unwrap().1)
            .collect();
        assert_eq!(times, ["UTCTIME           :231114221320Z", expected]);
        assert_eq!(issued.info().not_after(), at(end));
    }
    check(2_524_607_999, "UTCTIME           :491231235959Z");
    check(2_524_608_000, "GENERALIZEDTIME   :20500101000000Z");
    check(2_556_144_000, "GENERALIZEDTIME   :20510101000000Z");
    check(253_402_300_799, "GENERALIZEDTIME   :99991231235959Z");
}

#[test]
fn dates_that_no_certificate_can_hold_are_refused() {
    let now = SystemTime::now();
    for validity in [
        Validity::between(now, now - Duration::from_secs(1)),
        Validity::between(
            now,
            SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800),
        ),
        Validity::between(
            SystemTime::UNIX_EPOCH - Duration::from_secs(700_000_000),
            now,
        ),
        Validity::days(u32::MAX),
    ] {
        assert!(matches!(
            self_signed(&ServerSpec::new(["localhost"]).with_validity(validity)),
            Err(GenerateError::BadValidity { .. })
        ));
    }
}

#[test]
fn l02_extensions_are_those_of_rfc_5280() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let intermediate = fixture
        .ca
        .issue_intermediate(&CaSpec::new("Intermediate"))
        .unwrap();
    let server = intermediate
        .issue_server(&ServerSpec::new(["localhost"]))
        .unwrap();

    let print = |pem: &str| openssl(&["x509", "-noout", "-text"], pem.as_bytes());
    let root_text = print(&fixture.ca.certificate_pem());
    for expected in [
        "Version: 3 (0x2)",
        "X509v3 Subject Key Identifier:",
        "X509v3 Basic Constraints: critical\n                CA:TRUE\n",
        "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n",
    ] {
        assert!(root_text.contains(expected), "{expected} in {root_text}");
    }
    let intermediate_text = print(&intermediate.certificate_pem());
    assert!(
        intermediate_text.contains("CA:TRUE, pathlen:0"),
        "{intermediate_text}"
    );
    let server_text = print(server.certificate_pem());
    for expected in [
        "Version: 3 (0x2)",
        "X509v3 Authority Key Identifier:",
        "X509v3 Subject Key Identifier:",
        "CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n",
        "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    ] {
        assert!(
            server_text.contains(expected),
            "{expected} in {server_text}"
        );
    }
    let (ok, verdict) = fixture.verify(&server, "sslserver", &[]);
    assert!(ok, "{verdict}");
    assert_eq!(server.chain_pem().matches("BEGIN CERTIFICATE").count(), 2);
    assert!(matches!(
        intermediate.issue_intermediate(&CaSpec::new("x")),
        Err(GenerateError::NotARoot { .. })
    ));
}

#[test]
fn a_server_certificate_can_name_an_ocsp_responder_and_demand_a_staple() {
    const URL: &str = "http://ocsp.example:8080/a?b=c";
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let plain = ServerSpec::new(["localhost"]);
    let both = plain.clone().with_ocsp_responder(URL).with_must_staple();
    for (spec, responders, must_staple) in [
        (plain.clone(), &[][..], false),
        (plain.clone().with_must_staple(), &[], true),
        (both, &[URL], true),
    ] {
        let server = fixture.ca.issue_server(&spec).unwrap();
        assert_eq!(server.info().ocsp_responders(), responders);
        assert_eq!(server.info().must_staple(), must_staple);
        let (ok, verdict) = fixture.verify(&server, "sslserver", &[]);
        assert!(ok, "{verdict}");
        let pem = server.certificate_pem().as_bytes();
        let printed = openssl(&["x509", "-noout", "-ocsp_uri"], pem);
        assert_eq!(printed.lines().collect::<Vec<_>>(), responders);
        let printed = openssl(&["x509", "-noout", "-ext", "tlsfeature"], pem);
        assert_eq!(printed.contains("status_request"), must_staple, "{printed}");
    }
    for url in [
        "https://ocsp.example/",
        "",
        "http://ocsp.example/a b",
        "http://ö/",
    ] {
        assert!(matches!(
            fixture
                .ca
                .issue_server(&plain.clone().with_ocsp_responder(url)),
            Err(GenerateError::BadUrl { .. })
        ));
    }
}

#[test]
fn l05_addresses_are_verified_as_addresses() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let names = [
        "localhost",
        "127.0.0.1",
        "::1",
        "db.example",
        "*.db.example",
    ];
    let server = fixture.ca.issue_server(&ServerSpec::new(names)).unwrap();
    for (option, value) in [
        ("-verify_ip", "127.0.0.1"),
        ("-verify_ip", "::1"),
        ("-verify_hostname", "localhost"),
        ("-verify_hostname", "db.example"),
        ("-verify_hostname", "a.db.example"),
    ] {
        assert!(
            fixture.verify(&server, "sslserver", &[option, value]).0,
            "{value}"
        );
    }
    for (option, value) in [
        ("-verify_ip", "127.0.0.2"),
        ("-verify_hostname", "a.b.db.example"),
    ] {
        assert!(
            !fixture.verify(&server, "sslserver", &[option, value]).0,
            "{value}"
        );
    }
    for name in ["", "host:5432", "10.0.0.1/24"] {
        assert!(matches!(
            fixture.ca.issue_server(&ServerSpec::new([name])),
            Err(GenerateError::BadHost { .. })
        ));
    }
    assert!(matches!(
        fixture
            .ca
            .issue_server(&ServerSpec::new(Vec::<String>::new())),
        Err(GenerateError::BadHost { .. })
    ));
}

#[test]
fn l06_a_self_signed_leaf_is_its_own_root_for_openssl_and_rustls() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
    CertificateManager::generate_self_signed(&certificate, &key, "localhost").unwrap();
    let path = text(&certificate);
    openssl(
        &[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-verify_hostname",
            "localhost",
            "-CAfile",
            path,
            path,
        ],
        b"",
    );
    let info = CertificateInfo::from_pem_file(&certificate).unwrap();
    assert!(!info.is_ca() && info.is_self_issued());
    let report =
        CertificateManager::verify_cert_files_with_ca(&certificate, &key, &certificate).unwrap();
    assert!(report.is_ok() && report.warnings().is_empty(), "{report}");
}

#[test]
fn l07_certificates_are_backdated() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let server = fixture
        .ca
        .issue_server(&ServerSpec::new(["localhost"]))
        .unwrap();
    let minute_ago = SystemTime::now() - Duration::from_secs(60);
    assert!(server.info().not_before() < minute_ago);
    assert!(fixture.ca.info().not_before() <= server.info().not_before());
    let at = minute_ago
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        .to_string();
    let (ok, verdict) = fixture.verify(&server, "sslserver", &["-attime", &at]);
    assert!(ok, "{verdict}");
}

#[test]
fn l07_certificates_stay_inside_the_validity_of_their_issuer() {
    let fixture = Fixture::new(&CaSpec::new("Short").with_validity(Validity::days(3)));
    let server = fixture
        .ca
        .issue_server(&ServerSpec::new(["localhost"]))
        .unwrap();
    assert_eq!(server.info().not_after(), fixture.ca.info().not_after());

    let end = fixture.ca.info().not_after();
    let beyond = Validity::between(SystemTime::now(), end + Duration::from_secs(1));
    let error = fixture
        .ca
        .issue_client(&ClientSpec::new("a").with_validity(beyond))
        .unwrap_err();
    assert!(
        matches!(error, GenerateError::OutsideIssuer { .. }),
        "{error}"
    );

    let now = SystemTime::now();
    let past = Validity::between(
        now - Duration::from_secs(7200),
        now - Duration::from_secs(3600),
    );
    let expired =
        CertificateAuthority::create(&CaSpec::new("Expired").with_validity(past)).unwrap();
    assert!(matches!(
        expired.issue_client(&ClientSpec::new("a")),
        Err(GenerateError::OutsideIssuer { .. })
    ));
}

#[test]
fn expired_and_future_certificates_can_be_made() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let hours = |count: u64| Duration::from_secs(count * 3600);
    let now = SystemTime::now();
    for (validity, reason) in [
        (
            Validity::between(now - hours(12), now - hours(1)),
            "certificate has expired",
        ),
        (
            Validity::between(now + hours(24), now + hours(48)),
            "certificate is not yet valid",
        ),
    ] {
        let client = fixture
            .ca
            .issue_client(&ClientSpec::new("alice").with_validity(validity))
            .unwrap();
        let (ok, verdict) = fixture.verify(&client, "sslclient", &[]);
        assert!(!ok && verdict.contains(reason), "{verdict}");
    }
}

#[test]
fn a_common_name_is_data() {
    let fixture = Fixture::new(&CaSpec::new("CA, O=x/CN=y"));
    assert_eq!(fixture.ca.info().common_name(), Ok(Some("CA, O=x/CN=y")));
    for user in [
        "alice,O=evil",
        "a/CN=root",
        "x\ny",
        "$(id)",
        "Ομ",
        "a+b",
        " a ",
        "\"",
        &"x".repeat(64),
    ] {
        let client = fixture.ca.issue_client(&ClientSpec::new(user)).unwrap();
        assert_eq!(client.info().common_name(), Ok(Some(user)));
        assert!(fixture.verify(&client, "sslclient", &[]).0, "{user}");
    }
    for (user, reason) in [
        ("", "it is empty"),
        ("alice\0evil", "it contains a NUL character"),
        (&"x".repeat(65), "it is longer than 64 characters"),
    ] {
        let error = fixture.ca.issue_client(&ClientSpec::new(user)).unwrap_err();
        assert!(error.to_string().ends_with(reason), "{error}");
    }
}

#[test]
fn client_subjects_have_organization_and_unit_in_order() {
    let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
    let spec = ClientSpec::new("bob")
        .with_organization("Org")
        .with_organizational_unit("Unit");
    let client = ca.issue_client(&spec).unwrap();
    assert_eq!(client.info().subject().rfc2253(), "CN=bob,OU=Unit,O=Org");
    assert_eq!(client.info().subject().slash(), "/O=Org/OU=Unit/CN=bob");
}

#[test]
fn serial_numbers_are_random_positive_and_short_enough() {
    let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
    let serials: std::collections::HashSet<String> = (0..20)
        .map(|_| {
            ca.issue_client(&ClientSpec::new("a"))
                .unwrap()
                .info()
                .serial()
                .to_owned()
        })
        .collect();
    assert_eq!(serials.len(), 20);
    assert!(
        serials
            .iter()
            .all(|serial| !serial.starts_with('-') && serial.len() == 39 || serial.len() == 40)
    );
}

#[test]
fn an_authority_is_loaded_as_it_was_written() {
    let fixture = Fixture::new(&CaSpec::new("CA"));
    let intermediate = fixture
        .ca
        .issue_intermediate(&CaSpec::new("Intermediate"))
        .unwrap();
    let (certificate, key) = (
        fixture.dir.path().join("i.crt"),
        fixture.dir.path().join("i.key"),
    );
    intermediate
        .write(&certificate, &key, Existing::Keep)
        .unwrap();

    let loaded = CertificateAuthority::load(&certificate, &key).unwrap();
    let server = loaded
        .issue_server(&ServerSpec::new(["localhost"]))
        .unwrap();
    let (ok, verdict) = fixture.verify(&server, "sslserver", &[]);
    assert!(ok, "{verdict}");
    let root =
        CertificateAuthority::load(&fixture.ca_path, fixture.dir.path().join("ca.key")).unwrap();
    assert_eq!(root.certificate_pem(), fixture.ca.certificate_pem());
    assert_eq!(root.key_pem(), fixture.ca.key_pem());
}

#[test]
fn authorities_made_by_openssl_can_issue_or_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, subject: &str| {
        let (certificate, key) = (
            dir.path().join(format!("{name}.crt")),
            dir.path().join(format!("{name}.key")),
        );
        let files = ["-keyout", text(&key), "-out", text(&certificate)];
        openssl_self_signed(&[EC, &files, &["-subj", subject]]);
        (certificate, key)
    };
    let (certificate, key) = make("plain", "/C=DE/O=Org/CN=Foreign");
    let ca = CertificateAuthority::load(&certificate, &key).unwrap();
    let client = ca.issue_client(&ClientSpec::new("alice")).unwrap();
    let leaf = dir.path().join("leaf");
    std::fs::write(&leaf, client.certificate_pem()).unwrap();
    openssl(&["verify", "-CAfile", text(&certificate), text(&leaf)], b"");

    // Two units: the generator would drop one, and the certificate would have no issuer.
    let (twice, twice_key) = make("twice", "/OU=a/OU=b/CN=Foreign");
    let ca = CertificateAuthority::load(&twice, &twice_key).unwrap();
    assert!(matches!(
        ca.issue_client(&ClientSpec::new("alice")),
        Err(GenerateError::UnsupportedIssuerName { .. })
    ));

    assert!(matches!(
        CertificateAuthority::load(&certificate, &twice_key),
        Err(GenerateError::KeyMismatch { .. })
    ));
    let (leaf, leaf_key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
    CertificateManager::generate_self_signed(&leaf, &leaf_key, "localhost").unwrap();
    assert!(matches!(
        CertificateAuthority::load(&leaf, &leaf_key),
        Err(GenerateError::NotAnAuthority { .. })
    ));
}

#[test]
fn debug_shows_no_key() {
    let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
    let client = ca.issue_client(&ClientSpec::new("alice")).unwrap();
    for text in [format!("{ca:?}"), format!("{client:?}")] {
        assert!(
            !text.contains("PRIVATE") && !text.contains("key_pem"),
            "{text}"
        );
    }
}

#[test]
fn key_types_are_parsed_as_they_are_printed() {
    for key_type in KeyType::ALL {
        assert_eq!(key_type.to_string().parse(), Ok(key_type));
    }
    assert!("rsa".parse::<KeyType>().is_err());
}
