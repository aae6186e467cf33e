//! A server's files before and after.

use std::fs;
use std::path::PathBuf;

use pg_certs::CertificateAuthority;
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, ServerSpec, Validity};
use pg_tls::SslMode;
use tempfile::TempDir;

use super::*;
use crate::reload::{ReloadHandle, ReloadTrigger};
use crate::testing::PlayedEngine;
use crate::{PgServer, PgServerBuilder};

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Files of an authority and of a server whose certificate is to be renewed now.
struct Fixture(TempDir);

impl Fixture {
    fn new() -> Self {
        let fixture = Self(TempDir::new().unwrap());
        let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
        ca.write(
            fixture.path("ca.crt"),
            fixture.path("ca.key"),
            Existing::Keep,
        )
        .unwrap();
        let now = SystemTime::now();
        let hour = Duration::from_secs(3600);
        let validity = Validity::between(now - hour, now + hour / 60);
        let spec = ServerSpec::new(["localhost"]).with_validity(validity);
        let (certificate, key) = (fixture.path("server.crt"), fixture.path("server.key"));
        ca.issue_server(&spec)
            .unwrap()
            .write(certificate, key, Existing::Keep)
            .unwrap();
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ssl(&self) -> SslConfig {
        SslConfig::new(
            SslMode::Require,
            self.path("server.crt"),
            self.path("server.key"),
        )
    }

    fn own(&self, ssl: &SslConfig) -> OwnCertificate {
        AutoRenewal::new(MONTH, self.path("ca.crt"), self.path("ca.key"))
            .of(ssl)
            .unwrap()
    }
}

#[test]
fn a_certificate_near_its_end_is_renewed_once() {
    let fixture = Fixture::new();
    let ssl = fixture.ssl();
    let own = fixture.own(&ssl);
    let now = SystemTime::now();
    assert!(matches!(own.check(now), Ok(Checked::Renewed)));
    ssl.validate().unwrap();
    let new = CertificateInfo::from_pem_file(fixture.path("server.crt")).unwrap();
    assert_eq!(new.subject().rfc2253(), "CN=localhost");
    let checked = own.check(now).unwrap();
    // It lasts a day, of which the last third is for renewing.
    let later = Duration::from_secs(15 * 3600);
    assert!(
        matches!(checked, Checked::NotDue(wait) if wait > later),
        "{checked:?}"
    );
}

#[test]
fn an_authority_that_fails_leaves_the_old_certificate() {
    let fixture = Fixture::new();
    let own = fixture.own(&fixture.ssl());
    let old = fs::read(fixture.path("server.crt")).unwrap();
    fs::write(fixture.path("ca.key"), "").unwrap();
    let error = own.check(SystemTime::now()).unwrap_err().to_string();
    assert!(
        error.starts_with("could not load private key file") && error.contains("it is empty"),
        "{error}"
    );
    own.check_at_start();
    assert_eq!(fs::read(fixture.path("server.crt")).unwrap(), old);
}

#[test]
fn keys_with_a_pass_phrase_and_servers_without_tls_are_left_alone() {
    let fixture = Fixture::new();
    let ssl = fixture.ssl().with_passphrase_command("echo x", true);
    let error = fixture.own(&ssl).check(SystemTime::now()).unwrap_err();
    assert!(matches!(error, RenewalError::Passphrase), "{error}");
    let renewal = AutoRenewal::new(MONTH, "ca.crt", "ca.key");
    assert!(renewal.of(&SslConfig::disabled()).is_none());
}

/// What new connections are shown.
fn served(handle: &ReloadHandle) -> Vec<u8> {
    let tls = handle.tls();
    let identity = tls.identities().next().unwrap();
    identity.certificate().to_vec()
}

fn in_file(fixture: &Fixture) -> Vec<u8> {
    let chain = pg_certs::load_certificate_chain(&fixture.path("server.crt")).unwrap();
    chain.first().unwrap().to_vec()
}

fn server(fixture: &Fixture) -> PgServer {
    let renewal = AutoRenewal::new(MONTH, fixture.path("ca.crt"), fixture.path("ca.key"));
    let (engine, _engine_side) = PlayedEngine::new();
    PgServerBuilder::new()
        .address("127.0.0.1:0".parse().unwrap())
        .ssl_config(fixture.ssl())
        .ssl_auto_renew(renewal)
        .build(engine)
        .unwrap()
}

#[test]
fn a_server_starts_with_the_renewed_certificate() {
    let fixture = Fixture::new();
    let old = in_file(&fixture);
    let handle = server(&fixture).reload_handle();
    assert_ne!(served(&handle), old);
    assert_eq!(served(&handle), in_file(&fixture));
}

#[test]
fn a_server_starts_with_the_old_certificate_if_the_authority_fails() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path("ca.crt")).unwrap();
    let old = in_file(&fixture);
    assert_eq!(served(&server(&fixture).reload_handle()), old);
}

#[tokio::test]
async fn a_server_that_serves_renews_when_it_is_time() {
    let fixture = Fixture::new();
    let ca = CertificateAuthority::load(fixture.path("ca.crt"), fixture.path("ca.key")).unwrap();
    // Of nine seconds the last three are for renewing, which begin in four.
    let (now, second) = (SystemTime::now(), Duration::from_secs(1));
    let validity = Validity::between(now - 2 * second, now + 7 * second);
    let spec = ServerSpec::new(["localhost"]).with_validity(validity);
    let issued = ca.issue_server(&spec).unwrap();
    let (certificate, key) = (fixture.path("server.crt"), fixture.path("server.key"));
    issued.write(certificate, key, Existing::Replace).unwrap();

    let server = server(&fixture);
    let handle = server.reload_handle();
    let mut reloads = handle.subscribe();
    let old = served(&handle);
    let bound = server.bind().await.unwrap();
    let serving = tokio::spawn(bound.serve());
    let in_time = tokio::time::timeout(60 * second, reloads.changed()).await;
    in_time.unwrap().unwrap();
    let attempt = handle.status().last_attempt.unwrap();
    assert_eq!(
        (attempt.trigger, attempt.failure),
        (ReloadTrigger::Renewal, None)
    );
    assert_ne!(served(&handle), old);
    assert_eq!(served(&handle), in_file(&fixture));
    server.shutdown_handle().shutdown(Duration::ZERO);
    serving.await.unwrap();
}
