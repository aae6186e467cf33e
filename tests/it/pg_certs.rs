//! Certificates that the program `pg-certs` makes, with the real server and every libpq.

use heliosdb_tests::libpq::{Libpq, Said};
use heliosdb_tests::program::{Place, Running};

/// An authority, a server for names and addresses, and two clients, in `certs`.
fn place() -> Place {
    let place = Place::new();
    place.pg_certs("init-ca");
    place.pg_certs("server localhost db.example *.db.example");
    for user in ["alice", "bob"] {
        place.pg_certs(&format!("client --user {user}"));
    }
    place
}

fn serve(place: &Place, more: &[&str]) -> Running {
    let files = [
        "--ssl-mode",
        "verify-full",
        "--ssl-cert-file",
        "certs/server.crt",
        "--ssl-key-file",
        "certs/server.key",
        "--ssl-ca-file",
        "certs/ca.crt",
    ];
    place.serve(&[&files, more].concat())
}

/// Connects as a user with the user's certificate, verifying the server by this host.
fn connect(libpq: &Libpq, place: &Place, server: &Running, user: &str, host: &str) -> Said {
    let conninfo = format!(
        "host={host} hostaddr=127.0.0.1 port={} user={user} dbname=postgres sslmode=verify-full \
         sslrootcert=certs/ca.crt sslcert=certs/client-{user}.crt sslkey=certs/client-{user}.key",
        server.address().port()
    );
    libpq.run(place.root(), &[], &conninfo, &["select 1"])
}

#[test]
fn l05_libpq_verifies_the_server_by_name_and_by_address() {
    let place = place();
    let server = serve(&place, &[]);
    for libpq in Libpq::installed() {
        for host in [
            "localhost",
            "db.example",
            "a.db.example",
            "127.0.0.1",
            "::1",
        ] {
            let said = connect(&libpq, &place, &server, "alice", host);
            assert_eq!((&*said.stdout, &*said.stderr), ("1\n", ""), "{host}");
        }
        for host in ["a.b.db.example", "192.0.2.1"] {
            let said = connect(&libpq, &place, &server, "alice", host);
            let text = format!("does not match host name \"{host}\"");
            assert!(!said.success && said.stderr.contains(&text), "{said:?}");
        }
    }
    server.stop();
}

#[test]
fn the_connection_string_of_export_ca_connects() {
    let place = place();
    let server = place.serve(&[
        "--ssl-cert-file",
        "certs/server.crt",
        "--ssl-key-file",
        "certs/server.key",
    ]);
    let port = server.address().port();
    let strings = place.pg_certs(&format!(
        "export-ca --out root.crt --host localhost --port {port} --user alice"
    ));
    let psql = strings
        .lines()
        .find_map(|line| line.trim().strip_prefix("psql \""));
    let uri = strings
        .lines()
        .find(|line| line.trim().starts_with("postgresql://"));
    for libpq in Libpq::installed() {
        for conninfo in [psql.unwrap().trim_end_matches('"'), uri.unwrap().trim()] {
            let said = libpq.run(place.root(), &[], conninfo, &["select 1"]);
            assert_eq!((&*said.stdout, &*said.stderr), ("1\n", ""), "{conninfo}");
        }
    }
    server.stop();
}

#[test]
fn a_revoked_client_is_refused_and_a_renewed_one_is_not() {
    let place = place();
    place.pg_certs("revoke certs/client-alice.crt --reason keyCompromise");
    place.pg_certs("renew --cert certs/client-bob.crt");
    let server = serve(&place, &["--ssl-crl-file", "certs/ca.crl"]);
    for libpq in Libpq::installed() {
        let said = connect(&libpq, &place, &server, "bob", "localhost");
        assert_eq!((&*said.stdout, &*said.stderr), ("1\n", ""));
        let said = connect(&libpq, &place, &server, "alice", "localhost");
        assert!(
            !said.success && said.stderr.contains("certificate revoked"),
            "{said:?}"
        );
    }
    server.stop();
}
