//! Everyday SQL: create, insert, select, transactions and what errors leave behind.

use heliosdb_tests::sql_client::{report, sqlx_report};
use sqlx::{Connection as _, Executor as _, Row as _};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use super::with_server;

/// Rows as text, NULL as `∅`, and the count of each command tag.
fn flat(messages: &[SimpleQueryMessage]) -> Vec<String> {
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let cells: Vec<_> = (0..row.len()).map(|i| row.get(i).unwrap_or("∅")).collect();
                Some(cells.join("|"))
            }
            SimpleQueryMessage::CommandComplete(count) => Some(format!("#{count}")),
            SimpleQueryMessage::RowDescription(columns) => {
                let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
                Some(format!("[{}]", names.join(",")))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn rows_come_back_as_they_were_inserted() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        let answer = client
            .simple_query(
                "CREATE TABLE city (id int PRIMARY KEY, name text NOT NULL, height double precision, note text);
                 INSERT INTO city VALUES (1, 'Zürich', 408.5, NULL), (2, 'O''Fallon', -1, ''), (3, '東京', 40, 'a\tb');
                 SELECT * FROM city ORDER BY id;
                 UPDATE city SET height = 0 WHERE id > 1;
                 DELETE FROM city WHERE id = 3;
                 SELECT count(*) AS n, sum(height) AS s FROM city",
            )
            .await
            .unwrap();
        assert_eq!(
            flat(&answer),
            [
                "#0",
                "#3",
                "[id,name,height,note]",
                "1|Zürich|408.5|∅",
                // Engine's limit: PostgreSQL writes -1 and 40.
                "2|O'Fallon|-1.0|",
                "3|東京|40.0|a\tb",
                "#3",
                "#2",
                "#1",
                "[n,s]",
                "2|408.5",
                "#1",
            ]
        );
    });
}

#[test]
fn a_transaction_is_seen_by_others_when_it_is_committed_and_not_before() {
    with_server(async |sql| {
        let (mut writer, reader) = (sql.tokio_postgres().await, sql.tokio_postgres().await);
        let count = async || -> i64 {
            reader
                .query_one("SELECT count(*) FROM account", &[])
                .await
                .unwrap()
                .get(0)
        };
        writer
            .batch_execute("CREATE TABLE account (id int PRIMARY KEY, cents bigint)")
            .await
            .unwrap();

        let transaction = writer.transaction().await.unwrap();
        transaction
            .execute("INSERT INTO account VALUES (1, 100)", &[])
            .await
            .unwrap();
        assert_eq!(count().await, 0);
        transaction.commit().await.unwrap();
        assert_eq!(count().await, 1);

        let transaction = writer.transaction().await.unwrap();
        transaction
            .execute("DELETE FROM account", &[])
            .await
            .unwrap();
        assert_eq!(count().await, 1);
        transaction.rollback().await.unwrap();
        assert_eq!(count().await, 1);
    });
}

#[test]
fn a_savepoint_undoes_a_part() {
    with_server(async |sql| {
        let mut client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE step (n int)")
            .await
            .unwrap();
        let mut transaction = client.transaction().await.unwrap();
        transaction
            .execute("INSERT INTO step VALUES (1)", &[])
            .await
            .unwrap();
        let savepoint = transaction.savepoint("half_way").await.unwrap();
        savepoint
            .execute("INSERT INTO step VALUES (2)", &[])
            .await
            .unwrap();
        savepoint.rollback().await.unwrap();
        transaction
            .execute("INSERT INTO step VALUES (3)", &[])
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        let rows = client
            .query("SELECT n FROM step ORDER BY n", &[])
            .await
            .unwrap();
        let numbers: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(numbers, [1, 3]);
    });
}

#[test]
fn an_error_ends_the_transaction_and_never_the_session() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1)")
            .await
            .unwrap();

        let error = client.batch_execute("SELEC 1").await.unwrap_err();
        assert_eq!(report(&error).0, SqlState::SYNTAX_ERROR);
        let error = client
            .query("SELECT * FROM nowhere", &[])
            .await
            .unwrap_err();
        assert_eq!(report(&error).0, SqlState::UNDEFINED_TABLE);

        client.batch_execute("BEGIN").await.unwrap();
        client
            .batch_execute("INSERT INTO item VALUES (2)")
            .await
            .unwrap();
        let error = client
            .execute("INSERT INTO item VALUES (1)", &[])
            .await
            .unwrap_err();
        assert_eq!(report(&error).0, SqlState::UNIQUE_VIOLATION);
        let error = client.query("SELECT 1", &[]).await.unwrap_err();
        assert_eq!(report(&error).0, SqlState::IN_FAILED_SQL_TRANSACTION);
        client.batch_execute("ROLLBACK").await.unwrap();

        let left = client
            .query_one("SELECT count(*) FROM item", &[])
            .await
            .unwrap();
        assert_eq!(left.get::<_, i64>(0), 1);
    });
}

#[test]
fn a_failed_statement_undoes_the_rest_of_its_batch() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE item (id int PRIMARY KEY)")
            .await
            .unwrap();
        let error = client
            .batch_execute("INSERT INTO item VALUES (1); INSERT INTO item VALUES (1); INSERT INTO item VALUES (2)")
            .await
            .unwrap_err();
        assert_eq!(report(&error).0, SqlState::UNIQUE_VIOLATION);
        let left = client
            .query_one("SELECT count(*) FROM item", &[])
            .await
            .unwrap();
        assert_eq!(left.get::<_, i64>(0), 0);
    });
}

#[test]
fn sqlx_lives_a_short_life() {
    with_server(async |sql| {
        let mut connection = sql.sqlx().await;
        connection
            .execute(
                "CREATE TABLE task (id bigint PRIMARY KEY, title text, weight double precision)",
            )
            .await
            .unwrap();
        // The engine's limit on sqlx's parameters, see `limits`: only the first may be other than text.
        for (id, title) in [(1_i64, Some("schlafen 💤")), (2, None)] {
            let result = sqlx::query("INSERT INTO task VALUES ($1, $2, 0.5)")
                .bind(id)
                .bind(title)
                .execute(&mut connection)
                .await
                .unwrap();
            assert_eq!(result.rows_affected(), 1);
        }

        let mut transaction = connection.begin().await.unwrap();
        let result = sqlx::query("DELETE FROM task")
            .execute(&mut *transaction)
            .await
            .unwrap();
        assert_eq!(result.rows_affected(), 2);
        transaction.rollback().await.unwrap();

        let mut transaction = connection.begin().await.unwrap();
        let result = sqlx::query("UPDATE task SET weight = $1 WHERE id = 2")
            .bind(-2.25)
            .execute(&mut *transaction)
            .await
            .unwrap();
        assert_eq!(result.rows_affected(), 1);
        transaction.commit().await.unwrap();

        let error = sqlx::query("INSERT INTO task VALUES ($1, 'again', 0)")
            .bind(1_i64)
            .execute(&mut connection)
            .await
            .unwrap_err();
        assert_eq!(sqlx_report(&error).0, "23505");

        let rows = sqlx::query("SELECT id, title, weight FROM task WHERE id <= $1 ORDER BY id")
            .bind(2_i64)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let rows: Vec<(i64, Option<String>, f64)> = rows
            .iter()
            .map(|row| (row.get("id"), row.get("title"), row.get("weight")))
            .collect();
        assert_eq!(
            rows,
            [(1, Some("schlafen 💤".into()), 0.5), (2, None, -2.25)]
        );
        connection.ping().await.unwrap();
        connection.close().await.unwrap();
    });
}
