//! What files hold, in a form that can be compared.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hash as _, Hasher, RandomState};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Files as they were when they were looked at, by a hash of what they hold and of who may read them. Times
/// are not looked at: they need not change when a file does, and the other way round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents(BTreeMap<PathBuf, u64>);

impl Contents {
    /// Looks at these files. Hashes of different `keys` cannot be compared.
    pub(super) fn look(paths: impl IntoIterator<Item = PathBuf>, keys: &RandomState) -> Self {
        let entry = |path: PathBuf| {
            let hash = fingerprint(&path, keys);
            (path, hash)
        };
        Self(paths.into_iter().map(entry).collect())
    }

    /// Looks at the same files again.
    pub(super) fn again(&self, keys: &RandomState) -> Self {
        Self::look(self.0.keys().cloned(), keys)
    }

    /// Adds other files, or other looks at the same.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// The files that `later`, a look at the same files, found changed.
    pub(super) fn changed(&self, later: &Self) -> Vec<PathBuf> {
        let differs = |(path, hash): &(&PathBuf, &u64)| later.0.get(*path) != Some(*hash);
        let changed = self.0.iter().filter(differs);
        changed.map(|(path, _)| path.clone()).collect()
    }
}

/// A hash that another one made with other keys says nothing about: files may hold secrets.
fn fingerprint(path: &Path, keys: &RandomState) -> u64 {
    let mut hasher = keys.build_hasher();
    if let Err(error) = hash(path, &mut hasher) {
        error.kind().hash(&mut hasher);
    }
    hasher.finish()
}

fn hash(path: &Path, hasher: &mut impl Hasher) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    (metadata.mode(), metadata.uid()).hash(hasher);
    if metadata.is_dir() {
        let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        names.hash(hasher);
    } else if metadata.is_file() {
        // Of its size when it was opened at the most, so that one that grows without end has an end.
        let mut file = File::open(path)?.take(metadata.len());
        let mut buf = Zeroizing::new([0; CHUNK]);
        loop {
            let count = file.read(buf.as_mut_slice())?;
            match buf.get(..count) {
                Some(chunk) if count > 0 => hasher.write(chunk),
                _ => break,
            }
        }
    }
    Ok(())
}

const CHUNK: usize = 4096;

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_held_counts_and_who_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let write = |name: &str, bytes: &[u8]| fs::write(path(name), bytes).unwrap();
        write("long", &[7; 3 * CHUNK]);
        write("other", b"1");
        let keys = RandomState::new();
        let paths = ["long", "other", "missing", ""].map(path);
        let first = Contents::look(paths, &keys);
        let changed = |names: &[&str]| {
            let again = first.again(&keys);
            let changed: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
            assert_eq!(first.changed(&again), changed);
        };
        changed(&[]);
        // The same again, by another file of another time.
        write("new", &[7; 3 * CHUNK]);
        fs::rename(path("new"), path("long")).unwrap();
        changed(&[]);
        let mut last = [7; 3 * CHUNK];
        last[3 * CHUNK - 1] = 8;
        write("long", &last);
        changed(&["long"]);
        write("missing", b"");
        changed(&["", "long", "missing"]);
        fs::remove_file(path("missing")).unwrap();
        fs::set_permissions(path("other"), Permissions::from_mode(0o600)).unwrap();
        changed(&["long", "other"]);
    }

    #[test]
    fn the_later_look_counts() {
        let directory = tempfile::tempdir().unwrap();
        let keys = RandomState::new();
        let look = || Contents::look([directory.path().to_owned()], &keys);
        let empty = look();
        fs::write(directory.path().join("file"), "").unwrap();
        let later = look();
        assert_ne!(empty, later);
        assert_eq!(empty.and(later.clone()), later);
    }
}
