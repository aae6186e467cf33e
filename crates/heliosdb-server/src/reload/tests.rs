//! Reloads of a server whose files the test changes.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, CertificateAuthority, ServerSpec, Validity};

use super::{ReloadHandle, ReloadTrigger};
use crate::testing::PlayedEngine;
use crate::{PgServer, PgServerBuilder, SslConfig, SslMode};

/// A directory with a certificate, its key, and what makes others.
struct Site {
    directory: tempfile::TempDir,
    authority: CertificateAuthority,
}

impl Site {
    fn new() -> Self {
        let site = Self {
            directory: tempfile::tempdir().unwrap(),
            authority: CertificateAuthority::create(&CaSpec::new("Reload test CA")).unwrap(),
        };
        site.renew(Validity::days(30));
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn renew(&self, validity: Validity) {
        let spec = ServerSpec::new(["localhost"]).with_validity(validity);
        let issued = self.authority.issue_server(&spec).unwrap();
        issued
            .write(
                self.path("server.crt"),
                self.path("server.key"),
                Existing::Replace,
            )
            .unwrap();
    }

    fn builder(&self, mode: SslMode) -> PgServerBuilder {
        let ssl = SslConfig::new(mode, self.path("server.crt"), self.path("server.key"));
        PgServerBuilder::new().ssl_config(ssl)
    }

    /// Errors and status as text, without the directory.
    fn shown(&self, text: &str) -> String {
        text.replace(&*self.directory.path().to_string_lossy(), "")
    }
}

fn server(builder: PgServerBuilder) -> (PgServer, ReloadHandle) {
    let (engine, _engine_side) = PlayedEngine::new();
    let server = builder.build(engine).unwrap();
    let handle = server.reload_handle();
    (server, handle)
}

fn certificate(handle: &ReloadHandle) -> Vec<u8> {
    let tls = handle.tls();
    let identity = tls.identities().next().unwrap();
    identity.certificate().to_vec()
}

fn expired() -> Validity {
    let hour = Duration::from_secs(3_600);
    let now = SystemTime::now();
    Validity::between(now - 20 * hour, now - hour)
}

#[test]
fn a_new_certificate_is_used_and_the_status_tells() {
    let site = Site::new();
    let (_server, handle) = server(site.builder(SslMode::Require));
    let first = certificate(&handle);
    let before = handle.status();
    assert_eq!((before.generation, before.last_attempt), (1, None));
    let mut told = handle.subscribe();

    site.renew(Validity::days(30));
    assert_eq!(certificate(&handle), first);
    let signal = handle.clone().triggered_by(ReloadTrigger::Signal);
    signal.reload().unwrap();
    assert_ne!(certificate(&handle), first);
    assert!(told.has_changed().unwrap());
    let status = told.borrow_and_update().clone();
    assert_eq!(status, handle.status());
    assert_eq!(status.generation, 2);
    let attempt = status.last_attempt.unwrap();
    assert_eq!(attempt.trigger, ReloadTrigger::Signal);
    assert_eq!(attempt.failure, None);
    assert!(before.since <= attempt.at);
}

#[test]
fn any_fault_keeps_all_and_every_fault_is_told() {
    let site = Site::new();
    let hba = site.path("hba");
    let rules = |text: &str| fs::write(&hba, text).unwrap();
    rules("local all all trust\n");
    let (_server, handle) = server(site.builder(SslMode::Require).hba_file(&hba));
    let first = certificate(&handle);

    site.renew(Validity::days(30));
    rules("local all all nonsense\n");
    fs::remove_file(site.path("server.key")).unwrap();
    let errors = handle.reload().unwrap_err();
    let expected = "/hba:1: invalid authentication method \"nonsense\"\n\
                    could not access private key file \"/server.key\": No such file or directory";
    assert_eq!(site.shown(&errors.to_string()), expected);
    assert_eq!(certificate(&handle), first);
    let status = handle.status();
    assert_eq!(status.generation, 1);
    let attempt = status.last_attempt.unwrap();
    assert_eq!(site.shown(&attempt.failure.unwrap()), expected);

    // One fault is enough: the rules are right again, and still nothing changes.
    rules("local all all reject\n");
    assert_eq!(handle.reload().unwrap_err().0.len(), 1);
    assert_eq!(certificate(&handle), first);
    site.renew(Validity::days(30));
    handle.reload().unwrap();
    assert_ne!(certificate(&handle), first);
}

#[test]
fn an_expired_certificate_does_not_replace_a_valid_one() {
    let site = Site::new();
    let (_server, handle) = server(site.builder(SslMode::Require));
    let first = certificate(&handle);
    site.renew(expired());
    let errors = handle.reload().unwrap_err().to_string();
    let begin =
        "could not load server certificate file \"/server.crt\": certificate has expired at ";
    assert!(site.shown(&errors).starts_with(begin), "{errors}");
    assert_eq!(certificate(&handle), first);

    // Where there is nothing better to lose, it loads, as at the start.
    let (_server, handle) = server(site.builder(SslMode::Require));
    let first = certificate(&handle);
    site.renew(expired());
    handle.reload().unwrap();
    assert_ne!(certificate(&handle), first);
}

#[test]
fn another_configuration_replaces_the_one_of_the_start() {
    let site = Site::new();
    let (_server, handle) = server(site.builder(SslMode::Disable));
    assert_eq!(handle.tls().mode(), SslMode::Disable);

    fs::rename(site.path("server.key"), site.path("away")).unwrap();
    let errors = handle.reload_with(site.builder(SslMode::Require));
    assert_eq!(errors.unwrap_err().0.len(), 1);
    assert_eq!(handle.tls().mode(), SslMode::Disable);
    // What was refused is forgotten.
    fs::rename(site.path("away"), site.path("server.key")).unwrap();
    handle.reload().unwrap();
    assert_eq!(handle.tls().mode(), SslMode::Disable);

    handle.reload_with(site.builder(SslMode::Require)).unwrap();
    handle.reload().unwrap();
    assert_eq!(handle.tls().mode(), SslMode::Require);
    assert_eq!(handle.status().generation, 4);

    let nothing = site.builder(SslMode::Require).max_connections(0);
    let errors = handle.reload_with(nothing).unwrap_err();
    assert_eq!(errors.to_string(), "max_connections must not be zero");
}

#[test]
fn rules_that_protect_nothing_are_refused_for_the_addresses_of_the_start() {
    let site = Site::new();
    // Made for its owner alone.
    let users = tempfile::NamedTempFile::new_in(site.directory.path()).unwrap();
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let builder = PgServerBuilder::new().address(everywhere);
    let (_server, handle) = server(builder.users_file(users.path()));
    let errors = handle.reload_with(PgServerBuilder::new()).unwrap_err();
    assert!(errors.to_string().contains("who can reach 0.0.0.0:0"));
}
