//! `ssl_ocsp_file`.

use super::{CERTIFICATE, REVOKED, Site, VALID, localhost};

const FILE: &[&str] = &["--ssl-ocsp-file", "response"];

#[test]
fn a_response_in_a_file_is_stapled_and_read_again() {
    let site = Site::new();
    site.install(&localhost(), VALID);
    site.ask("response", "-ndays 1");
    let mut server = site.serve(FILE);
    site.is_stapled(&server);
    let next_update = |said: &str| {
        let line = said.lines().find(|line| line.contains("Next Update"));
        line.unwrap().to_owned()
    };
    let before = next_update(&site.staple(&server, "-tls1_3", "localhost"));

    // Half a file keeps the old configuration, and with it the staple.
    let good = std::fs::read(site.place.path("response")).unwrap();
    std::fs::write(site.place.path("response"), &good[..good.len() / 2]).unwrap();
    server.signal("HUP");
    server.log_line("SSL configuration was not reloaded");
    server.log_line(
        "could not load OCSP response file \"response\": it is not a valid OCSP response",
    );
    site.is_stapled(&server);

    // A new response is seen without a signal.
    site.ask("response", "-ndays 2");
    server.log_line("configuration was reloaded");
    assert_ne!(
        next_update(&site.staple(&server, "-tls1_3", "localhost")),
        before
    );

    site.install(&localhost(), REVOKED);
    site.ask("response", "-ndays 2");
    server.signal("HUP");
    server.log_line("nothing is stapled from ssl_ocsp_file \"response\": the certificate was revoked at 2026-01-01");
    site.is_not_stapled(&server);
    server.stop();
}

#[test]
fn a_file_without_a_response_is_refused_at_the_start() {
    let site = Site::new();
    site.install(&localhost(), VALID);
    for content in [None, Some("-----BEGIN OCSP RESPONSE-----")] {
        if let Some(content) = content {
            site.place.write("response", content);
        }
        site.place
            .run(&[CERTIFICATE, FILE].concat())
            .expect(1)
            .says("could not load OCSP response file \"response\"");
    }
}
