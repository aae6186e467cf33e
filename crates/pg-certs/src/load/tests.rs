//! Files as openssl and people leave them.

use std::fs;
use std::path::PathBuf;

use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;

use super::*;
use crate::pem::{BlockKind, PemFault};
use crate::provider::provider;
use crate::testing::{EC, openssl, openssl_self_signed, text};

/// A directory with files that openssl makes.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A self-signed certificate and its key.
    fn pair(&self) -> (PathBuf, PathBuf) {
        let (cert, key) = (self.path("server.crt"), self.path("server.key"));
        let files = ["-keyout", text(&key), "-out", text(&cert)];
        openssl_self_signed(&[EC, &files, &["-subj", "/CN=localhost"]]);
        (cert, key)
    }
}

/// The key loads, and the provider can sign with it.
#[track_caller]
fn check_key(path: &Path) -> PrivateKeyDer<'static> {
    let key = load_private_key(path).unwrap();
    if let Some(provider) = provider() {
        provider
            .key_provider
            .load_private_key(key.clone_key())
            .unwrap();
    }
    key
}

/// The error has this text behind the path, and names the path.
#[track_caller]
fn check_error<T: std::fmt::Debug>(
    result: Result<T, LoadError>,
    path: &Path,
    role: &str,
    rest: &str,
) {
    let error = result.unwrap_err();
    let expected = format!("could not load {role} file \"{}\": {rest}", path.display());
    assert_eq!(error.to_string(), expected.replace("{path}", text(path)));
    assert_eq!(error.path(), path);
}

#[test]
fn c01_sec1_keys_load_with_parameters_before_after_and_without() {
    let files = Files::new();
    // ring has no P-521.
    let curves: &[&str] = if cfg!(feature = "aws-lc-rs") {
        &["prime256v1", "secp384r1", "secp521r1"]
    } else {
        &["prime256v1", "secp384r1"]
    };
    for curve in curves {
        let both = openssl(&["ecparam", "-genkey", "-name", curve], b"");
        let (parameters, key) = both.split_at(both.find("-----BEGIN EC PRIVATE KEY").unwrap());
        for file in [both.clone(), format!("{key}{parameters}"), key.to_owned()] {
            assert!(matches!(
                check_key(&files.write("key", file)),
                PrivateKeyDer::Sec1(_)
            ));
        }
    }
}

#[test]
fn c01_curve_from_the_parameters_block_alone() {
    let files = Files::new();
    for curve in ["prime256v1", "secp384r1"] {
        let both = openssl(&["ecparam", "-genkey", "-name", curve], b"");
        let (parameters, key) = both.split_at(both.find("-----BEGIN EC PRIVATE KEY").unwrap());
        let stripped = files.path("stripped");
        let stripped_der =
            strip_parameters(&pem::blocks(key.as_bytes()).unwrap()[0].der().unwrap());
        openssl_base64(&stripped, &stripped_der);
        let stripped = fs::read_to_string(&stripped).unwrap();

        for file in [
            format!("{parameters}{stripped}"),
            format!("{stripped}{parameters}"),
        ] {
            assert!(matches!(
                check_key(&files.write("key", file)),
                PrivateKeyDer::Pkcs8(_)
            ));
        }
        let alone = files.write("alone", &stripped);
        check_error(
            load_private_key(&alone),
            &alone,
            "private key",
            "line 1: the \"EC PRIVATE KEY\" block does not name its curve and no \"EC PARAMETERS\" block does; put the \
             \"EC PARAMETERS\" block that openssl ecparam -genkey wrote back into the file, or make a new key: openssl \
             genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out NEW_FILE",
        );
    }
}

/// Takes `[0] parameters` out of an ECPrivateKey.
fn strip_parameters(sec1: &[u8]) -> Vec<u8> {
    let mut rest = der::whole(der::SEQUENCE, sec1).unwrap();
    let mut content = Vec::new();
    while !rest.is_empty() {
        let (part, behind) = der::read(rest).unwrap();
        if part.tag != 0xa0 {
            der::write(part.tag, part.content, &mut content);
        }
        rest = behind;
    }
    crate::testing::tlv(der::SEQUENCE, &content)
}

fn openssl_base64(path: &Path, der: &[u8]) {
    let body = openssl(&["base64"], der);
    fs::write(
        path,
        format!("-----BEGIN EC PRIVATE KEY-----\n{body}-----END EC PRIVATE KEY-----\n"),
    )
    .unwrap();
}

#[test]
fn c01_certificate_and_key_in_one_file_in_both_orders() {
    let files = Files::new();
    let (cert, key) = files.pair();
    let (cert, key) = (
        fs::read_to_string(cert).unwrap(),
        fs::read_to_string(key).unwrap(),
    );
    for file in [format!("{key}{cert}"), format!("{cert}{key}")] {
        let path = files.write("both.pem", file);
        check_key(&path);
        assert_eq!(load_certificate_chain(&path).unwrap().len(), 1);
    }
}

#[test]
fn pkcs1_pkcs8_and_ed25519_keys_load() {
    let files = Files::new();
    let rsa = openssl(&["genrsa", "-traditional", "2048"], b"");
    assert!(matches!(
        check_key(&files.write("rsa", rsa)),
        PrivateKeyDer::Pkcs1(_)
    ));
    for algorithm in ["RSA", "ED25519"] {
        let key = openssl(&["genpkey", "-quiet", "-algorithm", algorithm], b"");
        assert!(matches!(
            check_key(&files.write("key", key)),
            PrivateKeyDer::Pkcs8(_)
        ));
    }
}

#[test]
fn c04_version_1_certificates_are_refused_with_the_reason() {
    let files = Files::new();
    let (_, key) = files.pair();
    let (request, v1) = (files.path("request"), files.path("v1.crt"));
    openssl(
        &[
            "req",
            "-new",
            "-key",
            text(&key),
            "-subj",
            "/CN=db.example",
            "-out",
            text(&request),
        ],
        b"",
    );
    openssl(
        &[
            "x509",
            "-req",
            "-in",
            text(&request),
            "-signkey",
            text(&key),
            "-days",
            "30",
            "-out",
            text(&v1),
        ],
        b"",
    );
    check_error(
        load_certificate_chain(&v1),
        &v1,
        "server certificate",
        "line 1: certificate 1 of the file is an X.509 version 1 certificate (\"CN=db.example\"); reissue it as version 3 \
         with subjectAltName (with openssl x509 -req: give -extfile)",
    );
    // As a trust anchor it serves, and at the end of a chain it does no harm.
    assert_eq!(load_trust_anchors(&v1).unwrap().len(), 1);
    let (leaf, _) = files.pair();
    let chain = files.write(
        "chain",
        [fs::read(leaf).unwrap(), fs::read(&v1).unwrap()].concat(),
    );
    assert_eq!(load_certificate_chain(&chain).unwrap().len(), 2);
}

#[test]
fn c05_chains_load_whole_or_not_at_all() {
    let files = Files::new();
    let (cert, _) = files.pair();
    let one = fs::read_to_string(&cert).unwrap();
    let two = format!("{one}{one}");
    for file in [
        two.clone(),
        two.replace('\n', "\r\n"),
        two.replace('\n', "\r"),
        two.trim_end().to_owned(),
        two.replace("END CERTIFICATE-----\n-", "END CERTIFICATE------"),
        format!("\u{feff}subject=x\n{two}trailing"),
    ] {
        let path = files.write("chain", file);
        assert_eq!(load_certificate_chain(&path).unwrap().len(), 2);
        assert_eq!(load_trust_anchors(&path).unwrap().len(), 2);
    }

    let cut = files.write("cut", two.trim_end().trim_end_matches('-'));
    check_error(
        load_certificate_chain(&cut),
        &cut,
        "server certificate",
        &format!(
            "line {}: a BEGIN or END marker does not close with five dashes; copy the file again from where it was issued",
            two.lines().count()
        ),
    );
    let damaged = files.write(
        "damaged",
        two.replacen(
            "-----BEGIN CERTIFICATE-----\nMII",
            "-----BEGIN CERTIFICATE-----\nMIJ",
            1,
        ),
    );
    assert!(matches!(
        load_certificate_chain(&damaged).unwrap_err().fault(),
        LoadFault::DamagedCertificate {
            line: 1,
            number: 1,
            ..
        }
    ));
    let junk = files.write(
        "junk",
        format!("{one}-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
    );
    assert!(matches!(
        load_trust_anchors(&junk).unwrap_err().fault(),
        LoadFault::Pem(PemFault::Base64 { .. })
    ));
}

#[track_caller]
fn check_key_error(path: &Path, rest: &str) {
    check_error(load_private_key(path), path, "private key", rest);
}

/// Has openssl make a file that is no usable key.
#[track_caller]
fn check_made(files: &Files, arguments: &[&str], rest: &str) {
    let path = files.path("made");
    openssl(&[arguments, &["-out", text(&path)]].concat(), b"");
    check_key_error(&path, rest);
}

#[test]
fn files_that_are_no_pem_are_told_by_what_they_are() {
    let files = Files::new();
    check_key_error(
        &files.path("absent"),
        "No such file or directory; check the path and that this user may read it",
    );
    check_key_error(
        files.0.path(),
        "it is not a regular file; check the path and that this user may read it",
    );
    check_key_error(
        &files.write("empty", " \n"),
        "it is empty; name the PEM file that holds the private key",
    );
    check_key_error(
        &files.write("text", "hello"),
        "no start line: it holds no PEM block (\"-----BEGIN …-----\"); name the PEM file that holds the private key",
    );
    let utf16: Vec<u8> = "\u{feff}x"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    check_key_error(
        &files.write("utf16", utf16),
        "it is UTF-16 text; save the file as plain ASCII or UTF-8",
    );
    let (cert, key) = files.pair();
    check_made(
        &files,
        &["pkey", "-in", text(&key), "-outform", "DER"],
        "it is a private key in binary DER, not PEM; convert it to PEM: openssl pkey -inform DER -in \"{path}\" -out \
         NEW_FILE",
    );
    check_made(
        &files,
        &[
            "pkcs12",
            "-export",
            "-in",
            text(&cert),
            "-inkey",
            text(&key),
            "-passout",
            "pass:x",
        ],
        "it is a PKCS#12 container, not PEM; take the key out: openssl pkcs12 -in \"{path}\" -nocerts -nodes -out NEW_FILE",
    );
}

#[test]
fn blocks_that_are_no_key_are_told_by_what_they_are() {
    let files = Files::new();
    let (cert, key) = files.pair();
    let elsewhere = "name the file that holds the private key";
    check_key_error(
        &cert,
        &format!("it holds a certificate, not a private key; {elsewhere}"),
    );
    check_made(
        &files,
        &["pkey", "-in", text(&key), "-pubout"],
        "it holds a public key, not a private key; use the private key file from which the public key was made",
    );
    check_made(
        &files,
        &["req", "-new", "-key", text(&key), "-subj", "/CN=x"],
        &format!("it holds a certificate request (CSR), not a private key; {elsewhere}"),
    );
    check_made(
        &files,
        &["ecparam", "-name", "prime256v1"],
        &format!("it holds elliptic curve parameters, not a private key; {elsewhere}"),
    );
    check_made(
        &files,
        &[
            "genpkey",
            "-genparam",
            "-algorithm",
            "DH",
            "-pkeyopt",
            "group:ffdhe2048",
        ],
        &format!("it holds Diffie-Hellman parameters, not a private key; {elsewhere}"),
    );
    check_key_error(
        &files.write(
            "ssh",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAQID\n-----END OPENSSH PRIVATE KEY-----\n",
        ),
        "it holds an OpenSSH private key, not a private key; convert a copy in place: ssh-keygen -p -m PEM -f \"{path}\"",
    );
}

#[test]
fn keys_that_cannot_sign_are_named() {
    let files = Files::new();
    let check = |arguments: &[&str], algorithm: &str| {
        check_made(
            &files,
            arguments,
            &format!(
                "line 1: {algorithm} keys are not supported; use an ECDSA key on P-256, P-384 or P-521, an RSA key of 2048 \
                 bits or more, or an Ed25519 key"
            ),
        );
    };
    let curve = "ec_paramgen_curve:secp256k1";
    check(
        &["genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", curve],
        "EC (on the curve secp256k1)",
    );
    check(
        &[
            "ecparam",
            "-genkey",
            "-noout",
            "-name",
            "prime256v1",
            "-param_enc",
            "explicit",
        ],
        "EC (with explicit curve parameters)",
    );
    check(&["genpkey", "-quiet", "-algorithm", "ED448"], "Ed448");
    check(&["genpkey", "-quiet", "-algorithm", "X25519"], "X25519");
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
        let path = files.write(
            "noise",
            format!("-----BEGIN {label}-----\nAQID\n-----END {label}-----\n"),
        );
        assert!(matches!(
            load_private_key(&path).unwrap_err().fault(),
            LoadFault::DamagedKey { line: 1, .. }
        ));
    }
}

#[test]
fn wrong_certificate_files_are_told_by_what_they_are() {
    let files = Files::new();
    let (cert, key) = files.pair();
    check_error(
        load_certificate_chain(&key),
        &key,
        "server certificate",
        "it holds a private key, not a certificate; name the file that holds the server certificate, followed by its \
         intermediates",
    );
    check_error(
        load_trust_anchors(&key),
        &key,
        "root certificate",
        "it holds a private key, not a certificate; name the file that holds the certificates of the authorities to trust",
    );
    let der = files.path("server.der");
    openssl(
        &[
            "x509",
            "-in",
            text(&cert),
            "-outform",
            "DER",
            "-out",
            text(&der),
        ],
        b"",
    );
    check_error(
        load_certificate_chain(&der),
        &der,
        "server certificate",
        "it is a certificate in binary DER, not PEM; convert it to PEM: openssl x509 -inform DER -in \"{path}\" -out NEW_FILE",
    );
    let trusted = files.path("trusted");
    openssl(
        &[
            "x509",
            "-in",
            text(&cert),
            "-trustout",
            "-out",
            text(&trusted),
        ],
        b"",
    );
    assert!(matches!(
        load_certificate_chain(&trusted).unwrap_err().fault(),
        LoadFault::WrongBlock {
            found: BlockKind::TrustedCertificate,
            ..
        }
    ));
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    let files = Files::new();
    let path = files.path("large");
    File::create(&path)
        .unwrap()
        .set_len(FILE_SIZE_MAX + 1)
        .unwrap();
    assert!(matches!(
        load_certificate_chain(&path).unwrap_err().fault(),
        LoadFault::TooLarge {
            limit: FILE_SIZE_MAX
        }
    ));
}
