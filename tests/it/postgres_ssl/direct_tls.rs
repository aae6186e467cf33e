//! TLS without an SSLRequest, and ALPN in both ways of starting TLS (spec 2).

use heliosdb_tests::case::Proof::Since;
use heliosdb_tests::cases;
use heliosdb_tests::client::End;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{ALPN, Tls, VERSIONS};
use heliosdb_tests::wire;
use pg_tls::SslMode;

const NO_ALPN: &str =
    "received direct SSL connection request without ALPN protocol negotiation extension";
const NO_APPLICATION_PROTOCOL: u8 = 120;

cases! {
    a05_direct_tls_with_alpn_is_served, Config::tls(), Since(17), ["2 first byte 0x16", "2 ALPN: list with postgresql", "X20", "A05"];
    direct_tls_with_a_list_that_holds_postgresql_is_served, Config::tls(), Since(17), ["2 ALPN: list with postgresql", "X20"];
    a05_direct_tls_without_alpn_is_closed_after_the_handshake, Config::tls(), Since(17), ["2 ALPN: none", "X20", "A05"];
    a05_direct_tls_with_foreign_alpn_gets_alert_120, Config::tls(), Since(17), ["2 ALPN: list without postgresql", "X20", "A05"];
    g05_negotiated_tls_with_alpn_is_served, Config::tls(), Since(17), ["2 ALPN: list with postgresql", "G05"];
    g05_negotiated_tls_without_alpn_is_served, Config::tls(), Since(15), ["2 ALPN: none", "G05", "A05"];
    g05_negotiated_tls_with_a_list_that_holds_postgresql_is_served, Config::tls(), Since(17), ["2 ALPN: list with postgresql", "G05"];
    g05_negotiated_tls_with_foreign_alpn_gets_alert_120, Config::tls(), Since(17), ["2 ALPN: list without postgresql", "X24", "G05"];
    direct_tls_is_served_by_require, Config::new(SslMode::Require), Since(17), ["2 first byte 0x16", "4.6 Require"];
    direct_tls_without_tls_is_closed_without_a_byte, Config::no_tls(), Since(17), ["2 no TLS", "X23"];
    direct_client_hello_in_single_bytes_is_served, Config::tls(), Since(17), ["2 first byte 0x16", "A12"];
    direct_post_quantum_client_hello_in_two_segments_is_served, Config::tls(), Since(17), ["2 first byte 0x16", "A12"];
    direct_startup_behind_the_finished_is_served, Config::tls(), Since(17), ["2 first byte 0x16", "B07"];
    direct_garbage_gets_an_alert, Config::tls(), Since(17), ["2 handshake failure", "X25"];
    direct_first_byte_then_eof_is_a_failed_handshake, Config::tls(), Since(17), ["2 handshake failure", "5.5"];
}

fn serves(target: &Target, direct: bool, tls: &Tls, alpn: Option<&str>) {
    for version in VERSIONS {
        let mut client = target.connect();
        let tls = tls.clone().version(version);
        if direct {
            client.handshake(&tls);
        } else {
            client.ssl_request(&tls);
        }
        assert_eq!(client.tls().alpn_protocol(), alpn.map(str::as_bytes));
        assert_eq!(
            client.server_certificate().as_deref(),
            Some(target.pki().server.der())
        );
        client.login_and_leave(&wire::startup_alice());
    }
}

fn refuses_alpn(target: &Target, direct: bool) {
    for version in VERSIONS {
        for names in [
            &["http/1.1"][..],
            &["h2", "http/1.1"],
            &["postgresql2"],
            &["PostgreSQL"],
        ] {
            let mut client = target.connect();
            if !direct {
                client.send(&wire::SSL_REQUEST);
                client.expect(b"S");
            }
            let tls = Tls::new().version(version).alpn(names);
            assert_eq!(
                client.try_handshake(&tls),
                Err(End::Alert(NO_APPLICATION_PROTOCOL))
            );
            let text = "could not accept SSL connection: no application protocol";
            target.expect_log(&client, [Expected::log_only("08P01", text)]);
        }
    }
}

fn a05_direct_tls_with_alpn_is_served(target: &Target) {
    serves(target, true, &Tls::new(), Some(ALPN));
}

fn direct_tls_with_a_list_that_holds_postgresql_is_served(target: &Target) {
    serves(target, true, &Tls::new().alpn(&["h2", ALPN]), Some(ALPN));
}

fn a05_direct_tls_without_alpn_is_closed_after_the_handshake(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        client.handshake(&Tls::without_alpn().version(version));
        target.expect_log_only(&mut client, NO_ALPN);
    }
}

fn a05_direct_tls_with_foreign_alpn_gets_alert_120(target: &Target) {
    refuses_alpn(target, true);
}

fn g05_negotiated_tls_with_alpn_is_served(target: &Target) {
    serves(target, false, &Tls::new(), Some(ALPN));
}

fn g05_negotiated_tls_without_alpn_is_served(target: &Target) {
    serves(target, false, &Tls::without_alpn(), None);
}

fn g05_negotiated_tls_with_a_list_that_holds_postgresql_is_served(target: &Target) {
    serves(target, false, &Tls::new().alpn(&["h2", ALPN]), Some(ALPN));
}

fn g05_negotiated_tls_with_foreign_alpn_gets_alert_120(target: &Target) {
    refuses_alpn(target, false);
}

fn direct_tls_is_served_by_require(target: &Target) {
    serves(target, true, &Tls::new(), Some(ALPN));
}

fn direct_tls_without_tls_is_closed_without_a_byte(target: &Target) {
    let mut client = target.connect();
    let hello = client.begin_tls(&Tls::new());
    client.send_raw(&hello);
    client.expect_cut();
}

fn direct_client_hello_in_single_bytes_is_served(target: &Target) {
    let mut client = target.connect();
    let hello = client.begin_tls(&Tls::new());
    for byte in &hello {
        client.send_raw(std::slice::from_ref(byte));
    }
    client.finish_tls().unwrap();
    client.login_and_leave(&wire::startup_alice());
}

fn direct_post_quantum_client_hello_in_two_segments_is_served(target: &Target) {
    let mut client = target.connect();
    let hello = client.begin_tls(&Tls::new().post_quantum());
    for half in [&hello[..700], &hello[700..]] {
        client.send_raw(half);
    }
    client.finish_tls().unwrap();
    client.login_and_leave(&wire::startup_alice());
}

fn direct_startup_behind_the_finished_is_served(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        let hello = client.begin_tls(&Tls::new().version(version));
        client.send_raw(&hello);
        let both = [wire::startup_alice(), wire::query("select 1")].concat();
        client.finish_tls_with(&both);
        client.expect_login();
        client.expect_select_1();
        client.terminate();
    }
}

fn direct_garbage_gets_an_alert(target: &Target) {
    let mut client = target.connect();
    client.send(b"\x16\x03\x01\x00\x05hello");
    let _description = client.clear_alert();
    target.expect_log(&client, [Expected::handshake_failure()]);
}

fn direct_first_byte_then_eof_is_a_failed_handshake(target: &Target) {
    let mut client = target.connect();
    client.send(&[0x16]);
    client.fin();
    client.expect_clear_alert_or_close();
    target.expect_log(&client, [Expected::handshake_failure()]);
}
