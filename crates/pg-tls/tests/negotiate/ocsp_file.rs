//! `ssl_ocsp_file`: responses that openssl made, from the file to the client.

use std::process::Command;

use pg_certs::files::Existing;
use pg_certs::generate::ServerSpec;
use pg_tls::{ConfigError, ServerTls, SslConfig, SslMode};

use crate::support::*;

/// Writes `openssl ocsp`'s answer about `server.crt`, whose line in the authority's index begins like
/// this, to the file `response`.
fn answer(pki: &Pki, index_line: &str, more: &[&str]) {
    let key = pki.path("ca.key");
    pki.ca
        .write(pki.path("ca.crt"), &key, Existing::Replace)
        .unwrap();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(pki.path("."))
            .output()
            .expect("these tests need the program openssl");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let serial = openssl(&["x509", "-in", "server.crt", "-noout", "-serial"]);
    let serial = serial.trim().trim_start_matches("serial=");
    let line = format!("{index_line}\t{serial}\tunknown\t/CN=localhost\n");
    std::fs::write(pki.path("index"), line).unwrap();
    let about = ["-issuer", "ca.crt", "-cert", "server.crt"];
    openssl(&[&["ocsp"], &about[..], &["-reqout", "request", "-no_nonce"]].concat());
    let by = ["-CA", "ca.crt", "-rsigner", "ca.crt", "-rkey", "ca.key"];
    let files = [
        "-index", "index", "-reqin", "request", "-respout", "response",
    ];
    openssl(&[&["ocsp"], &by[..], &files, more].concat());
}

fn config(pki: &Pki) -> SslConfig {
    pki.config(SslMode::Require)
        .with_ca_cert(pki.path("ca.crt"))
        .with_ocsp_file(pki.path("response"))
}

fn staple(tls: &ServerTls) -> Option<Vec<u8>> {
    Some(tls.identities().next()?.staple()?.response)
}

const VALID: &str = "V\t400101000000Z\t";
const REVOKED: &str = "R\t400101000000Z\t260101000000Z";

#[test]
fn a_good_response_is_stapled() {
    let pki = Pki::new();
    answer(&pki, VALID, &["-ndays", "2"]);
    let response = std::fs::read(pki.path("response")).unwrap();
    let tls = config(&pki).load().unwrap();
    assert_eq!(staple(&tls), Some(response));
    assert_eq!(tls.warnings(), [""; 0]);
}

#[test]
fn a_response_that_is_not_good_is_not_stapled_and_the_server_starts() {
    let pki = Pki::new();
    let check = |reason: &str| {
        let tls = config(&pki).load().unwrap();
        assert_eq!(staple(&tls), None);
        let path = pki.path("response");
        let expected = format!(
            "nothing is stapled from ssl_ocsp_file \"{}\": {reason}",
            path.display()
        );
        assert_eq!(tls.warnings(), [expected]);
    };
    answer(&pki, REVOKED, &["-ndays", "2"]);
    check(
        "the certificate was revoked at 2026-01-01 00:00:00 UTC; replace it by a new one with a new key",
    );
    answer(&pki, VALID, &["-ndays", "2"]);
    pki.install(
        &pki.ca
            .issue_server(&ServerSpec::new(["localhost"]))
            .unwrap(),
    );
    check("the OCSP response is about another certificate; fetch one for this certificate");
}

#[test]
fn a_file_that_holds_no_response_or_cannot_be_verified_does_not_load() {
    let pki = Pki::new();
    answer(&pki, VALID, &["-ndays", "2"]);
    let without_issuer = pki
        .config(SslMode::Require)
        .with_ocsp_file(pki.path("response"));
    assert_eq!(
        without_issuer.load().unwrap_err().to_string(),
        format!(
            "could not verify OCSP response file \"{}\": the certificate of its issuer (\"CN=Test CA\") is missing; append it to the file of the server certificate",
            pki.path("response").display()
        )
    );
    std::fs::write(pki.path("response"), b"\x30\x03").unwrap();
    assert!(matches!(config(&pki).load(), Err(ConfigError::OcspFile(_))));
}
