//! Revocation lists: `ssl_crl_file` and `ssl_crl_dir` (specification §4.5, §5.1, §5.4).

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use pg_certs::CertificateAuthority;
use pg_certs::generate::{CaSpec, ClientSpec, CrlSpec, IssuedCertificate, Validity};
use pg_certs::info::{RevocationList, RevocationReason};
use pg_tls::{Acceptor, CryptoProvider, SslConfig, SslMode};
use rustls::AlertDescription;

use crate::client_certs::{log, refused, served};
use crate::support::*;

/// A root, an authority below it for clients, and a server that trusts the root.
struct Fixture {
    pki: Pki,
    below: CertificateAuthority,
}

impl Fixture {
    fn new() -> Self {
        let pki = Pki::new();
        let below = pki.ca.issue_intermediate(&CaSpec::new("Below")).unwrap();
        fs::create_dir(pki.path("lists")).unwrap();
        Self { pki, below }
    }

    fn issue(&self, user: &str) -> IssuedCertificate {
        self.below.issue_client(&ClientSpec::new(user)).unwrap()
    }

    fn config(&self, provider: CryptoProvider) -> SslConfig {
        self.pki
            .config(SslMode::Allow)
            .with_crypto_provider(provider)
            .with_ca_cert(self.pki.path("ca.crt"))
    }

    /// A server with these lists in `ssl_crl_file`.
    fn with_file(&self, provider: CryptoProvider, lists: &[&RevocationList]) -> Acceptor {
        let path = self.pki.path("lists.pem");
        let pem: Vec<String> = lists.iter().map(|list| list.pem()).collect();
        fs::write(&path, pem.concat()).unwrap();
        accept(self.config(provider).with_crl_file(path))
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.pki.path("lists").join(name), content).unwrap();
    }

    async fn serves(&self, acceptor: &Acceptor, issued: &IssuedCertificate) {
        let client = self
            .pki
            .client(CryptoProvider::AVAILABLE[0])
            .with_issued(issued);
        let session = served(acceptor, &client).await;
        assert!(session.tls.unwrap().client_certificate.is_some());
    }

    /// Refused with this alert, and for this reason at this depth.
    #[track_caller]
    fn refuses<'a>(
        &'a self,
        acceptor: &'a Acceptor,
        issued: &'a IssuedCertificate,
        alert: AlertDescription,
        reason: &'a str,
        subject: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let client = self
            .pki
            .client(CryptoProvider::AVAILABLE[0])
            .with_issued(issued);
        async move {
            let log = log(&refused(acceptor, &client, alert).await);
            let expected = format!(
                "DETAIL:  Client certificate verification failed at {reason}.\n\
                 Failed certificate data (unverified): subject \"{subject}\", serial number "
            );
            let expected = expected.replace('\n', " ");
            assert!(
                log.replace(['\n', '\t'], " ").contains(&expected),
                "{expected} in {log}"
            );
        }
    }
}

fn list(ca: &CertificateAuthority, spec: &CrlSpec) -> RevocationList {
    ca.sign_crl(spec).unwrap()
}

fn revoking(certificate: &pg_certs::CertificateInfo) -> CrlSpec {
    CrlSpec::new().revoke(certificate, RevocationReason::KeyCompromise)
}

/// From two hours before now to so many seconds from now.
fn until(seconds: i64) -> Validity {
    let now = SystemTime::now();
    let offset = Duration::from_secs(seconds.unsigned_abs());
    let end = if seconds < 0 {
        now - offset
    } else {
        now + offset
    };
    Validity::between(now - Duration::from_secs(7200), end)
}

#[tokio::test]
async fn revoked_certificates_are_refused_and_others_are_not() {
    let fixture = Fixture::new();
    let [alice, bob] = ["alice", "bob"].map(|user| fixture.issue(user));
    let root = list(&fixture.pki.ca, &CrlSpec::new());
    let below = list(&fixture.below, &revoking(bob.info()));
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = fixture.with_file(provider, &[&root, &below]);
        fixture.serves(&acceptor, &alice).await;
        fixture
            .refuses(
                &acceptor,
                &bob,
                AlertDescription::CertificateRevoked,
                "depth 0: certificate revoked",
                "/CN=bob",
            )
            .await;
        // Who has no certificate needs no list.
        let anonymous = fixture.pki.client(provider);
        served(&acceptor, &anonymous).await;
    }
}

#[tokio::test]
async fn every_authority_of_the_chain_needs_a_list() {
    let fixture = Fixture::new();
    let alice = fixture.issue("alice");
    let root = list(&fixture.pki.ca, &CrlSpec::new());
    let below = list(&fixture.below, &CrlSpec::new());
    let provider = CryptoProvider::AVAILABLE[0];
    let unknown = AlertDescription::UnknownCA;
    let without_root = fixture.with_file(provider, &[&below]);
    fixture
        .refuses(
            &without_root,
            &alice,
            unknown,
            "depth 1: unable to get certificate CRL",
            "/CN=Below",
        )
        .await;
    let without_below = fixture.with_file(provider, &[&root]);
    fixture
        .refuses(
            &without_below,
            &alice,
            unknown,
            "depth 0: unable to get certificate CRL",
            "/CN=alice",
        )
        .await;
    // The list of another authority with the same name, which only the signature tells.
    let namesake = CertificateAuthority::create(&CaSpec::new("Below")).unwrap();
    let foreign = list(&namesake, &CrlSpec::new());
    let with_foreign = fixture.with_file(provider, &[&root, &foreign]);
    fixture
        .refuses(
            &with_foreign,
            &alice,
            AlertDescription::DecryptError,
            "depth 0: CRL signature failure",
            "/CN=alice",
        )
        .await;
}

#[tokio::test]
async fn revoked_authorities_take_their_clients_with_them() {
    let fixture = Fixture::new();
    let alice = fixture.issue("alice");
    let provider = CryptoProvider::AVAILABLE[0];
    let below = list(&fixture.below, &CrlSpec::new());
    for (revoked, reason, subject) in [
        (&fixture.below, "depth 1: certificate revoked", "/CN=Below"),
        // Its own list says so, which webpki by itself does not look for.
        (
            &fixture.pki.ca,
            "depth 2: certificate revoked",
            "/CN=Test CA",
        ),
    ] {
        let root = list(&fixture.pki.ca, &revoking(revoked.info()));
        let acceptor = fixture.with_file(provider, &[&below, &root]);
        fixture
            .refuses(
                &acceptor,
                &alice,
                AlertDescription::CertificateRevoked,
                reason,
                subject,
            )
            .await;
    }
}

#[tokio::test]
async fn expired_lists_lock_their_clients_out() {
    let fixture = Fixture::new();
    let alice = fixture.issue("alice");
    let provider = CryptoProvider::AVAILABLE[0];
    let [root, below] = [&fixture.pki.ca, &fixture.below]
        .map(|ca| list(ca, &CrlSpec::new().with_validity(until(3600))));
    let expired = CrlSpec::new().with_validity(until(-1));
    let expected = AlertDescription::CertificateExpired;
    let acceptor = fixture.with_file(provider, &[&root, &list(&fixture.below, &expired)]);
    fixture
        .refuses(
            &acceptor,
            &alice,
            expected,
            "depth 0: CRL has expired",
            "/CN=alice",
        )
        .await;
    let acceptor = fixture.with_file(provider, &[&list(&fixture.pki.ca, &expired), &below]);
    fixture
        .refuses(
            &acceptor,
            &alice,
            expected,
            "depth 1: CRL has expired",
            "/CN=Below",
        )
        .await;
}

#[tokio::test]
async fn the_newest_list_counts_in_any_order() {
    let fixture = Fixture::new();
    let alice = fixture.issue("alice");
    let provider = CryptoProvider::AVAILABLE[0];
    let root = list(&fixture.pki.ca, &CrlSpec::new());
    let old = list(&fixture.below, &CrlSpec::new().with_validity(until(3600)));
    let new = list(&fixture.below, &revoking(alice.info()));
    for lists in [[&root, &old, &new], [&new, &old, &root]] {
        let acceptor = fixture.with_file(provider, &lists);
        fixture
            .refuses(
                &acceptor,
                &alice,
                AlertDescription::CertificateRevoked,
                "depth 0: certificate revoked",
                "/CN=alice",
            )
            .await;
    }
}

#[tokio::test]
async fn authorities_of_one_name_and_two_keys_do_not_disturb_each_other() {
    let mut fixture = Fixture::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let before = fixture.issue("alice");
    let bob = fixture.issue("bob");
    let root = list(&fixture.pki.ca, &CrlSpec::new());
    let of_old_key = list(&fixture.below, &revoking(bob.info()));
    fixture.below = fixture
        .pki
        .ca
        .issue_intermediate(&CaSpec::new("Below"))
        .unwrap();
    let after = fixture.issue("alice");
    let carol = fixture.issue("carol");
    let of_new_key = list(&fixture.below, &revoking(carol.info()));
    let acceptor = fixture.with_file(provider, &[&root, &of_old_key, &of_new_key]);
    for good in [&before, &after] {
        fixture.serves(&acceptor, good).await;
    }
    for (revoked, subject) in [(&bob, "/CN=bob"), (&carol, "/CN=carol")] {
        fixture
            .refuses(
                &acceptor,
                revoked,
                AlertDescription::CertificateRevoked,
                "depth 0: certificate revoked",
                subject,
            )
            .await;
    }
}

#[tokio::test]
async fn intermediates_of_the_ca_file_are_looked_up_too() {
    let fixture = Fixture::new();
    let alice = fixture.issue("alice");
    let provider = CryptoProvider::AVAILABLE[0];
    // The client sends its own certificate alone.
    let both = [
        fixture.pki.ca.certificate_pem(),
        fixture.below.certificate_pem(),
    ];
    fs::write(fixture.pki.path("ca.crt"), both.concat()).unwrap();
    let below = list(&fixture.below, &CrlSpec::new());
    let client = fixture
        .pki
        .client(provider)
        .with_identity(alice.certificate_pem(), alice.key_pem());
    let good = fixture.with_file(provider, &[&below, &list(&fixture.pki.ca, &CrlSpec::new())]);
    served(&good, &client).await;
    let revoked = list(&fixture.pki.ca, &revoking(fixture.below.info()));
    let bad = fixture.with_file(provider, &[&below, &revoked]);
    refused(&bad, &client, AlertDescription::CertificateRevoked).await;

    // With partial chains the authority is trusted as it stands.
    fs::write(fixture.pki.path("ca.crt"), fixture.below.certificate_pem()).unwrap();
    let partial = fixture
        .config(provider)
        .with_partial_chains(true)
        .with_crl_file(fixture.pki.path("lists.pem"));
    served(&accept(partial.clone()), &client).await;
    let own = list(&fixture.below, &revoking(alice.info()));
    fs::write(fixture.pki.path("lists.pem"), own.pem()).unwrap();
    refused(
        &accept(partial),
        &client,
        AlertDescription::CertificateRevoked,
    )
    .await;
}

#[tokio::test]
async fn a_directory_is_looked_at_for_every_connection() {
    let fixture = Fixture::new();
    let [alice, bob] = ["alice", "bob"].map(|user| fixture.issue(user));
    let provider = CryptoProvider::AVAILABLE[0];
    let acceptor = accept(
        fixture
            .config(provider)
            .with_crl_dir(fixture.pki.path("lists")),
    );
    let unknown = AlertDescription::UnknownCA;
    let no_list = "depth 0: unable to get certificate CRL";
    let revoked = AlertDescription::CertificateRevoked;
    let is_revoked = "depth 0: certificate revoked";
    // Empty: nobody's status is known.
    fixture
        .refuses(&acceptor, &alice, unknown, no_list, "/CN=alice")
        .await;

    // Hashed and plain names, and files that are somebody else's.
    let first = list(&fixture.below, &CrlSpec::new());
    fixture.put("0123abcd.r0", list(&fixture.pki.ca, &CrlSpec::new()).pem());
    fixture.put("below.crl", first.pem());
    fixture.put("ca.pem", fixture.pki.ca.certificate_pem());
    fixture.put("0123abcd.0", "no list");
    fixture.put("0123abcde.r1", "no list");
    fixture.put(".hidden.crl", "no list");
    fixture.put("README", "no list");
    fixture.serves(&acceptor, &alice).await;
    fixture.serves(&acceptor, &bob).await;

    // Overwritten in place.
    let second = list(
        &fixture.below,
        &CrlSpec::after(&first).revoke(bob.info(), RevocationReason::Superseded),
    );
    fixture.put("below.crl", second.pem());
    fixture
        .refuses(&acceptor, &bob, revoked, is_revoked, "/CN=bob")
        .await;
    fixture.serves(&acceptor, &alice).await;

    // Broken: what it held before remains.
    fixture.put("below.crl", second.pem().trim_end().trim_end_matches('-'));
    fixture
        .refuses(&acceptor, &bob, revoked, is_revoked, "/CN=bob")
        .await;
    fixture.serves(&acceptor, &alice).await;

    // A newer one beside it, put in place by renaming.
    let third = list(
        &fixture.below,
        &CrlSpec::after(&second).revoke(alice.info(), RevocationReason::Superseded),
    );
    fixture.put("new", third.pem());
    let lists = fixture.pki.path("lists");
    fs::rename(lists.join("new"), lists.join("0123abcd.r1")).unwrap();
    fixture
        .refuses(&acceptor, &alice, revoked, is_revoked, "/CN=alice")
        .await;

    // Gone, and so is what it said.
    fs::remove_file(lists.join("0123abcd.r1")).unwrap();
    fs::remove_file(lists.join("below.crl")).unwrap();
    fixture
        .refuses(&acceptor, &alice, unknown, no_list, "/CN=alice")
        .await;

    // Without the directory what is known stays.
    fixture.put("below.pem", second.pem());
    fixture.serves(&acceptor, &alice).await;
    fs::rename(&lists, fixture.pki.path("away")).unwrap();
    fixture.serves(&acceptor, &alice).await;
}

#[tokio::test]
async fn a_hashed_directory_of_openssls_works() {
    let fixture = Fixture::new();
    let [alice, bob] = ["alice", "bob"].map(|user| fixture.issue(user));
    let lists = fixture.pki.path("lists");
    fixture.put("root.pem", list(&fixture.pki.ca, &CrlSpec::new()).pem());
    fixture.put(
        "below.pem",
        list(&fixture.below, &revoking(bob.info())).pem(),
    );
    let rehash = std::process::Command::new("openssl")
        .args([Path::new("rehash"), &lists])
        .status()
        .unwrap();
    assert!(rehash.success());
    // The links alone, and then the files alone, hold all of it.
    let acceptor = accept(
        fixture
            .config(CryptoProvider::AVAILABLE[0])
            .with_crl_dir(&lists),
    );
    fixture.serves(&acceptor, &alice).await;
    refused(
        &acceptor,
        &fixture
            .pki
            .client(CryptoProvider::AVAILABLE[0])
            .with_issued(&bob),
        AlertDescription::CertificateRevoked,
    )
    .await;
}

#[tokio::test]
async fn file_and_directory_complete_each_other() {
    let fixture = Fixture::new();
    let alice = fixture.issue("alice");
    let path = fixture.pki.path("root.crl");
    fs::write(&path, list(&fixture.pki.ca, &CrlSpec::new()).pem()).unwrap();
    fixture.put("below.crl", list(&fixture.below, &CrlSpec::new()).pem());
    let acceptor = accept(
        fixture
            .config(CryptoProvider::AVAILABLE[0])
            .with_crl_file(path)
            .with_crl_dir(fixture.pki.path("lists")),
    );
    fixture.serves(&acceptor, &alice).await;
}

#[test]
fn faults_are_told_when_the_configuration_is_loaded() {
    let fixture = Fixture::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let text = |config: SslConfig| config.validate().unwrap_err().to_string();
    let absent = fixture.pki.path("absent");
    assert_eq!(
        text(fixture.config(provider).with_crl_file(&absent)),
        format!(
            "could not load SSL certificate revocation list file \"{}\": No such file or directory; check the path and that \
             this user may read it",
            absent.display()
        )
    );
    let error = fixture
        .config(provider)
        .with_crl_dir(&absent)
        .validate()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "could not load SSL certificate revocation list directory \"{}\": No such file or directory; check the path and \
             that this user may read it",
            absent.display()
        )
    );
    assert_eq!(error.sqlstate().as_str(), "F0000");
    fixture.put("broken.crl", "no list");
    let broken = fixture.pki.path("lists").join("broken.crl");
    assert_eq!(
        text(
            fixture
                .config(provider)
                .with_crl_dir(fixture.pki.path("lists"))
        ),
        format!(
            "could not load SSL certificate revocation list file \"{}\": no start line: it holds no PEM block \
             (\"-----BEGIN …-----\"); name the PEM file that holds the certificate revocation list",
            broken.display()
        )
    );
}
