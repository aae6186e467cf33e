//! Making, renewing and keeping self-signed pairs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::generate::Validity;

fn pair() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (
        dir.path().join("certs/server.crt"),
        dir.path().join("certs/server.key"),
    );
    (dir, certificate, key)
}

fn read(certificate: &Path, key: &Path) -> (String, String) {
    (
        fs::read_to_string(certificate).unwrap(),
        fs::read_to_string(key).unwrap(),
    )
}

#[track_caller]
fn assert_good(certificate: &Path, key: &Path) {
    let report = CertificateManager::verify_cert_files(certificate, key).unwrap();
    assert!(report.is_ok() && report.warnings().is_empty(), "{report}");
}

#[test]
fn a_host_name_is_the_alternative_name_too() {
    for (common_name, names) in [
        (
            "localhost",
            "DNS:localhost, IP Address:127.0.0.1, IP Address:::1",
        ),
        ("db.example", "DNS:db.example"),
        ("10.0.0.1", "IP Address:10.0.0.1"),
        (
            "My Server, O=x/CN=y",
            "DNS:localhost, IP Address:127.0.0.1, IP Address:::1",
        ),
    ] {
        let (_dir, certificate, key) = pair();
        CertificateManager::generate_self_signed(&certificate, &key, common_name).unwrap();
        assert_good(&certificate, &key);
        let info = CertificateInfo::from_pem_file(&certificate).unwrap();
        assert_eq!(info.common_name(), Ok(Some(common_name)));
        let seen: Vec<String> = info
            .subject_alt_names()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(seen.join(", "), names);
    }
}

#[test]
fn l05_a_common_name_that_was_meant_as_a_host_is_refused() {
    let (dir, certificate, key) = pair();
    for name in ["host:5432", "10.0.0.1/24", "[::1]:5432", ""] {
        assert!(
            CertificateManager::generate_self_signed(&certificate, &key, name).is_err(),
            "{name}"
        );
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn generating_again_renews() {
    let (_dir, certificate, key) = pair();
    CertificateManager::generate_self_signed(&certificate, &key, "db.example").unwrap();
    let first = read(&certificate, &key);
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    CertificateManager::generate_self_signed(&certificate, &key, "db.example").unwrap();
    let second = read(&certificate, &key);
    assert!(first.0 != second.0 && first.1 != second.1);
    assert_good(&certificate, &key);
}

#[test]
fn l08_what_is_not_ours_is_not_clobbered_without_being_asked() {
    let (_dir, certificate, key) = pair();
    CertificateManager::generate_self_signed(&certificate, &key, "db.example").unwrap();
    let refused = |common_name| {
        let before = read(&certificate, &key);
        let error =
            CertificateManager::generate_self_signed(&certificate, &key, common_name).unwrap_err();
        assert!(
            matches!(
                error,
                GenerateError::Write(WriteError::WouldOverwrite { .. })
            ),
            "{error}"
        );
        assert_eq!(read(&certificate, &key), before);
    };
    refused("other.example");
    fs::write(&key, "precious").unwrap();
    refused("db.example");

    CertificateManager::replace_self_signed(&certificate, &key, "db.example").unwrap();
    assert_good(&certificate, &key);
}

#[test]
fn a_test_certificate_stays_in_memory() {
    let (certificate_pem, key_pem) = CertificateManager::generate_test_cert().unwrap();
    let (_dir, certificate, key) = pair();
    crate::files::write_pair(
        (&certificate, &certificate_pem),
        (&key, &key_pem),
        Existing::Keep,
    )
    .unwrap();
    assert_good(&certificate, &key);
}

#[test]
fn set_up_makes_then_reuses() {
    let dir = tempfile::tempdir().unwrap();
    let certs = dir.path().join("certs-dev");
    let (certificate, key) = CertificateManager::setup_test_certs_in(&certs).unwrap();
    assert_eq!(Path::new(&certificate), certs.join("server.crt"));
    assert_eq!(Path::new(&key), certs.join("server.key"));
    assert_good(Path::new(&certificate), Path::new(&key));
    let first = read(Path::new(&certificate), Path::new(&key));
    CertificateManager::setup_test_certs_in(&certs).unwrap();
    assert_eq!(read(Path::new(&certificate), Path::new(&key)), first);
    assert_eq!(fs::read_dir(&certs).unwrap().count(), 2);
}

#[test]
fn set_up_renews_what_is_expired_without_litter() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
    let now = SystemTime::now();
    let day = Duration::from_secs(86_400);
    for end in [now - day, now + day / 2] {
        let spec =
            ServerSpec::new(["localhost"]).with_validity(Validity::between(now - day * 2, end));
        self_signed(&spec)
            .unwrap()
            .write(&certificate, &key, Existing::Replace)
            .unwrap();
        CertificateManager::setup_test_certs_in(dir.path()).unwrap();
        assert_good(&certificate, &key);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}

#[test]
fn set_up_repairs_what_is_broken_and_loses_nothing() {
    type Breakage = fn(&Path, &Path);
    let breakages: [Breakage; 6] = [
        |_, key| {
            let (_, other_key) = CertificateManager::generate_test_cert().unwrap();
            fs::write(key, other_key).unwrap();
        },
        |certificate, _| fs::write(certificate, "junk").unwrap(),
        |certificate, _| fs::remove_file(certificate).unwrap(),
        |_, key| fs::remove_file(key).unwrap(),
        |_, key| fs::write(key, "").unwrap(),
        |_, key| {
            let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----\n";
            fs::write(key, encrypted).unwrap();
        },
    ];
    for broken in breakages {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
        CertificateManager::setup_test_certs_in(dir.path()).unwrap();
        broken(&certificate, &key);
        let before = fs::read(&key).ok();
        CertificateManager::setup_test_certs_in(dir.path()).unwrap();
        assert_good(&certificate, &key);
        assert_eq!(fs::read(dir.path().join("server.key.old")).ok(), before);
    }
}

#[test]
fn set_up_from_several_threads_agrees_on_one_pair() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
    let pairs = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                CertificateManager::setup_test_certs_in(dir.path()).unwrap();
                let seen = read(&certificate, &key);
                pairs.lock().unwrap().push(seen);
            });
        }
    });
    let pairs = pairs.into_inner().unwrap();
    assert_eq!(pairs.len(), 4);
    assert!(pairs.windows(2).all(|two| two[0] == two[1]));
}

/// The variable is set for a second run of this test in a process of its own.
#[test]
fn set_up_looks_at_the_environment_then_at_the_working_directory() {
    const CHILD: &str = "PG_CERTS_TEST_CHILD";
    if let Ok(expected) = std::env::var(CHILD) {
        let (certificate, key) = CertificateManager::setup_test_certs().unwrap();
        assert_eq!(certificate, format!("{expected}/server.crt"));
        assert_eq!(key, format!("{expected}/server.key"));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let named = dir.path().join("named");
    let child = |expected: &str, variable: &str| {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "development::tests::set_up_looks_at_the_environment_then_at_the_working_directory",
            ])
            .current_dir(dir.path())
            .env(CHILD, expected)
            .env(CERTS_DIR_VARIABLE, variable)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        assert_good(
            &dir.path().join(expected).join("server.crt"),
            &dir.path().join(expected).join("server.key"),
        );
    };
    child(named.to_str().unwrap(), named.to_str().unwrap());
    child("certs-dev", "");
}
