//! Indexes of ours and of OpenSSL.

use super::line::{asn1, from_asn1};
use super::*;
use crate::generate::{CaSpec, ClientSpec, IssuedCertificate};
use crate::testing::{openssl, text, try_openssl};

#[test]
fn dates_are_printed_and_read_as_openssl_does() {
    for (seconds, expected) in [
        (0, "700101000000Z"),
        (1_764_078_720, "251125135200Z"),
        (2_524_607_999, "491231235959Z"),
        (2_524_608_000, "20500101000000Z"),
    ] {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        assert_eq!(asn1(time), expected);
        assert_eq!(from_asn1(expected), Some(time));
    }
    for wrong in [
        "",
        "Z",
        "2511251352Z",
        "251325135200Z",
        "25112513520xZ",
        "251125135200",
    ] {
        assert_eq!(from_asn1(wrong), None, "{wrong}");
    }
}

/// An authority in a directory, with certificates for alice and bob in its index, alice's revoked.
struct Fixture {
    dir: tempfile::TempDir,
    ca: CertificateAuthority,
    alice: IssuedCertificate,
    bob: IssuedCertificate,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
        ca.write(
            dir.path().join("ca.crt"),
            dir.path().join("ca.key"),
            Existing::Keep,
        )
        .unwrap();
        let [alice, bob] =
            ["alice", "bob"].map(|user| ca.issue_client(&ClientSpec::new(user)).unwrap());
        let fixture = Self {
            dir,
            ca,
            alice,
            bob,
        };
        let mut index = fixture.index();
        index.issued(fixture.alice.info());
        index.issued(fixture.bob.info());
        index
            .revoke(fixture.alice.info(), RevocationReason::KeyCompromise)
            .unwrap();
        index.save().unwrap();
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn index(&self) -> Index {
        Index::open(Index::beside(&self.path("ca.crt"))).unwrap()
    }
}

#[test]
fn openssl_makes_a_list_of_the_index() {
    let fixture = Fixture::new();
    let [index, number, out, configuration, certificate, key] =
        ["ca.index", "number", "list", "ca.cnf", "ca.crt", "ca.key"].map(|name| fixture.path(name));
    let lines = fs::read_to_string(&index).unwrap();
    let serial = hex(fixture.alice.info().serial_bytes());
    let line = format!("Z,keyCompromise\t{serial}\tunknown\t/CN=alice\nV\t");
    assert!(lines.starts_with("R\t") && lines.contains(&line), "{lines}");
    fs::write(&number, "07\n").unwrap();
    let text_of_configuration = format!(
        "[ca]\ndefault_ca=x\n[x]\ndatabase={}\ncrlnumber={}\ndefault_md=sha256\ndefault_crl_days=3\n\
         certificate={}\nprivate_key={}\n",
        text(&index),
        text(&number),
        text(&certificate),
        text(&key),
    );
    fs::write(&configuration, text_of_configuration).unwrap();
    let make = ["ca", "-gencrl", "-config", text(&configuration)];
    openssl(&[&make[..], &["-out", text(&out)]].concat(), b"");
    let shown = openssl(&["crl", "-noout", "-text", "-in", text(&out)], b"");
    assert!(
        shown.contains(&format!("Serial Number: {serial}")) && shown.contains("Key Compromise"),
        "{shown}"
    );
}

#[test]
fn lists_follow_each_other_and_openssl_refuses_who_is_on_them() {
    let fixture = Fixture::new();
    let mut index = fixture.index();
    let validity = Validity::days(30);
    let first = index.sign_crl(&fixture.ca, None, validity).unwrap();
    assert_eq!(first.number().as_deref(), Some("1"));
    let again = index
        .revoke(fixture.alice.info(), RevocationReason::Superseded)
        .unwrap_err();
    assert!(
        again
            .to_string()
            .starts_with("the certificate of \"/CN=alice\" was revoked already, on 2"),
        "{again}"
    );
    let serial = hex(fixture.bob.info().serial_bytes()).to_lowercase();
    let subject = index.revoke_serial(&serial, RevocationReason::Superseded);
    assert_eq!(subject.unwrap(), "/CN=bob");
    let second = index.sign_crl(&fixture.ca, Some(&first), validity).unwrap();
    assert_eq!(second.number().as_deref(), Some("2"));
    assert_eq!(second.revoked().len(), 2);
    fs::write(fixture.path("ca.crl"), second.pem()).unwrap();
    fs::write(fixture.path("bob.crt"), fixture.bob.certificate_pem()).unwrap();
    let [ca, list, bob] = ["ca.crt", "ca.crl", "bob.crt"].map(|name| fixture.path(name));
    let verify = ["verify", "-crl_check", "-CAfile", text(&ca)];
    let (ok, verdict) = try_openssl(
        &[&verify[..], &["-CRLfile", text(&list), text(&bob)]].concat(),
        b"",
    );
    assert!(!ok && verdict.contains("certificate revoked"), "{verdict}");
}

#[test]
fn what_is_no_index_is_refused_and_unknown_numbers_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.index");
    let line = "V\t271125135200Z\t\t01\tunknown\t/CN=a\n";
    for damaged in [
        "x",
        "R\t271125135200Z\t\t01\tunknown\t/CN=a",
        "V\t\t\tzz\tunknown\t/",
    ] {
        fs::write(&path, format!("{line}\n{damaged}\n")).unwrap();
        assert_eq!(
            Index::open(&path).unwrap_err().to_string(),
            format!(
                "line 3 of \"{}\" is not a line of an index of certificates; restore the file or move it \
                 away",
                path.display()
            )
        );
    }
    fs::write(&path, line).unwrap();
    let mut index = Index::open(&path).unwrap();
    assert!(matches!(
        index.revoke_serial("2", RevocationReason::Superseded),
        Err(IndexError::Unknown { .. })
    ));
    assert_eq!(
        index
            .revoke_serial("00:01", RevocationReason::Superseded)
            .unwrap(),
        "/CN=a"
    );
}
