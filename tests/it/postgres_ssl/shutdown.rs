//! Shutdown: sessions hear why, inside TLS and with `close_notify`; who has no session hears nothing (I01, I04).

use std::time::Duration;

use heliosdb_tests::case::Proof::{OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::{Kind, Target};
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire::{self, Report};

cases! {
    i04_idle_sessions_read_57p01_and_close_notify, Config::tls().max_connections(90), Since(15), ["I01", "I04"];
    i04_running_statements_read_57p01, Config::tls().max_connections(91), Since(15), ["I04"];
    i04_connections_before_the_session_hear_nothing, Config::tls().max_connections(92), Since(17), ["7.1", "I04"];
    shutting_down_is_told_inside_tls, Config::tls(), OursOnly("PostgreSQL has ended the connection by then"), ["1.3 #21", "I04"];
    i01_half_closed_sessions_end_with_close_notify, Config::tls(), Since(15), ["I01"];
    reset_of_an_idle_session_is_logged, Config::tls(), Since(15), ["5.5"];
    i01_terminate_is_answered_by_close_notify, Config::tls(), Since(15), ["I01"];
}

/// What the operator asked for is no failure in our log.
fn log(target: &Target) -> Expected {
    match target.kind() {
        Kind::Ours => Expected::log_only("57P01", wire::terminated().message),
        Kind::PostgreSql(_) => Expected::fatal(&wire::terminated()),
    }
}

fn i04_idle_sessions_read_57p01_and_close_notify(target: &Target) {
    let mut clients = vec![target.connect()];
    clients.extend(VERSIONS.map(|version| target.connect_tls(&Tls::new().version(version))));
    for client in &mut clients {
        client.login(&wire::startup_alice());
    }
    target.shut_down(Duration::ZERO);
    for client in &mut clients {
        client_is_terminated(target, client);
    }
}

fn i04_running_statements_read_57p01(target: &Target) {
    let mut clients = vec![target.connect(), target.connect_tls(&Tls::new())];
    for client in &mut clients {
        client.login(&wire::startup_alice());
        super::cancel::sleep(target, client);
    }
    target.shut_down(Duration::ZERO);
    for client in &mut clients {
        let (mut tag, mut body) = client.message();
        if tag == b'T' {
            (tag, body) = client.message();
        }
        assert_eq!((tag, Report::parse(&body)), (b'E', wire::terminated()));
        client.expect_close();
        target.expect_log(client, [log(target)]);
    }
}

fn i04_connections_before_the_session_hear_nothing(target: &Target) {
    let mut silent = target.connect();
    let mut accepted = target.connect();
    accepted.send(&wire::SSL_REQUEST);
    accepted.expect(b"S");
    let mut inside = target.connect_tls(&Tls::new());
    // A login that was accepted later shows that the others have been, too.
    target.connect().login_and_leave(&wire::startup_alice());
    target.shut_down(Duration::ZERO);
    for client in [&mut silent, &mut accepted, &mut inside] {
        client.expect_cut();
    }
}

fn shutting_down_is_told_inside_tls(target: &Target) {
    let mut clients = vec![target.connect()];
    clients.extend(VERSIONS.map(|version| target.connect_tls(&Tls::new().version(version))));
    // A busy session holds the server back, so that it listens to the others for a while.
    let mut session = target.connect_tls(&Tls::new());
    session.login(&wire::startup_alice());
    super::cancel::sleep(target, &mut session);
    target.shut_down(Duration::from_secs(10));
    let report = Report::fatal("57P03", "the database system is shutting down");
    for client in &mut clients {
        client.send(&wire::startup_alice());
        client.expect_report(&report);
        client.expect_close();
        target.expect_log(
            client,
            [Expected::log_only("57P03", report.message.clone())],
        );
    }
    target.shut_down(Duration::ZERO);
    client_is_terminated(target, &mut session);
}

fn client_is_terminated(target: &Target, client: &mut Client) {
    client.expect_report(&wire::terminated());
    client.expect_close();
    target.expect_log(client, [log(target)]);
}

fn i01_half_closed_sessions_end_with_close_notify(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version));
        client.login(&wire::startup_alice());
        client.half_close();
        client.expect_close();
    }
}

fn reset_of_an_idle_session_is_logged(target: &Target) {
    let mut clients = vec![target.connect()];
    clients.extend(VERSIONS.map(|version| target.connect_tls(&Tls::new().version(version))));
    for mut client in clients {
        client.login(&wire::startup_alice());
        let reset = "could not receive data from client: Connection reset by peer";
        target.expect_log(&client, [Expected::log_only("08006", reset)]);
        client.reset();
    }
}

fn i01_terminate_is_answered_by_close_notify(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version));
        client.login_and_leave(&wire::startup_alice());
    }
}
