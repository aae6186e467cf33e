//! `inspect`.

use std::fs;

use crate::place::Place;

#[test]
fn every_kind_of_file_is_shown() {
    let place = Place::with_server();
    place.run("crl").expect(0);
    let shown = place
        .run("inspect certs/server.crt certs/server.key certs/ca.crl")
        .expect(0);
    shown.shows(&[
        "certs/server.crt\n  certificate \"CN=localhost\"\n    issuer       CN=Test-CA\n",
        "    names        DNS:localhost, IP Address:127.0.0.1, IP Address:::1, DNS:db.example\n",
        "    key          ECDSA P-256\n    signature    ecdsa-with-SHA256\n    uses         serverAuth\n",
        "certs/server.key\n  a private key, ECDSA P-256\n",
        "certs/ca.crl\n  revocation list of \"CN=Test-CA\"\n    number       1\n",
    ]);
    place
        .run("inspect certs/ca.crt")
        .expect(0)
        .shows(&["certificate of an authority \"CN=Test-CA\""]);
    assert!(!shown.stdout.contains("BEGIN"));
}

#[test]
fn json_says_the_same_to_machines() {
    let place = Place::with_server();
    place.run("crl").expect(0);
    place.other("chmod", "644 certs/server.key");
    let json = place
        .run("inspect --json certs/server.crt certs/server.key certs/ca.crl absent")
        .expect(1)
        .json();
    let certificate = &json[0]["items"][0];
    assert_eq!(certificate["kind"], "certificate");
    assert_eq!(certificate["subject"], "CN=localhost");
    assert!(matches!(certificate["days_left"].as_i64(), Some(364 | 365)));
    assert_eq!(certificate["names"][3], "DNS:db.example");
    assert_eq!(certificate["is_authority"], false);
    let key = &json[1]["items"][0];
    assert_eq!(
        (&key["kind"], &key["algorithm"]),
        (&"private_key".into(), &"ECDSA P-256".into())
    );
    assert_eq!(
        key["objection"],
        "private key file \"certs/server.key\" has group or world access"
    );
    let list = &json[2]["items"][0];
    assert_eq!(
        (&list["kind"], &list["number"]),
        (&"revocation_list".into(), &"1".into())
    );
    assert!(
        json[3]["error"]
            .as_str()
            .unwrap()
            .starts_with("could not load certificate file \"absent\": No such file"),
    );
}

#[test]
fn a_file_that_is_none_does_not_hide_the_others() {
    let place = Place::with_server();
    fs::write(place.path("text"), "nothing\n").unwrap();
    let ended = place.run("inspect text certs/ca.crt").expect(1);
    ended.shows(&["certs/ca.crt\n"]);
    assert_eq!(
        ended.stderr,
        "pg-certs: error: could not load certificate file \"text\": no start line: it holds no PEM block \
         (\"-----BEGIN …-----\"); name the PEM file that holds the certificate\n"
    );
}
