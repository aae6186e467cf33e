//! A client that takes no certificate without a stapled response: Java's own PKIX, by `StapledClient.java`.

use std::process::{Command, Output};

use heliosdb_tests::program::Running;

use super::{Site, VALID, localhost};

/// The client in Java; runs from its source.
const CLIENT: &str = include_str!("StapledClient.java");

/// Connects; needs a JDK, without which the test fails: a client that is absent proves nothing.
fn connect(site: &Site, server: &Running) -> Output {
    site.place.write("StapledClient.java", CLIENT);
    let port = server.address().port().to_string();
    Command::new("java")
        .args(["StapledClient.java", "ca.crt", &port])
        .current_dir(site.place.root())
        .output()
        .unwrap_or_else(|error| {
            panic!("this test needs a JDK (Debian: default-jdk-headless): {error}")
        })
}

#[test]
fn a_java_client_that_demands_a_stapled_response_gets_it() {
    let site = Site::new();
    // Where nobody answers: what is not stapled cannot be had.
    site.install(
        &localhost().with_ocsp_responder("http://127.0.0.1:1/"),
        VALID,
    );
    site.ask("response", "-ndays 1");

    let server = site.serve(&["--ssl-ocsp-file", "response"]);
    let output = connect(&site, &server);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "stapled\n",
        "{output:?}"
    );
    server.stop();

    let server = site.serve(&[]);
    let output = connect(&site, &server);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("refused: "), "{output:?}");
    assert!(
        said.contains("Unable to determine revocation status"),
        "{said}"
    );
    server.stop();
}
