//! `ssl_auto_renew`: the program renews its certificate by itself.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use heliosdb_tests::libpq::Libpq;
use heliosdb_tests::program::{Place, Running};
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, ServerSpec, Validity};
use pg_certs::{CertificateAuthority, CertificateInfo};

const FILES: [&str; 8] = [
    "--ssl-cert-file",
    "server.crt",
    "--ssl-key-file",
    "server.key",
    "--ssl-auto-renew-ca-cert-file",
    "ca.crt",
    "--ssl-auto-renew-ca-key-file",
    "ca.key",
];

/// An authority, and a certificate of its that began so many seconds ago and ends at this time.
fn place(began: u64, end: SystemTime) -> Place {
    let place = Place::new();
    let ca = CertificateAuthority::create(&CaSpec::new("Test CA")).unwrap();
    ca.write(place.path("ca.crt"), place.path("ca.key"), Existing::Keep)
        .unwrap();
    let validity = Validity::between(SystemTime::now() - seconds(began), end);
    let spec = ServerSpec::new(["localhost", "db.example"]).with_validity(validity);
    ca.issue_server(&spec)
        .unwrap()
        .write(
            place.path("server.crt"),
            place.path("server.key"),
            Existing::Keep,
        )
        .unwrap();
    place
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn serve(place: &Place) -> Running {
    place.serve(&[&FILES[..], &["--ssl-auto-renew", "30d"]].concat())
}

fn info(path: &Path) -> CertificateInfo {
    CertificateInfo::from_pem_file(path).unwrap()
}

/// Each libpq connects with `verify-full`, by name and by address.
fn libpq_verifies(place: &Place, server: &Running) {
    for libpq in Libpq::installed() {
        for host in ["localhost", "127.0.0.1"] {
            let conninfo = format!(
                "host={host} hostaddr=127.0.0.1 port={} user=alice dbname=postgres sslmode=verify-full \
                 sslrootcert=ca.crt",
                server.address().port()
            );
            let said = libpq.run(place.root(), &[], &conninfo, &["select 1"]);
            assert_eq!((&*said.stdout, &*said.stderr), ("1\n", ""), "{host}");
        }
    }
}

#[test]
fn a_certificate_that_has_expired_is_renewed_at_start_and_served() {
    let place = place(7200, SystemTime::now() - seconds(10));
    let old = info(&place.path("server.crt"));
    let mut server = serve(&place);
    server.log_line("renewed the certificate in \"server.crt\", valid until ");
    let new = info(&place.path("server.crt"));
    assert_ne!(new.serial(), old.serial());
    assert_eq!(new.subject_alt_names(), old.subject_alt_names());
    libpq_verifies(&place, &server);
    server.stop();
}

#[test]
fn a_certificate_that_nears_its_end_is_renewed_while_serving() {
    // Of 18 seconds the last six are for renewing; they begin when six have passed.
    let place = place(6, SystemTime::now() + seconds(12));
    let old = fs::read(place.path("server.crt")).unwrap();
    let mut server = serve(&place);
    assert_eq!(fs::read(place.path("server.crt")).unwrap(), old);
    server.log_line("renewed the certificate in \"server.crt\"");
    server.log_line("the certificate was renewed, reloading configuration files");
    server.log_line("configuration was reloaded");
    assert_ne!(fs::read(place.path("server.crt")).unwrap(), old);
    libpq_verifies(&place, &server);
    server.stop();
}

#[test]
fn an_authority_that_fails_leaves_the_old_certificate_and_a_line_in_the_log() {
    let place = place(7200, SystemTime::now() + seconds(60));
    let old = fs::read(place.path("server.crt")).unwrap();
    fs::remove_file(place.path("ca.key")).unwrap();
    let mut server = serve(&place);
    let line =
        server.log_line("could not renew the certificate in \"server.crt\", which ends on 2");
    assert!(
        line.contains("could not load private key file \"ca.key\": No such file or directory"),
        "{line}"
    );
    assert_eq!(fs::read(place.path("server.crt")).unwrap(), old);
    libpq_verifies(&place, &server);
    server.stop();
}

#[test]
fn it_is_off_by_default() {
    let place = place(7200, SystemTime::now() + seconds(60));
    let old = fs::read(place.path("server.crt")).unwrap();
    let server = place.serve(&FILES);
    libpq_verifies(&place, &server);
    let ended = server.stop();
    assert!(!ended.stderr.contains("renew the"), "{}", ended.stderr);
    assert_eq!(fs::read(place.path("server.crt")).unwrap(), old);
}
