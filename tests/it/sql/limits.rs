//! What the engine cannot do: told to the client as the engine tells it, and the session goes on.

use heliosdb_tests::sql_client::{Sql, report, sqlx_report};
use sqlx::{Executor as _, Row as _};
use tokio_postgres::error::SqlState;

use super::with_server;

/// The engine refuses each statement with this SQLSTATE and message.
async fn check(sql: &Sql, refusals: &[(&str, &str, &str)]) {
    let client = sql.tokio_postgres().await;
    client
        .batch_execute("CREATE TABLE item (id int); CREATE TABLE other (id int)")
        .await
        .unwrap();
    for (statement, sqlstate, message) in refusals {
        let (code, text) = report(&client.batch_execute(statement).await.unwrap_err());
        assert_eq!(
            (code.code(), text.as_str()),
            (*sqlstate, *message),
            "{statement}"
        );
    }
    let row = client
        .query_one("SELECT count(*) FROM item", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}

#[test]
fn statements_it_does_not_know_are_refused() {
    with_server(async |sql| {
        check(
            &sql,
            &[
                ("COPY (SELECT 1) TO STDOUT", "0A000", "Query execution error: Copy is not supported by HeliosDB Nano"),
                ("COPY item TO STDOUT (FORMAT binary)", "0A000", "COPY binary format is not yet supported"),
                ("COPY item FROM STDIN (FORMAT binary)", "0A000", "COPY binary format is not yet supported"),
                ("TRUNCATE item, other", "XX000", "Query execution error: Multiple table TRUNCATE not supported"),
                ("LISTEN news", "0A000", "Query execution error: LISTEN \"news\" is not supported by HeliosDB Nano"),
                ("DECLARE c CURSOR FOR SELECT 1", "0A000", "Query execution error: Declare is not supported by HeliosDB Nano"),
                ("SELECT pg_sleep(1)", "42883", "Query execution error: Unknown scalar function: pg_sleep"),
                ("SELECT pg_cancel_backend(1)", "42883", "Query execution error: Unknown scalar function: pg_cancel_backend"),
                ("SET ROLE other", "0A000", "SET ROLE is not supported: HeliosDB stores roles and grants but does not enforce privileges or switch session identity"),
            ],
        )
        .await;
    });
}

/// tokio-postgres copies that way; psql and sqlx use a simple query.
#[test]
fn copy_through_the_extended_protocol_is_refused() {
    const SYNTAX: &str =
        "SQL parse error: Failed to parse SQL: sql parser error: Expected: ;, found: EOF";
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE item (id int)")
            .await
            .unwrap();
        let error = client
            .copy_in::<_, bytes::Bytes>("COPY item FROM STDIN")
            .await
            .err()
            .unwrap();
        assert_eq!(report(&error), (SqlState::SYNTAX_ERROR, SYNTAX.into()));
        let error = client.copy_out("COPY item TO STDOUT").await.err().unwrap();
        assert_eq!(
            report(&error),
            (
                SqlState::FEATURE_NOT_SUPPORTED,
                "Query execution error: Copy is not supported by HeliosDB Nano".into()
            )
        );
        assert!(
            client
                .query("SELECT * FROM item", &[])
                .await
                .unwrap()
                .is_empty()
        );
    });
}

/// The protocol lets one format code in Bind stand for all parameters, and sqlx sends it so; the engine applies it to
/// the first parameter alone and reads the others as text.
#[test]
fn a_format_code_for_all_parameters_counts_for_the_first_alone() {
    with_server(async |sql| {
        let mut connection = sql.sqlx().await;
        connection
            .execute("CREATE TABLE item (id int, n int, b boolean)")
            .await
            .unwrap();
        let error = sqlx::query("INSERT INTO item VALUES ($1, $2, NULL)")
            .bind(1)
            .bind(2)
            .execute(&mut connection)
            .await
            .unwrap_err();
        let message = "Protocol error: Invalid Int4 parameter: invalid digit found in string";
        assert_eq!(sqlx_report(&error), ("08P01".into(), message.into()));
        sqlx::query("INSERT INTO item VALUES ($1, NULL, $2)")
            .bind(1)
            .bind(true)
            .execute(&mut connection)
            .await
            .unwrap();
        let row = sqlx::query("SELECT b FROM item")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(!row.get::<bool, _>(0));
    });
}

/// PostgreSQL goes on where the last Execute of the portal ended.
#[test]
fn a_portal_begins_again_at_every_execute() {
    with_server(async |sql| {
        let mut client = sql.tokio_postgres().await;
        let transaction = client.transaction().await.unwrap();
        let portal = transaction
            .bind("SELECT n FROM generate_series(1, 25) AS g(n)", &[])
            .await
            .unwrap();
        for _ in 0..3 {
            let rows = transaction.query_portal(&portal, 10).await.unwrap();
            let numbers: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
            assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
        }
    });
}

/// PostgreSQL writes `""` for the empty string, so that it does not come back as NULL.
#[test]
fn csv_does_not_tell_an_empty_string_from_null() {
    with_server(async |sql| {
        let script = "CREATE TABLE item (id int, t text);\nINSERT INTO item VALUES (1, ''), (2, NULL);\n\
                      COPY item TO STDOUT WITH (FORMAT csv);\n";
        assert_eq!(sql.psql(&["--quiet"], script).await.printed(), "1,\n2,\n");
    });
}

/// PostgreSQL takes messages of nearly 1 GiB; this engine hangs up at 64 MiB, and the server has to tell.
#[test]
fn a_message_above_64_mebibytes_ends_the_session() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE item (t text)")
            .await
            .unwrap();
        let insert = client
            .prepare("INSERT INTO item VALUES ($1)")
            .await
            .unwrap();
        let text = "x".repeat(64 << 20);
        let error = client.execute(&insert, &[&text]).await.unwrap_err();
        let broke = "the connection to the database engine broke".to_owned();
        assert_eq!(report(&error), (SqlState::CONNECTION_FAILURE, broke));

        let client = sql.tokio_postgres().await;
        let row = client
            .query_one("SELECT count(*) FROM item", &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, i64>(0), 0);
    });
}
