//! Helpers of the tests: openssl as a second opinion, and certificates with chosen names.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::der::{self, INTEGER, SEQUENCE};

/// Runs openssl; it must be there. Returns whether it succeeded, and what it printed.
pub(crate) fn try_openssl(args: &[&str], input: &[u8]) -> (bool, String) {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need the program openssl");
    // A failing openssl does not read all of its input; its exit status tells.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Runs openssl, which must succeed, and returns its standard output and error output.
#[track_caller]
pub(crate) fn openssl(args: &[&str], input: &[u8]) -> String {
    let (ok, text) = try_openssl(args, input);
    assert!(ok, "openssl {args:?}: {text}");
    text
}

/// The arguments for an ECDSA key on P-256.
pub(crate) const EC: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// Makes a self-signed certificate of 30 days by `openssl req` with these arguments.
#[track_caller]
pub(crate) fn openssl_self_signed(arguments: &[&[&str]]) -> String {
    let fixed: &[&str] = &["req", "-x509", "-nodes", "-days", "30"];
    openssl(&[&[fixed], arguments].concat().concat(), b"")
}

/// `path` as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Wraps in a TLV.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    der::write(tag, content, &mut out);
    out
}

/// An attribute `SET { SEQUENCE { oid, value } … }`: one RDN.
pub(crate) fn rdn(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
    let content: Vec<u8> = attributes
        .iter()
        .flat_map(|(oid, tag, value)| {
            tlv(
                SEQUENCE,
                &[tlv(der::OBJECT_IDENTIFIER, oid), tlv(*tag, value)].concat(),
            )
        })
        .collect();
    tlv(0x31, &content)
}

/// A certificate (with a signature that does not fit) whose subject is `SEQUENCE { rdns }` and whose
/// serial number has these bytes.
pub(crate) fn certificate_with(rdns: &[u8], serial: &[u8]) -> Vec<u8> {
    let template = openssl_self_signed(&[EC, &["-keyout", "/dev/null", "-subj", "/CN=issuer"]]);
    let block = crate::pem::blocks(template.as_bytes()).unwrap().remove(0);
    let whole = block.der().unwrap();
    let (tbs, signature) = der::expect(SEQUENCE, der::whole(SEQUENCE, &whole).unwrap()).unwrap();
    let mut parts = Vec::new();
    let mut rest = tbs;
    while !rest.is_empty() {
        let (part, behind) = der::read(rest).unwrap();
        parts.push(tlv(part.tag, part.content));
        rest = behind;
    }
    // version, serialNumber, signature, issuer, validity, subject, …
    parts[1] = tlv(INTEGER, serial);
    parts[5] = tlv(SEQUENCE, rdns);
    let tbs = tlv(SEQUENCE, &parts.concat());
    tlv(SEQUENCE, &[tbs.as_slice(), signature].concat())
}
