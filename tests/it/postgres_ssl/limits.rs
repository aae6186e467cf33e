//! Connection limits: told inside TLS, and no help to who says nothing (spec 1.3 #22; T188; K03).

use std::time::{Duration, Instant};

use heliosdb_tests::case::Proof::{OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire::{self, Report, SSL_REQUEST};
use pg_tls::SslMode;

cases! {
    limit_is_told_inside_tls, Config::tls().max_connections(2), Since(18), ["1.3 #22"];
    limit_is_told_after_a_refusal, Config::no_tls().max_connections(2), Since(18), ["1.3 #22", "T188"];
    limit_comes_before_the_access_rules, Config::new(SslMode::Require).max_connections(2), Since(18), ["1.2", "1.3 #22"];
    cancel_reaches_a_full_server, Config::tls().max_connections(3), Since(18), ["1.6", "1.3 #22"];
    k03_silent_connections_do_not_lock_users_out, Config::tls().max_connections(8), OursOnly("PostgreSQL gives each a process, from the same limit"), ["K03"];
    k03_half_open_handshakes_do_not_lock_users_out, Config::tls().max_connections(8), OursOnly("PostgreSQL gives each a process, from the same limit"), ["K03"];
    i06_every_way_out_gives_its_place_back, Config::tls().max_connections(4), OursOnly("PostgreSQL gives the place back some time after the close"), ["I06"];
}

/// Takes `count` places; each session lives while its client is held.
fn sessions(target: &Target, count: usize) -> Vec<Client> {
    let open = |_| {
        let mut client = target.connect_tls(&Tls::new());
        client.login(&wire::startup_alice());
        client
    };
    (0..count).map(open).collect()
}

/// Ends the sessions, after which a login must succeed within reasonable time.
fn leave(target: &Target, sessions: Vec<Client>) {
    for mut client in sessions {
        client.expect_alive();
        client.terminate();
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let mut client = target.connect_tls(&Tls::new());
        client.send(&wire::startup_alice());
        let (tag, body) = client.message();
        if tag == b'R' {
            client.terminate_whatever_comes();
            return;
        }
        assert_eq!(Report::parse(&body), wire::too_many_clients());
        assert!(Instant::now() < deadline, "the places were not given back");
        target.expect_log(&client, [Expected::fatal(&wire::too_many_clients())]);
    }
}

fn limit_is_told_inside_tls(target: &Target) {
    let held = sessions(target, 2);
    for version in VERSIONS {
        let mut negotiated = target.connect_tls(&Tls::new().version(version));
        negotiated.send(&wire::startup_alice());
        target.expect_fatal(&mut negotiated, &wire::too_many_clients());
        let mut direct = target.connect();
        direct.handshake(&Tls::new().version(version));
        direct.send(&wire::startup_alice());
        target.expect_fatal(&mut direct, &wire::too_many_clients());
    }
    let mut clear = target.connect();
    clear.send(&wire::startup_alice());
    target.expect_fatal(&mut clear, &wire::too_many_clients());
    leave(target, held);
}

fn limit_is_told_after_a_refusal(target: &Target) {
    let open = |_| {
        let mut client = target.connect();
        client.login(&wire::startup_alice());
        client
    };
    let held: Vec<_> = (0..2).map(open).collect();
    for _ in 0..20 {
        let mut client = target.connect();
        client.send(&SSL_REQUEST);
        client.expect(b"N");
        client.send(&wire::startup_alice());
        target.expect_fatal(&mut client, &wire::too_many_clients());
    }
    for mut client in held {
        client.expect_alive();
        client.terminate();
    }
}

fn limit_comes_before_the_access_rules(target: &Target) {
    let held = sessions(target, 2);
    let mut client = target.connect();
    client.send(&wire::startup_alice());
    target.expect_fatal(&mut client, &wire::too_many_clients());
    let mut client = target.connect();
    client.send(&wire::startup(wire::V3_0, &[("database", "postgres")]));
    target.expect_fatal(&mut client, &wire::no_user());
    leave(target, held);
}

fn cancel_reaches_a_full_server(target: &Target) {
    let mut session = target.connect_tls(&Tls::new());
    let login = session.login(&wire::startup_alice());
    let held = sessions(target, 2);
    super::cancel::cancels_a_sleep(target, session, &login, |login| {
        let mut client = target.connect();
        client.send(&wire::cancel_request(login.process_id, &login.key));
        client
    });
    for mut client in held {
        client.terminate();
    }
}

fn usual_login_is_quick(target: &Target) {
    for _ in 0..4 {
        let since = Instant::now();
        let mut client = target.connect_tls(&Tls::new());
        client.login(&wire::startup_alice());
        client.expect_alive();
        client.terminate();
        assert!(
            since.elapsed() < Duration::from_secs(2),
            "login took {:?}",
            since.elapsed()
        );
    }
}

fn k03_silent_connections_do_not_lock_users_out(target: &Target) {
    let mut silent: Vec<_> = (0..200).map(|_| target.connect()).collect();
    usual_login_is_quick(target);
    silent.iter_mut().for_each(Client::fin);
}

fn k03_half_open_handshakes_do_not_lock_users_out(target: &Target) {
    let open = |_| {
        let mut client = target.connect();
        client.send(&SSL_REQUEST);
        client
    };
    let mut silent: Vec<_> = (0..200).map(open).collect();
    usual_login_is_quick(target);
    silent.iter_mut().for_each(Client::fin);
}

fn i06_every_way_out_gives_its_place_back(target: &Target) {
    for _ in 0..25 {
        let mut client = target.connect();
        client.send(&SSL_REQUEST);
        client.expect(b"S");
        client.fin();
        client.expect_close();
        let mut client = target.connect_tls(&Tls::new());
        client.send(&wire::startup(wire::V3_0, &[]));
        target.expect_fatal(&mut client, &wire::no_user());
        let mut client = target.connect_tls(&Tls::new());
        client.login(&wire::startup_alice());
        client.half_close();
        client.expect_close();
        let mut client = target.connect_tls(&Tls::new());
        client.login_and_leave(&wire::startup_alice());
    }
    let held = sessions(target, 4);
    leave(target, held);
}
