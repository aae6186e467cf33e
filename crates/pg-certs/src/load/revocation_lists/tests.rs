//! Lists of ours and of openssl's, and files that hold none.
#![cfg(feature = "generate")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::CertificateAuthority;
use crate::generate::{CaSpec, ClientSpec, CrlSpec, Validity};
use crate::info::{RevocationListError, RevocationReason, Unsupported};
use crate::load::DerKind;
use crate::testing::{openssl, text};

/// A directory with an authority of which openssl knows too.
struct Fixture {
    dir: TempDir,
    ca: CertificateAuthority,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
        ca.write(
            dir.path().join("ca.crt"),
            dir.path().join("ca.key"),
            crate::files::Existing::Keep,
        )
        .unwrap();
        Self { dir, ca }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// `openssl ca -gencrl` with these lines in its configuration.
    fn openssl_ca(&self, settings: &str) -> PathBuf {
        self.write("index.txt", "");
        self.write("number", "1000\n");
        let dir = text(self.dir.path());
        let config = self.write(
            "ca.cnf",
            format!(
                "[ca]\ndefault_ca = x\n[x]\ndatabase = {dir}/index.txt\ndefault_md = sha256\n\
                 certificate = {dir}/ca.crt\nprivate_key = {dir}/ca.key\n{settings}\n\
                 [ext]\nauthorityKeyIdentifier = keyid\n\
                 [delta]\nauthorityKeyIdentifier = keyid\n2.5.29.27 = critical, DER:020101\n\
                 [unknown]\nauthorityKeyIdentifier = keyid\n1.2.3.4 = critical, DER:0500\n"
            ),
        );
        let out = self.path("made.crl");
        openssl(
            &[
                "ca",
                "-gencrl",
                "-config",
                text(&config),
                "-out",
                text(&out),
            ],
            b"",
        );
        out
    }
}

#[track_caller]
fn check_error(path: &Path, rest: &str) {
    let error = load_revocation_lists(path).unwrap_err();
    let expected = format!(
        "could not load SSL certificate revocation list file \"{}\": {rest}",
        path.display()
    );
    assert_eq!(error.to_string(), expected.replace("{path}", text(path)));
    assert_eq!(error.path(), path);
}

#[test]
fn lists_of_ours_load_beside_certificates_in_order() {
    let fixture = Fixture::new();
    let alice = fixture.ca.issue_client(&ClientSpec::new("alice")).unwrap();
    let first = fixture.ca.sign_crl(&CrlSpec::new()).unwrap();
    let spec = CrlSpec::after(&first).revoke(alice.info(), RevocationReason::Superseded);
    let second = fixture.ca.sign_crl(&spec).unwrap();
    let path = fixture.write(
        "lists.pem",
        format!(
            "{}{}{}",
            fixture.ca.certificate_pem(),
            first.pem(),
            second.pem()
        ),
    );
    assert_eq!(load_revocation_lists(&path).unwrap(), [first, second]);
}

#[test]
fn lists_of_openssl_load_with_their_facts() {
    let fixture = Fixture::new();
    let path = fixture.openssl_ca(&format!(
        "crlnumber = {}\ncrl_extensions = ext\ndefault_crl_days = 30",
        text(&fixture.path("number"))
    ));
    let lists = load_revocation_lists(&path).unwrap();
    let [list] = lists.as_slice() else {
        panic!("{lists:?}");
    };
    assert_eq!(list.issuer(), fixture.ca.info().subject());
    assert_eq!(list.number().as_deref(), Some("4096"));
    assert_eq!(list.authority_key_id(), fixture.ca.info().subject_key_id());
    assert_eq!(list.distribution_point(), None);
    assert!(list.revoked().is_empty());
    let validity = list
        .next_update()
        .duration_since(list.this_update())
        .unwrap();
    assert_eq!(validity, Duration::from_secs(30 * 24 * 60 * 60));
}

#[test]
fn lists_that_rustls_cannot_use_are_refused_with_the_cure() {
    let fixture = Fixture::new();
    let intro = "line 1: revocation list 1 of the file cannot be used: it";
    check_error(
        &fixture.openssl_ca("default_crl_days = 30"),
        &format!(
            "{intro} is a list of version 1, without a number, which this server cannot use; have it issued as version \
             2 (openssl ca: set crlnumber, and crl_extensions to a section with authorityKeyIdentifier = keyid)"
        ),
    );
    for (section, reason) in [
        ("delta", "is a delta list"),
        ("unknown", "has a critical extension that is not known here"),
    ] {
        check_error(
            &fixture.openssl_ca(&format!(
                "crl_extensions = {section}\ndefault_crl_days = 30"
            )),
            &format!(
                "{intro} {reason}, which this server cannot use; have the authority issue a complete list of its own \
                 certificates"
            ),
        );
    }
}

#[test]
fn a_list_without_expiry_is_refused() {
    let fixture = Fixture::new();
    let der = fixture.ca.sign_crl(&CrlSpec::new()).unwrap().der().to_vec();
    let (tbs, signature) =
        crate::der::expect(0x30, crate::der::whole(0x30, &der).unwrap()).unwrap();
    let mut parts = Vec::new();
    let mut rest = tbs;
    while let Some((part, behind)) = crate::der::split(rest) {
        parts.push(part);
        rest = behind;
    }
    // version, signature, issuer, thisUpdate, nextUpdate, extensions
    parts.remove(4);
    let tbs = crate::testing::tlv(0x30, &parts.concat());
    let der = crate::testing::tlv(0x30, &[tbs.as_slice(), signature].concat());
    assert_eq!(
        RevocationList::from_der(&der).unwrap_err(),
        RevocationListError::Unsupported(Unsupported::NoNextUpdate)
    );
}

#[test]
fn files_without_a_list_are_told_by_what_they_are() {
    let fixture = Fixture::new();
    check_error(
        &fixture.path("absent"),
        "No such file or directory; check the path and that this user may read it",
    );
    check_error(
        &fixture.write("empty", "\n"),
        "it is empty; name the PEM file that holds the certificate revocation list",
    );
    check_error(
        &fixture.path("ca.crt"),
        "it holds a certificate, not a certificate revocation list; name the file that holds the certificate revocation \
         list",
    );
    let list = fixture.ca.sign_crl(&CrlSpec::new()).unwrap();
    check_error(
        &fixture.write("list.der", list.der()),
        "it is a certificate revocation list in binary DER, not PEM; convert it to PEM: openssl crl -inform DER -in \
         \"{path}\" -out NEW_FILE",
    );
    assert!(matches!(
        crate::load_certificate_chain(&fixture.path("list.der"))
            .unwrap_err()
            .fault(),
        LoadFault::Der(DerKind::RevocationList)
    ));
    check_error(
        &fixture.write(
            "cut",
            list.pem().replace(
                "-----BEGIN X509 CRL-----\nMI",
                "-----BEGIN X509 CRL-----\nMJ",
            ),
        ),
        "line 1: revocation list 1 of the file cannot be used: it is no CertificateList of RFC 5280; see what openssl \
         says: openssl crl -in \"{path}\" -noout -text",
    );
    check_error(
        &fixture.write("open", list.pem().trim_end().trim_end_matches("-----")),
        &format!(
            "line {}: a BEGIN or END marker does not close with five dashes; copy the file again from where it was issued",
            list.pem().lines().count()
        ),
    );
}

#[test]
fn the_command_for_der_lists_works() {
    let fixture = Fixture::new();
    let list = fixture.ca.sign_crl(&CrlSpec::new()).unwrap();
    let (der, pem) = (
        fixture.write("list.der", list.der()),
        fixture.path("list.pem"),
    );
    openssl(
        &[
            "crl",
            "-inform",
            "DER",
            "-in",
            text(&der),
            "-out",
            text(&pem),
        ],
        b"",
    );
    assert_eq!(load_revocation_lists(&pem).unwrap(), [list]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = RevocationList::from_der(&bytes);
    }

    #[test]
    fn changed_lists_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut der = sample();
        let index = at.index(der.len());
        der[index] = byte;
        if let Ok(list) = RevocationList::from_der(&der) {
            let _ = (list.revoked(), list.number(), list.next_update_text());
        }
        let _ = RevocationList::from_der(&der[..cut.index(der.len())]);
    }
}

/// A list with two entries, made once.
fn sample() -> Vec<u8> {
    static SAMPLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    SAMPLE
        .get_or_init(|| {
            let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
            let mut spec = CrlSpec::new()
                .with_validity(Validity::between(SystemTime::UNIX_EPOCH, SystemTime::now()));
            for user in ["alice", "bob"] {
                let client = ca.issue_client(&ClientSpec::new(user)).unwrap();
                spec = spec.revoke(client.info(), RevocationReason::KeyCompromise);
            }
            ca.sign_crl(&spec).unwrap().der().to_vec()
        })
        .clone()
}
