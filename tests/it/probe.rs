//! `pg-certs probe`'s library against the program `heliosdb-server`; other servers and psql's own opinion are
//! for `cargo xtask probe-peers`.

use std::time::Duration;

use heliosdb_tests::program::{Place, Running};
use pg_certs::probe::{Completeness, EarlyBytes, Login, Options, Report, SslAnswer, Trust, probe};

/// Asks it with patience.
fn options(server: &Running) -> Options {
    let target = format!("localhost:{}", server.address().port());
    // Longer than anything takes on a busy machine.
    Options::new(target.parse().unwrap()).with_timeout(Duration::from_secs(30))
}

fn connects(report: &Report) -> Vec<Option<bool>> {
    let verdicts = report.verdicts.iter();
    verdicts.map(|verdict| verdict.connects).collect()
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn a_server_that_requires_tls_is_described() {
    let place = Place::new();
    let mut server = place.serve(&["--ssl-mode", "require"]);
    let root = server.root();
    let options = options(&server)
        .with_root_certificates(root)
        .with_host("localhost")
        .with_host("127.0.0.1")
        .with_host("db.example");
    let report = probe(&options).unwrap();
    assert_eq!(report.ssl_request, SslAnswer::Accepted);
    let Login::Refused {
        sqlstate, message, ..
    } = &report.plaintext
    else {
        panic!("{:?}", report.plaintext);
    };
    assert_eq!(sqlstate.as_deref(), Some("28000"));
    assert!(
        message.starts_with("no pg_hba.conf entry for host"),
        "{message}"
    );
    let tls = report.tls.as_ref().unwrap();
    assert_eq!(tls.alpn.as_deref(), Some("postgresql"));
    assert_eq!(tls.completeness, Completeness::Complete);
    assert_eq!(tls.trusted, Some(Trust::Trusted));
    assert_eq!(tls.login, Login::Admitted);
    let versions: Vec<_> = report
        .versions
        .iter()
        .map(|version| version.accepted)
        .collect();
    assert_eq!(versions, [YES, YES, NO, NO], "{:?}", report.versions);
    let negotiation = &report.negotiation;
    let accepted = [
        &negotiation.direct,
        &negotiation.direct_without_alpn,
        &negotiation.foreign_alpn,
    ]
    .map(|attempt| attempt.as_ref().unwrap().accepted);
    assert_eq!(accepted, [YES, NO, NO], "{negotiation:?}");
    assert!(
        matches!(report.early_bytes, EarlyBytes::Refused { .. }),
        "{:?}",
        report.early_bytes
    );
    assert_eq!(connects(&report), [NO, YES, YES, YES, YES, YES, YES, NO]);
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["sslmode"], "{:?}", report.findings);
    server.stop();
}

#[test]
fn a_server_without_tls_is_described() {
    let place = Place::new();
    let server = place.serve(&["--ssl-mode", "disable"]);
    let report = probe(&options(&server)).unwrap();
    assert_eq!(report.ssl_request, SslAnswer::Refused);
    assert_eq!(report.plaintext, Login::Admitted);
    assert!(
        matches!(report.early_bytes, EarlyBytes::Refused { .. }),
        "{:?}",
        report.early_bytes
    );
    assert_eq!(connects(&report), [YES, YES, YES, NO, NO, NO]);
    assert!(!report.is_ok());
    server.stop();
}
