//! Protocol versions and options the server does not know (spec 1.5; bug A08).

use heliosdb_tests::case::Proof::Since;
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::Tls;
use heliosdb_tests::wire::{self, V3_0, V3_1, V3_2, V3_9999};

cases! {
    version_3_0_gets_a_key_of_4_bytes, Config::tls(), Since(15), ["1.5"];
    a08_version_3_1_passes_silently_with_a_key_of_4_bytes, Config::tls(), Since(18), ["1.3 #13", "X8", "A08"];
    a08_version_3_2_gets_a_key_of_32_bytes, Config::tls(), Since(18), ["1.5", "X9", "A08"];
    newer_minors_are_negotiated_down, Config::tls(), Since(18), ["1.3 #12", "1.5"];
    newer_version_with_options_lists_them_in_order, Config::tls(), Since(18), ["1.5", "X10"];
    options_are_listed_for_every_version, Config::tls(), Since(18), ["1.3 #20", "1.5", "X11"];
    old_servers_list_an_option_of_3_0_alike, Config::tls(), Since(15), ["1.3 #20", "X11"];
    version_3_2_without_user_is_refused_alone, Config::tls(), Since(18), ["1.3 #15", "X12"];
    missing_user_is_reported_after_negotiation, Config::tls(), Since(18), ["1.2", "1.3 #15", "1.5"];
    negotiation_and_login_are_one_record, Config::tls(), Since(18), ["1.5", "J02"];
}

fn options<'a>(names: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let fixed = [("user", "alice"), ("database", "postgres")];
    fixed
        .into_iter()
        .chain(names.iter().map(|name| (*name, "x")))
        .collect()
}

/// The same in clear, in negotiated TLS and in direct TLS.
fn everywhere(target: &Target, run: impl Fn(&mut Client)) {
    run(&mut target.connect());
    run(&mut target.connect_tls(&Tls::new()));
    if target.is_at_least(17) {
        let mut client = target.connect();
        client.handshake(&Tls::new());
        run(&mut client);
    }
}

fn version_3_0_gets_a_key_of_4_bytes(target: &Target) {
    everywhere(target, |client| {
        assert_eq!(client.login_and_leave(&wire::startup_alice()).key.len(), 4);
    });
}

fn a08_version_3_1_passes_silently_with_a_key_of_4_bytes(target: &Target) {
    everywhere(target, |client| {
        let login = client.login_and_leave(&wire::startup(V3_1, &options(&[])));
        assert_eq!(login.key.len(), 4);
    });
}

fn a08_version_3_2_gets_a_key_of_32_bytes(target: &Target) {
    everywhere(target, |client| {
        let login = client.login_and_leave(&wire::startup(V3_2, &options(&[])));
        assert_eq!(login.key.len(), 32);
    });
}

fn newer_minors_are_negotiated_down(target: &Target) {
    for version in [[0, 3, 0, 3], [0, 3, 0, 4], [0, 3, 0xFF, 0xFF], V3_9999] {
        everywhere(target, |client| {
            client.send(&wire::startup(version, &options(&[])));
            client.expect(&wire::negotiate_protocol_version(V3_2, &[]));
            assert_eq!(client.expect_login().key.len(), 32);
            client.terminate();
        });
    }
}

fn newer_version_with_options_lists_them_in_order(target: &Target) {
    let names = ["_pq_.test_protocol_negotiation", "_pq_.another", "_pq_.Aaa"];
    everywhere(target, |client| {
        client.send(&wire::startup(V3_9999, &options(&names)));
        client.expect(&wire::negotiate_protocol_version(V3_2, &names));
        assert_eq!(client.expect_login().key.len(), 32);
        client.terminate();
    });
}

fn options_are_listed_for_every_version(target: &Target) {
    let names = ["_pq_.b", "_pq_.a", "_pq_.b", "_pq_."];
    for (version, key) in [(V3_0, 4), (V3_1, 4), (V3_2, 32)] {
        everywhere(target, |client| {
            client.send(&wire::startup(version, &options(&names)));
            client.expect(&wire::negotiate_protocol_version(version, &names));
            assert_eq!(client.expect_login().key.len(), key);
            client.terminate();
        });
    }
}

fn old_servers_list_an_option_of_3_0_alike(target: &Target) {
    everywhere(target, |client| {
        client.send(&wire::startup(V3_0, &options(&["_pq_.x"])));
        client.expect(&wire::negotiate_protocol_version(V3_0, &["_pq_.x"]));
        assert_eq!(client.expect_login().key.len(), 4);
        client.terminate();
    });
}

fn version_3_2_without_user_is_refused_alone(target: &Target) {
    everywhere(target, |client| {
        client.send(&wire::startup(V3_2, &[("database", "postgres")]));
        target.expect_fatal(client, &wire::no_user());
    });
}

fn missing_user_is_reported_after_negotiation(target: &Target) {
    everywhere(target, |client| {
        client.send(&wire::startup(V3_9999, &[("_pq_.x", "1")]));
        client.expect(&wire::negotiate_protocol_version(V3_2, &["_pq_.x"]));
        target.expect_fatal(client, &wire::no_user());
    });
}

fn negotiation_and_login_are_one_record(target: &Target) {
    let mut client = target.connect_tls(&Tls::new());
    let before = client.records().len();
    client.send(&wire::startup(V3_9999, &options(&[])));
    client.expect(&wire::negotiate_protocol_version(V3_2, &[]));
    client.expect_login();
    assert_eq!(
        client.records().len() - before,
        1,
        "records {:?}",
        &client.records()[before..]
    );
    client.terminate();
}
