//! Bytes, records and segments of sessions with the real engine.

use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::server;
use heliosdb_tests::sql_client::{byte_splitter, report};
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::Tls;
use heliosdb_tests::wire::{
    self, READY_IDLE, SYNC, bind, execute, message, parse, query, startup_alice,
};
use pg_tls::SslMode;
use tokio_postgres::error::SqlState;

use super::{start, with_server};

fn login(target: &Target) -> Client {
    let mut client = target.connect_tls(&Tls::new());
    client.login(&startup_alice());
    client
}

/// Ends the session and closes the socket, which the server waits for.
#[track_caller]
fn leave(mut client: Client) {
    client.terminate();
}

/// A statement without rows, outside a transaction.
#[track_caller]
fn run(client: &mut Client, statement: &str, tag: &str) {
    client.send(&query(statement));
    client.expect(
        &[
            message(b'C', format!("{tag}\0").as_bytes()),
            READY_IDLE.to_vec(),
        ]
        .concat(),
    );
}

/// The engine's `ErrorResponse`, whole: it leaves out field V.
fn engine_error(sqlstate: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SERROR\0C{sqlstate}\0M{text}\0\0").as_bytes())
}

/// Bug B04: nothing between an error and Sync is answered, and the cuts of the stream do not matter.
#[test]
fn b04_after_an_error_everything_up_to_sync_is_skipped_however_the_bytes_are_cut() {
    let target = start();
    let pipeline = [
        parse("selec 1"),
        bind(),
        execute(),
        parse("select 1"),
        bind(),
        execute(),
        SYNC.to_vec(),
        query("select 1"),
    ]
    .concat();
    let senders: [fn(&mut Client, &[u8]); 2] = [Client::send, Client::send_bytewise];
    for send in senders {
        let mut client = login(&target);
        send(&mut client, &pipeline);
        client.expect(&engine_error("42601", "SQL parse error: Failed to parse SQL: sql parser error: Expected: an SQL statement, found: selec at Line: 1, Column: 1"));
        client.expect(&READY_IDLE);
        client.expect_select_1();
        leave(client);
    }
    target.finish();
}

/// Bug B04, both directions at once: each byte of TLS travels in a segment of its own.
#[test]
fn b04_a_session_survives_a_path_that_delivers_byte_by_byte() {
    with_server(async |sql| {
        let sql = sql.at(byte_splitter(sql.address()).await);
        let mut client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE item (id int PRIMARY KEY, t text)")
            .await
            .unwrap();
        let insert = client
            .prepare("INSERT INTO item VALUES ($1, $2)")
            .await
            .unwrap();
        let text = "0123456789".repeat(1_000);
        let transaction = client.transaction().await.unwrap();
        assert_eq!(transaction.execute(&insert, &[&1, &text]).await.unwrap(), 1);
        let error = transaction
            .execute(&insert, &[&1, &text])
            .await
            .unwrap_err();
        assert_eq!(report(&error).0, SqlState::UNIQUE_VIOLATION);
        transaction.rollback().await.unwrap();
        assert_eq!(client.execute(&insert, &[&2, &text]).await.unwrap(), 1);
        let row = client
            .query_one("SELECT id, t FROM item", &[])
            .await
            .unwrap();
        assert_eq!((row.get(0), row.get(1)), (2, text));
    });
}

/// Bug B05: one ReadyForQuery for each Sync outside COPY and one for the Query, none for what lies inside.
#[test]
fn b05_copy_through_the_extended_protocol_is_refused_in_step() {
    let target = start();
    let mut client = login(&target);
    run(&mut client, "create table item (id int)", "CREATE TABLE");
    // As tokio-postgres sends it: Sync behind Execute, then the data, then another Sync.
    let all = [
        parse("copy item from stdin"),
        bind(),
        execute(),
        SYNC.to_vec(),
        message(b'd', b"1\n"),
        message(b'c', b""),
        SYNC.to_vec(),
        query("select 1"),
    ];
    client.send(&all.concat());
    // Engine's limit: PostgreSQL answers CopyInResponse to Execute and one ReadyForQuery to the last Sync.
    client.expect(&engine_error(
        "42601",
        "SQL parse error: Failed to parse SQL: sql parser error: Expected: ;, found: EOF",
    ));
    client.expect(&READY_IDLE);
    client.expect(&READY_IDLE);
    client.expect_select_1();
    leave(client);
    target.finish();
}

#[test]
fn copy_by_simple_query_ends_in_one_ready_for_query() {
    let target = start();
    let mut client = login(&target);
    run(&mut client, "create table item (id int)", "CREATE TABLE");
    client.send(&query("copy item (id) from stdin"));
    client.expect(&message(b'G', &[0, 0, 1, 0, 0]));
    let data = [
        message(b'd', b"1\n2"),
        message(b'd', b"\n3\n"),
        message(b'c', b""),
    ]
    .concat();
    client.send_bytewise(&data);
    client.expect(&message(b'C', b"COPY 3\0"));
    client.expect(&READY_IDLE);
    client.expect_alive();
    leave(client);
    target.finish();
}

/// Bug B05: PostgreSQL ignores Flush and Sync here. Engine's limit: it gives up the COPY, in step all the same.
#[test]
fn b05_sync_inside_copy_ends_it_with_one_error() {
    let target = start();
    let mut client = login(&target);
    run(&mut client, "create table item (id int)", "CREATE TABLE");
    client.send(&query("copy item (id) from stdin"));
    client.expect(&message(b'G', &[0, 0, 1, 0, 0]));
    client.send(
        &[
            message(b'd', b"1\n"),
            SYNC.to_vec(),
            message(b'd', b"2\n"),
            message(b'c', b""),
        ]
        .concat(),
    );
    client.expect(&engine_error(
        "08P01",
        "unexpected message during COPY FROM STDIN",
    ));
    client.expect(&READY_IDLE);
    client.expect_alive();
    leave(client);
    target.finish();
}

#[test]
fn ready_for_query_tells_the_state_of_the_transaction() {
    let target = start();
    let mut client = login(&target);
    let ready = |status: u8| message(b'Z', &[status]);
    client.send(&query("begin"));
    client.expect(&[message(b'C', b"BEGIN\0"), ready(b'T')].concat());
    client.send(&query("listen news"));
    let text = "Query execution error: LISTEN \"news\" is not supported by HeliosDB Nano";
    client.expect(&[engine_error("0A000", text), ready(b'E')].concat());
    client.send(&query("rollback"));
    client.expect(&[message(b'C', b"ROLLBACK\0"), ready(b'I')].concat());
    leave(client);
    target.finish();
}

/// Bug J01: one reply is one write, one record, one segment, so that Nagle and delayed ACK never meet.
#[test]
fn j01_each_reply_is_one_record_in_one_segment() {
    let target = start();
    let mut client = target.connect_tls(&Tls::new());
    let records = client.records().len();
    client.login(&startup_alice());
    assert_eq!(client.records().len(), records + 1);
    let extended = [
        parse("select 1"),
        message(b'D', b"S\0"),
        bind(),
        execute(),
        SYNC.to_vec(),
    ]
    .concat();
    for _ in 0..50 {
        let (records, reads) = (client.records().len(), client.reads());
        client.expect_alive();
        assert_eq!(
            (client.records().len(), client.reads()),
            (records + 1, reads + 1)
        );

        client.send(&extended);
        client.expect(&message(b'1', b""));
        client.expect(&message(b't', &[0, 0]));
        client.expect_message(b'T');
        client.expect(&message(b'2', b""));
        client.expect(&message(b'D', &[0, 1, 0, 0, 0, 1, b'1']));
        client.expect(&message(b'C', b"SELECT 1\0"));
        client.expect(&READY_IDLE);
        assert_eq!(
            (client.records().len(), client.reads()),
            (records + 2, reads + 2)
        );
    }
    leave(client);
    target.finish();
}

/// Bug J02: small messages share records, however small they are.
#[test]
fn j02_many_small_rows_share_large_records() {
    let target = start();
    let mut client = login(&target);
    client.send(&query("select n from generate_series(1, 100000) as g(n)"));
    client.expect_message(b'T');
    let mut rest = Vec::new();
    for n in 1..=100_000 {
        let text = n.to_string();
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        rest.extend(message(
            b'D',
            &[&[0, 1][..], &length, text.as_bytes()].concat(),
        ));
    }
    rest.extend(message(b'C', b"SELECT 100000\0"));
    rest.extend(READY_IDLE);
    let before = client.records().len();
    client.expect(&rest);
    let records = client.records().len() - before;
    // The engine writes as many whole messages at a time as go into 8 KiB.
    assert!(
        records <= rest.len() / 8_000,
        "{records} records for {} bytes",
        rest.len()
    );
    leave(client);
    target.finish();
}

/// Bug J02: buffering keeps nothing back. Flush is answered before the Sync is sent.
#[test]
fn j02_flush_brings_what_there_is() {
    let target = start();
    let mut client = login(&target);
    client.send(&[parse("select 1"), bind(), execute(), wire::FLUSH.to_vec()].concat());
    client.expect(&message(b'1', b""));
    client.expect(&message(b'2', b""));
    client.expect(&message(b'D', &[0, 1, 0, 0, 0, 1, b'1']));
    client.expect(&message(b'C', b"SELECT 1\0"));
    client.send(&SYNC);
    client.expect(&READY_IDLE);
    leave(client);
    target.finish();
}

/// Bug B09: records of 8 KiB, as PostgreSQL's, never fill libpq's first input buffer with a rest it does not see.
#[test]
fn b09_records_stay_within_the_limit_that_is_set() {
    const TYPE_AND_TAG: usize = 1 + 16;
    let target = server::start(Config::new(SslMode::Require).max_record_size(8_192).nano());
    let mut client = login(&target);
    let before = client.records().len();
    client.send(&query("select repeat('x', 100000)"));
    client.expect_message(b'T');
    let row = [&[0, 1][..], &100_000_u32.to_be_bytes(), &[b'x'; 100_000]].concat();
    client.expect(&message(b'D', &row));
    client.expect(&message(b'C', b"SELECT 1\0"));
    client.expect(&READY_IDLE);
    let lengths = client.records()[before..]
        .iter()
        .map(|record| record.length);
    assert_eq!(lengths.max(), Some(8_192 + TYPE_AND_TAG));
    leave(client);
    target.finish();
}
