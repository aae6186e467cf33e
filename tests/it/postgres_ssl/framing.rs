//! Messages of the session however they are cut, records, limits, and the last bytes (bugs B01–B09, I02, J01–J03).

use std::time::{Duration, Instant};

use heliosdb_tests::case::Proof::{self, OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::{Kind, Target};
use heliosdb_tests::tls::{Tls, VERSIONS, Version};
use heliosdb_tests::wire::{self, Report};

const STRANGE: Proof = OursOnly("it takes an engine that does strange things");

cases! {
    b01_lengths_above_the_limit_end_the_session, Config::tls(), Since(15), ["B01"];
    b02_lengths_below_four_end_the_session, Config::tls(), Since(15), ["B02"];
    unknown_message_types_end_the_session, Config::tls(), Since(15), ["B01"];
    b04_input_in_single_bytes_gives_the_same_output, Config::tls(), Since(15), ["B04"];
    b04_after_an_error_everything_waits_for_sync, Config::tls(), Since(15), ["B04"];
    b04_after_an_error_everything_waits_for_sync_in_nano, Config::tls().nano(), OursOnly("the engine is ours"), ["B04"];
    b07_a_full_record_of_queries_is_answered_whole, Config::tls(), Since(15), ["B07"];
    b07_messages_may_straddle_any_buffer, Config::tls(), Since(15), ["B07"];
    b07_two_records_in_one_segment_are_answered, Config::tls(), Since(15), ["B07"];
    b07_startup_and_query_behind_the_finished_are_answered, Config::tls(), Since(15), ["B07"];
    b09_records_keep_to_the_size_that_was_asked_for, Config::tls().max_record_size(8_192), OursOnly("PostgreSQL has no such setting"), ["B09"];
    j02_many_rows_make_few_records, Config::tls(), Since(15), ["J02"];
    j02_a_reply_is_one_record, Config::tls(), Since(15), ["J02"];
    j01_replies_do_not_wait_for_acknowledgements, Config::tls(), Since(15), ["J01"];
    large_rows_arrive_whole, Config::tls(), Since(15), ["B04"];
    i02_the_last_error_arrives_whole, Config::tls(), STRANGE, ["I02"];
    i02_the_last_error_arrives_though_input_is_unread, Config::tls(), OursOnly("PostgreSQL may reset instead"), ["I02"];
    bytes_behind_terminate_are_ignored, Config::tls(), Since(15), ["I01", "I02"];
    messages_of_other_sessions_are_untouched_by_a_violation, Config::tls(), Since(15), ["B02"];
}

/// In clear and in both versions of TLS, logged in.
fn sessions(target: &Target) -> Vec<Client> {
    let mut clients = vec![target.connect()];
    clients.extend(VERSIONS.map(|version| target.connect_tls(&Tls::new().version(version))));
    for client in &mut clients {
        client.login(&wire::startup_alice());
    }
    clients
}

/// PostgreSQL keeps this from the client: it cannot know where the next message would begin.
fn invalid_length(target: &Target, bytes: &[u8]) {
    for mut client in sessions(target) {
        client.send(bytes);
        target.expect_log_only(&mut client, "invalid message length");
    }
}

fn b01_lengths_above_the_limit_end_the_session(target: &Target) {
    for (tag, length) in [
        (b'Q', 0x7FFF_FFFF),
        (b'Q', 0x4000_0000),
        (b'X', 100_000),
        (b'S', 20_000),
        (b'H', 10_001),
        (b'c', 10_001),
        (b'd', 0x4000_0000),
    ] {
        invalid_length(target, &wire::head(tag, length));
    }
}

fn b02_lengths_below_four_end_the_session(target: &Target) {
    for length in [0xFFFF_FFFF, 0x8000_0000, 0, 3] {
        invalid_length(target, &wire::head(b'Q', length));
        invalid_length(target, &wire::head(b'S', length));
    }
}

fn unknown_message_types_end_the_session(target: &Target) {
    for tag in [0, b'p', b'y', b'R', 0xFF] {
        for mut client in sessions(target) {
            client.send(&wire::message(tag, &[0, 0, 0, 0]));
            let report = Report::fatal("08P01", format!("invalid frontend message type {tag}"));
            target.expect_fatal(&mut client, &report);
        }
    }
}

fn extended_select_1() -> Vec<u8> {
    [
        wire::parse("select 1"),
        wire::bind(),
        wire::execute(),
        wire::SYNC.to_vec(),
    ]
    .concat()
}

fn expect_extended_select_1(client: &mut Client) {
    client.expect(&[wire::message(b'1', &[]), wire::message(b'2', &[])].concat());
    client.expect(&wire::message(b'D', &[0, 1, 0, 0, 0, 1, b'1']));
    client.expect(&wire::message(b'C', b"SELECT 1\0"));
    client.expect(&wire::READY_IDLE);
}

fn b04_input_in_single_bytes_gives_the_same_output(target: &Target) {
    for mut client in sessions(target) {
        client.send_bytewise(&wire::query("select 1"));
        client.expect_select_1();
        client.send_bytewise(&extended_select_1());
        expect_extended_select_1(&mut client);
        client.send_bytewise(&wire::TERMINATE);
        client.expect_close();
    }
}

/// Parse(bad), Bind, Execute, Parse(good), Sync, Query, in one write: one error, one ReadyForQuery, then the query's.
fn b04_after_an_error_everything_waits_for_sync(target: &Target) {
    let pipeline = [
        wire::parse("no such statement"),
        wire::bind(),
        wire::execute(),
        wire::parse("select 1"),
        wire::SYNC.to_vec(),
        wire::query("select 1"),
    ]
    .concat();
    for mut client in sessions(target) {
        client.send(&pipeline);
        let report = Report::parse_head(&client.expect_message(b'E'));
        assert_eq!(
            (report.severity.as_str(), report.sqlstate.as_str()),
            ("ERROR", "42601")
        );
        if matches!(target.kind(), Kind::PostgreSql(_)) {
            target.expect_log(&client, [Expected::error(&report)]);
        }
        client.expect(&wire::READY_IDLE);
        client.expect_select_1();
        client.terminate();
    }
}

fn b04_after_an_error_everything_waits_for_sync_in_nano(target: &Target) {
    b04_after_an_error_everything_waits_for_sync(target);
}

fn b07_a_full_record_of_queries_is_answered_whole(target: &Target) {
    let query = wire::query("select 1");
    let count = 16_384 / query.len();
    for mut client in sessions(target) {
        client.send(&query.repeat(count));
        for _ in 0..count {
            client.expect_select_1();
        }
        client.terminate();
    }
}

/// One record of two messages, the second of which begins a little before, at or behind a usual buffer's end.
fn b07_messages_may_straddle_any_buffer(target: &Target) {
    let query = wire::query("select 1");
    for mut client in sessions(target) {
        for end in [4_096, 8_192, 16_384 - 20] {
            for begins in end - 6..=end + 6 {
                let first = wire::query(&format!("select 1{}", " ".repeat(begins - query.len())));
                assert_eq!(first.len(), begins);
                client.send(&[&first[..], &query].concat());
                client.expect_select_1();
                client.expect_select_1();
            }
        }
        client.terminate();
    }
}

fn b07_two_records_in_one_segment_are_answered(target: &Target) {
    let query = wire::query("select 1");
    for mut client in sessions(target).into_iter().skip(1) {
        client.encrypt(&query);
        client.encrypt(&query[..7]);
        client.encrypt(&query[7..]);
        let bytes = client.ciphertext();
        client.send_raw(&bytes);
        client.expect_select_1();
        client.expect_select_1();
        client.terminate();
    }
}

fn b07_startup_and_query_behind_the_finished_are_answered(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect();
        client.send(&wire::SSL_REQUEST);
        client.expect(b"S");
        let hello = client.begin_tls(&Tls::new().version(version));
        client.send_raw(&hello);
        client.finish_tls_with(&[wire::startup_alice(), wire::query("select 1")].concat());
        client.expect_login();
        client.expect_select_1();
        client.terminate();
    }
}

/// Takes the answer to `select generate_series(1, count)`; tells its length in bytes.
fn expect_rows(client: &mut Client, count: usize) -> usize {
    let mut length = 5 + client.expect_message(b'T').len();
    for number in 1..=count {
        let body = client.expect_message(b'D');
        assert_eq!(&body[6..], number.to_string().as_bytes());
        length += 5 + body.len();
    }
    length += 5 + client.expect_message(b'C').len();
    client.expect(&wire::READY_IDLE);
    length + wire::READY_IDLE.len()
}

fn b09_records_keep_to_the_size_that_was_asked_for(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version));
        client.login(&wire::startup_alice());
        client.send(&wire::query("select generate_series(1, 20000)"));
        expect_rows(&mut client, 20_000);
        // What TLS itself adds is below 64 bytes a record.
        let largest = client
            .records()
            .iter()
            .map(|record| record.length)
            .max()
            .unwrap();
        assert!(
            (4_096..8_192 + 64).contains(&largest),
            "largest record: {largest}"
        );
        client.terminate();
    }
}

fn j02_many_rows_make_few_records(target: &Target) {
    let mut client = target.connect_tls(&Tls::new().version(Version::Tls13));
    client.login(&wire::startup_alice());
    let before = client.records().len();
    client.send(&wire::query("select generate_series(1, 100000)"));
    let payload = expect_rows(&mut client, 100_000);
    let records = client.records().len() - before;
    assert!(
        (payload / 16_384..=payload / 4_096).contains(&records),
        "{records} records for {payload} bytes"
    );
    client.terminate();
}

fn j02_a_reply_is_one_record(target: &Target) {
    let mut client = target.connect_tls(&Tls::new());
    client.login(&wire::startup_alice());
    for _ in 0..20 {
        let (records, reads) = (client.records().len(), client.reads());
        client.expect_alive();
        assert_eq!(client.records().len() - records, 1, "records");
        assert_eq!(client.reads() - reads, 1, "segments");
    }
    client.terminate();
}

/// Without TCP_NODELAY a reply waits for the client's delayed acknowledgement: 40 ms.
fn j01_replies_do_not_wait_for_acknowledgements(target: &Target) {
    for mut client in sessions(target) {
        let mut times: Vec<_> = (0..50)
            .map(|_| {
                let since = Instant::now();
                client.send(&extended_select_1());
                expect_extended_select_1(&mut client);
                since.elapsed()
            })
            .collect();
        times.sort();
        assert!(
            times[25] < Duration::from_millis(20),
            "median {:?}",
            times[25]
        );
        client.terminate();
    }
}

fn large_rows_arrive_whole(target: &Target) {
    const LENGTH: usize = 3_000_000;
    for mut client in sessions(target) {
        client.send(&wire::query(&format!("select repeat('x', {LENGTH})")));
        client.expect_message(b'T');
        let body = client.expect_message(b'D');
        assert_eq!(body.len(), 6 + LENGTH);
        assert!(body[6..].iter().all(|byte| *byte == b'x'));
        client.expect(&wire::message(b'C', b"SELECT 1\0"));
        client.expect(&wire::READY_IDLE);
        client.terminate();
    }
}

/// Larger than any buffer, to a client that begins to read late.
fn i02_the_last_error_arrives_whole(target: &Target) {
    for mut client in sessions(target) {
        client.send(&wire::query("die with an error of (6000000)"));
        std::thread::sleep(Duration::from_millis(100));
        let report = Report::parse(&client.expect_message(b'E'));
        assert_eq!(report.message.len(), 6_000_000);
        client.expect_close();
    }
}

/// Closing a socket with unread input sends RST, which destroys what the client has not read yet.
fn i02_the_last_error_arrives_though_input_is_unread(target: &Target) {
    let report = wire::no_user();
    let bytes = [wire::startup(wire::V3_0, &[]), vec![b'Q'; 100_000]].concat();
    for _ in 0..10 {
        let mut clear = target.connect();
        clear.send(&bytes);
        target.expect_fatal(&mut clear, &report);
        let mut inside = target.connect_tls(&Tls::new());
        inside.send(&bytes);
        target.expect_fatal(&mut inside, &report);
    }
}

fn bytes_behind_terminate_are_ignored(target: &Target) {
    for mut client in sessions(target) {
        client.send(&[&wire::TERMINATE[..], &wire::query("select 1")].concat());
        client.expect_close();
    }
}

fn messages_of_other_sessions_are_untouched_by_a_violation(target: &Target) {
    let mut other = target.connect_tls(&Tls::new());
    other.login(&wire::startup_alice());
    invalid_length(target, &wire::head(b'Q', 0));
    other.expect_alive();
    other.terminate();
}
