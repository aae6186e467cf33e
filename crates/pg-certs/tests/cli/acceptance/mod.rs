//! Certificates of the program, judged by everybody else: openssl, rustls, Go, Java, Python. (libpq is asked
//! by the end-to-end tests, where there is a server.)

mod rustls_client;

use std::process::Command;

use crate::place::Place;

/// Everything that is made, for hosts of every kind, with the keys that all programs know.
fn place(key_type: &str) -> Place {
    let place = Place::new();
    place
        .run(&format!("init-ca --key-type {key_type}"))
        .expect(0);
    place
        .run(&format!(
            "server localhost db.example *.db.example --key-type {key_type}"
        ))
        .expect(0);
    place
        .run(&format!("client --user alice --key-type {key_type}"))
        .expect(0);
    place
}

const KEY_TYPES: [&str; 3] = ["ecdsa-p256", "ecdsa-p384", "rsa-2048"];
const HOSTS: [&str; 5] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "db.example",
    "a.db.example",
];

/// Runs another program on the files, as they were made and once they are renewed; a program that is absent is
/// said to be.
fn ask(program: &str, arguments: &[&str], hosts: &[&str]) {
    if Command::new(program).arg("version").output().is_err() {
        say_absent(program);
        return;
    }
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/acceptance");
    for (key_type, renewed) in KEY_TYPES.into_iter().zip([false, true, true]) {
        let place = place(key_type);
        if renewed {
            place.run("renew").expect(0);
            place.run("renew --cert certs/client-alice.crt").expect(0);
        }
        let output = Command::new(program)
            .args(arguments)
            .arg(place.path("certs"))
            .args(hosts)
            .current_dir(sources)
            .output()
            .unwrap();
        let expected: String = hosts
            .iter()
            .map(|host| format!("accepted {host}\n"))
            .collect();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            expected,
            "{program}, {key_type}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[expect(
    clippy::print_stderr,
    reason = "what is absent is said, not passed over"
)]
fn say_absent(program: &str) {
    eprintln!("{program} is absent: it was not asked");
}

#[test]
fn go_accepts_them() {
    ask("go", &["run", "handshake.go"], &HOSTS);
}

#[test]
fn java_accepts_them() {
    ask("java", &["Handshake.java"], &HOSTS);
}

#[test]
fn l02_python_accepts_them_by_the_strict_profile() {
    ask("python3", &["handshake.py"], &HOSTS);
}

#[test]
fn openssl_accepts_them_by_the_strict_profile() {
    for key_type in [&KEY_TYPES[..], &["ed25519"]].concat() {
        let place = place(key_type);
        let verify = "verify -x509_strict -CAfile certs/ca.crt";
        for host in HOSTS {
            let option = match host.contains("::") || host.starts_with("127") {
                true => "-verify_ip",
                false => "-verify_hostname",
            };
            place.other(
                "openssl",
                &format!("{verify} -purpose sslserver {option} {host} certs/server.crt"),
            );
        }
        place.other(
            "openssl",
            &format!("{verify} -purpose sslclient certs/client-alice.crt"),
        );
        for (purpose, name) in [("sslclient", "server"), ("sslserver", "client-alice")] {
            let (ok, _) = place.try_other(
                "openssl",
                &format!("{verify} -purpose {purpose} certs/{name}.crt"),
            );
            assert!(!ok, "{name} for {purpose}");
        }
    }
}

#[test]
fn l07_a_clock_that_is_a_minute_behind_accepts_them() {
    let place = place("ecdsa-p256");
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for name in ["server", "client-alice"] {
        place.other(
            "openssl",
            &format!(
                "verify -attime {} -CAfile certs/ca.crt certs/{name}.crt",
                now - 60
            ),
        );
    }
}

#[test]
fn l01_dates_from_2050_on_are_accepted() {
    let place = Place::new();
    // From here to 2051 and later.
    place.run("init-ca --days 20000").expect(0);
    place.run("server localhost --days 15000").expect(0);
    place.run("client --user alice --days 15000").expect(0);
    let dump = place.other("openssl", "asn1parse -in certs/server.crt");
    let times: Vec<&str> = dump.lines().filter(|line| line.contains("TIME")).collect();
    assert!(
        times[0].contains("UTCTIME") && times[1].contains("GENERALIZEDTIME"),
        "{dump}"
    );
    place.other(
        "openssl",
        "verify -x509_strict -purpose sslserver -CAfile certs/ca.crt certs/server.crt",
    );
    rustls_client::accepts(&place, "localhost");
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/acceptance");
    for (program, arguments) in [
        ("go", &["run", "handshake.go"][..]),
        ("java", &["Handshake.java"]),
        ("python3", &["handshake.py"]),
    ] {
        let output = Command::new(program)
            .args(arguments)
            .arg(place.path("certs"))
            .arg("localhost")
            .current_dir(sources)
            .output();
        match output {
            Ok(output) => assert!(output.status.success(), "{program}: {output:?}"),
            Err(_) => say_absent(program),
        }
    }
}

#[test]
fn rustls_accepts_them() {
    for key_type in [&KEY_TYPES[..], &["ed25519"]].concat() {
        let place = place(key_type);
        for host in HOSTS {
            rustls_client::accepts(&place, host);
        }
    }
}
