//! Large values and many rows.

use super::with_server;

/// 20 MB.
const LARGE: usize = 20_000_000;

#[test]
fn a_row_of_twenty_megabytes_goes_both_ways() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        client
            .batch_execute("CREATE TABLE large (t text, y bytea)")
            .await
            .unwrap();
        let text = "häuser ".repeat(LARGE / 8);
        assert_eq!(text.len(), LARGE);
        let bytes: Vec<u8> = (0..=255).cycle().take(LARGE).collect();
        let insert = client
            .prepare("INSERT INTO large VALUES ($1, $2)")
            .await
            .unwrap();
        assert_eq!(
            client
                .execute(&insert, &[&text, &None::<&[u8]>])
                .await
                .unwrap(),
            1
        );
        assert_eq!(
            client
                .execute(&insert, &[&None::<&str>, &bytes])
                .await
                .unwrap(),
            1
        );

        let row = client
            .query_one("SELECT t FROM large WHERE y IS NULL", &[])
            .await
            .unwrap();
        assert!(row.get::<_, &str>(0) == text);
        let row = client
            .query_one("SELECT y FROM large WHERE t IS NULL", &[])
            .await
            .unwrap();
        assert!(row.get::<_, &[u8]>(0) == bytes);
    });
}

#[test]
fn a_hundred_thousand_rows_arrive_in_order() {
    with_server(async |sql| {
        let client = sql.tokio_postgres().await;
        let rows = client
            .query("SELECT n FROM generate_series(1, 100000) AS g(n)", &[])
            .await
            .unwrap();
        assert_eq!(rows.len(), 100_000);
        assert!(
            rows.iter()
                .zip(1_i64..)
                .all(|(row, n)| row.get::<_, i64>(0) == n)
        );
    });
}
