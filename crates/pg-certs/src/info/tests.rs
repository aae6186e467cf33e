//! Facts of certificates that openssl makes.

use super::*;
use crate::testing::{EC, certificate_with, openssl, openssl_self_signed, text};

/// A self-signed certificate with more arguments for `openssl req`.
fn certificate(arguments: &[&str]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("der");
    let out = [
        "-keyout",
        "/dev/null",
        "-outform",
        "DER",
        "-out",
        text(&path),
    ];
    openssl_self_signed(&[&out, &["-subj", "/CN=x"], arguments]);
    std::fs::read(path).unwrap()
}

const RSA: &[&str] = &["-newkey", "rsa:2048"];

#[track_caller]
fn check_digest(arguments: &[&[&str]], name: &str, digest: EndPointDigest) {
    let der = certificate(&arguments.concat());
    let info = CertificateInfo::from_der(&der).unwrap();
    let algorithm = info.signature_algorithm();
    assert_eq!(
        (algorithm.name(), algorithm.end_point_digest()),
        (name, digest)
    );
    assert_eq!(info.tls_server_end_point(), digest.hash(&der).as_deref());
}

#[test]
fn the_end_point_digest_is_that_of_the_signature() {
    let pss = ["-sigopt", "rsa_padding_mode:pss"].as_slice();
    check_digest(&[EC, &["-sha1"]], "ecdsa-with-SHA1", EndPointDigest::Sha256);
    check_digest(
        &[EC, &["-sha224"]],
        "ecdsa-with-SHA224",
        EndPointDigest::Sha224,
    );
    check_digest(
        &[EC, &["-sha256"]],
        "ecdsa-with-SHA256",
        EndPointDigest::Sha256,
    );
    check_digest(
        &[EC, &["-sha384"]],
        "ecdsa-with-SHA384",
        EndPointDigest::Sha384,
    );
    check_digest(
        &[EC, &["-sha512"]],
        "ecdsa-with-SHA512",
        EndPointDigest::Sha512,
    );
    check_digest(
        &[RSA, &["-md5"]],
        "md5WithRSAEncryption",
        EndPointDigest::Sha256,
    );
    check_digest(
        &[RSA, &["-sha1"]],
        "sha1WithRSAEncryption",
        EndPointDigest::Sha256,
    );
    check_digest(
        &[RSA, &["-sha512"]],
        "sha512WithRSAEncryption",
        EndPointDigest::Sha512,
    );
    check_digest(&[RSA, pss, &["-sha1"]], "rsassaPss", EndPointDigest::Sha256);
    check_digest(
        &[RSA, pss, &["-sha256"]],
        "rsassaPss",
        EndPointDigest::Sha256,
    );
    check_digest(
        &[RSA, pss, &["-sha384"]],
        "rsassaPss",
        EndPointDigest::Sha384,
    );
    check_digest(
        &[&["-newkey", "ed25519"]],
        "ED25519",
        EndPointDigest::Undefined,
    );
    check_digest(&[&["-newkey", "ed448"]], "ED448", EndPointDigest::Undefined);
}

#[test]
fn end_point_hashes_are_openssls() {
    let der = certificate(&[EC, &["-sha384"]].concat());
    let info = CertificateInfo::from_der(&der).unwrap();
    let hex: String = info
        .tls_server_end_point()
        .unwrap()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(openssl(&["dgst", "-sha384", "-r"], &der).starts_with(&hex));
    assert_eq!(
        openssl(
            &[
                "x509",
                "-inform",
                "DER",
                "-noout",
                "-fingerprint",
                "-sha256"
            ],
            &der
        )
        .trim(),
        format!("sha256 Fingerprint={}", info.fingerprint_text())
    );
}

#[test]
fn names_usages_key_and_ca_flag() {
    let extensions = [
        "-addext",
        "subjectAltName=DNS:db.example,IP:10.0.0.1,IP:::1,email:a@b,URI:urn:x",
        "-addext",
        "extendedKeyUsage=serverAuth,clientAuth,1.2.3.4",
    ];
    let info = CertificateInfo::from_der(&certificate(&[EC, &extensions].concat())).unwrap();

    let names: Vec<String> = info
        .subject_alt_names()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        names,
        [
            "DNS:db.example",
            "IP Address:10.0.0.1",
            "IP Address:::1",
            "email:a@b",
            "URI:urn:x"
        ]
    );
    let purposes: Vec<String> = info
        .extended_key_usage()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(purposes, ["serverAuth", "clientAuth", "1.2.3.4"]);
    assert!(info.is_ca() && info.is_self_issued());
    assert_eq!(info.version(), 3);
    assert_eq!(info.key_algorithm(), &KeyAlgorithm::EcdsaP256);
    assert_eq!(info.days_left(info.not_before()), 30);
}

#[test]
fn d06_identities_that_are_only_in_alternative_names_are_no_user() {
    let arguments = [
        EC,
        &[
            "-subj",
            "/",
            "-addext",
            "subjectAltName=DNS:alice,email:alice@b,URI:urn:alice",
        ],
    ]
    .concat();
    let info = CertificateInfo::from_der(&certificate(&arguments)).unwrap();
    assert!(info.subject().is_empty());
    assert_eq!(info.common_name(), Ok(None));
    assert_eq!(info.subject_alt_names().len(), 3);
}

#[test]
fn d03_purposes_of_client_certificates() {
    #[track_caller]
    fn check(usage: Option<&str>, client: bool, server: bool) {
        let extension = usage.map(|usage| format!("extendedKeyUsage={usage}"));
        let mut arguments = EC.to_vec();
        if let Some(extension) = &extension {
            arguments.extend(["-addext", extension]);
        }
        let info = CertificateInfo::from_der(&certificate(&arguments)).unwrap();
        assert_eq!(
            (info.allows_client_auth(), info.allows_server_auth()),
            (client, server)
        );
    }
    check(Some("clientAuth"), true, false);
    check(Some("serverAuth"), false, true);
    check(Some("clientAuth,serverAuth"), true, true);
    check(None, true, true);
    check(Some("codeSigning"), false, false);
}

#[test]
fn key_algorithms() {
    for (arguments, name) in [
        (RSA, "RSA 2048"),
        (&["-newkey", "rsa:1024"], "RSA 1024"),
        (
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
            "ECDSA P-384",
        ),
        (
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
            "ECDSA P-521",
        ),
        (
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
            "1.3.132.0.10",
        ),
        (&["-newkey", "ed25519"], "Ed25519"),
    ] {
        let info = CertificateInfo::from_der(&certificate(arguments)).unwrap();
        assert_eq!(info.key_algorithm().to_string(), name);
    }
}

#[test]
fn serial_numbers_are_decimal() {
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let info = CertificateInfo::from_der(&certificate_with(&[], bytes)).unwrap();
        assert_eq!(info.serial(), expected);
    }
    check(&[0], "0");
    check(&[0x7f], "127");
    check(&[0x00, 0x80], "128");
    check(&[0xff], "-1");
    check(&[0x80, 0x00], "-32768");
    check(
        &[
            0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
            0xcd, 0xef, 0x01, 0x23, 0x45, 0x67,
        ],
        "6495562832581790663061892574634853316331521383",
    );
}

#[test]
fn dates_and_days_left() {
    let info = CertificateInfo::from_der(&certificate(EC)).unwrap();
    let day = Duration::from_secs(86_400);
    assert_eq!(info.days_left(info.not_after()), 0);
    assert_eq!(
        info.days_left(info.not_after() + Duration::from_secs(1)),
        -1
    );
    assert_eq!(info.days_left(info.not_after() - day), 1);
    assert_eq!(
        info.days_left(info.not_after() - day + Duration::from_secs(1)),
        0
    );
    assert_eq!(
        info.not_after().duration_since(info.not_before()).unwrap(),
        day * 30
    );
    assert!(info.not_after_text().ends_with(" UTC"));
}

#[test]
fn bytes_that_are_no_certificate_are_errors() {
    let der = certificate(EC);
    for len in 0..der.len() {
        assert!(CertificateInfo::from_der(&der[..len]).is_err(), "{len}");
    }
    let longer = [der.as_slice(), b"x"].concat();
    assert_eq!(
        CertificateInfo::from_der(&longer),
        Err(CertificateError::TrailingBytes { count: 1 })
    );
    // Every single byte changed: no panic, whatever it says.
    for index in 0..der.len() {
        let mut changed = der.clone();
        changed[index] ^= 0x55;
        if let Ok(info) = CertificateInfo::from_der(&changed) {
            let _ = (
                info.subject().rfc2253(),
                info.serial().len(),
                info.not_after_text(),
            );
        }
    }
}
