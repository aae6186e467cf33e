//! Many sessions at once, and long statements beside short ones.

use std::sync::Arc;
use std::time::Instant;

use heliosdb_tests::client::PATIENCE;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::server;
use heliosdb_tests::sql_client::report;
use heliosdb_tests::tls::Tls;
use heliosdb_tests::wire::{Report, query, startup_alice};
use pg_tls::SslMode;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_postgres::error::SqlState;

use super::{with_server, with_server_of};

/// Runs for hours; `statement_timeout` is what ends it.
const LONG: &str = "SELECT count(*) FROM generate_series(1, 1000000000000)";

#[test]
fn two_hundred_sessions_live_at_once() {
    const SESSIONS: usize = 200;
    with_server_of(
        Config::new(SslMode::Require).max_connections(250),
        async |sql| {
            let client = sql.tokio_postgres().await;
            client
                .batch_execute("CREATE TABLE seen (id int PRIMARY KEY)")
                .await
                .unwrap();
            let everyone = Arc::new(Barrier::new(SESSIONS));
            let mut sessions = JoinSet::new();
            for id in 0..i32::try_from(SESSIONS).unwrap() {
                let (sql, everyone) = (sql.clone(), Arc::clone(&everyone));
                sessions.spawn(async move {
                    let client = sql.tokio_postgres().await;
                    client
                        .execute("INSERT INTO seen VALUES ($1)", &[&id])
                        .await
                        .unwrap();
                    everyone.wait().await;
                    let row = client
                        .query_one("SELECT count(*) FROM seen", &[])
                        .await
                        .unwrap();
                    everyone.wait().await;
                    row.get::<_, i64>(0)
                });
            }
            assert_eq!(sessions.join_all().await, [200; SESSIONS]);
        },
    );
}

#[test]
fn long_statements_delay_neither_handshakes_nor_other_sessions() {
    with_server(async |sql| {
        // More of them than the machine has cores, and than the engine has workers.
        let mut long = JoinSet::new();
        for _ in 0..6 {
            let client = sql.tokio_postgres().await;
            client
                .batch_execute("SET statement_timeout = '5s'")
                .await
                .unwrap();
            long.spawn(async move { client.batch_execute(LONG).await });
        }
        for _ in 0..10 {
            let client = sql.tokio_postgres().await;
            let row = client.query_one("SELECT 1", &[]).await.unwrap();
            assert_eq!(row.get::<_, i32>(0), 1);
        }
        assert!(
            long.try_join_next().is_none(),
            "a long statement was over too early"
        );
        while let Some(ended) = long.join_next().await {
            assert_eq!(
                report(&ended.unwrap().unwrap_err()).0,
                SqlState::QUERY_CANCELED
            );
        }
    });
}

#[test]
fn a_cancel_request_is_taken_in_and_the_engine_goes_on() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client
            .batch_execute("SET statement_timeout = '1s'")
            .await
            .unwrap();
        let cancel = client.cancel_token();
        let (long, ()) = tokio::join!(client.batch_execute(LONG), async {
            cancel.cancel_query(sql.tls()).await.unwrap();
        });
        // Engine's limit: nothing interrupts its statements but their own timeout, as the message tells.
        let (sqlstate, message) = report(&long.unwrap_err());
        assert_eq!(sqlstate, SqlState::QUERY_CANCELED);
        let timeout = "Query timeout: Query exceeded timeout limit of 1000ms (elapsed: ";
        assert!(message.starts_with(timeout), "{message}");
        let row = client.query_one("SELECT 1", &[]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 1);
    });
}

/// Bug J03: a client that stops reading holds its own session and nothing else, and leaves nothing behind.
#[test]
fn a_client_that_does_not_read_is_its_own_problem_alone() {
    let target = server::start(Config::new(SslMode::Require).max_connections(2).nano());
    let login = || {
        let mut client = target.connect_tls(&Tls::new());
        client.send(&startup_alice());
        client
    };
    let mut deaf = login();
    deaf.expect_login();
    // 40 MB, which no socket buffer holds; the answer has begun when the first message is here.
    deaf.send(&query(
        "select repeat('x', 1000000) from generate_series(1, 40)",
    ));
    deaf.expect_message(b'T');

    let mut other = login();
    other.expect_login();
    other.expect_alive();
    let too_many = Report::fatal("53300", "sorry, too many clients already");
    let mut third = login();
    target.expect_fatal(&mut third, &too_many);

    target.expect_log(&deaf, [Expected::connection_lost()]);
    deaf.reset();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut next = login();
        let (tag, body) = next.message();
        if tag == b'R' {
            next.terminate_whatever_comes();
            break;
        }
        assert_eq!(Report::parse(&body), too_many);
        assert!(Instant::now() < deadline, "the place was not given back");
        target.expect_log(&next, [Expected::fatal(&too_many)]);
    }
    other.expect_alive();
    other.terminate();
    drop(other);
    target.finish();
}
