//! `renew`.

use std::time::{Duration, SystemTime};

use pg_certs::CertificateInfo;

use crate::place::Place;

fn info(place: &Place, name: &str) -> CertificateInfo {
    CertificateInfo::from_pem_file(place.path(name)).unwrap()
}

#[test]
fn a_certificate_is_renewed_in_place_with_a_new_key() {
    let place = Place::with_server();
    let (old, old_key) = (
        info(&place, "certs/server.crt"),
        place.read("certs/server.key"),
    );
    place.run("renew").expect(0).shows(&[
        "renewed the certificate of \"CN=localhost\", valid until 2",
        "certificate: certs/server.crt\n  key:         certs/server.key\n",
    ]);
    let new = info(&place, "certs/server.crt");
    assert_eq!(new.subject_alt_names(), old.subject_alt_names());
    assert_ne!(new.serial(), old.serial());
    assert_ne!(place.read("certs/server.key"), old_key);
    assert_eq!(place.mode("certs/server.key"), 0o600);
    place
        .run("verify --cert certs/server.crt --key certs/server.key --ca certs/ca.crt")
        .expect(0);
    assert_eq!(place.read("certs/ca.index").lines().count(), 2);
}

#[test]
fn the_key_stays_if_asked() {
    let place = Place::with_authority();
    place.run("client --user alice").expect(0);
    let key = place.read("certs/client-alice.key");
    let ended = place
        .run("renew --cert certs/client-alice.crt --keep-key --days 3")
        .expect(0);
    assert!(!ended.stdout.contains("key:"), "{ended:?}");
    assert_eq!(place.read("certs/client-alice.key"), key);
    let later = SystemTime::now() + Duration::from_secs(60);
    assert_eq!(info(&place, "certs/client-alice.crt").days_left(later), 2);
}

#[test]
fn only_what_expires_soon_is_renewed_if_asked() {
    let place = Place::with_authority();
    place.run("server localhost --days 40").expect(0);
    let old = place.read("certs/server.crt");
    let ended = place.run("renew --if-expires-within 30d").expect(0);
    ended.shows(&[
        "not due: certs/server.crt is valid until 2",
        " days left)\n",
    ]);
    assert_eq!(place.read("certs/server.crt"), old);

    // Two thirds of its life are over for a certificate that has less than a third left.
    place.run("server localhost --force --days 1").expect(0);
    place
        .run("renew --if-expires-within 30d")
        .expect(0)
        .shows(&["not due"]);
}

#[test]
fn an_authority_that_ends_itself_is_no_help() {
    let place = Place::new();
    place.run("init-ca --name Short --days 1").expect(0);
    place.run("server localhost").expect(0);
    let old = place.read("certs/server.crt");
    // Ten years are more than is left, but the life of the certificate has only begun.
    place
        .run("renew --if-expires-within 3650d")
        .expect(0)
        .shows(&["not due"]);
    assert_eq!(place.read("certs/server.crt"), old);
    place.run("renew").expect(0);
}

#[test]
fn certificates_of_others_and_missing_files_are_refused() {
    let place = Place::with_server();
    place.run("init-ca --dir other --name Other").expect(0);
    place
        .run("renew --ca-cert other/ca.crt --ca-key other/ca.key")
        .expect(1)
        .complains(
            "pg-certs: error: the certificate of \"CN=localhost\" cannot be renewed: it was issued by \
             \"CN=Test-CA\", not by \"CN=Other\"; renew it there, or issue a new one\n",
        );
    place.run("renew --cert absent.crt").expect(1).complains(
        "pg-certs: error: could not load server certificate file \"absent.crt\": No such file or directory; check the path \
         and that this user may read it\n",
    );
}
