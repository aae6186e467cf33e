//! `doctor`.

use std::fs;

use crate::place::Place;

#[test]
fn good_files_are_told_to_be_good_with_a_verdict_for_each_mode() {
    let place = Place::with_server();
    let ended = place.run("doctor --host db.example").expect(0);
    ended.shows(&[
        "ok       certs/server.crt: for localhost, 127.0.0.1, ::1, db.example, until 2",
        "ok       certs/server.key: belongs to the certificate, and nobody else can read it\n",
        "ok       certs/ca.crt: clients trust \"CN=Test-CA\", until 2",
        "\nclients with host=db.example\n",
        "  disable     fails    the server lets nobody in without TLS\n                       cure: use sslmode=verify-full\n",
        "  require     connects encrypted, and the chain leads to sslrootcert; the host name is not compared\n",
        "  verify-full connects encrypted, and the server is who the host name says\n",
        "\nOK: clients with sslmode=verify-full connect\n",
    ]);
    let all = place.run("doctor").expect(0);
    for host in ["localhost", "127.0.0.1", "::1", "db.example"] {
        all.shows(&[&format!("\nclients with host={host}\n")]);
    }
}

#[test]
fn hosts_that_the_certificate_is_not_for_are_a_problem() {
    let place = Place::with_server();
    place.run("doctor --host other.example").expect(1).shows(&[
        "  verify-full fails    server certificate for \"localhost\" (and 3 other names) does not match host name \
         \"other.example\"\n                       cure: issue the certificate for \"other.example\" too, or connect \
         to a name that it has\n",
        "\nNOT OK: clients with sslmode=verify-full do not connect to other.example\n",
    ]);
    place
        .run("doctor --host other.example --sslmode verify-ca")
        .expect(0);
    place.run("doctor --sslmode disable").expect(1);
    place
        .run("doctor --sslmode disable --ssl-mode prefer")
        .expect(0);
}

#[test]
fn what_expires_soon_is_a_problem_for_ci() {
    let place = Place::with_server();
    place.run("doctor --expires-within 30d").expect(0);
    let ended = place.run("doctor --expires-within 366d").expect(1);
    ended.shows(&[
        "error    certs/server.crt: certificate 1 expires on 2",
        "\nNOT OK: mend the errors above\n",
    ]);
    let json = place
        .run("doctor --expires-within 366d --json")
        .expect(1)
        .json();
    assert_eq!(json["ok"], false);
    let levels: Vec<&str> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["level"].as_str().unwrap())
        .collect();
    assert_eq!(levels, ["ok", "error", "ok", "ok"]);
    let last = json["verdicts"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (
            &last["host"],
            &last["sslmode"],
            &last["connects"],
            &last["outcome"]
        ),
        (
            &"db.example".into(),
            &"verify-full".into(),
            &true.into(),
            &"name-verified".into()
        )
    );
}

#[test]
fn authorities_lists_and_demands_are_looked_at() {
    let place = Place::with_server();
    place.run("crl").expect(0);
    place
        .run("doctor --client-ca certs/ca.crt --crl certs/ca.crl --ssl-mode verify-full --host localhost")
        .expect(0)
        .shows(&[
            "ok       certs/ca.crt: signs client certificates: \"CN=Test-CA\", until 2",
            "ok       certs/ca.crl: list of \"CN=Test-CA\", 0 revoked, next one due on 2",
            "                       caution: the server demands a client certificate: set sslcert and sslkey\n",
        ]);
    fs::remove_file(place.path("certs/ca.crl")).unwrap();
    place.other("chmod", "644 certs/server.key");
    let ended = place.run("doctor --crl certs/ca.crl").expect(1);
    ended.shows(&[
        "error    certs/server.key: private key file \"certs/server.key\" has group or world access: File must have \
         permissions u=rw (0600) or less",
        "error    certs/ca.crl: could not load SSL certificate revocation list file \"certs/ca.crl\": No such file",
    ]);
}

#[test]
fn without_a_root_certificate_require_is_what_can_be_asked() {
    let place = Place::with_server();
    fs::rename(place.path("certs/ca.crt"), place.path("elsewhere.crt")).unwrap();
    place.run("doctor --host localhost").expect(0).shows(&[
        "  require     connects encrypted, but nobody checks who the server is\n",
        "  verify-full fails    root certificate file does not exist\n                       cure: give clients the \
         certificate of the authority as sslrootcert: pg-certs export-ca\n",
        "\nOK: clients with sslmode=require connect\n",
    ]);
    place.run("doctor --root-cert elsewhere.crt").expect(0);
}
