//! What the watch notices, at a pace for tests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pg_certs::generate::{CaSpec, CertificateAuthority, ServerSpec};
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

use super::{Pace, run};
use crate::reload::{Live, ReloadStatus, ReloadTrigger};
use crate::{PgServerBuilder, SslConfig, SslMode};

/// No pause is so long that a notice could be mistaken for the regular look, or the other way round.
const NOTICES: Pace = Pace {
    notices: true,
    quiet: Duration::from_millis(5),
    patience: Duration::from_millis(50),
    settle: Duration::from_secs(60),
    settle_look: Duration::from_secs(60),
    look: Duration::from_secs(60),
    poll: Duration::from_secs(60),
};

const POLLS: Pace = Pace {
    notices: false,
    poll: Duration::from_millis(5),
    settle_look: Duration::from_millis(5),
    ..NOTICES
};

/// A server's configuration in a directory, and the watch over it.
struct Site {
    directory: tempfile::TempDir,
    authority: CertificateAuthority,
    live: Option<Arc<Live>>,
    status: Option<Receiver<ReloadStatus>>,
    watching: JoinSet<()>,
}

impl Site {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            authority: CertificateAuthority::create(&CaSpec::new("Watch test CA")).unwrap(),
            live: None,
            status: None,
            watching: JoinSet::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A certificate and its key.
    fn pair(&self) -> (String, String) {
        let issued = self.authority.issue_server(&ServerSpec::new(["localhost"]));
        let issued = issued.unwrap();
        (
            issued.certificate_pem().to_owned(),
            issued.key_pem().to_owned(),
        )
    }

    /// A file for its owner alone, in place of what there was.
    fn put(&self, name: &str, text: &str) {
        let new = tempfile::NamedTempFile::new_in(self.directory.path()).unwrap();
        fs::write(new.path(), text).unwrap();
        new.persist(self.path(name)).unwrap();
    }

    fn put_pair(&self, directory: &str) {
        fs::create_dir_all(self.path(directory)).unwrap();
        let (certificate, key) = self.pair();
        self.put(&format!("{directory}/tls.crt"), &certificate);
        self.put(&format!("{directory}/tls.key"), &key);
    }

    fn watch(&mut self, certificate: &str, key: &str, pace: Pace) {
        let ssl = SslConfig::new(SslMode::Require, self.path(certificate), self.path(key));
        let builder = PgServerBuilder::new()
            .ssl_config(ssl)
            .reload_on_change(true);
        let live = Live::load(builder.into_live(), None, Vec::new()).unwrap();
        let live = Arc::new(live);
        self.status = Some(live.status().subscribe());
        self.watching.spawn(run(Arc::clone(&live), pace));
        self.live = Some(live);
    }

    /// Waits for the next attempt that is on record; gives back why it failed.
    async fn attempt(&mut self) -> Option<String> {
        let status = self.status.as_mut().unwrap();
        status.changed().await.unwrap();
        let attempt = status.borrow_and_update().last_attempt.clone().unwrap();
        assert_eq!(attempt.trigger, ReloadTrigger::Files);
        attempt.failure
    }

    fn served(&self) -> Vec<u8> {
        let generation = self.live.as_ref().unwrap().get();
        let identity = generation.acceptor.tls().identities().next().unwrap();
        identity.certificate().to_vec()
    }

    /// The next attempt succeeds, and serves what `file` holds.
    async fn reloads(&mut self, file: &str) {
        assert_eq!(self.attempt().await, None);
        let chain = pg_certs::load_certificate_chain(&self.path(file)).unwrap();
        assert_eq!(self.served(), chain[0].to_vec());
    }
}

fn point(link: &Path, target: &str) {
    let new = link.with_file_name("new");
    symlink(target, &new).unwrap();
    fs::rename(&new, link).unwrap();
}

/// The ways in which programs replace a pair, one after the other.
async fn every_way_is_noticed(pace: Pace) {
    // As Kubernetes mounts a secret.
    let mut site = Site::new();
    site.put_pair("..2026_1");
    point(&site.path("..data"), "..2026_1");
    point(&site.path("tls.crt"), "..data/tls.crt");
    point(&site.path("tls.key"), "..data/tls.key");
    site.watch("tls.crt", "tls.key", pace);
    for directory in ["..2026_2", "..2026_3"] {
        site.put_pair(directory);
        point(&site.path("..data"), directory);
        site.reloads(&format!("{directory}/tls.crt")).await;
    }

    // As certbot: each file is a link of its own.
    site.put_pair("archive");
    point(&site.path("tls.crt"), "archive/tls.crt");
    point(&site.path("tls.key"), "archive/tls.key");
    site.reloads("archive/tls.crt").await;

    // Another file in the place of the old one.
    site.put_pair("archive");
    site.reloads("archive/tls.crt").await;

    // The same file, written over.
    let (certificate, key) = site.pair();
    fs::write(site.path("archive/tls.crt"), certificate).unwrap();
    fs::write(site.path("archive/tls.key"), key).unwrap();
    site.reloads("archive/tls.crt").await;

    // Gone for a while, with the directory.
    fs::remove_dir_all(site.path("archive")).unwrap();
    site.put_pair("archive");
    site.reloads("archive/tls.crt").await;

    // A directory in the place of the other.
    site.put_pair("next");
    fs::rename(site.path("archive"), site.path("last")).unwrap();
    fs::rename(site.path("next"), site.path("archive")).unwrap();
    site.reloads("archive/tls.crt").await;
}

#[tokio::test]
async fn every_way_is_noticed_when_the_system_tells() {
    every_way_is_noticed(NOTICES).await;
}

#[tokio::test]
async fn every_way_is_noticed_by_looking() {
    every_way_is_noticed(POLLS).await;
}

#[tokio::test]
async fn what_is_still_wrong_after_a_while_is_told_once() {
    let mut site = Site::new();
    site.put_pair(".");
    let pace = Pace {
        settle: Duration::from_millis(100),
        ..POLLS
    };
    site.watch("tls.crt", "tls.key", pace);
    let first = site.served();
    let (certificate, key) = site.pair();
    site.put("tls.crt", &certificate);
    let failure = site.attempt().await.unwrap();
    assert!(failure.starts_with("check of private key failed: key values mismatch"));
    assert_eq!(site.served(), first);
    // The next that is on record is the one of the next change.
    site.put("tls.key", &key);
    site.reloads("tls.crt").await;
}

#[tokio::test]
async fn a_pair_that_comes_in_two_parts_is_no_failure() {
    for pace in [NOTICES, POLLS] {
        let mut site = Site::new();
        site.put_pair(".");
        site.watch("tls.crt", "tls.key", pace);
        let live = Arc::clone(site.live.as_ref().unwrap());
        let (certificate, key) = site.pair();
        site.put("tls.crt", &certificate);
        // The first part has been tried when it has been seen.
        while !live.changed(&live.seen()).is_empty() {
            tokio::task::yield_now().await;
        }
        site.put("tls.key", &key);
        site.reloads("tls.crt").await;
    }
}
