//! Who may own and read a private key file: PostgreSQL's rule.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::os_error;

/// Checks a private key file by PostgreSQL's rule, following symbolic links.
///
/// A regular file that belongs to the user of this process, with nothing for group and others (0600
/// or less), or to root, with at most reading for the group (0640 or less). The bits of the owner are
/// not looked at. When this process runs as root, the first, stricter half applies, as in PostgreSQL.
/// Source: `check_ssl_key_file_permissions` in PostgreSQL's `be-secure-common.c`; spec section 5.3.
///
/// # Errors
///
/// [`KeyFileError`], in the order PostgreSQL checks: access, kind of file, owner, mode.
pub fn check_key_file_permissions(path: &Path) -> Result<(), KeyFileError> {
    let metadata = std::fs::metadata(path).map_err(|source| KeyFileError::Access {
        path: path.to_owned(),
        source,
    })?;
    let facts = Facts {
        regular: metadata.is_file(),
        owner: metadata.uid(),
        mode: metadata.mode(),
    };
    judge(path, facts, rustix::process::geteuid().as_raw())
}

/// Why a private key file may not be used. The text is PostgreSQL's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file is not there, or not to be reached.
    #[error("could not access private key file \"{}\": {}", path.display(), os_error::text(source))]
    Access {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Group or others may read or change it.
    #[error("private key file \"{}\" has group or world access", path.display())]
    GroupOrWorldAccess {
        /// The file.
        path: PathBuf,
    },
    /// A directory, pipe, device or socket.
    #[error("private key file \"{}\" is not a regular file", path.display())]
    NotRegularFile {
        /// The file.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("private key file \"{}\" must be owned by the database user or root", path.display())]
    WrongOwner {
        /// The file.
        path: PathBuf,
    },
}

impl KeyFileError {
    /// PostgreSQL's DETAIL line, where it has one.
    pub fn detail(&self) -> Option<&'static str> {
        match self {
            Self::GroupOrWorldAccess { .. } => Some(
                "File must have permissions u=rw (0600) or less if owned by the database user, \
                 or permissions u=rw,g=r (0640) or less if owned by root.",
            ),
            Self::Access { .. } | Self::NotRegularFile { .. } | Self::WrongOwner { .. } => None,
        }
    }

    /// The SQLSTATE that PostgreSQL logs: `F0000`, or the one of the failed system call (PostgreSQL's
    /// `errcode_for_file_access`).
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::GroupOrWorldAccess { .. }
            | Self::NotRegularFile { .. }
            | Self::WrongOwner { .. } => "F0000",
            Self::Access { source, .. } => os_error::sqlstate(source),
        }
    }
}

/// What the rule looks at.
#[derive(Clone, Copy)]
struct Facts {
    regular: bool,
    owner: u32,
    mode: u32,
}

fn judge(path: &Path, facts: Facts, me: u32) -> Result<(), KeyFileError> {
    let path = || path.to_owned();
    if !facts.regular {
        return Err(KeyFileError::NotRegularFile { path: path() });
    }
    if facts.owner != me && facts.owner != ROOT {
        return Err(KeyFileError::WrongOwner { path: path() });
    }
    let forbidden = if facts.owner == me { 0o077 } else { 0o037 };
    if facts.mode & forbidden != 0 {
        return Err(KeyFileError::GroupOrWorldAccess { path: path() });
    }
    Ok(())
}

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[track_caller]
    fn check(owner: u32, mode: u32, me: u32, expected: Result<(), &str>) {
        let facts = Facts {
            regular: true,
            owner,
            mode: 0o100_000 | mode,
        };
        let seen = judge(Path::new("server.key"), facts, me).map_err(|error| error.to_string());
        assert_eq!(
            seen,
            expected.map_err(ToOwned::to_owned),
            "owner {owner} mode {mode:o} me {me}"
        );
    }

    #[test]
    fn c09_own_file_is_0600_or_stricter_and_roots_0640_or_stricter() {
        const ACCESS: Result<(), &str> =
            Err("private key file \"server.key\" has group or world access");
        const OWNER: Result<(), &str> =
            Err("private key file \"server.key\" must be owned by the database user or root");
        for mode in [0o600, 0o400, 0o700, 0o000] {
            check(26, mode, 26, Ok(()));
            check(ROOT, mode, 26, Ok(()));
            check(ROOT, mode, ROOT, Ok(()));
            check(27, mode, 26, OWNER);
        }
        for mode in [0o640, 0o440] {
            check(26, mode, 26, ACCESS);
            check(ROOT, mode, 26, Ok(()));
            check(ROOT, mode, ROOT, ACCESS);
        }
        for mode in [0o644, 0o604, 0o660, 0o650, 0o601, 0o602] {
            check(26, mode, 26, ACCESS);
            check(ROOT, mode, 26, ACCESS);
        }
    }

    #[test]
    fn c09_texts_and_codes_are_postgresqls() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("server.key");

        let absent = check_key_file_permissions(&key).unwrap_err();
        assert_eq!(
            absent.to_string(),
            format!(
                "could not access private key file \"{}\": No such file or directory",
                key.display()
            )
        );
        assert_eq!(absent.sqlstate(), "58P01");

        let directory = check_key_file_permissions(dir.path()).unwrap_err();
        assert_eq!(
            directory.to_string(),
            format!(
                "private key file \"{}\" is not a regular file",
                dir.path().display()
            )
        );
        assert_eq!((directory.sqlstate(), directory.detail()), ("F0000", None));

        fs::write(&key, "").unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
        let open = check_key_file_permissions(&key).unwrap_err();
        assert_eq!(open.sqlstate(), "F0000");
        assert_eq!(
            open.detail().unwrap(),
            "File must have permissions u=rw (0600) or less if owned by the database user, or permissions \
             u=rw,g=r (0640) or less if owned by root."
        );

        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        check_key_file_permissions(&key).unwrap();
    }

    #[test]
    fn c09_a_pipe_is_refused_without_being_opened() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("server.key");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(matches!(
            check_key_file_permissions(&pipe),
            Err(KeyFileError::NotRegularFile { .. })
        ));
        assert!(matches!(
            crate::load_private_key(&pipe).unwrap_err().fault(),
            crate::load::LoadFault::NotRegularFile
        ));
    }

    #[test]
    fn symbolic_links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("real.key");
        fs::write(&key, "").unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let link = dir.path().join("server.key");
        std::os::unix::fs::symlink(&key, &link).unwrap();
        check_key_file_permissions(&link).unwrap();
    }
}
