//! Writers wait for each other.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::WriteError;
use super::single::Target;

/// Keeps other writers of this module out of a directory until it is dropped.
#[derive(Debug)]
pub struct WriteLock {
    /// The lock is on this open directory, and goes with it.
    _directory: File,
}

impl WriteLock {
    /// Waits for those who write beside `path`, for whoever reads a file, changes it and writes it
    /// back with [`write_secret`](super::write_secret) or
    /// [`write_certificate`](super::write_certificate). Missing directories are made.
    ///
    /// # Errors
    ///
    /// [`WriteError::Busy`] after 30 seconds, or what the system refused.
    pub fn beside(path: &Path) -> Result<Self, WriteError> {
        Self::of_directory(&Target::new(path)?.directory)
    }

    pub(super) fn of_directory(path: &Path) -> Result<Self, WriteError> {
        let directory = File::open(path).map_err(WriteError::io("open", path))?;
        let start = Instant::now();
        loop {
            match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                // A file system without locks on directories (NFS): then nothing protects from a second writer.
                Ok(()) | Err(Errno::NOTSUP | Errno::NOLCK | Errno::BADF) => {
                    return Ok(Self {
                        _directory: directory,
                    });
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) if start.elapsed() < WAIT_MAX => {
                    std::thread::sleep(POLL);
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    return Err(WriteError::Busy {
                        path: path.to_owned(),
                    });
                }
                Err(error) => return Err(WriteError::io("lock", path)(error.into())),
            }
        }
    }
}

/// Generating an RSA-4096 key under the lock takes seconds on a slow machine.
const WAIT_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
