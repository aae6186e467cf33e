//! Servers that close, dribble, flood and lie: the probe ends in time and says what it saw.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use super::super::*;
use super::{SSL_REQUEST, Server, packet, pour};

/// No mode connects, and one finding says so.
#[track_caller]
fn connects_nobody(report: &Report) {
    assert!(
        report
            .verdicts
            .iter()
            .all(|verdict| verdict.connects != Some(true)),
        "{report:#?}"
    );
    assert!(!report.is_ok());
}

fn ended(reason: &str, silent: bool) -> Login {
    Login::Ended {
        reason: reason.to_owned(),
        silent,
    }
}

#[test]
fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = probe(&Options::new(address.to_string().parse().unwrap())).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot connect to {address}: Connection refused")),
        "{text}"
    );
}

#[test]
fn a_host_without_address() {
    let error = probe(&Options::new("does-not-exist.invalid".parse().unwrap())).unwrap_err();
    assert!(matches!(error, ProbeError::Resolve { .. }), "{error}");
}

#[test]
fn a_root_file_that_does_not_load() {
    let options = Options::new("localhost".parse().unwrap());
    let error = probe(&options.with_root_certificates("/nonexistent/ca.crt")).unwrap_err();
    assert!(matches!(error, ProbeError::Roots(_)), "{error}");
}

#[test]
fn a_user_that_fits_no_packet() {
    for user in ["a\0b".to_owned(), "x".repeat(20_000)] {
        let options = Options::new("localhost".parse().unwrap()).with_user(user);
        let error = probe(&options).unwrap_err();
        assert!(matches!(error, ProbeError::Startup { .. }), "{error}");
    }
}

#[test]
fn it_closes_at_once() {
    let report = Server::start(drop).probe();
    assert!(
        matches!(&report.ssl_request, SslAnswer::None { reason }
            if reason == "closed without a word" || reason == "connection reset"),
        "{:?}",
        report.ssl_request
    );
    connects_nobody(&report);
}

#[test]
fn it_says_nothing_for_ever() {
    let server = Server::start(|stream| {
        // Holds the connection until the peer gives up.
        let _ = std::io::copy(&mut &stream, &mut std::io::sink());
    });
    let timeout = Duration::from_millis(200);
    let start = Instant::now();
    let report = probe(&server.options().with_timeout(timeout)).unwrap();
    // SSLRequest and a login in clear; nothing more is tried.
    assert!(start.elapsed() < timeout * 13, "{:?}", start.elapsed());
    assert_eq!(
        report.ssl_request,
        SslAnswer::None {
            reason: "no answer in time".to_owned()
        }
    );
    assert_eq!(report.plaintext, ended("no answer in time", true));
    connects_nobody(&report);
}

#[test]
fn it_dribbles_a_record_for_ever() {
    let server = Server::start(|mut stream| {
        if packet(&mut stream) != Some(SSL_REQUEST) {
            return;
        }
        let mut bytes = b"S\x16\x03\x03\x3f\xff\x02\0\x3f\xfb"
            .iter()
            .chain(std::iter::repeat(&0));
        while let Some(byte) = bytes.next()
            && stream.write_all(&[*byte]).is_ok()
        {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let timeout = Duration::from_millis(300);
    let start = Instant::now();
    let report = probe(&server.options().with_timeout(timeout)).unwrap();
    assert!(start.elapsed() < timeout * 13, "{:?}", start.elapsed());
    assert_eq!(report.ssl_request, SslAnswer::Accepted);
    assert_eq!(report.tls_fault.as_deref(), Some("no answer in time"));
    assert_eq!(
        report.ciphers,
        [],
        "who does not shake hands is not asked for each suite"
    );
    let require = &report.verdicts[3];
    assert_eq!(require.connects, None, "{require:?}");
    assert!(!report.is_ok());
}

#[test]
fn it_floods() {
    // Under each of these the reader must stop by itself.
    for (after_request, to_startup) in [
        (&b"\x16\x03\x03\x40\x00"[..], &b"S\0\0\0\x08a\0b\0"[..]),
        (b"\xff\xff\xff\xff", b"R\0\0\0\x08\0\0\0\0"),
        (b"\x17\x03\x03\x00\x00", b"E\x3f\xff\xff\xf0"),
    ] {
        let server = Server::start(move |mut stream| match packet(&mut stream) {
            Some(SSL_REQUEST) => {
                let _ = stream.write_all(b"S");
                pour(stream, after_request);
            }
            _ => pour(stream, to_startup),
        });
        let report = server.probe();
        assert_eq!(report.ssl_request, SslAnswer::Accepted);
        assert!(report.tls_fault.is_some());
        assert!(matches!(report.plaintext, Login::Ended { .. }));
        connects_nobody(&report);
    }
}

#[test]
fn it_is_a_web_server() {
    let server = Server::start(|mut stream| {
        packet(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let report = server.probe();
    assert_eq!(report.ssl_request, SslAnswer::Unknown { byte: b'H' });
    assert_eq!(
        report.verdicts[3].reason,
        "received invalid response to SSL negotiation: H"
    );
    connects_nobody(&report);
}

#[test]
fn it_answers_the_request_with_an_error() {
    let error = pg_wire::backend::ErrorResponse::fatal(
        pg_wire::SqlState::FEATURE_NOT_SUPPORTED,
        "\x1b[31mno\x1b[0m",
    )
    .to_bytes();
    let server = Server::start(move |mut stream| {
        packet(&mut stream);
        let _ = stream.write_all(&error);
    });
    let report = server.probe();
    assert_eq!(report.ssl_request, SslAnswer::Error);
    assert_eq!(
        report.plaintext,
        Login::Refused {
            sqlstate: Some("0A000".to_owned()),
            message: "?[31mno?[0m".to_owned(),
            authenticated: false,
        }
    );
    let text = Text::new(&report).to_string();
    assert!(!text.contains('\x1b'), "{text}");
    connects_nobody(&report);
}

#[test]
fn it_has_no_tls_and_serves_what_is_pipelined() {
    let server = Server::start(|mut stream| {
        while let Some(code) = packet(&mut stream) {
            let answer: &[u8] = match code {
                SSL_REQUEST => b"N",
                _ => b"R\0\0\0\x08\0\0\0\x03",
            };
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    });
    let report = server.probe();
    assert_eq!(report.ssl_request, SslAnswer::Refused);
    assert_eq!(report.early_bytes, EarlyBytes::ServedInClear);
    let letters: Vec<_> = report
        .verdicts
        .iter()
        .map(|verdict| verdict.connects)
        .collect();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(letters, [yes, yes, yes, no, no, no]);
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["sslmode", "cleartext_password_in_clear"]);
}
