//! Certificates and keys as other tools write them, given to the program at its start (bugs C01, C02, C03, C05, L06).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use heliosdb_tests::libpq::Libpq;
use heliosdb_tests::program::Place;

/// A place with a certificate of its own authority, `server.crt`, and its key as `openssl ecparam` writes it.
fn place() -> Place {
    let place = Place::new();
    openssl(&place, "ecparam -genkey -name prime256v1 -out server.key");
    openssl(
        &place,
        "req -x509 -new -key server.key -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost -out server.crt",
    );
    place
}

fn openssl(place: &Place, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(place.root())
        .output()
        .unwrap();
    assert!(output.status.success(), "openssl {arguments}: {output:?}");
}

fn tls<'a>(certificate: &'a str, key: &'a str) -> [&'a str; 4] {
    ["--ssl-cert-file", certificate, "--ssl-key-file", key]
}

/// Starts with these files and lets every libpq verify them fully.
fn serves(place: &Place, certificate: &str, key: &str) {
    for file in [certificate, key] {
        fs::set_permissions(place.path(file), Permissions::from_mode(0o600)).unwrap();
    }
    let server = place.serve(&tls(certificate, key));
    for libpq in Libpq::installed() {
        let conninfo = format!(
            "host=localhost hostaddr=127.0.0.1 port={} user=alice dbname=postgres sslmode=verify-full \
             sslrootcert=server.crt",
            server.address().port()
        );
        let said = libpq.run(place.root(), &[], &conninfo, &["select 1"]);
        assert_eq!((&*said.stdout, &*said.stderr), ("1\n", ""));
    }
    server.stop();
}

/// Neither the check nor the start accepts them.
fn refuses(place: &Place, certificate: &str, key: &str, text: &str) {
    let flags = tls(certificate, key);
    place
        .run(&[&flags[..], &["--check-config"]].concat())
        .expect(1)
        .says(text);
    place.run(&flags).expect(1).says(text);
}

#[test]
fn c01_l06_a_key_behind_its_parameters_serves_a_foreign_certificate() {
    let place = place();
    let key = fs::read_to_string(place.path("server.key")).unwrap();
    assert!(key.starts_with("-----BEGIN EC PARAMETERS-----"), "{key}");
    serves(&place, "server.crt", "server.key");
    let (parameters, key) = key.split_once("-----BEGIN EC PRIVATE KEY").unwrap();
    place.write(
        "behind.key",
        &format!("-----BEGIN EC PRIVATE KEY{key}{parameters}"),
    );
    serves(&place, "server.crt", "behind.key");
}

#[test]
fn c05_line_ends_of_other_systems_are_served() {
    let place = place();
    for name in ["server.crt", "server.key"] {
        let text = fs::read_to_string(place.path(name)).unwrap();
        place.write(&format!("crlf-{name}"), &text.replace('\n', "\r\n"));
        place.write(
            &format!("cr-{name}"),
            text.trim_end().replace('\n', "\r").as_str(),
        );
    }
    serves(&place, "crlf-server.crt", "crlf-server.key");
    serves(&place, "cr-server.crt", "cr-server.key");
}

#[test]
fn c02_encrypted_keys_are_named_with_their_path() {
    let place = place();
    openssl(
        &place,
        "pkcs8 -topk8 -in server.key -passout pass:x -out pkcs8.key",
    );
    openssl(
        &place,
        "ec -in server.key -aes128 -passout pass:x -out legacy.key",
    );
    for key in ["pkcs8.key", "legacy.key"] {
        fs::set_permissions(place.path(key), Permissions::from_mode(0o600)).unwrap();
        let text =
            format!("could not load private key file \"{key}\": line 1: the key is encrypted");
        refuses(&place, "server.crt", key, &text);
    }
}

#[test]
fn c03_a_key_of_another_certificate_is_no_start() {
    let place = place();
    openssl(&place, "ecparam -genkey -name prime256v1 -out other.key");
    openssl(&place, "genrsa -out rsa.key 2048");
    for key in ["other.key", "rsa.key"] {
        fs::set_permissions(place.path(key), Permissions::from_mode(0o600)).unwrap();
        refuses(
            &place,
            "server.crt",
            key,
            "check of private key failed: key values mismatch",
        );
    }
}

#[test]
fn a_wrong_pass_phrase_is_a_fault_of_the_configuration() {
    let place = place();
    openssl(
        &place,
        "pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret1 -in server.key -out locked.key",
    );
    fs::set_permissions(place.path("locked.key"), Permissions::from_mode(0o600)).unwrap();
    let start = |command| {
        let mut flags = tls("server.crt", "locked.key").to_vec();
        flags.extend(["--ssl-passphrase-command", command]);
        place.run(&flags).expect(1)
    };
    start("echo wrong").says("bad decrypt: the passphrase does not open the key");
    start("exit 7").says("child process exited with exit code 7");
}
