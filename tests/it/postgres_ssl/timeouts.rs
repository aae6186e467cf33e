//! `authentication_timeout` before the session: silence all along, the end at once, and not a word (spec 7.1; K01).

use std::time::{Duration, Instant};

use heliosdb_tests::case::Proof::Since;
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{Tls, Version};
use heliosdb_tests::wire::{self, SSL_REQUEST};

cases! {
    k01_every_silent_stop_is_cut_without_a_word, Config::tls().short_timeout(), Since(17), ["1.3 #5", "7.1", "X26", "K01"];
    silent_stops_without_tls_are_cut_without_a_word, Config::no_tls().short_timeout(), Since(15), ["1.3 #5", "7.1", "X26"];
    dripping_bytes_do_not_extend_the_time, Config::tls().short_timeout(), Since(15), ["7.1", "K01"];
    sessions_outlive_the_timeout, Config::tls().short_timeout(), Since(15), ["7.1"];
}

const TIMEOUT: Duration = Duration::from_secs(1);

/// Each connection must be cut once the time is over and not before.
fn all_are_cut(since: Instant, clients: Vec<(&str, Client)>) {
    for (stop, mut client) in clients {
        client.expect_cut();
        let time = since.elapsed();
        assert!(
            time > TIMEOUT - Duration::from_millis(100) && time < TIMEOUT * 4,
            "{stop}: cut after {time:?}"
        );
    }
}

fn k01_every_silent_stop_is_cut_without_a_word(target: &Target) {
    let since = Instant::now();
    let sent = |bytes: &[u8]| {
        let mut client = target.connect();
        client.send(bytes);
        client
    };
    let accepted = || {
        let mut client = sent(&SSL_REQUEST);
        client.expect(b"S");
        client
    };
    let startup = wire::startup_alice();
    let mut in_startup = target.connect_tls(&Tls::new());
    in_startup.send(&startup[..9]);
    let mut direct = target.connect();
    direct.handshake(&Tls::new());
    let mut half_hello = accepted();
    let hello = half_hello.begin_tls(&Tls::new());
    half_hello.send_raw(&hello[..hello.len() / 2]);
    let mut no_finished = accepted();
    let hello = no_finished.begin_tls(&Tls::new().version(Version::Tls13));
    no_finished.send_raw(&hello);
    no_finished.expect_server_hello();
    let mut half_direct_hello = target.connect();
    let hello = half_direct_hello.begin_tls(&Tls::new());
    half_direct_hello.send_raw(&hello[..hello.len() / 2]);
    all_are_cut(
        since,
        vec![
            ("connected", target.connect()),
            ("two bytes of a length", sent(&[0, 0])),
            ("half an SSLRequest", sent(&SSL_REQUEST[..5])),
            ("half a StartupMessage", sent(&startup[..startup.len() - 1])),
            (
                "a CancelRequest without its key",
                sent(&wire::cancel_request(1, &[0; 4])[..12]),
            ),
            ("after S", accepted()),
            ("half a ClientHello", half_hello),
            ("after the ServerHello", no_finished),
            ("half a direct ClientHello", half_direct_hello),
            ("after the handshake", target.connect_tls(&Tls::new())),
            (
                "after the handshake of 1.2",
                target.connect_tls(&Tls::new().version(Version::Tls12)),
            ),
            ("after the direct handshake", direct),
            ("half a StartupMessage inside TLS", in_startup),
        ],
    );
}

fn silent_stops_without_tls_are_cut_without_a_word(target: &Target) {
    let since = Instant::now();
    let mut refused = target.connect();
    refused.send(&SSL_REQUEST);
    refused.expect(b"N");
    let mut half = target.connect();
    half.send(&SSL_REQUEST);
    half.expect(b"N");
    half.send(&wire::startup_alice()[..10]);
    all_are_cut(
        since,
        vec![
            ("after N", refused),
            ("half a StartupMessage after N", half),
        ],
    );
}

fn dripping_bytes_do_not_extend_the_time(target: &Target) {
    let since = Instant::now();
    let mut clear = target.connect();
    let mut inside = target.connect_tls(&Tls::new());
    for byte in &wire::startup_alice()[..8] {
        clear.send(&[*byte]);
        inside.send(&[*byte]);
        inside.expect_silence(Duration::from_millis(100));
    }
    all_are_cut(since, vec![("clear", clear), ("inside TLS", inside)]);
}

fn sessions_outlive_the_timeout(target: &Target) {
    let mut clear = target.connect();
    clear.login(&wire::startup_alice());
    let mut inside = target.connect_tls(&Tls::new());
    inside.login(&wire::startup_alice());
    inside.expect_silence(TIMEOUT + Duration::from_millis(300));
    for mut client in [clear, inside] {
        client.expect_alive();
        client.terminate();
    }
}
