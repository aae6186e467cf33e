//! What stands on the disk after every step, every failure and every crash.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{self as unix_fs, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::pair::{PairFiles, Step};
use super::*;

const STEPS: [Step; 9] = [
    Step::WriteKey,
    Step::WriteCertificate,
    Step::FlushNew,
    Step::LinkOldKey,
    Step::FlushOld,
    Step::PlaceKey,
    Step::PlaceCertificate,
    Step::FlushPlaced,
    Step::RemoveOldKey,
];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// All files below a directory with their content, hidden ones too.
fn content(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(content(&path));
        } else {
            files.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// A pair in two directories, old or absent.
struct Pair {
    root: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self {
            certificate: root.path().join("certs/server.crt"),
            key: root.path().join("private/server.key"),
            root,
        }
    }

    fn with(certificate: &str, key: &str) -> Self {
        let pair = Self::new();
        pair.write(certificate, key, Existing::Keep).unwrap();
        pair
    }

    fn write(&self, certificate: &str, key: &str, existing: Existing) -> Result<(), WriteError> {
        write_pair((&self.certificate, certificate), (&self.key, key), existing)
    }

    /// Exactly these two files and no other stand there.
    #[track_caller]
    fn check(&self, certificate: &str, key: &str) {
        assert_eq!(
            content(self.root.path()),
            [
                (self.certificate.clone(), certificate.to_owned()),
                (self.key.clone(), key.to_owned())
            ]
        );
        assert_eq!((mode(&self.certificate), mode(&self.key)), (0o644, 0o600));
    }
}

#[test]
fn l08_the_key_is_0600_and_the_certificate_0644() {
    let pair = Pair::with("cert", "key");
    pair.check("cert", "key");
}

#[test]
fn l08_the_key_is_0600_from_the_first_instant() {
    let pair = Pair::new();
    let files = PairFiles::lock(&pair.certificate, &pair.key).unwrap();
    let mut seen = Vec::new();
    files
        .replace_observed("cert", "key", &mut |step| {
            for (path, _) in content(pair.root.path()) {
                let is_key = path.to_string_lossy().contains("server.key");
                assert_eq!(
                    mode(&path),
                    if is_key { 0o600 } else { 0o644 },
                    "{step:?} {path:?}"
                );
            }
            seen.push(step);
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, STEPS);
}

#[test]
fn l08_a_key_that_was_open_to_others_is_replaced_by_one_that_is_not() {
    let pair = Pair::with("old cert", "old key");
    fs::set_permissions(&pair.key, Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&pair.certificate, Permissions::from_mode(0o600)).unwrap();
    pair.write("cert", "key", Existing::Replace).unwrap();
    pair.check("cert", "key");
}

#[test]
fn l08_existing_files_are_kept_unless_asked() {
    let pair = Pair::with("old cert", "old key");
    let error = pair.write("cert", "key", Existing::Keep).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "\"{}\" already exists and would be lost; move it away or ask for it to be replaced",
            pair.key.display()
        )
    );
    pair.check("old cert", "old key");

    fs::remove_file(&pair.key).unwrap();
    assert!(matches!(
        pair.write("cert", "key", Existing::Keep),
        Err(WriteError::WouldOverwrite { path }) if path == pair.certificate
    ));
}

#[test]
fn l08_a_failure_at_any_step_leaves_the_old_pair_whole_or_the_new_one() {
    for (number, failing) in STEPS.into_iter().enumerate() {
        let pair = Pair::with("old cert", "old key");
        let files = PairFiles::lock(&pair.certificate, &pair.key).unwrap();
        let error = files
            .replace_observed("cert", "key", &mut |step| match step == failing {
                true => Err(io::ErrorKind::StorageFull.into()),
                false => Ok(()),
            })
            .unwrap_err();
        assert!(
            matches!(&error, WriteError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull),
            "{error}"
        );
        // Before the certificate is in place everything is taken back.
        if number <= 6 {
            pair.check("old cert", "old key");
        } else {
            pair.check("cert", "key");
        }
    }
}

#[test]
fn l08_a_failure_at_any_step_of_a_first_writing_leaves_nothing_or_the_pair() {
    for (number, failing) in STEPS.into_iter().enumerate() {
        let pair = Pair::new();
        let files = PairFiles::lock(&pair.certificate, &pair.key).unwrap();
        files
            .replace_observed("cert", "key", &mut |step| match step == failing {
                true => Err(io::ErrorKind::StorageFull.into()),
                false => Ok(()),
            })
            .unwrap_err();
        if number <= 6 {
            assert_eq!(content(pair.root.path()), [], "{failing:?}");
        } else {
            pair.check("cert", "key");
        }
    }
}

#[test]
fn l08_a_certificate_that_cannot_be_placed_brings_the_old_key_back() {
    let pair = Pair::with("old cert", "old key");
    let files = PairFiles::lock(&pair.certificate, &pair.key).unwrap();
    let certificate = pair.certificate.clone();
    // A directory slips into the place of the certificate, so that the rename itself fails.
    let error = files
        .replace_observed("cert", "key", &mut |step| {
            if step == Step::PlaceCertificate {
                fs::remove_file(&certificate)?;
                fs::create_dir(&certificate)?;
            }
            Ok(())
        })
        .unwrap_err();
    assert!(
        matches!(
            error,
            WriteError::Io {
                action: "put in place",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        content(pair.root.path()),
        [(pair.key.clone(), "old key".to_owned())]
    );
}

/// Copies the files as a crash before `step` leaves them, second names of one file included.
fn snapshot(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            snapshot(&entry.path(), &target);
        } else {
            fs::hard_link(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn l08_a_crash_at_any_step_leaves_a_pair_that_the_next_call_makes_whole() {
    for has_old in [true, false] {
        for (number, crashing) in STEPS.into_iter().enumerate() {
            let pair = if has_old {
                Pair::with("old cert", "old key")
            } else {
                Pair::new()
            };
            // Linked, not copied, so that one file under two names stays one.
            let crashed = Pair::new();
            let files = PairFiles::lock(&pair.certificate, &pair.key).unwrap();
            files
                .replace_observed("cert", "key", &mut |step| {
                    if step == crashing {
                        snapshot(pair.root.path(), crashed.root.path());
                    }
                    Ok(())
                })
                .unwrap();

            finish_interrupted(&crashed.certificate, &crashed.key).unwrap();
            // The rename of the key decides.
            match (number <= 5, has_old) {
                (true, true) => crashed.check("old cert", "old key"),
                (true, false) => assert_eq!(content(crashed.root.path()), [], "{crashing:?}"),
                (false, _) => crashed.check("cert", "key"),
            }
        }
    }
}

#[test]
fn l08_a_half_written_file_is_thrown_away_by_the_next_writer() {
    let pair = Pair::with("old cert", "old key");
    fs::write(pair.key.with_file_name(".server.key.pg-certs-new"), "ha").unwrap();
    assert!(!is_interrupted(&pair.certificate, &pair.key));
    pair.write("cert", "key", Existing::Replace).unwrap();
    pair.check("cert", "key");
}

#[test]
fn finishing_where_nothing_is_makes_nothing() {
    let pair = Pair::new();
    finish_interrupted(&pair.certificate, &pair.key).unwrap();
    assert_eq!(fs::read_dir(pair.root.path()).unwrap().count(), 0);
}

#[test]
fn l08_links_stay_and_their_targets_are_replaced() {
    let pair = Pair::with("old cert", "old key");
    let links = tempfile::tempdir().unwrap();
    let (certificate, key) = (links.path().join("tls.crt"), links.path().join("tls.key"));
    symlink(&pair.certificate, &certificate).unwrap();
    symlink(&pair.key, &key).unwrap();

    assert!(matches!(
        write_pair((&certificate, "cert"), (&key, "key"), Existing::Keep),
        Err(WriteError::WouldOverwrite { .. })
    ));
    write_pair((&certificate, "cert"), (&key, "key"), Existing::Replace).unwrap();
    assert!(fs::symlink_metadata(&key).unwrap().is_symlink());
    pair.check("cert", "key");

    fs::remove_file(&pair.key).unwrap();
    let error = write_pair((&certificate, "cert"), (&key, "key"), Existing::Replace).unwrap_err();
    assert!(matches!(error, WriteError::DanglingLink { path } if path == key));
}

#[test]
fn what_is_no_file_is_not_replaced() {
    let pair = Pair::with("cert", "key");
    let error = write_pair(
        (&pair.certificate, "x"),
        (pair.root.path(), "x"),
        Existing::Replace,
    )
    .unwrap_err();
    assert!(matches!(error, WriteError::NotAFile { .. }), "{error}");
    let same = pair.certificate.with_file_name("../certs/server.crt");
    let error = write_pair((&pair.certificate, "x"), (&same, "x"), Existing::Replace).unwrap_err();
    assert!(matches!(error, WriteError::SamePath { .. }), "{error}");
    pair.check("cert", "key");
}

#[test]
fn writers_at_the_same_time_leave_one_whole_pair() {
    let pair = Pair::with("0", "0");
    std::thread::scope(|scope| {
        for number in 1..=8 {
            let pair = &pair;
            scope.spawn(move || {
                let text = number.to_string();
                pair.write(&text, &text, Existing::Replace).unwrap();
            });
        }
    });
    let key = fs::read_to_string(&pair.key).unwrap();
    pair.check(&key, &key);
}

#[test]
fn a_certificate_alone_is_written_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/ca.crt");
    write_certificate(&path, "one", Existing::Keep).unwrap();
    assert_eq!(mode(&path), 0o644);
    assert!(matches!(
        write_certificate(&path, "two", Existing::Keep),
        Err(WriteError::WouldOverwrite { .. })
    ));
    write_certificate(&path, "two", Existing::Replace).unwrap();
    assert_eq!(content(dir.path()), [(path, "two".to_owned())]);
}

#[test]
fn a_secret_is_0600_and_keeps_a_mode_that_was_stricter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users");
    write_secret(&path, b"one", Existing::Keep).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert!(matches!(
        write_secret(&path, b"two", Existing::Keep),
        Err(WriteError::WouldOverwrite { .. })
    ));
    for (before, after) in [(0o400, 0o400), (0o606, 0o600), (0o601, 0o600)] {
        fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
        write_secret(&path, b"two", Existing::Replace).unwrap();
        assert_eq!(mode(&path), after);
    }
    assert_eq!(content(dir.path()), [(path, "two".to_owned())]);
}

#[test]
fn a_secret_keeps_its_owner_and_group_as_far_as_they_can_be_given() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users");
    write_secret(&path, b"one", Existing::Keep).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let owner = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.uid(), metadata.gid(), mode(path))
    };
    let (uid, gid, _) = owner(&path);
    let may_chown = unix_fs::chown(&path, Some(uid), Some(gid + 1)).is_ok();
    write_secret(&path, b"two", Existing::Replace).unwrap();
    let expected = if may_chown { gid + 1 } else { gid };
    // The group may read only what belongs to root.
    let expected_mode = if uid == 0 { 0o640 } else { 0o600 };
    assert_eq!(owner(&path), (uid, expected, expected_mode));
    if uid == 0 {
        unix_fs::chown(&path, Some(4711), Some(4712)).unwrap();
        write_secret(&path, b"three", Existing::Replace).unwrap();
        assert_eq!(owner(&path), (4711, 4712, 0o600));
    }
}

#[test]
fn who_reads_changes_and_writes_back_under_the_lock_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users");
    write_secret(&path, b"", Existing::Keep).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let _lock = WriteLock::beside(&path).unwrap();
                let text = fs::read_to_string(&path).unwrap() + "x";
                write_secret(&path, text.as_bytes(), Existing::Replace).unwrap();
            });
        }
    });
    assert_eq!(content(dir.path()), [(path, "xxxxxxxx".to_owned())]);
}
