//! `ssl_crl_dir`: a directory of lists that is looked at for every client certificate.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use pg_certs::LoadError;
use pg_certs::load::{BlockKind, LoadFault};
use pg_certs::os_error;

use super::list::List;
use super::{Revocation, read};
use crate::config_error::ConfigError;

/// The directory and what was read from it.
///
/// Its files have the names that `openssl rehash` gives (`xxxxxxxx.rN`), or end in `.crl` or `.pem`.
/// Names and times of the files are looked at for every client certificate, or for a tenth of the time
/// if they are many. What has changed is read at once if it is small, otherwise by a thread, while the
/// lists of before go on to count.
pub(super) struct Directory {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    files: BTreeMap<OsString, File>,
    /// When to look at the directory again.
    due: Instant,
    /// Whether the log has been told that the directory cannot be read.
    unreadable: bool,
}

/// One file, as it was when it was last read.
struct File {
    stamp: Stamp,
    /// Those of an older version if this one cannot be used.
    lists: Vec<Arc<List>>,
}

/// What changes when a file does.
#[derive(Clone, Copy)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Whether it was old enough when it was looked at that a later change must show in it.
    settled: bool,
}

impl Stamp {
    fn new(metadata: &Metadata, now: SystemTime) -> Self {
        let modified = metadata.modified().unwrap_or(now);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            settled: now
                .duration_since(modified)
                .is_ok_and(|age| age > TIMESTAMP_STEP),
        }
    }

    /// Whether what was read then is what is there now.
    fn still_holds(&self, now: &Self) -> bool {
        self.settled && self.is_like(now)
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.device, self.inode, self.size) == (other.device, other.inode, other.size)
            && (self.modified, self.changed) == (other.modified, other.changed)
    }
}

/// The files of the moment.
type Names = BTreeMap<OsString, Stamp>;

impl Directory {
    /// Reads everything; a file that cannot be used is an error.
    pub(super) fn load(path: &Path) -> Result<Self, ConfigError> {
        let names = scan(path).map_err(|source| ConfigError::CrlDirectory {
            path: path.to_owned(),
            source,
        })?;
        let mut files = BTreeMap::new();
        for (name, stamp) in names {
            let lists = read_if_any(&path.join(&name)).map_err(ConfigError::CrlInDirectory)?;
            files.insert(name, File { stamp, lists });
        }
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                files,
                due: Instant::now(),
                unreadable: false,
            }),
        })
    }

    pub(super) fn lists(&self) -> Vec<Arc<List>> {
        self.lock().lists()
    }

    /// Brings the lists of `owner`, whose directory this is, up to date.
    ///
    /// One caller looks; the others go on with what there is.
    pub(super) fn refresh(&self, owner: &Arc<Revocation>) {
        let Ok(mut state) = self.state.try_lock() else {
            return;
        };
        let begun = Instant::now();
        if begun < state.due {
            return;
        }
        let Some(names) = self.scan(&mut state) else {
            return;
        };
        let (changed, bytes) = state.compare(&names);
        if changed && bytes <= INLINE_MAX {
            self.read(&mut state, names);
            owner.publish(state.lists());
        } else if changed {
            drop(state);
            let owner = Arc::clone(owner);
            // Without a thread the next caller tries again.
            let _ = std::thread::Builder::new()
                .name("revocation lists".to_owned())
                .spawn(move || owner.read_directory());
            return;
        }
        if state.files.len() > MANY {
            state.due = Instant::now() + begun.elapsed() * PAUSE;
        }
    }

    /// Reads what has changed, however large.
    pub(super) fn read_changes(&self) -> Vec<Arc<List>> {
        let mut state = self.lock();
        if let Some(names) = self.scan(&mut state) {
            self.read(&mut state, names);
        }
        state.lists()
    }

    fn scan(&self, state: &mut State) -> Option<Names> {
        match scan(&self.path) {
            Ok(names) => {
                state.unreadable = false;
                Some(names)
            }
            Err(error) => {
                if !state.unreadable {
                    tracing::warn!(
                        path = %self.path.display(),
                        "could not read ssl_crl_dir, so its lists stay as they were: {}",
                        os_error::text(&error)
                    );
                }
                state.unreadable = true;
                None
            }
        }
    }

    /// Replaces what has changed. A file that cannot be used leaves its lists as they were.
    fn read(&self, state: &mut State, names: Names) {
        let mut before = std::mem::take(&mut state.files);
        for (name, stamp) in names {
            let old = before.remove(&name);
            let known = old.as_ref().map(|file| file.stamp);
            let kept = old.map(|file| file.lists).unwrap_or_default();
            let lists = match known {
                Some(known) if known.still_holds(&stamp) => kept,
                _ => match read_if_any(&self.path.join(&name)) {
                    Ok(lists) => lists,
                    Err(error) => {
                        // Once for each version of the file.
                        if known.is_none_or(|known| !known.is_like(&stamp)) {
                            tracing::warn!("{error}; what was read of it before stays in use");
                        }
                        kept
                    }
                },
            };
            state.files.insert(name, File { stamp, lists });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lists(&self) -> Vec<Arc<List>> {
        self.files
            .values()
            .flat_map(|file| file.lists.iter().cloned())
            .collect()
    }

    /// Whether anything has changed, and how many bytes that is.
    fn compare(&self, names: &Names) -> (bool, u64) {
        let mut changed = self.files.keys().any(|name| !names.contains_key(name));
        let mut bytes = 0u64;
        for (name, stamp) in names {
            let known = self.files.get(name);
            if known.is_none_or(|file| !file.stamp.still_holds(stamp)) {
                changed = true;
                bytes = bytes.saturating_add(stamp.size);
            }
        }
        (changed, bytes)
    }
}

/// The files with fitting names, and their stamps.
fn scan(path: &Path) -> io::Result<Names> {
    let now = SystemTime::now();
    let mut names = Names::new();
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        if !is_list(&name) {
            continue;
        }
        // Through symbolic links, which is what `openssl rehash` makes.
        match std::fs::metadata(path.join(&name)) {
            Ok(metadata) => {
                names.insert(name, Stamp::new(&metadata, now));
            }
            // Removed since, or a link to nowhere.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(names)
}

/// `xxxxxxxx.rN` with hexadecimal digits, `*.crl`, or `*.pem`; nothing hidden.
fn is_list(name: &OsStr) -> bool {
    let Some((stem, extension)) = name.to_str().and_then(|name| name.rsplit_once('.')) else {
        return false;
    };
    if stem.is_empty() || stem.starts_with('.') {
        return false;
    }
    match extension.strip_prefix('r') {
        Some(number) => {
            stem.len() == HASH_LEN
                && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => matches!(extension, "crl" | "pem"),
    }
}

/// The lists of a file; certificates beside them, or alone in a file, are somebody else's.
fn read_if_any(path: &Path) -> Result<Vec<Arc<List>>, LoadError> {
    match read(path) {
        Err(error)
            if matches!(
                error.fault(),
                LoadFault::WrongBlock {
                    found: BlockKind::Certificate,
                    ..
                }
            ) =>
        {
            Ok(Vec::new())
        }
        result => result,
    }
}

/// Digits of the hash in a name that `openssl rehash` gives.
const HASH_LEN: usize = 8;

/// What can be parsed in some milliseconds: a list of about 25,000 certificates.
const INLINE_MAX: u64 = 1024 * 1024;

/// Looking at so many files takes a millisecond or two.
const MANY: usize = 1_000;

/// Looking at more of them takes at most a tenth of the time.
const PAUSE: u32 = 9;

/// File systems note times in steps of up to two seconds (FAT), usually of some milliseconds; a change
/// within one step of the last does not show.
const TIMESTAMP_STEP: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::fs;

    use pg_certs::CertificateAuthority;
    use pg_certs::generate::{CaSpec, ClientSpec, CrlSpec};
    use pg_certs::info::RevocationReason;

    use super::*;

    #[test]
    fn names_are_those_of_lists() {
        for name in ["0123abcd.r0", "0123ABCD.r17", "a.crl", "a.b.pem", "ä.crl"] {
            assert!(is_list(OsStr::new(name)), "{name}");
        }
        for name in [
            "0123abcd.0",
            "0123abcd.r",
            "0123abcd.rx",
            "0123abc.r0",
            "0123abcg.r0",
            ".crl",
            ".a.crl",
            "crl",
            "a.crl~",
            "a.CRL",
            "a.crt",
        ] {
            assert!(!is_list(OsStr::new(name)), "{name}");
        }
    }

    /// A directory that has what is to be seen of it.
    struct Fixture {
        dir: tempfile::TempDir,
        revocation: Arc<Revocation>,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let revocation = Revocation::load(None, Some(dir.path())).unwrap().unwrap();
            Self { dir, revocation }
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.revocation.directory.as_ref().unwrap().lock()
        }

        fn has_lists(&self) -> bool {
            !self.revocation.current().combinations().is_empty()
        }
    }

    #[test]
    fn large_lists_come_into_use_without_anybody_waiting_for_them() {
        let fixture = Fixture::new();
        let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
        let alice = ca.issue_client(&ClientSpec::new("alice")).unwrap();
        let spec = CrlSpec::new().revoke(alice.info(), RevocationReason::Superseded);
        let mut pem = ca.sign_crl(&spec).unwrap().pem();
        // Text before the list makes the file large.
        pem.insert_str(0, &"x\n".repeat(1024 * 1024));
        fs::write(fixture.dir.path().join("large.crl"), pem).unwrap();
        while !fixture.has_lists() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn directories_of_many_files_are_not_looked_at_all_the_time() {
        let fixture = Fixture::new();
        for number in 0..=MANY {
            let name = format!("{number:08}.pem");
            let ca = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
            fs::write(fixture.dir.path().join(name), ca).unwrap();
        }
        let before = Instant::now();
        assert!(!fixture.has_lists());
        assert!(fixture.state().due > before);
        assert!(fixture.state().due < Instant::now() + before.elapsed() * PAUSE);
        // Until then nobody looks.
        fixture.state().due = Instant::now() + Duration::from_secs(3600);
        fs::remove_dir_all(fixture.dir.path()).unwrap();
        assert!(!fixture.has_lists());
        assert!(!fixture.state().unreadable);
    }

    #[test]
    fn a_change_within_a_step_of_the_clock_is_seen() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        let modified = metadata.modified().unwrap();
        let young = Stamp::new(&metadata, modified + Duration::from_secs(1));
        let old = Stamp::new(&metadata, modified + Duration::from_secs(3));
        assert!(!young.still_holds(&old));
        assert!(old.still_holds(&young));
    }
}
