//! Where to watch, so that no change of a file goes unnoticed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// How many symbolic links a path may lead through: Linux' own limit.
const MAX_LINKS: usize = 40;

/// Directories, and what in them matters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places(BTreeMap<PathBuf, Place>);

/// What matters of a directory.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    /// Entries: files, links that lead to one, and what is not there yet.
    names: BTreeSet<OsString>,
    /// Whether every entry does.
    whole: bool,
}

impl Places {
    /// The directory of every file, and of every symbolic link on the way to it: Kubernetes replaces a file
    /// by pointing a link at another directory, `tls.crt -> ..data/tls.crt` and `..data -> ..2026`.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut places = Self::default();
        for path in paths {
            places.trace(path);
        }
        places
    }

    /// What to watch.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// Whether it matters that something has become of this entry of a directory, or of the directory.
    pub(super) fn concern(&self, path: &Path) -> bool {
        let entry = path.parent().zip(path.file_name());
        self.0.contains_key(path)
            || entry.is_some_and(|(directory, name)| {
                self.0.get(directory).is_some_and(|it| it.concerns(name))
            })
    }

    fn trace(&mut self, path: &Path) {
        let Ok(path) = std::path::absolute(path) else {
            return;
        };
        let mut links = 0;
        let mut ahead: VecDeque<OsString> = steps(&path).collect();
        // Never holds a link, so that `..` is what it seems.
        let mut reached = PathBuf::from("/");
        while let Some(step) = ahead.pop_front() {
            if step == ".." {
                reached.pop();
                continue;
            }
            let next = reached.join(&step);
            if let Ok(target) = fs::read_link(&next) {
                self.add(&reached, &step);
                links += 1;
                if links > MAX_LINKS {
                    return;
                }
                if target.is_absolute() {
                    reached = PathBuf::from("/");
                }
                for step in steps(&target).collect::<Vec<_>>().into_iter().rev() {
                    ahead.push_front(step);
                }
            } else if next.is_dir() {
                if ahead.is_empty() {
                    self.add(&reached, &step);
                    self.0.entry(next).or_default().whole = true;
                    return;
                }
                reached = next;
            } else {
                self.add(&reached, &step);
                return;
            }
        }
    }

    fn add(&mut self, directory: &Path, name: &OsStr) {
        let place = self.0.entry(directory.to_owned()).or_default();
        place.names.insert(name.to_owned());
    }
}

impl Place {
    fn concerns(&self, name: &OsStr) -> bool {
        self.whole || self.names.contains(name)
    }
}

/// The components that lead on.
fn steps(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::Prefix(_) | Component::RootDir => None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way_is_watched_in_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let path = |name: &str| root.join(name);
        fs::create_dir_all(path("mount/..2026_1")).unwrap();
        fs::create_dir(path("parts")).unwrap();
        fs::write(path("mount/..2026_1/tls.crt"), "").unwrap();
        symlink("..2026_1", path("mount/..data")).unwrap();
        symlink("..data/tls.crt", path("mount/tls.crt")).unwrap();
        symlink(path("mount"), path("live")).unwrap();
        symlink("loop", path("loop")).unwrap();
        let paths = [
            "live/tls.crt",
            "live/../mount/tls.crt",
            "parts",
            "later/server.key",
            "loop",
        ];
        let paths = paths.map(path);
        let places = Places::of(paths.iter().map(PathBuf::as_path));
        let shown: Vec<String> = { places.0.iter() }
            .map(|(directory, place)| {
                let directory = directory.strip_prefix(&root).unwrap().display();
                format!("{directory}: {:?} {}", place.names, place.whole)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ": {\"later\", \"live\", \"loop\", \"parts\"} false",
                "mount: {\"..data\", \"tls.crt\"} false",
                "mount/..2026_1: {\"tls.crt\"} false",
                "parts: {} true",
            ]
        );
    }
}
