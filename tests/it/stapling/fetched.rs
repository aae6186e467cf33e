//! `ssl_ocsp_fetch`.

use pg_certs::generate::ServerSpec;

use super::responder::Port;
use super::{REVOKED, Site, UNKNOWN, VALID, localhost};

const FETCH: &[&str] = &["--ssl-ocsp-fetch", "on"];

#[test]
fn a_fetched_response_is_stapled_and_outlives_a_reload_of_the_same_certificate() {
    let (site, port) = (Site::new(), Port::new());
    let spec = localhost().with_ocsp_responder(port.url());
    site.install(&spec, VALID);
    let responder = port.start(&site);
    let mut server = site.serve(FETCH);
    server.log_line("OCSP response for \"CN=localhost\" fetched: it is stapled until 2");
    site.is_stapled(&server);

    // Nobody to ask any more: what is stapled now was adopted.
    drop(responder);
    server.signal("HUP");
    server.log_line("configuration was reloaded");
    site.is_stapled(&server);

    // Another certificate has nothing to adopt.
    site.install(&spec, UNKNOWN);
    server.signal("HUP");
    server.log_line("could not fetch an OCSP response for \"CN=localhost\": \"http://");
    site.is_not_stapled(&server);
    server.stop();
}

#[test]
fn a_revoked_certificate_is_told_in_the_log_and_nothing_is_stapled() {
    let (site, port) = (Site::new(), Port::new());
    site.install(&localhost().with_ocsp_responder(port.url()), REVOKED);
    let _responder = port.start(&site);
    let mut server = site.serve(FETCH);
    let line = server.log_line("IS REVOKED");
    let expected = format!(
        "the certificate of \"CN=localhost\" IS REVOKED, says \"{}\": the certificate was revoked at 2026-01-01 \
         00:00:00 UTC (keyCompromise); replace it by a new one with a new key; nothing is stapled",
        port.url()
    );
    assert!(line.contains(&expected), "{line}");
    site.is_not_stapled(&server);
    server.stop();
}

#[test]
fn a_responder_that_is_out_of_order_is_asked_again() {
    let (site, port) = (Site::new(), Port::new());
    let spec = localhost().with_ocsp_responder(port.url());
    site.install(&spec.with_must_staple(), VALID);
    let mut server = site.serve(FETCH);
    server.log_line("; nothing is stapled; next try in 1 s");
    site.is_not_stapled(&server);
    let _responder = port.start(&site);
    server.log_line("fetched: it is stapled until 2");
    site.is_stapled(&server);
    server.stop();
}

#[test]
fn every_host_is_stapled() {
    let (site, port) = (Site::new(), Port::new());
    let authority = std::fs::read_to_string(site.place.path("ca.crt")).unwrap();
    let names = ["one.example", "two.example"];
    for name in names {
        let spec = ServerSpec::new([name]).with_ocsp_responder(port.url());
        site.issue(name, &spec, VALID);
        // Hosts without a client CA have their issuer in the file of the certificate.
        let certificate = format!("{name}.crt");
        let chain = std::fs::read_to_string(site.place.path(&certificate)).unwrap();
        site.place.write(&certificate, &(chain + &authority));
    }
    site.place.write(
        "hosts",
        "one.example one.example.crt one.example.key\ntwo.example two.example.crt two.example.key\n",
    );
    let _responder = port.start(&site);
    let flags = ["--ssl-sni", "on", "--hosts-file", "hosts"];
    let mut server = site.place.serve(&[&flags, FETCH].concat());
    for name in names {
        server.log_line(&format!("\"CN={name}\" fetched: it is stapled until 2"));
        site.host_is_stapled(&server, name);
    }
    server.stop();
}

#[test]
fn what_cannot_be_fetched_is_told_at_the_start() {
    let site = Site::new();
    site.install(&localhost(), VALID);
    let mut server = site.serve(FETCH);
    server.log_line("1 of the certificates name no OCSP responder, such as \"CN=localhost\"");
    server.stop();

    site.install(&localhost().with_must_staple(), VALID);
    let mut server = site.serve(&[]);
    server.log_line("the certificate \"CN=localhost\" demands a stapled OCSP response (must-staple) and has none, so some clients will refuse it; set ssl_ocsp_file");
    site.is_not_stapled(&server);
    server.stop();
}
