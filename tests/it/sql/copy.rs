//! COPY in both directions, small with every kind of value and large with 50 MB.

use std::fs;
use std::path::Path;

use heliosdb_tests::sql_client::{Sql, sqlx_report};
use sqlx::{Executor as _, PgConnection, Row as _};

use super::with_server;

/// Fifty thousand lines of a number and a thousand letters: 50 MB.
const LINES: usize = 50_000;
const LETTERS: usize = 1_000;

/// The COPY text of a table `(id int, t text)`; no two lines have the same letters.
fn fifty_megabytes() -> String {
    let alphabet: String = ('a'..='z').cycle().take(LETTERS + 26).collect();
    let mut text = String::with_capacity(LINES * (LETTERS + 8));
    for line in 0..LINES {
        text.push_str(&line.to_string());
        text.push('\t');
        text.push_str(&alphabet[line % 26..][..LETTERS]);
        text.push('\n');
    }
    assert!(text.len() > 50_000_000);
    text
}

/// Compares line by line, in any order, for SQL promises none, and without printing megabytes.
#[track_caller]
fn assert_same_lines(seen: &str, expected: &str) {
    let (mut seen, mut expected): (Vec<_>, Vec<_>) =
        (seen.lines().collect(), expected.lines().collect());
    seen.sort_unstable();
    expected.sort_unstable();
    let differ = seen
        .iter()
        .zip(&expected)
        .position(|(seen, expected)| seen != expected);
    assert!(
        seen == expected,
        "{} lines instead of {}, the first difference at {differ:?}",
        seen.len(),
        expected.len()
    );
}

#[test]
fn fifty_megabytes_go_through_psql_both_ways() {
    with_server(async |sql| {
        let expected = fifty_megabytes();
        fs::write(sql.file("in"), &expected).unwrap();
        let script =
            "CREATE TABLE bulk (id int, t text);\n\\copy bulk from in\n\\copy bulk to out\n";
        let printed = sql.psql(&[], script).await.printed();
        assert_eq!(printed, "CREATE TABLE\nCOPY 50000\nCOPY 50000\n");
        assert_same_lines(&read(&sql.file("out")), &expected);
    });
}

#[test]
fn fifty_megabytes_go_through_sqlx_both_ways() {
    with_server(async |sql| {
        let expected = fifty_megabytes();
        let mut connection = sql.sqlx().await;
        connection
            .execute("CREATE TABLE bulk (id int, t text)")
            .await
            .unwrap();
        let mut copy = connection
            .copy_in_raw("COPY bulk FROM STDIN")
            .await
            .unwrap();
        // Cut at odd places: a line may end anywhere in a CopyData.
        for chunk in expected.as_bytes().chunks(1_000_003) {
            copy.send(chunk).await.unwrap();
        }
        assert_eq!(copy.finish().await.unwrap(), 50_000);
        assert_same_lines(
            &copy_out(&mut connection, "COPY bulk TO STDOUT").await,
            &expected,
        );
    });
}

/// Everything that a COPY TO STDOUT sends.
async fn copy_out(connection: &mut PgConnection, statement: &str) -> String {
    let mut stream = connection.copy_out_raw(statement).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_kind_of_value_survives_files() {
    with_server(async |sql| {
        let text = "1\tplain\t0.5\n2\t\\N\t\\N\n3\ttab\\t newline\\n backslash\\\\\t-1.25\n4\tZürich 東京\t1234567.875\n";
        let csv = "1,plain,0.5\n2,,\n3,\"tab\t newline\n backslash\\\",-1.25\n4,Zürich 東京,1234567.875\n";
        round_trip(&sql, "text", "", text).await;
        round_trip(&sql, "csv", "with (format csv)", csv).await;
        // What came by one format is the same in the other.
        let script = "\\copy text to 'as.csv' with (format csv)\n\\copy csv to 'as.text'\n";
        assert_eq!(sql.psql(&[], script).await.printed(), "COPY 4\nCOPY 4\n");
        assert_eq!(read(&sql.file("as.csv")), csv);
        assert_eq!(read(&sql.file("as.text")), text);
    });
}

async fn round_trip(sql: &Sql, table: &str, options: &str, content: &str) {
    fs::write(sql.file("in"), content).unwrap();
    let script = format!(
        "CREATE TABLE {table} (id int, t text, d double precision);\n\
         \\copy {table} from in {options}\n\\copy {table} to out {options}\n"
    );
    assert_eq!(
        sql.psql(&[], &script).await.printed(),
        "CREATE TABLE\nCOPY 4\nCOPY 4\n"
    );
    assert_eq!(read(&sql.file("out")), content);
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_copy_that_the_client_gives_up_leaves_nothing_behind() {
    with_server(async |sql| {
        let mut connection = sql.sqlx().await;
        connection
            .execute("CREATE TABLE item (id int PRIMARY KEY)")
            .await
            .unwrap();
        let mut copy = connection
            .copy_in_raw("COPY item FROM STDIN")
            .await
            .unwrap();
        copy.send(&b"1\n2\n"[..]).await.unwrap();
        copy.abort("changed my mind").await.unwrap();
        assert_eq!(count(&mut connection).await, 0);

        let mut copy = connection
            .copy_in_raw("COPY item FROM STDIN")
            .await
            .unwrap();
        copy.send(&b"1\n2\n1\n"[..]).await.unwrap();
        let error = copy.finish().await.unwrap_err();
        // Engine's limit: PostgreSQL says 23505.
        let message = "COPY insert failed: Constraint violation: Duplicate key value violates UNIQUE constraint";
        assert_eq!(sqlx_report(&error), ("XX000".into(), message.into()));
        assert_eq!(count(&mut connection).await, 0);
    });
}

async fn count(connection: &mut PgConnection) -> i64 {
    let row = sqlx::query("SELECT count(*) FROM item")
        .fetch_one(connection)
        .await
        .unwrap();
    row.get(0)
}
