//! psql, the client people type into.

use heliosdb_tests::sql_client::Psql;

use super::with_server;

/// As psql worded it before version 18.
#[test]
fn conninfo_names_the_encryption() {
    with_server(async |sql| {
        let printed = sql.psql(&[], "\\conninfo\n").await.printed();
        let port = sql.address().port();
        assert_eq!(
            printed,
            format!(
                "You are connected to database \"postgres\" as user \"alice\" on host \"localhost\" \
                 (address \"127.0.0.1\") at port \"{port}\".\n\
                 SSL connection (protocol: TLSv1.3, cipher: TLS_AES_128_GCM_SHA256, compression: off)\n"
            )
        );
    });
}

#[test]
fn tables_are_described() {
    const DESCRIBED: &str = r#"CREATE TABLE
CREATE INDEX
        List of relations
 Schema | Name | Type  |  Owner   
--------+------+-------+----------
 public | city | table | heliosdb
(1 row)

                    Table "public.city"
 Column |       Type       | Collation | Nullable | Default 
--------+------------------+-----------+----------+---------
 name   | text             |           | not null | 
 height | double precision |           |          | 
Indexes:
    "city_height" btree (height)

"#;
    with_server(async |sql| {
        let script = "CREATE TABLE city (name text NOT NULL, height double precision);\n\
                      CREATE INDEX city_height ON city (height);\n\\d\n\\d city\n";
        assert_eq!(sql.psql(&[], script).await.printed(), DESCRIBED);
        let run = sql.psql(&[], "\\d nowhere\n").await;
        assert_eq!(run.stderr, "Did not find any relation named \"nowhere\".\n");
    });
}

#[test]
fn a_script_goes_on_after_an_error_unless_it_is_told_to_stop() {
    const SYNTAX: &str = "ERROR:  SQL parse error: Failed to parse SQL: sql parser error: \
                          Expected: an SQL statement, found: SELEC at Line: 1, Column: 1\n";
    const TABLE: &str = "ERROR:  Query execution error: Table 'nowhere' does not exist\n\
                         DETAIL:  Table 'nowhere' does not exist in the catalog.\n\
                         HINT:  Check the table name, or create the table first.\n";
    with_server(async |sql| {
        let script = "SELECT 1 AS one;\nSELEC 2;\nSELECT * FROM nowhere;\nSELECT 3 AS three;\n";
        let quiet = ["--no-align", "--tuples-only", "--quiet"];
        let run = sql.psql(&quiet, script).await;
        let expected = Psql {
            status: 0,
            stdout: "1\n3\n".into(),
            stderr: [SYNTAX, TABLE].concat(),
        };
        assert_eq!(run, expected);

        let stop = [&quiet[..], &["--set", "ON_ERROR_STOP=1"]].concat();
        let run = sql.psql(&stop, script).await;
        assert_eq!(
            run,
            Psql {
                status: 3,
                stdout: "1\n".into(),
                stderr: SYNTAX.into()
            }
        );
    });
}

#[test]
fn a_transaction_block_is_left_after_an_error() {
    const FAILED: &str = "ERROR:  current transaction is aborted, commands ignored until end of transaction block\n\
                          HINT:  Use ROLLBACK to clear the failed transaction state\n";
    with_server(async |sql| {
        let script = "CREATE TABLE item (id int);\nBEGIN;\nINSERT INTO item VALUES (1);\nSELEC;\n\
                      SELECT 1;\nCOMMIT;\nSELECT count(*) FROM item;\n";
        let run = sql.psql(&["--no-align", "--tuples-only"], script).await;
        let (syntax, failed) = run.stderr.split_once('\n').unwrap();
        assert!(syntax.starts_with("ERROR:  SQL parse error: "), "{syntax}");
        assert_eq!(failed, FAILED);
        assert_eq!(run.stdout, "CREATE TABLE\nBEGIN\nINSERT 0 1\nROLLBACK\n0\n");
    });
}
