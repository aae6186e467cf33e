//! Every SslMode with clients in clear and in TLS, by both cryptographic providers (spec 4.2, 4.3, 4.6, 7.2, 7.3).

use heliosdb_tests::case::Proof::{OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::{Config, TlsVersions};
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire::{self, GSSENC_REQUEST, Report, SSL_REQUEST, V3_0};
use pg_tls::SslMode::{Allow, Disable, Prefer, Require, VerifyCA, VerifyFull};

const RING: heliosdb_tests::case::Proof =
    OursOnly("the same case is proven once; PostgreSQL has OpenSSL alone");

cases! {
    disable_serves_plaintext_alone, Config::new(Disable), Since(17), ["4.6 Disable", "A04"];
    disable_serves_plaintext_alone_with_ring, Config::new(Disable).ring(), RING, ["4.6 Disable"];
    disable_serves_the_real_engine, Config::new(Disable).nano(), OursOnly("the engine is ours"), ["4.6 Disable"];
    allow_serves_both, Config::new(Allow), Since(17), ["4.6 Allow"];
    allow_serves_both_with_ring, Config::new(Allow).ring(), RING, ["4.6 Allow"];
    allow_serves_the_real_engine, Config::new(Allow).nano(), OursOnly("the engine is ours"), ["4.6 Allow"];
    prefer_serves_both, Config::new(Prefer), Since(17), ["4.6 Prefer"];
    prefer_serves_both_with_ring, Config::new(Prefer).ring(), RING, ["4.6 Prefer"];
    prefer_serves_the_real_engine, Config::new(Prefer).nano(), OursOnly("the engine is ours"), ["4.6 Prefer"];
    a10_require_refuses_plaintext, Config::new(Require), Since(17), ["4.6 Require", "4.2", "A10"];
    require_refuses_plaintext_with_ring, Config::new(Require).ring(), RING, ["4.6 Require"];
    require_serves_the_real_engine, Config::new(Require).nano(), OursOnly("the engine is ours"), ["4.6 Require"];
    verify_ca_demands_a_certificate, Config::new(VerifyCA), Since(17), ["4.6 VerifyCA", "4.3"];
    verify_ca_demands_a_certificate_with_ring, Config::new(VerifyCA).ring(), RING, ["4.6 VerifyCA"];
    verify_ca_serves_the_real_engine, Config::new(VerifyCA).nano(), OursOnly("the engine is ours"), ["4.6 VerifyCA"];
    verify_full_demands_the_users_certificate, Config::new(VerifyFull), Since(17), ["4.6 VerifyFull", "4.3"];
    verify_full_demands_the_users_certificate_with_ring, Config::new(VerifyFull).ring(), RING, ["4.6 VerifyFull"];
    verify_full_serves_the_real_engine, Config::new(VerifyFull).nano(), OursOnly("the engine is ours"), ["4.6 VerifyFull"];
    require_refuses_a_replication_connection_in_its_own_words, Config::new(Require), Since(15), ["4.2"];
    require_refuses_gssapi_and_then_plaintext, Config::new(Require), OursOnly("PostgreSQL as packaged has GSSAPI and would answer G"), ["4.6 (a)"];
    require_reads_the_whole_startup_packet_first, Config::new(Require), Since(15), ["4.6 Require"];
    application_name_is_logged, Config::tls(), Since(15), ["7.2"];
    minimum_1_3_refuses_1_2_with_alert_70, Config::tls().tls_versions(TlsVersions::Tls13Only), Since(15), ["5.5", "X29"];
    minimum_1_3_refuses_1_2_with_alert_70_with_ring, Config::tls().tls_versions(TlsVersions::Tls13Only).ring(), RING, ["5.5", "X29"];
    maximum_1_2_refuses_1_3_with_alert_70, Config::tls().tls_versions(TlsVersions::Tls12Only), Since(15), ["5.5"];
}

/// The log line of a login as `alice` to `postgres`, TLS told as the client knows it.
pub(super) fn authorized(client: &Client) -> String {
    let tls = client.tls();
    let suite = tls.negotiated_cipher_suite().unwrap().suite();
    let (protocol, cipher, bits) = match suite.as_str().unwrap() {
        "TLS13_AES_128_GCM_SHA256" => ("TLSv1.3", "TLS_AES_128_GCM_SHA256", 128),
        "TLS13_AES_256_GCM_SHA384" => ("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256),
        "TLS13_CHACHA20_POLY1305_SHA256" => ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", 256),
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => {
            ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", 128)
        }
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => {
            ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", 256)
        }
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" => {
            ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", 256)
        }
        other => panic!("cipher suite {other}"),
    };
    format!(
        "connection authorized: user=alice database=postgres \
         SSL enabled (protocol={protocol}, cipher={cipher}, bits={bits})"
    )
}

fn serves_plaintext(target: &Target) {
    let mut client = target.connect();
    client.login(&wire::startup_alice());
    client.expect_alive();
    client.terminate();
    target.expect_line(
        &client,
        "connection authorized: user=alice database=postgres",
    );
}

/// Both ways into TLS, both versions of it, both providers of the client.
fn serves_tls(target: &Target, tls: &Tls) {
    for version in VERSIONS {
        for tls in [
            tls.clone().version(version),
            tls.clone().version(version).ring(),
        ] {
            let mut negotiated = target.connect();
            negotiated.ssl_request(&tls);
            let mut direct = target.connect();
            direct.handshake(&tls);
            for mut client in [negotiated, direct] {
                assert_eq!(
                    client.server_certificate().as_deref(),
                    Some(target.pki().server.der())
                );
                client.login(&wire::startup_alice());
                client.expect_alive();
                client.terminate();
                target.expect_line(&client, authorized(&client));
            }
        }
    }
}

fn refuses_plaintext(target: &Target) {
    let mut client = target.connect();
    client.send(&wire::startup_alice());
    target.expect_fatal(&mut client, &wire::plaintext_refused("alice", "postgres"));
}

/// Inside TLS, both ways and both versions.
fn refuses_tls(target: &Target, tls: &Tls, report: &Report, log: &[Expected]) {
    for version in VERSIONS {
        let tls = tls.clone().version(version);
        let mut negotiated = target.connect();
        negotiated.ssl_request(&tls);
        let mut direct = target.connect();
        direct.handshake(&tls);
        for mut client in [negotiated, direct] {
            client.send(&wire::startup_alice());
            client.expect_report(report);
            client.expect_close();
            target.expect_log(&client, log.iter().cloned());
        }
    }
}

fn disable_serves_plaintext_alone(target: &Target) {
    serves_plaintext(target);
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.login_and_leave(&wire::startup_alice());
    let mut client = target.connect();
    let hello = client.begin_tls(&Tls::new());
    client.send_raw(&hello);
    client.expect_cut();
}

fn disable_serves_plaintext_alone_with_ring(target: &Target) {
    disable_serves_plaintext_alone(target);
}

fn disable_serves_the_real_engine(target: &Target) {
    disable_serves_plaintext_alone(target);
}

fn allow_serves_both(target: &Target) {
    serves_plaintext(target);
    serves_tls(target, &Tls::new());
}

fn allow_serves_both_with_ring(target: &Target) {
    allow_serves_both(target);
}

fn allow_serves_the_real_engine(target: &Target) {
    allow_serves_both(target);
}

fn prefer_serves_both(target: &Target) {
    serves_plaintext(target);
    serves_tls(target, &Tls::new());
}

fn prefer_serves_both_with_ring(target: &Target) {
    prefer_serves_both(target);
}

fn prefer_serves_the_real_engine(target: &Target) {
    prefer_serves_both(target);
}

fn a10_require_refuses_plaintext(target: &Target) {
    refuses_plaintext(target);
    serves_tls(target, &Tls::new());
}

fn require_refuses_plaintext_with_ring(target: &Target) {
    a10_require_refuses_plaintext(target);
}

fn require_serves_the_real_engine(target: &Target) {
    a10_require_refuses_plaintext(target);
}

fn verify_ca_demands_a_certificate(target: &Target) {
    refuses_plaintext(target);
    let report = Report::fatal("28000", "connection requires a valid client certificate");
    refuses_tls(target, &Tls::new(), &report, &[Expected::fatal(&report)]);
    serves_tls(target, &Tls::new().identity(&target.pki().alice));
    serves_tls(target, &Tls::new().identity(&target.pki().bob));
}

fn verify_ca_demands_a_certificate_with_ring(target: &Target) {
    verify_ca_demands_a_certificate(target);
}

fn verify_ca_serves_the_real_engine(target: &Target) {
    verify_ca_demands_a_certificate(target);
}

fn verify_full_demands_the_users_certificate(target: &Target) {
    refuses_plaintext(target);
    let report = Report::fatal("28000", "connection requires a valid client certificate");
    refuses_tls(target, &Tls::new(), &report, &[Expected::fatal(&report)]);
    serves_tls(target, &Tls::new().identity(&target.pki().alice));
    let report = Report::fatal(
        "28000",
        "\"trust\" authentication failed for user \"alice\"",
    );
    let log = [
        Expected::log("provided user name (alice) and authenticated user name (bob) do not match"),
        Expected::log(
            "certificate validation (clientcert=verify-full) failed for user \"alice\": CN mismatch",
        ),
        Expected::fatal(&report).any_detail(),
    ];
    refuses_tls(
        target,
        &Tls::new().identity(&target.pki().bob),
        &report,
        &log,
    );
}

fn verify_full_demands_the_users_certificate_with_ring(target: &Target) {
    verify_full_demands_the_users_certificate(target);
}

fn verify_full_serves_the_real_engine(target: &Target) {
    verify_full_demands_the_users_certificate(target);
}

fn require_refuses_a_replication_connection_in_its_own_words(target: &Target) {
    for value in ["true", "on", "yes", "1", "t"] {
        let mut client = target.connect();
        client.send(&wire::startup(
            V3_0,
            &[("user", "alice"), ("replication", value)],
        ));
        let report = Report::fatal(
            "28000",
            "no pg_hba.conf entry for replication connection from host \"127.0.0.1\", \
             user \"alice\", no encryption",
        );
        target.expect_fatal(&mut client, &report);
    }
    let mut client = target.connect();
    let parameters = [
        ("user", "alice"),
        ("database", "postgres"),
        ("replication", "database"),
    ];
    client.send(&wire::startup(V3_0, &parameters));
    target.expect_fatal(&mut client, &wire::plaintext_refused("alice", "postgres"));
}

fn require_refuses_gssapi_and_then_plaintext(target: &Target) {
    let mut client = target.connect();
    client.send(&GSSENC_REQUEST);
    client.expect(b"N");
    client.send(&wire::startup_alice());
    target.expect_fatal(&mut client, &wire::plaintext_refused("alice", "postgres"));
}

/// The refusal names what only the end of the packet says.
fn require_reads_the_whole_startup_packet_first(target: &Target) {
    let mut client = target.connect();
    let packet = wire::startup(V3_0, &[("user", "alice"), ("database", "last")]);
    let (start, end) = packet.split_at(packet.len() - 1);
    client.send(start);
    client.expect_silence(std::time::Duration::from_millis(50));
    client.send(end);
    target.expect_fatal(&mut client, &wire::plaintext_refused("alice", "last"));
}

fn application_name_is_logged(target: &Target) {
    let parameters = [
        ("user", "alice"),
        ("database", "postgres"),
        ("application_name", "wire test"),
    ];
    let mut client = target.connect();
    client.login_and_leave(&wire::startup(V3_0, &parameters));
    let line = "connection authorized: user=alice database=postgres application_name=wire test";
    target.expect_line(&client, line);
    let mut client = target.connect_tls(&Tls::new());
    client.login_and_leave(&wire::startup(V3_0, &parameters));
    target.expect_line(&client, format!("{line} SSL enabled (protocol=TLSv1.3, *)"));
}

const PROTOCOL_VERSION: u8 = 70;

fn refuses_version(target: &Target, refused: usize, range: &str) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"S");
    let end = client.try_handshake(&Tls::new().version(VERSIONS[refused]));
    assert_eq!(
        end,
        Err(heliosdb_tests::client::End::Alert(PROTOCOL_VERSION))
    );
    let hint = format!(
        "This may indicate that the client does not support any SSL protocol version between {range}."
    );
    target.expect_log(&client, [Expected::handshake_failure().hint(hint)]);
    target
        .connect_tls(&Tls::new().version(VERSIONS[1 - refused]))
        .login_and_leave(&wire::startup_alice());
}

fn minimum_1_3_refuses_1_2_with_alert_70(target: &Target) {
    refuses_version(target, 0, "TLSv1.3 and TLSv1.3");
}

fn minimum_1_3_refuses_1_2_with_alert_70_with_ring(target: &Target) {
    minimum_1_3_refuses_1_2_with_alert_70(target);
}

fn maximum_1_2_refuses_1_3_with_alert_70(target: &Target) {
    refuses_version(target, 1, "TLSv1.2 and TLSv1.2");
}
