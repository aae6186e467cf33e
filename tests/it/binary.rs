//! The program `heliosdb-server`: what it prints, where it listens, how it ends.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use heliosdb_tests::program::{Ended, Place, Running};
use heliosdb_tests::sql_client::Sql;

#[tokio::test]
async fn starts_without_configuration_and_says_how_to_connect() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let address = server.address();
    let root = server.root();
    assert_eq!(
        root.parent(),
        Some(&*place.path(".local/state/heliosdb/certs-dev"))
    );
    let connect = server.log_line("psql ");
    let expected = format!(
        "psql \"host=localhost port={} user=postgres dbname=postgres sslmode=verify-full \
         sslrootcert={}\"",
        address.port(),
        root.display()
    );
    assert!(connect.ends_with(&expected), "{connect}");

    let sql = Sql::new(address, &fs::read_to_string(root).unwrap());
    let client = sql.tokio_postgres().await;
    let row = client
        .query_one("SELECT 6 * 7 AS answer", &[])
        .await
        .unwrap();
    assert_eq!(row.columns().first().unwrap().name(), "answer");
    drop(client);
    assert_eq!(
        server.stop().stdout,
        "",
        "more than one line on standard output"
    );
}

#[test]
fn the_next_start_has_the_same_certificate() {
    let place = Place::new();
    let mut certificates = Vec::new();
    for _ in 0..2 {
        let mut server = place.serve(&[]);
        certificates.push(fs::read(server.root()).unwrap());
        server.stop();
    }
    assert_eq!(certificates.first(), certificates.last());
}

#[test]
fn without_a_home_the_certificate_is_temporary() {
    let place = Place::new();
    let mut command = place.command(&["--listen", "127.0.0.1:0"]);
    command.env("HOME", "/proc/nonexistent");
    let mut server = Running::start(command);
    server.log_line("development certificates are temporary");
    let root = server.root();
    assert!(root.starts_with(place.root()) && root.exists());
    server.stop();
    assert!(!root.exists(), "{} was left behind", root.display());
}

#[test]
fn every_address_is_named_when_ready() {
    let place = Place::new();
    let server = place.serve(&["--listen", "127.0.0.1:0,127.0.0.2:0"]);
    let hosts: Vec<String> = server
        .addresses
        .iter()
        .map(|it| it.ip().to_string())
        .collect();
    assert_eq!(hosts, ["127.0.0.1", "127.0.0.1", "127.0.0.2"]);
    assert!(server.addresses.iter().all(|address| address.port() != 0));
    server.stop();
}

#[tokio::test]
async fn a_data_directory_keeps_what_was_written() {
    let place = Place::new();
    let flags = ["--data-dir", "data"];
    for statement in [
        "CREATE TABLE kept (id INT); INSERT INTO kept VALUES (7)",
        "SELECT 1",
    ] {
        let mut server = place.serve(&flags);
        let root = fs::read_to_string(server.root()).unwrap();
        let client = Sql::new(server.address(), &root).tokio_postgres().await;
        client.batch_execute(statement).await.unwrap();
        let rows = client.query("SELECT id FROM kept", &[]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [7]);
        drop(client);
        server.stop();
    }
}

#[test]
fn interrupt_stops_it_too_and_hang_up_does_not() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    server.signal("HUP");
    server.log_line("received SIGHUP");
    server.signal("INT");
    server.log_line("received SIGINT");
    server.end().expect(0);
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_sessions() {
    let place = Place::new();
    let mut server = place.serve(&["--shutdown-grace-period", "1h"]);
    let root = fs::read_to_string(server.root()).unwrap();
    let client = Sql::new(server.address(), &root).tokio_postgres().await;
    client.batch_execute("BEGIN").await.unwrap();
    server.signal("TERM");
    server.log_line("received SIGTERM");
    server.signal("TERM");
    server.end().expect(143);
}

#[test]
fn an_address_in_use_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    place
        .run(&["--listen", &address])
        .expect(3)
        .says(&format!(
            "could not listen on {address}: Address already in use"
        ))
        .says(&format!(
            "HINT:  Is another server already running on port {}? If not, wait a few seconds and \
             retry.",
            taken.local_addr().unwrap().port()
        ));
}

#[test]
fn log_lines_have_postgresqls_form_or_are_json() {
    let place = Place::new();
    let ended = place.serve(&[]).stop();
    for line in ended.stderr.lines() {
        let (time, rest) = line.split_once(" UTC [").expect(line);
        assert_eq!(time.len(), "2026-11-25 03:26:25.123".len(), "{line}");
        let (_, rest) = rest.split_once("] ").expect(line);
        assert!(
            rest.starts_with("LOG:  ") || rest.starts_with("HINT:  "),
            "{line}"
        );
    }

    let ended = place.serve(&["--log-format", "json"]).stop();
    for line in ended.stderr.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect(line);
        for key in ["timestamp", "level", "message", "target"] {
            assert!(
                event.get(key).is_some_and(serde_json::Value::is_string),
                "{line}"
            );
        }
    }
}

#[test]
fn rust_log_chooses_what_is_logged() {
    let place = Place::new();
    let mut command = place.command(&["--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "error");
    assert_eq!(Running::start(command).stop().stderr, "");

    let mut command = place.command(&[]);
    let output = command.env("RUST_LOG", "pg_tls=loud").output().unwrap();
    Ended::new(output).expect(1).says("environment RUST_LOG: ");
}

#[test]
fn the_configuration_is_shown_with_its_origins() {
    let place = Place::new();
    place.certificate();
    let file = place.write(
        "heliosdb.toml",
        "max_connections = 7\nssl_cert_file = \"server.crt\"\nssl_key_file = \"server.key\"\n",
    );
    let mut command = place.command(&["--config", "heliosdb.toml", "--check-config"]);
    command
        .arg("--authentication-timeout=90s")
        .env("HELIOSDB_SSL_MODE", "prefer");
    let ended = Ended::new(command.output().unwrap()).expect(0);
    assert_eq!(
        ended.stderr,
        "heliosdb-server: the configuration is right\n"
    );
    for line in [
        "# config = \"heliosdb.toml\"  # --config",
        "max_connections = 7  # heliosdb.toml:1",
        "ssl_cert_file = \"server.crt\"  # heliosdb.toml:2",
        "authentication_timeout = \"90s\"  # --authentication-timeout",
        "ssl_mode = \"prefer\"  # environment HELIOSDB_SSL_MODE",
        "listen = [\"127.0.0.1:5432\"]  # default",
    ] {
        assert!(
            ended.stdout.lines().any(|it| it == line),
            "no {line} in\n{}",
            ended.stdout
        );
    }

    // What it shows is a configuration file.
    let text = ended.stdout.replace("\"server.", "\"./server.");
    fs::write(file, text).unwrap();
    place
        .run(&["--config", "heliosdb.toml", "--check-config"])
        .expect(0);
}

#[test]
fn all_errors_are_told_at_once_by_check_and_by_start() {
    let place = Place::new();
    place.write(
        "heliosdb.toml",
        "ssl_mod = \"require\"\nauthentication_timeout = \"5 parsecs\"\nlisten = \"nowhere:port\"\n",
    );
    let expected = "heliosdb-server: 5 errors in the configuration\n\
        heliosdb.toml:1: unrecognized configuration parameter \"ssl_mod\"\n    \
        HINT:  Perhaps you meant \"ssl_mode\".\n\
        heliosdb.toml:2: invalid value for parameter \"authentication_timeout\": \"5 parsecs\"\n    \
        HINT:  Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \
        \"d\".\n\
        heliosdb.toml:3: invalid value for parameter \"listen\": \"nowhere:port\"\n    \
        HINT:  Write HOST:PORT: for example 127.0.0.1:5432, [::1]:5432, localhost:0 (any free \
        port) or *:5432 (every interface).\n\
        environment HELIOSDB_MAX_CONNECTIONS: 0 is outside the valid range for parameter \
        \"max_connections\" (1 .. 262143)\n\
        --ssl-min-protocol-version: invalid value for parameter \"ssl_min_protocol_version\": \
        \"TLSv9\"\n    \
        HINT:  Available values: TLSv1.2, TLSv1.3.\n";
    for mode in [&["--check-config"][..], &[]] {
        let mut command = place.command(&["--config", "heliosdb.toml"]);
        command
            .args(mode)
            .args(["--ssl-min-protocol-version", "TLSv9"]);
        command.env("HELIOSDB_MAX_CONNECTIONS", "0");
        let ended = Ended::new(command.output().unwrap()).expect(1);
        assert_eq!(ended.stderr, expected);
    }
}

/// What rustls cannot do is refused in PostgreSQL's words, with what there is instead.
#[test]
fn cryptography_that_is_not_there_is_refused() {
    let place = Place::new();
    for (flag, text, hint) in [
        (
            "--ssl-ciphers=AES128-SHA",
            "could not set the TLSv1.2 cipher list (no valid ciphers available)",
            "Available ciphers: ECDHE-",
        ),
        (
            "--ssl-ciphers=",
            "could not set the TLSv1.2 cipher list (no valid ciphers available)",
            "Available ciphers: ECDHE-",
        ),
        (
            "--ssl-tls13-ciphers=TLS_AES_128_CCM_SHA256",
            "could not set the TLSv1.3 cipher suites (no valid ciphers available)",
            "Available ciphers: TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, \
             TLS_CHACHA20_POLY1305_SHA256.",
        ),
        (
            "--ssl-groups=X25519:secp521r1",
            "could not set group names specified in ssl_groups: unrecognized group \"secp521r1\"",
            "Ensure that each group name is spelled correctly and supported by this build. \
             Available groups: X25519MLKEM768, X25519, prime256v1, secp384r1.",
        ),
        (
            "--ssl-min-protocol-version=TLSv1.1",
            "\"ssl_min_protocol_version\" setting \"TLSv1.1\" not supported by this build",
            "Available values: TLSv1.2, TLSv1.3.",
        ),
        (
            "--ssl-max-protocol-version=TLSv1",
            "\"ssl_max_protocol_version\" setting \"TLSv1\" not supported by this build",
            "Available values: TLSv1.2, TLSv1.3.",
        ),
        (
            "--ssl-profile=fips",
            "\"ssl_profile\" setting \"fips\" not supported by this build",
            "Available values: modern, intermediate.",
        ),
    ] {
        let mut command = place.command(&["--check-config", flag]);
        let ended = Ended::new(command.output().unwrap()).expect(1);
        let name = flag.split('=').next().unwrap();
        let expected = format!(
            "heliosdb-server: 1 error in the configuration\n{name}: {text}\n    HINT:  {hint}"
        );
        assert!(ended.stderr.starts_with(&expected), "{}", ended.stderr);
    }
}

/// One line of the log says what is negotiated.
#[test]
fn the_policy_is_in_the_log() {
    let place = Place::new();
    let server = place.serve(&["--ssl-profile=modern", "--ssl-groups=X25519:P-256"]);
    let line = "TLS profile modern with aws-lc-rs: TLSv1.3; ciphers TLS_AES_128_GCM_SHA256:\
                TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256 in the server's order; groups \
                X25519:prime256v1; no session tickets";
    let ended = server.stop();
    assert_eq!(ended.stderr.matches(line).count(), 1, "{}", ended.stderr);
}

#[test]
fn c09_unusable_files_are_named() {
    let place = Place::new();
    let (certificate, key) = place.certificate();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let tls = |certificate, key| ["--ssl-cert-file", certificate, "--ssl-key-file", key];
    let check = |flags: &[&str], text: &str| {
        place
            .run(&[flags, &["--check-config"]].concat())
            .expect(1)
            .says(text);
        // The server says the same; it gets no further, so the port is not taken.
        place.run(flags).expect(1).says(text);
    };

    place
        .run(&[&tls(certificate, key)[..], &["--check-config"]].concat())
        .expect(0);
    check(
        &tls("missing.crt", key),
        "--ssl-cert-file: could not load server certificate file \"missing.crt\": No such file or \
         directory",
    );
    check(
        &[
            &tls(certificate, key)[..],
            &["--ssl-ca-file", "missing.crt"],
        ]
        .concat(),
        "--ssl-ca-file: could not load root certificate file \"missing.crt\": No such file or \
         directory",
    );
    check(
        &["--config", "missing.toml"],
        "could not open configuration file \"missing.toml\": No such file or directory",
    );
    check(&["--data-dir", certificate], "is not a directory");
    fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
    check(
        &tls(certificate, key),
        &format!("--ssl-key-file: private key file \"{key}\" has group or world access"),
    );
}

#[test]
fn trust_beyond_loopback_must_be_wanted() {
    let place = Place::new();
    let flags = ["--listen", "0.0.0.0:0"];
    for mode in [&["--check-config"][..], &[]] {
        place
            .run(&[&flags, mode].concat())
            .expect(1)
            .says(
                "--listen: authentication method \"trust\" lets everybody in who can reach \
                 0.0.0.0:0",
            )
            .says("\"dangerous_trust_everywhere\"");
    }
    let mut command = place.command(&flags);
    command.env("HELIOSDB_DANGEROUS_TRUST_EVERYWHERE", "on");
    Running::start(command).stop();
}

#[test]
fn wrong_usage_and_questions_are_answered() {
    let place = Place::new();
    place
        .run(&["--ssl-mod", "require"])
        .expect(2)
        .says("--ssl-mode");
    place
        .run(&["--ssl-mode"])
        .expect(2)
        .says("a value is required");
    let version = place.run(&["--version"]).expect(0).stdout;
    assert!(version.starts_with("heliosdb-server "), "{version}");
    assert!(version.contains("aws-lc-rs"), "{version}");
    let help = place.run(&["--help"]).expect(0).stdout;
    for text in ["--ssl-mode <", "[env: HELIOSDB_SSL_MODE]", "Exit codes:"] {
        assert!(help.contains(text), "no {text} in\n{help}");
    }
}
