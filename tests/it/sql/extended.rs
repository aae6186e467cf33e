//! The extended protocol: parameters, binary results, pipelines, portals.

use std::sync::Arc;

use heliosdb_tests::sql_client::report;
use tokio::task::JoinSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use super::with_server;

/// One column of every type that the engine sends in binary.
const EVERY: &str = "CREATE TABLE every (b boolean, s smallint, i int, l bigint, r real, d double precision, t text, y bytea)";
const INSERT: &str = "INSERT INTO every VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const TYPES: [Type; 8] = [
    Type::BOOL,
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::TEXT,
    Type::BYTEA,
];

#[test]
fn parameters_and_results_travel_in_binary() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client.batch_execute(EVERY).await.unwrap();
        let insert = client.prepare(INSERT).await.unwrap();
        assert_eq!(insert.params(), TYPES);
        let text = "tab\t, quote', backslash\\, newline\n, 鸟";
        let bytes: Vec<u8> = (0..=255).collect();
        let values: [&(dyn ToSql + Sync); 8] = [
            &true,
            &i16::MIN,
            &i32::MIN,
            &i64::MIN,
            &f32::MIN_POSITIVE,
            &f64::MAX,
            &text,
            &bytes,
        ];
        assert_eq!(client.execute(&insert, &values).await.unwrap(), 1);

        let select = client
            .prepare("SELECT * FROM every WHERE i = $1")
            .await
            .unwrap();
        assert_eq!(select.params(), [Type::INT4]);
        let columns = select.columns().iter().map(|column| column.type_().clone());
        assert_eq!(columns.collect::<Vec<_>>(), TYPES);
        let row = client.query_one(&select, &[&i32::MIN]).await.unwrap();
        assert!(row.get::<_, bool>("b"));
        assert_eq!(row.get::<_, i16>("s"), i16::MIN);
        assert_eq!(row.get::<_, i64>("l"), i64::MIN);
        assert_eq!(
            row.get::<_, f32>("r").to_bits(),
            f32::MIN_POSITIVE.to_bits()
        );
        assert_eq!(row.get::<_, f64>("d").to_bits(), f64::MAX.to_bits());
        assert_eq!(row.get::<_, &str>("t"), text);
        assert_eq!(row.get::<_, &[u8]>("y"), bytes);
    });
}

#[test]
fn null_travels_as_parameter_and_result() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client.batch_execute(EVERY).await.unwrap();
        let values: [&(dyn ToSql + Sync); 8] = [
            &None::<bool>,
            &None::<i16>,
            &None::<i32>,
            &None::<i64>,
            &None::<f32>,
            &None::<f64>,
            &None::<&str>,
            &None::<&[u8]>,
        ];
        assert_eq!(client.execute(INSERT, &values).await.unwrap(), 1);
        let row = client
            .query_one("SELECT * FROM every WHERE i IS NULL", &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, Option<bool>>("b"), None);
        assert_eq!(row.get::<_, Option<i64>>("l"), None);
        assert_eq!(row.get::<_, Option<f64>>("d"), None);
        assert_eq!(row.get::<_, Option<&str>>("t"), None);
        assert_eq!(row.get::<_, Option<&[u8]>>("y"), None);
    });
}

#[test]
fn a_prepared_statement_is_used_again_and_again() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE square (n int PRIMARY KEY, nn int)")
            .await
            .unwrap();
        let insert = client
            .prepare("INSERT INTO square VALUES ($1, $2)")
            .await
            .unwrap();
        let select = client
            .prepare("SELECT nn FROM square WHERE n = $1")
            .await
            .unwrap();
        for n in 0..100 {
            assert_eq!(client.execute(&insert, &[&n, &(n * n)]).await.unwrap(), 1);
        }
        for n in (0..100).rev() {
            let row = client.query_one(&select, &[&n]).await.unwrap();
            assert_eq!(row.get::<_, i32>(0), n * n);
        }
        assert!(client.query(&select, &[&100]).await.unwrap().is_empty());
    });
}

#[test]
fn a_pipeline_answers_each_query_in_its_place() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE item (id int PRIMARY KEY)")
            .await
            .unwrap();
        let insert = client
            .prepare("INSERT INTO item VALUES ($1)")
            .await
            .unwrap();
        let count = client.prepare("SELECT count(*) FROM item").await.unwrap();
        // Each future sends when it is first polled, so all are on their way before the first answer.
        let (one, again, first, two, second) = tokio::join!(
            client.execute(&insert, &[&1]),
            client.execute(&insert, &[&1]),
            client.query_one(&count, &[]),
            client.execute(&insert, &[&2]),
            client.query_one(&count, &[]),
        );
        assert_eq!(one.unwrap(), 1);
        assert_eq!(report(&again.unwrap_err()).0, SqlState::UNIQUE_VIOLATION);
        assert_eq!(first.unwrap().get::<_, i64>(0), 1);
        assert_eq!(two.unwrap(), 1);
        assert_eq!(second.unwrap().get::<_, i64>(0), 2);
    });
}

#[test]
fn a_long_pipeline_stays_in_order() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        let echo = client.prepare("SELECT $1::int").await.unwrap();
        let (client, echo) = (Arc::new(client), Arc::new(echo));
        let mut queries = JoinSet::new();
        for n in 0..1_000_i32 {
            let (client, echo) = (Arc::clone(&client), Arc::clone(&echo));
            queries.spawn(async move {
                let row = client.query_one(&*echo, &[&n]).await.unwrap();
                row.get::<_, i32>(0) == n
            });
        }
        assert!(queries.join_all().await.into_iter().all(|is_own| is_own));
    });
}
