//! Everything that can be wrong, or merely odd, with the first packets (spec 1.1, 1.2, 1.3).

use heliosdb_tests::case::Proof::{OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::{Kind, Target};
use heliosdb_tests::tls::Tls;
use heliosdb_tests::wire::{self, GSSENC_REQUEST, Report, SSL_REQUEST, V3_0};
use pg_tls::SslMode;

const INCOMPLETE: &str = "incomplete startup packet";
const INVALID_LENGTH: &str = "invalid length of startup packet";

cases! {
    eof_before_any_byte_is_silent, Config::tls(), Since(15), ["1.3 #1", "2 EOF", "A13"];
    a13_a_hundred_probes_are_silent, Config::tls(), Since(15), ["1.3 #1", "A13"];
    eof_after_refusal_is_silent, Config::no_tls(), Since(15), ["1.3 #1", "A13"];
    a13_eof_after_acceptance_is_silent, Config::tls(), Since(15), ["1.3 #1", "A13"];
    eof_after_handshake_is_silent, Config::tls(), Since(15), ["1.3 #1"];
    partial_length_word_is_logged, Config::tls(), Since(15), ["1.3 #2", "X1", "A13"];
    partial_length_word_after_refusal_is_silent, Config::no_tls(), Since(15), ["1.3 #2"];
    partial_length_word_inside_tls_is_silent, Config::tls(), Since(15), ["1.3 #2"];
    k04_length_out_of_range_closes_at_once, Config::tls(), Since(15), ["1.3 #3", "X2", "K04"];
    k04_length_out_of_range_inside_tls_closes_at_once, Config::tls(), Since(15), ["1.3 #3", "K04"];
    largest_packet_is_served, Config::tls(), Since(15), ["1.1", "X3"];
    largest_packet_in_single_bytes_is_served, Config::tls(), Since(15), ["1.1", "A07"];
    packet_cut_short_by_eof_is_logged, Config::tls(), Since(15), ["1.3 #4"];
    packet_cut_short_by_eof_inside_tls_is_logged, Config::tls(), Since(15), ["1.3 #4"];
    packet_cut_short_by_reset_is_logged, Config::tls(), Since(15), ["1.3 #4"];
    http_is_an_invalid_length, Config::tls(), Since(15), ["1.3 #6"];
    other_tls_record_types_are_an_invalid_length, Config::tls(), Since(15), ["1.3 #6", "2 other first byte"];
    padded_ssl_request_is_accepted, Config::tls(), Since(15), ["1.3 #7", "X13"];
    padded_ssl_request_is_refused_without_tls, Config::no_tls(), Since(15), ["1.3 #7"];
    padded_gssenc_request_is_refused, Config::tls(), OursOnly("the oracle has GSSAPI"), ["1.3 #7"];
    unknown_request_codes_are_versions, Config::tls(), Since(15), ["1.3 #9", "X7"];
    other_majors_are_refused, Config::tls(), Since(15), ["1.3 #10", "X7"];
    other_majors_are_refused_inside_tls, Config::tls(), Since(15), ["1.3 #10"];
    majors_1_and_2_are_refused_in_their_own_layout, Config::tls(), Since(15), ["1.3 #11", "X6"];
    majors_1_and_2_are_refused_in_their_own_layout_inside_tls, Config::tls(), Since(15), ["1.3 #11"];
    broken_layouts_are_refused, Config::tls(), Since(15), ["1.3 #14", "X4"];
    broken_layouts_are_refused_inside_tls, Config::tls(), Since(15), ["1.3 #14"];
    missing_user_is_refused, Config::tls(), Since(15), ["1.3 #15", "X5"];
    missing_user_is_refused_inside_tls, Config::tls(), Since(15), ["1.3 #15"];
    bad_replication_is_refused, Config::tls(), Since(15), ["1.3 #16"];
    boolean_spellings_of_no_replication_are_served, Config::tls(), Since(15), ["1.3 #16"];
    last_of_two_equal_names_wins, Config::tls(), Since(15), ["1.3 #17"];
    database_defaults_to_the_user, Config::tls(), Since(15), ["1.3 #18"];
    unknown_parameter_fails_after_authentication, Config::tls(), Since(15), ["1.3 #19"];
    long_names_are_cut_to_63_bytes, Config::new(SslMode::Require), Since(18), ["1.1"];
    failures_come_in_postgresqls_order, Config::new(SslMode::Require), Since(15), ["1.2"];
    bytes_behind_the_startup_packet_wait_for_the_session, Config::tls(), Since(15), ["A07"];
    a07_ssl_request_in_pieces_is_accepted, Config::tls(), Since(15), ["A07"];
    a07_startup_packet_in_single_byte_records_is_served, Config::tls(), Since(15), ["A07"];
}

fn eof_before_any_byte_is_silent(target: &Target) {
    let mut client = target.connect();
    client.fin();
    client.expect_close();
}

fn a13_a_hundred_probes_are_silent(target: &Target) {
    let mut clients: Vec<_> = (0..100).map(|_| target.connect()).collect();
    clients.iter_mut().for_each(Client::fin);
    clients.iter_mut().for_each(Client::expect_close);
}

fn eof_after_refusal_is_silent(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"N");
    client.fin();
    client.expect_close();
}

/// PostgreSQL logs a failed handshake, at level LOG; ours keeps to the specification and to A13: probes fill no log.
fn a13_eof_after_acceptance_is_silent(target: &Target) {
    let mut client = target.connect();
    client.send(&SSL_REQUEST);
    client.expect(b"S");
    client.fin();
    client.expect_clear_alert_or_close();
    if matches!(target.kind(), Kind::PostgreSql(_)) {
        target.expect_log(&client, [Expected::handshake_failure()]);
    }
}

fn eof_after_handshake_is_silent(target: &Target) {
    let mut client = target.connect_tls(&Tls::new());
    client.half_close();
    client.expect_close();
}

fn partial_length_word_is_logged(target: &Target) {
    for length in 1..=3 {
        let mut client = target.connect();
        client.send(&[0, 0, 0][..length]);
        client.fin();
        target.expect_log_only(&mut client, INCOMPLETE);
    }
}

fn partial_length_word_after_refusal_is_silent(target: &Target) {
    for length in 1..=3 {
        let mut client = target.connect();
        client.send(&SSL_REQUEST);
        client.expect(b"N");
        client.send(&[0, 0, 0][..length]);
        client.fin();
        client.expect_close();
    }
}

fn partial_length_word_inside_tls_is_silent(target: &Target) {
    for length in 1..=3 {
        let mut client = target.connect_tls(&Tls::new());
        client.send(&[0, 0, 0][..length]);
        client.half_close();
        client.expect_close();
    }
}

const BAD_LENGTHS: [u32; 9] = [
    0,
    1,
    4,
    7,
    10_005,
    0x0000_FFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
];

fn k04_length_out_of_range_closes_at_once(target: &Target) {
    for length in BAD_LENGTHS {
        let mut client = target.connect();
        client.send(&[length.to_be_bytes(), V3_0].concat());
        target.expect_log_only(&mut client, INVALID_LENGTH);
    }
}

fn k04_length_out_of_range_inside_tls_closes_at_once(target: &Target) {
    for length in BAD_LENGTHS {
        let mut client = target.connect_tls(&Tls::new());
        client.send(&[length.to_be_bytes(), V3_0].concat());
        target.expect_log_only(&mut client, INVALID_LENGTH);
    }
}

/// A valid `StartupMessage` of 10,004 bytes, the most there may be.
fn largest_packet() -> Vec<u8> {
    let names = [("user", "alice"), ("database", "postgres"), ("options", "")];
    let padding = " ".repeat(10_004 - wire::startup(V3_0, &names).len());
    let packet = wire::startup(V3_0, &[names[0], names[1], ("options", &padding)]);
    assert_eq!(packet.len(), 10_004);
    packet
}

fn largest_packet_is_served(target: &Target) {
    let mut client = target.connect();
    client.login_and_leave(&largest_packet());
    let mut client = target.connect_tls(&Tls::new());
    client.login_and_leave(&largest_packet());
}

fn largest_packet_in_single_bytes_is_served(target: &Target) {
    let mut client = target.connect();
    client.send_bytewise(&largest_packet());
    client.expect_login();
    client.terminate();
}

fn packet_cut_short_by_eof_is_logged(target: &Target) {
    let packet = wire::startup_alice();
    for length in [4, 5, 8, 9, packet.len() - 1] {
        let mut client = target.connect();
        client.send(&packet[..length]);
        client.fin();
        target.expect_log_only(&mut client, INCOMPLETE);
    }
}

fn packet_cut_short_by_eof_inside_tls_is_logged(target: &Target) {
    let packet = wire::startup_alice();
    for length in [4, packet.len() - 1] {
        let mut client = target.connect_tls(&Tls::new());
        client.send(&packet[..length]);
        client.half_close();
        target.expect_log_only(&mut client, INCOMPLETE);
    }
}

fn packet_cut_short_by_reset_is_logged(target: &Target) {
    let mut client = target.connect();
    client.send(&wire::startup_alice()[..12]);
    // Once another connection is served, this one has been read from.
    target.connect().login_and_leave(&wire::startup_alice());
    let reset = "could not receive data from client: Connection reset by peer";
    target.expect_log(
        &client,
        [
            Expected::log_only("08006", reset),
            // PostgreSQL's second line says nothing that the first does not.
            Expected::log_only("08P01", INCOMPLETE).or_nothing(),
        ],
    );
    client.reset();
    target.connect().login_and_leave(&wire::startup_alice());
}

fn http_is_an_invalid_length(target: &Target) {
    let mut client = target.connect();
    client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    target.expect_log_only(&mut client, INVALID_LENGTH);
}

fn other_tls_record_types_are_an_invalid_length(target: &Target) {
    for first in [0x14, 0x15, 0x17, 0x18, 0x80] {
        let mut client = target.connect();
        client.send(&[first, 3, 1, 0, 5, 1, 0, 0, 1, 3]);
        target.expect_log_only(&mut client, INVALID_LENGTH);
    }
}

fn padded(request: [u8; 8]) -> Vec<u8> {
    [&[0, 0, 0, 12], &request[4..], &[0xAA; 4]].concat()
}

fn padded_ssl_request_is_accepted(target: &Target) {
    let mut client = target.connect();
    client.send(&padded(SSL_REQUEST));
    client.expect(b"S");
    client.handshake(&Tls::new());
    client.login_and_leave(&wire::startup_alice());
}

fn padded_ssl_request_is_refused_without_tls(target: &Target) {
    let mut client = target.connect();
    client.send(&padded(SSL_REQUEST));
    client.expect(b"N");
    client.login_and_leave(&wire::startup_alice());
}

fn padded_gssenc_request_is_refused(target: &Target) {
    let mut client = target.connect();
    client.send(&padded(GSSENC_REQUEST));
    client.expect(b"N");
    client.login_and_leave(&wire::startup_alice());
}

fn unknown_request_codes_are_versions(target: &Target) {
    for minor in [0_u16, 5_677, 5_681, 65_535] {
        let [high, low] = minor.to_be_bytes();
        let mut client = target.connect();
        client.send(&wire::packet([0x04, 0xD2, high, low], &[]));
        let version = format!("1234.{minor}");
        target.expect_fatal(
            &mut client,
            &wire::unsupported_protocol(&version, target.latest()),
        );
    }
}

fn other_majors_are_refused(target: &Target) {
    for (code, version) in [
        ([0, 0, 0, 0], "0.0"),
        ([0, 4, 0, 0], "4.0"),
        ([0xFF, 0xFF, 0xFF, 0xFF], "65535.65535"),
    ] {
        let mut client = target.connect();
        client.send(&wire::startup(code, &[("user", "alice")]));
        target.expect_fatal(
            &mut client,
            &wire::unsupported_protocol(version, target.latest()),
        );
    }
}

fn other_majors_are_refused_inside_tls(target: &Target) {
    let mut client = target.connect_tls(&Tls::new());
    client.send(&wire::startup([0, 4, 0, 0], &[("user", "alice")]));
    target.expect_fatal(
        &mut client,
        &wire::unsupported_protocol("4.0", target.latest()),
    );
}

/// PostgreSQL takes 0.0 alone of the versions below 3 for "not known yet".
const OLD_VERSIONS: [([u8; 4], &str); 5] = [
    ([0, 0, 0, 1], "0.1"),
    ([0, 1, 0, 0], "1.0"),
    ([0, 1, 0, 9], "1.9"),
    ([0, 2, 0, 0], "2.0"),
    ([0, 2, 0xFF, 0xFF], "2.65535"),
];

fn majors_1_and_2_are_refused_in_their_own_layout(target: &Target) {
    for (code, version) in OLD_VERSIONS {
        let mut client = target.connect();
        client.send(&wire::startup(code, &[("user", "alice")]));
        let report = wire::unsupported_protocol(version, target.latest());
        target.expect_log(&client, [Expected::fatal(&report)]);
        client.expect_v2_error(&format!("FATAL:  {}\n", report.message));
        client.expect_close();
    }
}

fn majors_1_and_2_are_refused_in_their_own_layout_inside_tls(target: &Target) {
    let mut client = target.connect_tls(&Tls::new());
    client.send(&wire::startup([0, 2, 0, 0], &[("user", "alice")]));
    let report = wire::unsupported_protocol("2.0", target.latest());
    target.expect_log(&client, [Expected::fatal(&report)]);
    client.expect_v2_error(&format!("FATAL:  {}\n", report.message));
    client.expect_close();
}

fn layout_report() -> Report {
    Report::fatal(
        "08P01",
        "invalid startup packet layout: expected terminator as last byte",
    )
}

const BROKEN_LAYOUTS: [&[u8]; 8] = [
    b"",
    b"user\0alice\0",
    b"user\0alice\0\0\0",
    b"user\0alice\0\0x",
    b"user\0",
    b"user\0alice",
    b"user\0alice\0database\0",
    b"user\0alice\0database",
];

fn broken_layouts_are_refused(target: &Target) {
    for body in BROKEN_LAYOUTS {
        let mut client = target.connect();
        client.send(&wire::packet(V3_0, body));
        target.expect_fatal(&mut client, &layout_report());
    }
}

fn broken_layouts_are_refused_inside_tls(target: &Target) {
    for body in BROKEN_LAYOUTS {
        let mut client = target.connect_tls(&Tls::new());
        client.send(&wire::packet(V3_0, body));
        target.expect_fatal(&mut client, &layout_report());
    }
}

const NO_USER: [&[(&str, &str)]; 4] = [
    &[],
    &[("database", "postgres")],
    &[("user", "")],
    &[("user", "alice"), ("user", "")],
];

fn missing_user_is_refused(target: &Target) {
    for parameters in NO_USER {
        let mut client = target.connect();
        client.send(&wire::startup(V3_0, parameters));
        target.expect_fatal(&mut client, &wire::no_user());
    }
}

fn missing_user_is_refused_inside_tls(target: &Target) {
    for parameters in NO_USER {
        let mut client = target.connect_tls(&Tls::new());
        client.send(&wire::startup(V3_0, parameters));
        target.expect_fatal(&mut client, &wire::no_user());
    }
}

fn replication_report(value: &str) -> Report {
    Report::fatal(
        "22023",
        format!("invalid value for parameter \"replication\": \"{value}\""),
    )
    .hint("Valid values are: \"false\", 0, \"true\", 1, \"database\".")
}

fn bad_replication_is_refused(target: &Target) {
    for value in ["", "2", "o", "maybe", "Database", "yess", " true"] {
        let mut client = target.connect();
        client.send(&wire::startup(
            V3_0,
            &[("user", "alice"), ("replication", value)],
        ));
        target.expect_fatal(&mut client, &replication_report(value));
    }
}

fn boolean_spellings_of_no_replication_are_served(target: &Target) {
    for value in ["false", "FALSE", "f", "no", "n", "off", "of", "0"] {
        let mut client = target.connect();
        let parameters = [
            ("user", "alice"),
            ("database", "postgres"),
            ("replication", value),
        ];
        client.login_and_leave(&wire::startup(V3_0, &parameters));
    }
}

fn last_of_two_equal_names_wins(target: &Target) {
    let mut client = target.connect();
    client.login_and_leave(&wire::startup(
        V3_0,
        &[
            ("user", "nobody"),
            ("database", "nowhere"),
            ("user", "alice"),
            ("database", "postgres"),
        ],
    ));
    target.expect_line(
        &client,
        "connection authorized: user=alice database=postgres",
    );
}

fn database_defaults_to_the_user(target: &Target) {
    for parameters in [
        &[("user", "alice")][..],
        &[("user", "alice"), ("database", "")],
    ] {
        let mut client = target.connect();
        client.login_and_leave(&wire::startup(V3_0, parameters));
        target.expect_line(&client, "connection authorized: user=alice database=alice");
    }
}

fn unknown_parameter_fails_after_authentication(target: &Target) {
    let mut client = target.connect();
    client.send(&wire::startup(
        V3_0,
        &[
            ("user", "alice"),
            ("database", "postgres"),
            ("no_such_setting", "1"),
        ],
    ));
    client.expect(&wire::AUTHENTICATION_OK);
    let report = Report::fatal(
        "42704",
        "unrecognized configuration parameter \"no_such_setting\"",
    );
    target.expect_fatal(&mut client, &report);
}

fn long_names_are_cut_to_63_bytes(target: &Target) {
    let (user, database) = ("u".repeat(70), "d".repeat(70));
    let mut client = target.connect();
    client.send(&wire::startup(
        V3_0,
        &[("user", &user), ("database", &database)],
    ));
    target.expect_fatal(
        &mut client,
        &wire::plaintext_refused(&user[..63], &database[..63]),
    );
    let mut client = target.connect();
    client.send(&wire::startup(V3_0, &[("user", &user[..63])]));
    target.expect_fatal(
        &mut client,
        &wire::plaintext_refused(&user[..63], &user[..63]),
    );
}

fn failures_come_in_postgresqls_order(target: &Target) {
    let refuse = |packet: &[u8], report: &Report| {
        let mut client = target.connect();
        client.send(packet);
        target.expect_fatal(&mut client, report);
    };
    // Version before everything that is in the packet.
    refuse(
        &wire::packet([0, 4, 0, 0], b"replication\0maybe\0x"),
        &wire::unsupported_protocol("4.0", target.latest()),
    );
    // `replication` while parsing, before the terminator is looked for.
    refuse(
        &wire::packet(V3_0, b"replication\0maybe\0x"),
        &replication_report("maybe"),
    );
    // The terminator before the user.
    refuse(
        &wire::packet(V3_0, b"database\0postgres\0"),
        &layout_report(),
    );
    // The user before the access rules, which refuse plaintext here.
    refuse(
        &wire::startup(V3_0, &[("database", "postgres")]),
        &wire::no_user(),
    );
    refuse(
        &wire::startup_alice(),
        &wire::plaintext_refused("alice", "postgres"),
    );
}

fn bytes_behind_the_startup_packet_wait_for_the_session(target: &Target) {
    let both = [wire::startup_alice(), wire::query("select 1")].concat();
    let mut client = target.connect();
    client.send(&both);
    client.expect_login();
    client.expect_select_1();
    client.terminate();
    let mut client = target.connect_tls(&Tls::new());
    client.send(&both);
    client.expect_login();
    client.expect_select_1();
    client.terminate();
}

fn a07_ssl_request_in_pieces_is_accepted(target: &Target) {
    let mut client = target.connect();
    client.send_bytewise(&SSL_REQUEST);
    client.expect(b"S");
    client.handshake(&Tls::new());
    client.login_and_leave(&wire::startup_alice());
}

fn a07_startup_packet_in_single_byte_records_is_served(target: &Target) {
    let mut client = target.connect_tls(&Tls::new());
    client.send_bytewise(&largest_packet()[..]);
    client.expect_login();
    client.terminate();
}
