//! How often and in which order encryption may be asked for (spec 1.4), and how the bytes of it may arrive.

use std::time::Duration;

use heliosdb_tests::case::Proof::{OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire::{self, GSSENC_REQUEST, Report, SSL_REQUEST};

const GSSAPI: heliosdb_tests::case::Proof =
    OursOnly("PostgreSQL as packaged has GSSAPI and would answer G");

cases! {
    a04_ssl_refused_then_startup_is_served, Config::no_tls(), Since(15), ["1.4 SSL→N, startup", "A04"];
    ssl_refused_then_ssl_is_a_version, Config::no_tls(), Since(15), ["1.4 SSL→N, SSL"];
    ssl_refused_gss_refused_then_ssl_is_a_version, Config::no_tls(), GSSAPI, ["1.4 SSL→N, GSS→N, SSL", "CVE-2026-6479"];
    ssl_refused_gss_refused_then_gss_is_a_version, Config::no_tls(), GSSAPI, ["1.4", "CVE-2026-6479"];
    ssl_refused_gss_refused_then_startup_is_served, Config::no_tls(), GSSAPI, ["1.4", "A01"];
    gss_refused_then_gss_is_a_version, Config::tls(), GSSAPI, ["1.4"];
    gss_refused_then_startup_is_served, Config::tls(), GSSAPI, ["1.4", "A01"];
    a01_gssencrequest_is_refused_and_the_loop_goes_on, Config::tls(), GSSAPI, ["1.4 GSS→N, SSL→S, TLS, startup", "A01"];
    gss_refused_ssl_accepted_then_gss_is_a_version, Config::tls(), GSSAPI, ["1.4", "A01"];
    ssl_inside_negotiated_tls_is_a_version, Config::tls(), Since(15), ["1.4 SSL→S, TLS, SSL"];
    gss_inside_negotiated_tls_is_a_version, Config::tls(), Since(15), ["1.4 SSL→S, TLS, GSS", "A01"];
    a10_plaintext_startup_after_acceptance_fails_the_handshake, Config::tls(), Since(15), ["1.4 SSL→S, plaintext startup", "3.1 S, plaintext", "A10"];
    ssl_inside_direct_tls_is_refused_once, Config::tls(), Since(17), ["1.4 direct, SSL", "X21", "A05"];
    gss_inside_direct_tls_is_refused_once, Config::tls(), Since(17), ["1.4 direct, GSS", "CVE-2026-14681"];
    gss_then_ssl_inside_direct_tls_are_refused, Config::tls(), Since(17), ["1.4 direct, GSS", "1.4 direct, SSL", "X22"];
    a12_late_client_hello_is_waited_for, Config::tls(), Since(15), ["A12"];
    a12_post_quantum_client_hello_in_two_segments, Config::tls(), Since(15), ["A12"];
    a12_client_hello_in_many_records, Config::tls(), Since(15), ["A12"];
    a12_client_hello_in_single_bytes, Config::tls(), Since(15), ["A12"];
}

fn refused_as_version(target: &Target, version: &str) -> Report {
    wire::unsupported_protocol(version, target.latest())
}

fn a04_ssl_refused_then_startup_is_served(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.login_and_leave(&wire::startup_alice());
}

fn ssl_refused_then_ssl_is_a_version(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.send(&SSL_REQUEST);
    target.expect_fatal(&mut client, &refused_as_version(target, "1234.5679"));
}

fn ssl_refused_gss_refused_then_ssl_is_a_version(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.send(&SSL_REQUEST);
    target.expect_fatal(&mut client, &refused_as_version(target, "1234.5679"));
}

fn ssl_refused_gss_refused_then_gss_is_a_version(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.send(&GSSENC_REQUEST);
    target.expect_fatal(&mut client, &refused_as_version(target, "1234.5680"));
}

fn ssl_refused_gss_refused_then_startup_is_served(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.login_and_leave(&wire::startup_alice());
}

fn gss_refused_then_gss_is_a_version(target: &Target) {
    let mut client = target.connect();
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.send(&GSSENC_REQUEST);
    target.expect_fatal(&mut client, &refused_as_version(target, "1234.5680"));
}

fn gss_refused_then_startup_is_served(target: &Target) {
    let mut client = target.connect();
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.login_and_leave(&wire::startup_alice());
}

fn a01_gssencrequest_is_refused_and_the_loop_goes_on(target: &Target) {
    let mut client = target.connect();
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.ssl_request(&Tls::new());
    client.login_and_leave(&wire::startup_alice());
}

fn gss_refused_ssl_accepted_then_gss_is_a_version(target: &Target) {
    let mut client = target.connect();
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.ssl_request(&Tls::new());
    client.send(&GSSENC_REQUEST);
    target.expect_fatal(&mut client, &refused_as_version(target, "1234.5680"));
}

fn ssl_inside_negotiated_tls_is_a_version(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version));
        client.send(&SSL_REQUEST);
        target.expect_fatal(&mut client, &refused_as_version(target, "1234.5679"));
    }
}

fn gss_inside_negotiated_tls_is_a_version(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version));
        client.send(&GSSENC_REQUEST);
        target.expect_fatal(&mut client, &refused_as_version(target, "1234.5680"));
    }
}

fn a10_plaintext_startup_after_acceptance_fails_the_handshake(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"S");
    client.send(&wire::startup_alice());
    client.expect_clear_alert_or_close();
    target.expect_log(&client, [Expected::handshake_failure()]);
}

fn ssl_inside_direct_tls_is_refused_once(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        client.handshake(&Tls::new().version(version));
        client.send(&SSL_REQUEST);
        client.expect(b"N");
        client.login_and_leave(&wire::startup_alice());
        let mut client = target.connect();
        client.handshake(&Tls::new().version(version));
        client.send(&SSL_REQUEST);
        client.expect(b"N");
        client.send(&SSL_REQUEST);
        target.expect_fatal(&mut client, &refused_as_version(target, "1234.5679"));
    }
}

fn gss_inside_direct_tls_is_refused_once(target: &Target) {
    let mut client = target.connect();
    client.handshake(&Tls::new());
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.login_and_leave(&wire::startup_alice());
    let mut client = target.connect();
    client.handshake(&Tls::new());
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.send(&GSSENC_REQUEST);
    target.expect_fatal(&mut client, &refused_as_version(target, "1234.5680"));
}

fn gss_then_ssl_inside_direct_tls_are_refused(target: &Target) {
    let mut client = target.connect();
    client.handshake(&Tls::new());
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.login_and_leave(&wire::startup_alice());
}

fn a12_late_client_hello_is_waited_for(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"S");
    client.expect_silence(Duration::from_millis(300));
    client.handshake(&Tls::new());
    client.login_and_leave(&wire::startup_alice());
}

fn a12_post_quantum_client_hello_in_two_segments(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"S");
    let hello = client.begin_tls(&Tls::new().post_quantum());
    assert!(hello.len() > 1_400, "the key share alone is 1,216 bytes");
    for half in [&hello[..700], &hello[700..]] {
        client.send_raw(half);
    }
    client.finish_tls().unwrap();
    client.login_and_leave(&wire::startup_alice());
}

fn a12_client_hello_in_many_records(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        client.send(&SSL_REQUEST);
        client.expect(b"S");
        client.handshake(&Tls::new().version(version).fragment(64));
        client.login_and_leave(&wire::startup_alice());
    }
}

fn a12_client_hello_in_single_bytes(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"S");
    let hello = client.begin_tls(&Tls::new());
    for byte in &hello {
        client.send_raw(std::slice::from_ref(byte));
    }
    client.finish_tls().unwrap();
    client.login_and_leave(&wire::startup_alice());
}
