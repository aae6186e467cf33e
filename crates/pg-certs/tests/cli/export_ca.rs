//! `export-ca`.

use crate::place::Place;

#[test]
fn the_certificate_is_written_and_connections_are_spelt() {
    let place = Place::with_authority();
    let ended = place
        .run("export-ca --out root.crt --host db.example --user alice")
        .expect(0);
    assert_eq!(place.read("root.crt"), place.read("certs/ca.crt"));
    assert_eq!(place.mode("root.crt"), 0o644);
    let root = place.root().canonicalize().unwrap().join("root.crt");
    let root = root.display();
    ended.shows(&[
        &format!(
            "psql:\n    psql \"host=db.example port=5432 user=alice dbname=postgres sslmode=verify-full sslrootcert={root}\"\n"
        ),
        &format!(
            "JDBC:\n    jdbc:postgresql://db.example:5432/postgres?user=alice&sslmode=verify-full&sslrootcert={root}\n"
        ),
        "psycopg:\n    psycopg.connect(",
        "node-postgres:\n    new pg.Client(",
        "Go (pgx):\n    pgx.Connect(ctx, \"postgresql://alice@db.example:5432/postgres?",
        "tokio-postgres:\n    tokio_postgres::connect(",
    ]);
    let ended = place.run("export-ca --out root.crt").expect(1);
    assert!(ended.stderr.contains("already exists"), "{ended:?}");
    place.run("export-ca --out root.crt --force").expect(0);
}

#[test]
fn without_a_place_the_certificate_alone_is_on_standard_output() {
    let place = Place::with_authority();
    let ended = place.run("export-ca").expect(0);
    assert_eq!(ended.stdout, place.read("certs/ca.crt"));
    assert!(
        ended.stderr.starts_with(
            "pg-certs: with the certificate in the file \"ca.crt\":\npsql:\n    psql \"host=localhost port=5432"
        ),
        "{ended:?}"
    );
}
