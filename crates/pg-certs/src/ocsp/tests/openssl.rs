//! openssl as the responder, from files: no socket is needed.

use std::path::Path;
use std::time::SystemTime;

use crate::files::Existing;
use crate::generate::{CaSpec, CertificateAuthority, ServerSpec};
use crate::ocsp::{Inquiry, ResponseError};
use crate::testing::{openssl, text};
use crate::{load_certificate_chain, load_trust_anchors};

/// The answer of openssl about a certificate with this line in the authority's index; the line begins
/// with `V` (valid), `R` (revoked) or, for a certificate not in the index, is empty.
fn answer(dir: &Path, status: &str, more: &[&str]) -> (Inquiry, Vec<u8>) {
    let path = |name: &str| dir.join(name);
    let keep = Existing::Replace;
    let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
    ca.write(path("ca.crt"), path("ca.key"), keep).unwrap();
    let server = ca.issue_server(&ServerSpec::new(["localhost"])).unwrap();
    server
        .write(path("server.crt"), path("server.key"), keep)
        .unwrap();
    let chain = load_certificate_chain(&path("server.crt")).unwrap();
    let inquiry = Inquiry::new(&chain[0], &load_trust_anchors(&path("ca.crt")).unwrap()).unwrap();

    let serial = openssl(
        &[
            "x509",
            "-in",
            text(&path("server.crt")),
            "-noout",
            "-serial",
        ],
        b"",
    );
    let serial = serial.trim().strip_prefix("serial=").unwrap();
    let line = match status {
        "" => String::new(),
        status => format!("{status}\t{serial}\tunknown\t/CN=localhost\n"),
    };
    std::fs::write(path("index"), line).unwrap();
    std::fs::write(path("request"), inquiry.request()).unwrap();
    let [index, ca_crt, ca_key, request, response] =
        ["index", "ca.crt", "ca.key", "request", "response"].map(path);
    let fixed = [
        "ocsp",
        "-index",
        text(&index),
        "-CA",
        text(&ca_crt),
        "-rsigner",
        text(&ca_crt),
        "-rkey",
        text(&ca_key),
        "-reqin",
        text(&request),
        "-respout",
        text(&response),
    ];
    openssl(&[&fixed, more].concat(), b"");
    (inquiry, std::fs::read(response).unwrap())
}

const VALID: &str = "V\t400101000000Z\t";

#[test]
fn openssl_answers_our_request_and_we_understand_the_answer() {
    for more in [
        &["-ndays", "2"][..],
        &["-nmin", "5", "-resp_key_id"],
        &["-resp_no_certs"],
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (inquiry, response) = answer(dir.path(), VALID, more);
        let staple = inquiry.verify(&response, SystemTime::now()).unwrap();
        assert_eq!(staple.response(), response);
    }
}

#[test]
fn what_openssl_calls_revoked_or_unknown_is_not_stapled() {
    let dir = tempfile::tempdir().unwrap();
    let revoked = "R\t400101000000Z\t260101000000Z,keyCompromise";
    let (inquiry, response) = answer(dir.path(), revoked, &["-ndays", "2"]);
    let error = inquiry.verify(&response, SystemTime::now()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the certificate was revoked at 2026-01-01 00:00:00 UTC (keyCompromise); replace it by a new one with a new key"
    );

    let (inquiry, response) = answer(dir.path(), "", &["-ndays", "2"]);
    assert_eq!(
        inquiry.verify(&response, SystemTime::now()),
        Err(ResponseError::Unknown)
    );
}
