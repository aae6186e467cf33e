//! `init-ca`, `server` and `client`.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::place::{Ended, Place};

#[test]
fn an_authority_a_server_and_a_client_are_made() {
    let place = Place::new();
    let ended = place
        .run_with(&["init-ca", "--name", "My CA", "--days", "30"])
        .expect(0);
    ended.shows(&[
        "made the authority \"My CA\", valid until 2",
        "\n  certificate: certs/ca.crt\n  key:         certs/ca.key\n",
    ]);
    place.run("server db.example 192.0.2.1").expect(0).shows(&[
        "made a server certificate for DNS:db.example, IP Address:192.0.2.1, valid until 2",
        "\n  certificate: certs/server.crt\n  key:         certs/server.key\n",
    ]);
    place
        .run("client --user alice --organization Org --key-type ed25519")
        .expect(0)
        .shows(&["made a client certificate for the user \"alice\", valid until 2"]);
    let shown = place.run("inspect certs/client-alice.crt").expect(0);
    shown.shows(&[
        "certificate \"CN=alice,O=Org\"",
        "key          Ed25519",
        "issuer       CN=My CA",
    ]);
    let index = place.read("certs/ca.index");
    assert_eq!(index.lines().count(), 2, "{index}");
    assert!(index.lines().all(|line| line.starts_with("V\t")), "{index}");
}

#[test]
fn an_authority_is_never_replaced() {
    let place = Place::with_authority();
    let key = place.read("certs/ca.key");
    place.run("init-ca").expect(1).complains(
        "pg-certs: error: \"certs/ca.crt\" already exists, and an authority is never replaced; choose another \
         --dir, or move it away if nobody trusts it any more\n",
    );
    assert_eq!(place.read("certs/ca.key"), key);
    fs::remove_file(place.path("certs/ca.crt")).unwrap();
    place.run("init-ca").expect(1);
    assert_eq!(place.read("certs/ca.key"), key);
}

#[test]
fn l08_keys_are_0600_and_certificates_0644_whatever_the_umask() {
    for umask in ["000", "077"] {
        let place = Place::new();
        let program = env!("CARGO_BIN_EXE_pg-certs");
        let script = format!(
            "umask {umask} && {program} init-ca && {program} server localhost && {program} client --user a \
             && {program} renew && {program} crl"
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.root())
            .output()
            .unwrap();
        Ended::new(output).expect(0);
        for name in ["ca", "server", "client-a"] {
            assert_eq!(place.mode(&format!("certs/{name}.key")), 0o600, "{name}");
            assert_eq!(place.mode(&format!("certs/{name}.crt")), 0o644, "{name}");
        }
        assert_eq!(place.mode("certs/ca.crl"), 0o644);
    }
}

#[test]
fn l08_files_are_not_clobbered_without_force_and_links_stay() {
    let place = Place::with_server();
    let key = place.read("certs/server.key");
    let directory = place.root().canonicalize().unwrap();
    place.run("server localhost").expect(1).complains(&format!(
        "pg-certs: error: \"{}/certs/server.key\" already exists and would be lost; add --force to replace it\n",
        directory.display()
    ));
    assert_eq!(place.read("certs/server.key"), key);

    // A key that was open to others is not any more.
    let real = place.path("real.key");
    fs::rename(place.path("certs/server.key"), &real).unwrap();
    place.other("chmod", "644 real.key");
    symlink(&real, place.path("certs/server.key")).unwrap();
    place.run("server localhost --force").expect(0);
    assert!(place.path("certs/server.key").is_symlink());
    assert_eq!(place.mode("real.key"), 0o600);
    assert_ne!(place.read("real.key"), key);
}

#[test]
fn l08_a_full_disk_leaves_the_old_pair() {
    let place = Place::with_server();
    let old = [
        place.read("certs/server.crt"),
        place.read("certs/server.key"),
    ];
    // A limit on the size of files stands for a full disk: writing fails in the middle.
    let script = format!(
        "trap '' XFSZ; ulimit -f 0; exec {} server localhost --force",
        env!("CARGO_BIN_EXE_pg-certs")
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(place.root())
        .output()
        .unwrap();
    let ended = Ended::new(output).expect(3);
    assert!(
        ended
            .stderr
            .starts_with("pg-certs: error: could not write \""),
        "{ended:?}"
    );
    assert_eq!(
        [
            place.read("certs/server.crt"),
            place.read("certs/server.key")
        ],
        old
    );
    place
        .run("verify --cert certs/server.crt --key certs/server.key --ca certs/ca.crt")
        .expect(0);
}

#[test]
fn l05_hosts_that_no_client_could_match_are_refused() {
    let place = Place::with_authority();
    for (host, reason) in [
        ("db.example:5432", "leave the port out"),
        ("10.0.0.1/24", "leave the network length or path out"),
        ("[::1]:5432", "leave the port out"),
    ] {
        place.run(&format!("server {host}")).expect(1).complains(&format!(
            "pg-certs: error: \"{host}\" is no host name or IP address for a certificate: {reason}\n"
        ));
        assert!(!place.path("certs/server.crt").exists());
    }
    place.run_with(&["server", ""]).expect(1);
    place
        .run("server [::1] db.example.")
        .expect(0)
        .shows(&["made a server certificate for IP Address:::1, DNS:db.example, valid"]);
}

#[test]
fn what_is_missing_is_said_with_the_command_that_helps() {
    let place = Place::new();
    place.run("server localhost").expect(1).complains(
        "pg-certs: error: there is no authority here; make one: pg-certs init-ca: could not load certificate file \
         \"certs/ca.crt\": No such file or directory; check the path and that this user may read it\n",
    );
    place.run("init-ca").expect(0);
    place.run("client --user a/b").expect(1).complains(
        "pg-certs: error: \"a/b\" cannot be part of a file name; say where to write with --cert and --key\n",
    );
    place
        .run("client --user a/b --cert ab.crt --key ab.key")
        .expect(0)
        .shows(&["certificate: ab.crt"]);
}

#[test]
fn wrong_usage_ends_with_2() {
    let place = Place::new();
    for arguments in [
        "server",
        "client",
        "nonsense",
        "renew --if-expires-within soon",
        "init-ca --key-type dsa",
    ] {
        let ended = place.run(arguments).expect(2);
        assert!(ended.stderr.starts_with("error: "), "{ended:?}");
    }
    let help = place.run("--help").expect(0);
    help.shows(&[
        "Exit codes: 0 fine, 1 a problem was found",
        "init-ca",
        "doctor",
    ]);
}

#[test]
fn the_directory_comes_from_the_environment_too() {
    let place = Place::new();
    let output = place
        .command(&["init-ca"])
        .env("PG_CERTS_DIR", "elsewhere")
        .output()
        .unwrap();
    Ended::new(output).expect(0);
    assert!(place.path("elsewhere/ca.key").exists());
}
