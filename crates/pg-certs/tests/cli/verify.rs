//! `verify`.

use crate::place::Place;

#[test]
fn a_pair_is_judged_as_a_server_would_use_it() {
    let place = Place::with_server();
    let pair = "verify --cert certs/server.crt --key certs/server.key";
    place
        .run(pair)
        .expect(0)
        .shows(&["subject: CN=localhost\n", "\nOK\n"]);
    place.run(&format!("{pair} --ca certs/ca.crt")).expect(0);
    place.run("init-ca --dir other").expect(0);
    place.run(&format!("{pair} --ca other/ca.crt")).expect(1).shows(&[
        "error: clients that trust the given authorities will refuse it: invalid peer certificate: UnknownIssuer\n",
        "\nNOT OK\n",
    ]);
    place.other("chmod", "640 certs/server.key");
    let json = place.run(&format!("{pair} --json")).expect(1).json();
    assert_eq!(json["ok"], false);
    assert_eq!(json["certificate"]["subject"], "CN=localhost");
    assert!(
        json["errors"][0]
            .as_str()
            .unwrap()
            .contains("has group or world access")
    );
}

#[test]
fn a_chain_is_judged_against_authorities_hosts_and_purposes() {
    let place = Place::with_server();
    place.run("client --user alice").expect(0);
    let chain = "verify --ca certs/ca.crt --cert certs/";
    for (arguments, code, shown) in [
        ("server.crt", 0, "certs/server.crt: OK\n"),
        (
            "server.crt --host db.example --host ::1",
            0,
            "certs/server.crt: OK\n",
        ),
        (
            "server.crt --host elsewhere.example",
            1,
            "error: it is not for the host \"elsewhere.example\"; issue one that is\ncerts/server.crt: NOT OK\n",
        ),
        (
            "client-alice.crt --purpose client",
            0,
            "certs/client-alice.crt: OK\n",
        ),
        (
            "client-alice.crt",
            1,
            "error: it does not verify: its extendedKeyUsage does not allow the purpose\n",
        ),
        (
            "server.crt --purpose client",
            1,
            "error: it does not verify: its extendedKeyUsage does not allow the purpose\n",
        ),
        (
            "ca.crt",
            1,
            "error: it does not verify: it is the certificate of an authority\n",
        ),
    ] {
        place
            .run(&format!("{chain}{arguments}"))
            .expect(code)
            .shows(&[shown]);
    }
}

#[test]
fn foreign_chains_and_missing_lists_are_told() {
    let place = Place::with_server();
    place.run("init-ca --dir other --name Other").expect(0);
    place.run("crl --dir other").expect(0);
    place
        .run("verify --ca other/ca.crt --cert certs/server.crt")
        .expect(1)
        .shows(&["error: it does not verify: its issuer is neither among the authorities nor in the chain\n"]);
    place
        .run("verify --ca certs/ca.crt --crl other/ca.crl --cert certs/server.crt")
        .expect(1)
        .shows(&[
            "error: it does not verify: no revocation list covers a certificate of the chain; name those of all \
             authorities\n",
        ]);
}

#[test]
fn names_that_libpq_alone_accepts_are_a_warning() {
    let place = Place::new();
    place.other(
        "openssl",
        "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=ca -keyout ca.key -out ca.crt",
    );
    place.other(
        "openssl",
        "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=db.example -CA ca.crt -CAkey ca.key \
         -addext basicConstraints=CA:FALSE -keyout server.key -out server.crt",
    );
    place
        .run("verify --ca ca.crt --cert server.crt --host db.example")
        .expect(0)
        .shows(&[
            "warning: for the host \"db.example\" only the common name matches: clients in Go, Java, Rust and others \
             ask for a subjectAltName\nserver.crt: OK\n",
        ]);
}
