//! CancelRequest: everywhere it may come, every way it may be wrong, and never an answer (spec 1.6; bugs F01–F06).

use std::time::Duration;

use heliosdb_tests::case::Proof::Since;
use heliosdb_tests::cases;
use heliosdb_tests::client::{Client, Login};
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::{Kind, Target};
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire::{self, Report, SSL_REQUEST, V3_2};
use pg_tls::SslMode;

const UNKNOWN: i32 = 2_000_000_000;

cases! {
    f02_cancel_in_clear_reaches_the_session, Config::tls(), Since(15), ["1.6", "F02", "F03"];
    cancel_after_a_refusal_reaches_the_session, Config::no_tls(), Since(15), ["1.6"];
    f01_cancel_inside_tls_reaches_the_session, Config::tls(), Since(15), ["1.4 SSL→S, TLS, Cancel", "1.6", "F01"];
    f01_cancel_inside_direct_tls_reaches_the_session, Config::tls(), Since(17), ["1.6", "F01"];
    f06_cancel_with_a_long_key_reaches_the_session, Config::tls(), Since(18), ["1.6", "F06"];
    f02_cancel_in_clear_is_exempt_from_require, Config::new(SslMode::Require), Since(15), ["1.6", "4.6 (a)", "F02"];
    cancel_in_clear_is_exempt_from_verify_full, Config::new(SslMode::VerifyFull), Since(15), ["1.6", "4.6 (a)"];
    cancel_in_single_bytes_reaches_the_session, Config::tls(), Since(15), ["1.6", "A07"];
    bytes_behind_a_cancel_are_ignored, Config::tls(), Since(15), ["1.6"];
    cancel_of_an_idle_session_does_nothing, Config::tls(), Since(15), ["1.6"];
    unknown_process_is_logged, Config::tls(), Since(15), ["1.6", "1.3 #8", "F03"];
    process_0_is_logged, Config::tls(), Since(18), ["1.6", "F03"];
    f03_wrong_key_is_logged_and_cancels_nothing, Config::tls(), Since(18), ["1.6", "F03"];
    f06_cancel_without_room_for_the_process_is_logged, Config::tls(), Since(18), ["1.6", "F06"];
    f06_cancel_key_of_wrong_length_is_logged, Config::tls(), Since(18), ["1.6", "F06"];
    f06_cancel_key_of_any_legal_length_is_looked_up, Config::tls(), Since(18), ["1.6", "F06"];
    f06_cancel_of_the_largest_packet_is_logged, Config::tls(), Since(18), ["1.6", "F06"];
    cancel_cut_short_by_eof_is_logged, Config::tls(), Since(15), ["1.3 #4", "1.6"];
    failures_inside_tls_are_logged_alike, Config::tls(), Since(18), ["1.6", "F03"];
}

/// Lets a session wait in a statement. A cancel that came before the statement would do nothing.
pub(super) fn sleep(target: &Target, session: &mut Client) {
    session.send(&wire::query("select pg_sleep(60)"));
    match target.kind() {
        Kind::Ours => drop(session.expect_message(b'T')),
        // It describes the row no sooner than it has it.
        Kind::PostgreSql(_) => session.expect_silence(Duration::from_millis(50)),
    }
}

fn expect_cancelled(target: &Target, mut client: Client) {
    let report = Report {
        severity: "ERROR".into(),
        ..Report::fatal("57014", "canceling statement due to user request")
    };
    if matches!(target.kind(), Kind::PostgreSql(_)) {
        target.expect_log(&client, [Expected::error(&report)]);
    }
    let (mut tag, mut body) = client.message();
    if tag == b'T' {
        // The row was described before the cancel came.
        (tag, body) = client.message();
    }
    assert_eq!(tag, b'E');
    assert_eq!(Report::parse(&body), report);
    client.expect(&wire::READY_IDLE);
    client.expect_alive();
    client.terminate();
}

fn cancels(target: &Target, mut session: Client, send: impl FnOnce(&Login) -> Client) {
    let login = session.login(&wire::startup_alice());
    cancels_a_sleep(target, session, &login, send);
}

/// A cancel sent by `send` must end a statement of the session, be answered by a close alone, and leave the session
/// in working order.
pub(super) fn cancels_a_sleep(
    target: &Target,
    mut session: Client,
    login: &Login,
    send: impl FnOnce(&Login) -> Client,
) {
    sleep(target, &mut session);
    send(login).expect_close();
    expect_cancelled(target, session);
}

fn request(login: &Login) -> Vec<u8> {
    wire::cancel_request(login.process_id, &login.key)
}

fn sent(mut client: Client, bytes: &[u8]) -> Client {
    client.send(bytes);
    client
}

fn f02_cancel_in_clear_reaches_the_session(target: &Target) {
    cancels(target, target.connect(), |login| {
        sent(target.connect(), &request(login))
    });
    let session = target.connect_tls(&Tls::new());
    cancels(target, session, |login| {
        sent(target.connect(), &request(login))
    });
}

fn cancel_after_a_refusal_reaches_the_session(target: &Target) {
    cancels(target, target.connect(), |login| {
        let mut client = target.connect();
        client.send(&SSL_REQUEST);
        client.expect(b"N");
        sent(client, &request(login))
    });
}

fn f01_cancel_inside_tls_reaches_the_session(target: &Target) {
    for version in VERSIONS {
        let session = target.connect_tls(&Tls::new());
        cancels(target, session, |login| {
            sent(
                target.connect_tls(&Tls::new().version(version)),
                &request(login),
            )
        });
    }
}

fn f01_cancel_inside_direct_tls_reaches_the_session(target: &Target) {
    cancels(target, target.connect_tls(&Tls::new()), |login| {
        let mut client = target.connect();
        client.handshake(&Tls::new());
        sent(client, &request(login))
    });
}

fn f06_cancel_with_a_long_key_reaches_the_session(target: &Target) {
    let mut session = target.connect();
    let login = session.login(&wire::startup(
        V3_2,
        &[("user", "alice"), ("database", "postgres")],
    ));
    assert_eq!(login.key.len(), 32);
    cancels_a_sleep(target, session, &login, |login| {
        sent(target.connect(), &request(login))
    });
}

fn f02_cancel_in_clear_is_exempt_from_require(target: &Target) {
    let session = target.connect_tls(&Tls::new());
    cancels(target, session, |login| {
        sent(target.connect(), &request(login))
    });
}

fn cancel_in_clear_is_exempt_from_verify_full(target: &Target) {
    let session = target.connect_tls(&Tls::new().identity(&target.pki().alice));
    cancels(target, session, |login| {
        sent(target.connect(), &request(login))
    });
    let session = target.connect_tls(&Tls::new().identity(&target.pki().alice));
    cancels(target, session, |login| {
        sent(target.connect_tls(&Tls::new()), &request(login))
    });
}

fn cancel_in_single_bytes_reaches_the_session(target: &Target) {
    cancels(target, target.connect(), |login| {
        let mut client = target.connect();
        client.send_bytewise(&request(login));
        client
    });
}

fn bytes_behind_a_cancel_are_ignored(target: &Target) {
    cancels(target, target.connect(), |login| {
        sent(
            target.connect(),
            &[request(login), wire::startup_alice()].concat(),
        )
    });
}

fn cancel_of_an_idle_session_does_nothing(target: &Target) {
    let mut session = target.connect();
    let login = session.login(&wire::startup_alice());
    sent(target.connect(), &request(&login)).expect_close();
    session.expect_alive();
    session.terminate();
}

fn expect_logged(target: &Target, bytes: &[u8], expected: Expected) {
    let mut client = sent(target.connect(), bytes);
    client.expect_close();
    target.expect_log(&client, [expected]);
}

fn unknown_process(process_id: i32) -> Expected {
    Expected::log(format!(
        "PID {process_id} in cancel request did not match any process"
    ))
}

fn unknown_process_is_logged(target: &Target) {
    for process_id in [UNKNOWN, i32::MAX, -1, i32::MIN] {
        let bytes = wire::cancel_request(process_id, &[1, 2, 3, 4]);
        expect_logged(target, &bytes, unknown_process(process_id));
    }
}

fn process_0_is_logged(target: &Target) {
    let bytes = wire::cancel_request(0, &[1, 2, 3, 4]);
    expect_logged(
        target,
        &bytes,
        Expected::log("invalid cancel request with PID 0"),
    );
}

fn f03_wrong_key_is_logged_and_cancels_nothing(target: &Target) {
    let mut session = target.connect();
    let login = session.login(&wire::startup_alice());
    session.send(&wire::query("select pg_sleep(1)"));
    let flipped: Vec<u8> = login.key.iter().map(|byte| !byte).collect();
    let longer = [&login.key[..], &[0]].concat();
    for key in [&flipped[..], &login.key[..3], &longer] {
        let bytes = wire::cancel_request(login.process_id, key);
        let text = format!(
            "wrong key in cancel request for process {}",
            login.process_id
        );
        expect_logged(target, &bytes, Expected::log(text));
    }
    session.expect_message(b'T');
    session.expect_message(b'D');
    session.expect(&wire::message(b'C', b"SELECT 1\0"));
    session.expect(&wire::READY_IDLE);
    session.terminate();
}

fn f06_cancel_without_room_for_the_process_is_logged(target: &Target) {
    for length in 0..=3 {
        let bytes = wire::packet(wire::CANCEL_CODE, &[0, 0, 1][..length]);
        let text = "invalid length of cancel request packet";
        expect_logged(target, &bytes, Expected::log_only("08P01", text));
    }
}

fn f06_cancel_key_of_wrong_length_is_logged(target: &Target) {
    for length in [0, 257, 300] {
        let bytes = wire::cancel_request(UNKNOWN, &vec![7; length]);
        let text = "invalid length of cancel key in cancel request packet";
        expect_logged(target, &bytes, Expected::log_only("08P01", text));
    }
}

fn f06_cancel_key_of_any_legal_length_is_looked_up(target: &Target) {
    for length in [1, 3, 4, 5, 32, 256] {
        let bytes = wire::cancel_request(UNKNOWN, &vec![7; length]);
        expect_logged(target, &bytes, unknown_process(UNKNOWN));
    }
}

fn f06_cancel_of_the_largest_packet_is_logged(target: &Target) {
    let bytes = wire::cancel_request(UNKNOWN, &vec![7; 10_004 - 12]);
    let text = "invalid length of cancel key in cancel request packet";
    expect_logged(target, &bytes, Expected::log_only("08P01", text));
}

fn cancel_cut_short_by_eof_is_logged(target: &Target) {
    let mut client = target.connect();
    client.send(&wire::cancel_request(UNKNOWN, &[1, 2, 3, 4])[..14]);
    client.fin();
    target.expect_log_only(&mut client, "incomplete startup packet");
}

fn failures_inside_tls_are_logged_alike(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version));
        client.send(&wire::cancel_request(UNKNOWN, &[1, 2, 3, 4]));
        client.expect_close();
        target.expect_log(&client, [unknown_process(UNKNOWN)]);
        let mut client = target.connect_tls(&Tls::new().version(version));
        client.send(&wire::cancel_request(UNKNOWN, &[]));
        target.expect_log_only(
            &mut client,
            "invalid length of cancel key in cancel request packet",
        );
    }
}
