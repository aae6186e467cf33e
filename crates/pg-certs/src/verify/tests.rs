//! Pairs and chains with one fault each.
#![cfg(feature = "generate")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::*;
use crate::CertificateManager;
use crate::files::Existing;
use crate::generate::{
    CaSpec, CertificateAuthority, IssuedCertificate, KeyType, ServerSpec, Validity,
};
use crate::testing::{openssl_self_signed, text};

/// A directory with a certificate file and a key file.
struct Files {
    dir: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new(certificate: &str, key: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = Self {
            certificate: dir.path().join("server.crt"),
            key: dir.path().join("server.key"),
            dir,
        };
        crate::files::write_pair(
            (&files.certificate, certificate),
            (&files.key, key),
            Existing::Keep,
        )
        .unwrap();
        files
    }

    fn of(issued: &IssuedCertificate) -> Self {
        Self::new(issued.chain_pem(), issued.key_pem())
    }

    /// Made by `openssl req -x509` with these arguments.
    fn openssl(arguments: &[&str]) -> Self {
        let files = Self::new("", "");
        let out = [
            "-keyout",
            text(&files.key),
            "-out",
            text(&files.certificate),
        ];
        openssl_self_signed(&[&out, &["-subj", "/CN=x"], arguments]);
        fs::set_permissions(&files.key, Permissions::from_mode(0o600)).unwrap();
        files
    }

    #[track_caller]
    fn check(&self, warnings: &[&str], errors: &[&str]) {
        self.check_at(SystemTime::now(), None, warnings, errors);
    }

    #[track_caller]
    fn check_at(&self, now: SystemTime, ca: Option<&Path>, warnings: &[&str], errors: &[&str]) {
        let report = verify(&self.certificate, &self.key, ca, now).unwrap();
        let texts =
            |findings: &[Finding]| findings.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(report.warnings()), warnings, "{report}");
        assert_eq!(texts(report.errors()), errors, "{report}");
        assert_eq!(report.is_ok(), errors.is_empty());
    }
}

fn authority(name: &str) -> CertificateAuthority {
    CertificateAuthority::create(&CaSpec::new(name)).unwrap()
}

fn server(ca: &CertificateAuthority) -> IssuedCertificate {
    ca.issue_server(&ServerSpec::new(["localhost"])).unwrap()
}

const EC: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const SAN: &[&str] = &["-addext", "subjectAltName=DNS:x"];
const LEAF: &[&str] = &["-addext", "basicConstraints=CA:FALSE"];

#[test]
fn a_good_pair_is_reported_in_readable_lines() {
    let issued = server(&authority("CA"));
    let files = Files::of(&issued);
    files.check(&[], &[]);
    let report = CertificateManager::verify_cert_files(&files.certificate, &files.key).unwrap();
    let text = report.to_string();
    for line in [
        format!("certificate file: {}", files.certificate.display()),
        "subject: CN=localhost".to_owned(),
        "issuer: CN=CA".to_owned(),
        format!("serial number: {}", issued.info().serial()),
        "names: DNS:localhost, IP Address:127.0.0.1, IP Address:::1".to_owned(),
        "key: ECDSA P-256".to_owned(),
        "signature: ecdsa-with-SHA256".to_owned(),
        "extended key usage: serverAuth".to_owned(),
        "clients trust it with the certificate of: CN=CA".to_owned(),
    ] {
        assert!(text.lines().any(|seen| seen == line), "{line} in {text}");
    }
}

#[test]
fn c03_keys_of_other_certificates_are_found_for_every_kind() {
    let ca = authority("CA");
    let mismatch =
        ["the key does not belong to the certificate; name the key that it was issued for"];
    let p256 = server(&ca);
    let other = server(&ca);
    Files::new(p256.chain_pem(), other.key_pem()).check(&[], &mismatch);
    let p384 = ca
        .issue_server(&ServerSpec::new(["localhost"]).with_key_type(KeyType::EcdsaP384))
        .unwrap();
    Files::new(p256.chain_pem(), p384.key_pem()).check(&[], &mismatch);

    let rsa = Files::openssl(&[&["-newkey", "rsa:2048"], SAN, LEAF].concat());
    rsa.check(&[], &[]);
    fs::write(&rsa.key, p256.key_pem()).unwrap();
    rsa.check(&[], &mismatch);
}

#[test]
fn c03_a_chain_that_begins_with_the_authority_is_named_as_such() {
    let ca = authority("CA");
    let issued = server(&ca);
    let files = Files::new(
        &format!("{}{}", ca.certificate_pem(), issued.certificate_pem()),
        issued.key_pem(),
    );
    files.check(
        &[],
        &[
            "the server's own certificate must come first, but the key belongs to certificate 2",
            "the chain is not complete: the issuer \"CN=CA\" of certificate 1 is missing",
        ],
    );
}

#[test]
fn chains_out_of_order_or_with_gaps_are_found() {
    let root = authority("Root");
    let intermediate = root
        .issue_intermediate(&CaSpec::new("Intermediate"))
        .unwrap();
    let issued = server(&intermediate);
    let leaf = issued.certificate_pem();
    let (middle, top) = (intermediate.certificate_pem(), root.certificate_pem());
    let check =
        |chain: String, errors: &[&str]| Files::new(&chain, issued.key_pem()).check(&[], errors);

    check(format!("{leaf}{middle}"), &[]);
    check(format!("{leaf}{middle}{top}"), &[]);
    check(leaf.to_owned(), &[]);
    check(
        format!("{leaf}{top}"),
        &["the chain is not complete: the issuer \"CN=Intermediate\" of certificate 1 is missing"],
    );
    check(
        format!("{leaf}{top}{middle}"),
        &[
            "the chain is out of order: the issuer \"CN=Intermediate\" of certificate 1 must come right after it",
            "the chain is not complete: the issuer \"CN=Root\" of certificate 2 is missing",
        ],
    );
    let namesake = root
        .issue_intermediate(&CaSpec::new("Intermediate"))
        .unwrap();
    check(
        format!("{leaf}{}", namesake.certificate_pem()),
        &[
            "the chain does not verify although its names fit: invalid peer certificate: BadSignature",
        ],
    );
}

#[test]
fn completeness_is_judged_against_the_authorities_of_the_clients() {
    let root = authority("Root");
    let intermediate = root
        .issue_intermediate(&CaSpec::new("Intermediate"))
        .unwrap();
    let issued = server(&intermediate);
    let files = Files::of(&issued);
    let ca = files.dir.path().join("ca.crt");
    root.write_certificate(&ca, Existing::Keep).unwrap();
    files.check_at(SystemTime::now(), Some(&ca), &[], &[]);

    let short = Files::new(issued.certificate_pem(), issued.key_pem());
    short.check_at(
        SystemTime::now(),
        Some(&ca),
        &[],
        &["clients that trust the given authorities will refuse it: invalid peer certificate: UnknownIssuer"],
    );
}

#[test]
fn dates_are_judged() {
    let ca = authority("CA");
    let issued = ca
        .issue_server(&ServerSpec::new(["localhost"]).with_validity(Validity::days(30)))
        .unwrap();
    let files = Files::of(&issued);
    let (begin, end) = (issued.info().not_before(), issued.info().not_after());
    let second = Duration::from_secs(1);
    files.check_at(begin, None, &[], &[]);
    files.check_at(
        begin - second,
        None,
        &[],
        &[&format!(
            "certificate 1 is not valid before {}; check the clock",
            issued.info().not_before_text()
        )],
    );
    files.check_at(
        end,
        None,
        &["certificate 1 expires in 0 days; renew it"],
        &[],
    );
    files.check_at(
        end + second,
        None,
        &[],
        &[&format!(
            "certificate 1 has expired on {}; renew it",
            issued.info().not_after_text()
        )],
    );
}

#[test]
fn l06_a_foreign_self_signed_authority_is_accepted_with_a_warning() {
    let files = Files::openssl(&[EC, SAN].concat());
    files.check(
        &["the certificate is self-signed with CA:TRUE; libpq accepts it, clients with rustls do not"],
        &[],
    );
}

#[test]
fn an_issued_authority_is_no_leaf() {
    let intermediate = authority("Root")
        .issue_intermediate(&CaSpec::new("Intermediate"))
        .unwrap();
    let files = Files::new(&intermediate.certificate_pem(), intermediate.key_pem());
    let report = CertificateManager::verify_cert_files(&files.certificate, &files.key).unwrap();
    assert!(
        matches!(report.errors(), [Finding::AuthorityAsLeaf]),
        "{report}"
    );
}

#[test]
fn names_usages_and_strength_are_judged() {
    let no_san = "there is no subjectAltName; many clients cannot verify the host name (sslmode=verify-full)";
    Files::openssl(&[EC, LEAF].concat()).check(&[no_san], &[]);
    Files::openssl(&[EC, LEAF, SAN, &["-addext", "extendedKeyUsage=clientAuth"]].concat()).check(
        &[],
        &["extendedKeyUsage does not allow serverAuth; clients will refuse it"],
    );
    Files::openssl(&[EC, LEAF, SAN, &["-addext", "keyUsage=keyAgreement"]].concat()).check(
        &["keyUsage does not allow digitalSignature, which TLS 1.3 needs; strict clients will refuse it"],
        &[],
    );
}

#[test]
fn a_key_that_cannot_be_used_is_no_match() {
    let files = Files::openssl(&[&["-newkey", "rsa:1024"], LEAF, SAN].concat());
    let report = CertificateManager::verify_cert_files(&files.certificate, &files.key).unwrap();
    assert!(
        matches!(report.errors(), [Finding::KeyNotUsable { .. }]),
        "{report}"
    );
}

#[test]
fn c09_the_mode_of_the_key_file_is_judged() {
    let files = Files::of(&server(&authority("CA")));
    fs::set_permissions(&files.key, Permissions::from_mode(0o644)).unwrap();
    files.check(
        &[],
        &[&format!(
            "private key file \"{}\" has group or world access: File must have permissions u=rw (0600) or less if owned by \
             the database user, or permissions u=rw,g=r (0640) or less if owned by root.",
            files.key.display()
        )],
    );
}

#[test]
fn an_interrupted_replacement_is_reported() {
    let files = Files::of(&server(&authority("CA")));
    fs::write(files.dir.path().join(".server.crt.pg-certs-new"), "").unwrap();
    files.check(
        &[],
        &["a replacement of this pair was interrupted; generate or write it again to finish"],
    );
}

#[test]
fn files_that_cannot_be_loaded_are_errors() {
    let files = Files::of(&server(&authority("CA")));
    fs::remove_file(&files.key).unwrap();
    let error = CertificateManager::verify_cert_files(&files.certificate, &files.key).unwrap_err();
    assert_eq!(error.path(), files.key);
}
