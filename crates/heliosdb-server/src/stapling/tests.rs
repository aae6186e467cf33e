//! Responders that misbehave, and what becomes of a staple. Good ones are in the end-to-end tests.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use pg_certs::CertificateAuthority;
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, ServerSpec};
use pg_certs::ocsp::{Inquiry, MAX_RESPONSE_LEN, ResponseError};
use pg_tls::{ServerTls, SslConfig, SslMode, Staple};
use tempfile::TempDir;

use super::fetch::{FetchError, ask};
use super::refresh::after_failure;

/// TLS with a certificate of an authority that is known, in files that stay as long as the first.
fn tls() -> (TempDir, ServerTls) {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
    ca.write_certificate(path("ca.crt"), Existing::Keep)
        .unwrap();
    let issued = ca.issue_server(&ServerSpec::new(["localhost"])).unwrap();
    issued
        .write(path("server.crt"), path("server.key"), Existing::Keep)
        .unwrap();
    let config = SslConfig::new(SslMode::Require, path("server.crt"), path("server.key"))
        .with_ca_cert(path("ca.crt"));
    let tls = config.load().unwrap();
    (dir, tls)
}

fn inquiry() -> Inquiry {
    let (_dir, tls) = tls();
    tls.identities().next().unwrap().inquiry().unwrap()
}

/// A responder that gives one answer, and returns the request that it got. With no answer it is silent
/// until the client leaves.
fn responder(answer: Option<Vec<u8>>) -> (String, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let len = client.read(&mut buffer).unwrap_or(0);
            request.extend_from_slice(&buffer[..len]);
            // The request's body is shorter than one segment, and its own last bytes end it.
            let is_whole =
                request.windows(4).any(|end| end == b"\r\n\r\n") && !request.ends_with(b"\r\n\r\n");
            match &answer {
                _ if len == 0 => break,
                Some(answer) if is_whole => {
                    // The client may have heard enough before the end.
                    let _ = client.write_all(answer);
                    break;
                }
                _ => {}
            }
        }
        request
    });
    (url, thread)
}

fn http(head: &str, body: &[u8]) -> Option<Vec<u8>> {
    let length = format!(
        "Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    Some(
        [
            b"HTTP/1.1 ",
            head.as_bytes(),
            b"\r\n",
            length.as_bytes(),
            body,
        ]
        .concat(),
    )
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_request_is_posted_and_what_is_no_response_is_told() {
    let inquiry = inquiry();
    for (answer, expected) in [
        (http("500 Oops", b""), "HTTP status 500"),
        // A redirect, even to a responder, is not followed.
        (
            http("307 There\r\nLocation: http://127.0.0.1:1/", b""),
            "HTTP status 307",
        ),
        (
            http("200 OK", b"hello"),
            "it is not a valid OCSP response: ",
        ),
        (
            http("200 OK", &[0x30, 3, 0x0a, 1, 3]),
            "the OCSP responder answered \"tryLater\"",
        ),
        (
            http("200 OK", &vec![0; MAX_RESPONSE_LEN + 1]),
            "the response body is larger than request limit",
        ),
        (Some(b"SSH-2.0\r\n\r\n".to_vec()), ""),
    ] {
        let (url, responder) = responder(answer);
        let error = ask(&inquiry, &url, PATIENCE).unwrap_err().to_string();
        assert!(error.starts_with(&format!("\"{url}\": ")), "{error}");
        assert!(error.contains(expected), "{error} for {expected}");
        let request = responder.join().unwrap();
        let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
        assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
        assert!(
            head.contains("content-type: application/ocsp-request\r\n"),
            "{head}"
        );
        assert!(request.ends_with(inquiry.request()));
    }
}

#[test]
fn a_silent_responder_is_left_at_the_deadline() {
    let (url, responder) = responder(None);
    let error = ask(&inquiry(), &url, Duration::from_millis(50)).unwrap_err();
    assert!(error.to_string().contains("timeout"), "{error}");
    responder.join().unwrap();
}

#[test]
fn only_http_is_spoken() {
    for url in ["https://localhost/", "ldap://localhost/", "", "é"] {
        let error = ask(&inquiry(), url, PATIENCE).unwrap_err();
        assert!(matches!(error, FetchError::NotHttp { .. }), "{error}");
    }
}

#[test]
fn a_failure_keeps_the_staple_unless_the_certificate_is_revoked() {
    let (_dir, tls) = tls();
    let identity = tls.identities().next().unwrap();
    let failure = |source| FetchError::Response {
        url: "http://localhost/".to_owned(),
        source,
    };
    let at = SystemTime::now();
    let staple = Staple::new(b"good".to_vec(), at + PATIENCE);
    identity.set_staple(Some(staple.clone()));
    let due = after_failure(
        identity,
        "CN=localhost",
        &failure(ResponseError::Unknown),
        3,
    );
    assert_eq!(identity.staple(), Some(staple));
    let wait = due.duration_since(at).unwrap();
    assert!((3..8).contains(&wait.as_secs()), "{wait:?}");

    let revoked = ResponseError::Revoked { at, reason: None };
    let due = after_failure(identity, "CN=localhost", &failure(revoked), 1);
    assert_eq!(identity.staple(), None);
    let wait = due.duration_since(at).unwrap();
    assert!((3600..3660).contains(&wait.as_secs()), "{wait:?}");
}
