//! The name in the ClientHello is no reason to refuse, whatever it is (spec 5.6: ignored up to PostgreSQL 18; G04, G07).

use heliosdb_tests::case::Proof::Since;
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::{Kind, Target};
use heliosdb_tests::tls::{Tls, VERSIONS, Version};
use heliosdb_tests::wire;

const ILLEGAL_PARAMETER: u8 = 47;

cases! {
    g04_names_above_255_bytes_are_refused, Config::tls(), Since(15), ["5.6", "G04"];
    g07_unknown_names_get_the_certificate, Config::tls(), Since(15), ["5.6", "G07"];
    g07_no_name_gets_the_certificate, Config::tls(), Since(15), ["5.6", "G07"];
    g04_ip_addresses_get_the_certificate, Config::tls(), Since(15), ["5.6", "G04"];
    g04_odd_names_get_the_certificate, Config::tls(), Since(15), ["5.6", "G04"];
    g04_names_that_are_none_are_refused_by_rustls, Config::tls(), Since(15), ["5.6", "11 #6", "G04"];
}

fn gets_the_certificate(target: &Target, name: Option<&str>) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version).server_name(name));
        assert_eq!(
            client.server_certificate().as_deref(),
            Some(target.pki().server.der())
        );
        client.login_and_leave(&wire::startup_alice());
    }
}

fn g07_unknown_names_get_the_certificate(target: &Target) {
    for name in [
        "localhost",
        "LOCALHOST",
        "nonexistent.example",
        "a.b.wild.example",
    ] {
        gets_the_certificate(target, Some(name));
    }
}

fn g07_no_name_gets_the_certificate(target: &Target) {
    gets_the_certificate(target, None);
}

/// Sends a ClientHello with a name no client of ours can send; the first flight of the server tells what it thinks.
fn hello_with(target: &Target, version: Version, name: &[u8]) -> Client {
    let mut client = target.connect();
    client.send(&wire::SSL_REQUEST);
    client.expect(b"S");
    let mut hello = Vec::new();
    Tls::new()
        .version(version)
        .connect()
        .0
        .write_tls(&mut hello)
        .unwrap();
    client.send(&wire::with_server_name(&hello, Some(name)));
    client
}

fn gets_a_server_hello(target: &Target, name: &[u8]) {
    for version in VERSIONS {
        let mut client = hello_with(target, version, name);
        client.expect_server_hello_for(&format!("{} by {version:?}", name.escape_ascii()));
        target.expect_log(&client, [Expected::handshake_failure()]);
        client.fin();
        client.drain();
    }
}

fn g04_ip_addresses_get_the_certificate(target: &Target) {
    for name in ["127.0.0.1", "::1", "192.0.2.1"] {
        gets_a_server_hello(target, name.as_bytes());
    }
}

fn g04_odd_names_get_the_certificate(target: &Target) {
    let long = [&b"a".repeat(60)[..], b"."].concat().repeat(4);
    for name in [&b"localhost."[..], b"LOCALHOST", b"db_1.local", b"_", &long] {
        gets_a_server_hello(target, name);
    }
}

/// PostgreSQL ignores these, too. rustls parses the name before anybody can say that it does not matter; libpq sends
/// none of them (a name with a colon is not sent at all).
fn g04_names_that_are_none_are_refused_by_rustls(target: &Target) {
    for name in [&b"[::1]"[..], b"*.example", b"a..b", b"-", b"a b"] {
        match target.kind() {
            Kind::PostgreSql(_) => gets_a_server_hello(target, name),
            Kind::Ours => {
                for version in VERSIONS {
                    let mut client = hello_with(target, version, name);
                    assert_eq!(client.clear_alert(), ILLEGAL_PARAMETER);
                    target.expect_log(&client, [Expected::handshake_failure()]);
                }
            }
        }
    }
}

/// OpenSSL knows no such names, either.
fn g04_names_above_255_bytes_are_refused(target: &Target) {
    for version in VERSIONS {
        let mut client = hello_with(target, version, &b"a".repeat(300));
        let _description = client.clear_alert();
        target.expect_log(&client, [Expected::handshake_failure()]);
    }
}
