//! `heliosdb-server hba check`: what it says and how it ends.

use std::process::Command;

use heliosdb_tests::program::{Ended, Place};

const RULES: &str = "\
host    all  mallory  all           reject
hostssl all  all      192.0.2.0/24  scram-sha-256 clientcert=verify-full clientname=SAN:EMAIL map=mail
";

/// Rules, a map and a certificate whose alternative name is alice@example.com.
fn place() -> Place {
    let place = Place::new();
    place.write("pg_hba.conf", RULES);
    place.write("pg_ident.conf", "mail /^(.*)@example\\.com$ \\1\n");
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-noenc", "-days", "30", "-subj", "/CN=someone"])
        .args(["-addext", "subjectAltName=email:alice@example.com"])
        .args(["-keyout", "alice.key", "-out", "alice.crt"])
        .current_dir(place.root())
        .output()
        .unwrap();
    assert!(made.status.success());
    place
}

fn check(place: &Place, arguments: &[&str]) -> Ended {
    let connection = ["hba", "check", "--type", "hostssl", "--database", "shop"];
    let files = ["--hba-file", "pg_hba.conf", "--ident-file", "pg_ident.conf"];
    place.run(&[&connection, arguments, &files].concat())
}

#[test]
fn the_deciding_line_and_the_verdict_on_the_certificate_are_told() {
    let place = place();
    let alice = ["--user", "alice", "--address", "192.0.2.7"];
    let with_cert = [&alice[..], &["--cert", "alice.crt"]].concat();
    let told = check(&place, &with_cert).expect(0).stdout;
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "pg_hba.conf:1: not about this user",
            "pg_hba.conf:2 decides: hostssl all  all      192.0.2.0/24  scram-sha-256 \
             clientcert=verify-full clientname=SAN:EMAIL map=mail",
            "method: scram-sha-256",
            "certificate: its SAN:EMAIL names the user",
        ]
    );

    let other = [
        "--user",
        "bob",
        "--address",
        "192.0.2.7",
        "--cert",
        "alice.crt",
    ];
    let told = check(&place, &other).expect(0).stdout;
    assert!(
        told.contains("FATAL 28P01: password authentication failed for user \"bob\""),
        "{told}"
    );

    let elsewhere = ["--user", "alice", "--address", "198.51.100.7"];
    let told = check(&place, &elsewhere).expect(0).stdout;
    assert!(
        told.contains(
            "no pg_hba.conf entry for host \"198.51.100.7\", user \"alice\", database \"shop\", SSL encryption"
        ),
        "{told}"
    );
}

#[test]
fn every_fault_of_the_rules_is_told_with_its_line() {
    let place = place();
    place.write(
        "pg_hba.conf",
        "host all all all md5\nhostssl all all all\nhost all all 300.0.0.1/8 reject\n",
    );
    let ended = check(&place, &["--user", "alice", "--address", "192.0.2.7"]).expect(1);
    for line in ["line 1", "line 2", "line 3"] {
        assert!(ended.stderr.contains(line), "{}", ended.stderr);
    }
}
