//! Bytes that come before the encryption they pretend to come through (spec 3.1; CVE-2021-23214; bug A03).
//!
//! Nothing read before a handshake may ever be run as a message: it goes to the TLS engine, or the connection ends.

use heliosdb_tests::case::Proof::{OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire::{self, GSSENC_REQUEST, SSL_REQUEST};

cases! {
    startup_behind_a_refused_request_is_fatal, Config::no_tls(), Since(15), ["3.1 N", "X14", "A03"];
    client_hello_behind_a_refused_request_is_fatal, Config::no_tls(), Since(15), ["3.1 N", "X15"];
    one_byte_behind_a_refused_request_is_fatal, Config::no_tls(), Since(15), ["3.1 N"];
    client_hello_after_a_refusal_is_an_invalid_length, Config::no_tls(), Since(15), ["X16"];
    bytes_behind_a_refused_gss_request_are_fatal, Config::tls(), OursOnly("PostgreSQL as packaged has GSSAPI and would answer G"), ["3.1 GSS"];
    a03_one_byte_behind_an_accepted_request_breaks_the_handshake, Config::tls(), Since(17), ["3.1 S, plaintext", "X17", "A03"];
    a03_startup_behind_an_accepted_request_breaks_the_handshake, Config::tls(), Since(17), ["3.1 S, plaintext", "A03"];
    a03_stuffing_in_its_own_segment_breaks_the_handshake, Config::tls(), Since(15), ["3.1 S, plaintext", "A03"];
    a03_client_hello_behind_the_request_works, Config::tls(), Since(17), ["3.1 S, ClientHello", "X18", "A03"];
    half_a_client_hello_behind_the_request_works, Config::tls(), Since(17), ["3.1 S, ClientHello", "X18"];
    a03_plaintext_behind_an_early_client_hello_breaks_the_handshake, Config::tls(), Since(17), ["3.1 S, ClientHello, plaintext", "X19", "A03"];
    a03_plaintext_behind_a_client_hello_breaks_the_handshake, Config::tls(), Since(15), ["3.1 S, ClientHello, plaintext", "A03"];
    plaintext_behind_a_direct_client_hello_breaks_the_handshake, Config::tls(), Since(17), ["3.1 direct"];
    startup_behind_a_request_inside_direct_tls_is_fatal, Config::tls(), Since(17), ["3.1 N"];
    startup_behind_a_gss_request_inside_direct_tls_is_fatal, Config::tls(), Since(17), ["3.1 GSS"];
}

/// A message that would leave a trace: the answer to it, or the session it opens.
fn evil() -> Vec<u8> {
    [wire::startup_alice(), wire::query("select 1")].concat()
}

/// PostgreSQL has a second line for what its own buffer still holds; ours hands everything to the TLS engine.
fn broken_handshake() -> [Expected; 2] {
    let remains = "buffered unencrypted data remains after negotiating SSL connection";
    [
        Expected::handshake_failure(),
        Expected::log(remains).or_nothing(),
    ]
}

fn refused_with(target: &Target, request: [u8; 8], behind: &[u8]) {
    let name = if request == SSL_REQUEST {
        "SSL"
    } else {
        "GSSAPI encryption"
    };
    let mut client = target.connect();
    client.send(&[&request, behind].concat());
    client.expect(b"N");
    target.expect_fatal(&mut client, &wire::unencrypted_data_after(name));
}

fn client_hello() -> Vec<u8> {
    let mut hello = Vec::new();
    Tls::new().connect().0.write_tls(&mut hello).unwrap();
    hello
}

fn startup_behind_a_refused_request_is_fatal(target: &Target) {
    refused_with(target, SSL_REQUEST, &evil());
}

fn client_hello_behind_a_refused_request_is_fatal(target: &Target) {
    refused_with(target, SSL_REQUEST, &client_hello());
}

fn one_byte_behind_a_refused_request_is_fatal(target: &Target) {
    refused_with(target, SSL_REQUEST, b"\0");
}

fn client_hello_after_a_refusal_is_an_invalid_length(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.send(&client_hello());
    target.expect_log_only(&mut client, "invalid length of startup packet");
}

fn bytes_behind_a_refused_gss_request_are_fatal(target: &Target) {
    refused_with(target, GSSENC_REQUEST, b"\0");
    refused_with(target, GSSENC_REQUEST, &SSL_REQUEST);
    refused_with(target, GSSENC_REQUEST, &evil());
}

fn stuffed(target: &Target, stuffing: &[u8]) {
    for version in VERSIONS {
        let mut client = target.connect();
        client.send(&[&SSL_REQUEST, stuffing].concat());
        client.expect(b"S");
        client.expect_handshake_failure(&Tls::new().version(version));
        target.expect_log(&client, broken_handshake());
    }
}

fn a03_one_byte_behind_an_accepted_request_breaks_the_handshake(target: &Target) {
    stuffed(target, b"X");
    stuffed(target, b"\0");
}

fn a03_startup_behind_an_accepted_request_breaks_the_handshake(target: &Target) {
    stuffed(target, &evil());
}

fn a03_stuffing_in_its_own_segment_breaks_the_handshake(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"S");
    client.send(&evil());
    client.expect_handshake_failure(&Tls::new());
    target.expect_log(&client, broken_handshake());
}

fn a03_client_hello_behind_the_request_works(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        let hello = client_hello_first(&mut client, version, usize::MAX);
        assert!(hello.is_empty());
        client.finish_tls().unwrap();
        client.login_and_leave(&wire::startup_alice());
    }
}

fn half_a_client_hello_behind_the_request_works(target: &Target) {
    for version in VERSIONS {
        for early in [1, 4, 5, 6, 100] {
            let mut client = target.connect();
            let rest = client_hello_first(&mut client, version, early);
            client.send_raw(&rest);
            client.finish_tls().unwrap();
            client.login_and_leave(&wire::startup_alice());
        }
    }
}

/// Sends `SSLRequest` and so many bytes of a `ClientHello` in one write, takes the `S`, returns the rest.
fn client_hello_first(
    client: &mut heliosdb_tests::client::Client,
    version: heliosdb_tests::tls::Version,
    early: usize,
) -> Vec<u8> {
    let (connection, hello) = {
        let mut hello = Vec::new();
        let mut connection = Tls::new().version(version).connect();
        connection.0.write_tls(&mut hello).unwrap();
        (connection, hello)
    };
    let early = early.min(hello.len());
    client.send_raw(&[&SSL_REQUEST, &hello[..early]].concat());
    client.expect(b"S");
    client.go_on_with_tls(connection);
    hello[early..].to_vec()
}

fn a03_plaintext_behind_an_early_client_hello_breaks_the_handshake(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        let mut connection = Tls::new().version(version).connect();
        let mut bytes = SSL_REQUEST.to_vec();
        connection.0.write_tls(&mut bytes).unwrap();
        bytes.extend(evil());
        client.send_raw(&bytes);
        client.expect(b"S");
        client.go_on_with_tls(connection);
        client.expect_failure_to_finish_tls();
        target.expect_log(&client, broken_handshake());
    }
}

fn a03_plaintext_behind_a_client_hello_breaks_the_handshake(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        client.send(&SSL_REQUEST);
        client.expect(b"S");
        let hello = client.begin_tls(&Tls::new().version(version));
        client.send_raw(&[hello, evil()].concat());
        client.expect_failure_to_finish_tls();
        target.expect_log(&client, broken_handshake());
    }
}

fn plaintext_behind_a_direct_client_hello_breaks_the_handshake(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        let hello = client.begin_tls(&Tls::new().version(version));
        client.send_raw(&[hello, evil()].concat());
        client.expect_failure_to_finish_tls();
        target.expect_log(&client, broken_handshake());
    }
}

fn startup_behind_a_request_inside_direct_tls_is_fatal(target: &Target) {
    let mut client = target.connect();
    client.handshake(&Tls::new());
    client.send(&[&SSL_REQUEST[..], &wire::startup_alice()].concat());
    client.expect(b"N");
    target.expect_fatal(&mut client, &wire::unencrypted_data_after("SSL"));
}

fn startup_behind_a_gss_request_inside_direct_tls_is_fatal(target: &Target) {
    let mut client = target.connect();
    client.handshake(&Tls::new());
    client.send(&[&GSSENC_REQUEST[..], &wire::startup_alice()].concat());
    client.expect(b"N");
    target.expect_fatal(
        &mut client,
        &wire::unencrypted_data_after("GSSAPI encryption"),
    );
}
