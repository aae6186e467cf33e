//! `revoke` and `crl`.

use std::fs;

use pg_certs::CertificateInfo;

use crate::place::Place;

/// openssl's verdict on a client that is looked up in the list.
fn openssl(place: &Place, certificate: &str) -> (bool, String) {
    place.try_other(
        "openssl",
        &format!(
            "verify -x509_strict -purpose sslclient -crl_check -CAfile certs/ca.crt -CRLfile certs/ca.crl \
             certs/{certificate}"
        ),
    )
}

#[test]
fn a_revoked_client_is_on_the_list_and_the_others_are_not() {
    let place = Place::with_authority();
    for user in ["alice", "bob"] {
        place.run(&format!("client --user {user}")).expect(0);
    }
    place.run("crl").expect(0).shows(&[
        "made revocation list number 1 with 0 revoked, next one due by 2",
        "\n  list:        certs/ca.crl\n",
    ]);
    assert!(openssl(&place, "client-alice.crt").0);

    place
        .run("revoke certs/client-alice.crt --reason keyCompromise")
        .expect(0)
        .shows(&[
            "revoked the certificate of \"/CN=alice\" (keyCompromise)\n",
            "made revocation list number 2 with 1 revoked",
            "  servers refuse it once they have loaded this list\n",
        ]);
    let (ok, verdict) = openssl(&place, "client-alice.crt");
    assert!(!ok && verdict.contains("certificate revoked"), "{verdict}");
    let (ok, verdict) = openssl(&place, "client-bob.crt");
    assert!(ok, "{verdict}");
    let verify =
        "verify --ca certs/ca.crt --purpose client --crl certs/ca.crl --cert certs/client-";
    place.run(&format!("{verify}alice.crt")).expect(1).shows(&[
        "error: it does not verify: a certificate of the chain is revoked\ncerts/client-alice.crt: NOT OK\n",
    ]);
    place
        .run(&format!("{verify}bob.crt"))
        .expect(0)
        .shows(&["certs/client-bob.crt: OK\n"]);

    let again = place.run("revoke certs/client-alice.crt").expect(1);
    assert!(
        again.stderr.starts_with(
            "pg-certs: error: the certificate of \"/CN=alice\" was revoked already, on 2"
        ),
        "{again:?}"
    );
}

#[test]
fn a_lost_certificate_is_revoked_by_its_number() {
    let place = Place::with_authority();
    place.run("client --user alice").expect(0);
    let info = CertificateInfo::from_pem_file(place.path("certs/client-alice.crt")).unwrap();
    let pairs: Vec<String> = info
        .serial_bytes()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    place
        .run(&format!("revoke --serial {}", pairs.join(":")))
        .expect(0)
        .shows(&["revoked the certificate of \"/CN=alice\" (unspecified)\n"]);
    assert!(!openssl(&place, "client-alice.crt").0);
    place.run("revoke --serial 1234").expect(1).complains(
        "pg-certs: error: \"certs/ca.index\" has no certificate with the serial number 1234; name its file \
         instead\n",
    );
}

#[test]
fn the_list_is_made_anew_when_it_is_due() {
    let place = Place::with_authority();
    place.run("crl --next-update 10").expect(0);
    place
        .run("crl --if-expires-within 7d")
        .expect(0)
        .shows(&["not due: the next list has to come by 2"]);
    place
        .run("crl --if-expires-within 11d")
        .expect(0)
        .shows(&["made revocation list number 2"]);
}

#[test]
fn what_others_issued_and_broken_files_are_refused() {
    let place = Place::with_authority();
    place.run("init-ca --dir other --name Other").expect(0);
    place.run("client --user alice --dir other").expect(0);
    place.run("revoke other/client-alice.crt").expect(1).complains(
        "pg-certs: error: \"other/client-alice.crt\" was issued by \"CN=Other\", and this authority is \
         \"CN=Test-CA\"; revoke it where it was issued\n",
    );
    fs::write(place.path("certs/ca.crl"), "x").unwrap();
    let ended = place.run("crl").expect(1);
    assert!(
        ended.stderr.starts_with(
            "pg-certs: error: the list that is to be followed cannot be read, and so its number is not known: could \
             not load"
        ),
        "{ended:?}"
    );
    fs::write(place.path("certs/ca.index"), "x\n").unwrap();
    place.run("client --user bob").expect(1).shows(&[]);
}
