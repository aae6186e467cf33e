//! What became of the reloads.

use std::fmt;
use std::time::SystemTime;

/// Which configuration is in use, and what became of the last attempt to replace it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadStatus {
    /// How many configurations have been in use: 1 from the start, one more after each reload.
    pub generation: u64,
    /// Since when the present one is in use.
    pub since: SystemTime,
    /// The last reload; none since the start if missing.
    pub last_attempt: Option<ReloadAttempt>,
}

/// One reload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadAttempt {
    /// When it ended.
    pub at: SystemTime,
    /// Who asked for it.
    pub trigger: ReloadTrigger,
    /// Why all of the old configuration was kept, one reason a line with the file it is about; `None` if the
    /// new one is in use.
    pub failure: Option<String>,
}

/// What makes a server read its configuration again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReloadTrigger {
    /// The program, through a [`ReloadHandle`](super::ReloadHandle).
    #[default]
    Program,
    /// Files have changed, and `reload_on_change` is on.
    Files,
    /// The signal SIGHUP.
    Signal,
    /// The server has renewed its certificate.
    Renewal,
}

impl fmt::Display for ReloadTrigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Program => "the program asked for it",
            Self::Files => "files have changed",
            Self::Signal => "received SIGHUP",
            Self::Renewal => "the certificate was renewed",
        })
    }
}

impl ReloadStatus {
    pub(super) fn at_start() -> Self {
        Self {
            generation: 1,
            since: SystemTime::now(),
            last_attempt: None,
        }
    }

    pub(super) fn succeeded(&mut self, trigger: ReloadTrigger, generation: u64) {
        let at = SystemTime::now();
        self.generation = generation;
        self.since = at;
        self.last_attempt = Some(ReloadAttempt {
            at,
            trigger,
            failure: None,
        });
    }

    pub(super) fn failed(&mut self, trigger: ReloadTrigger, reason: String) {
        self.last_attempt = Some(ReloadAttempt {
            at: SystemTime::now(),
            trigger,
            failure: Some(reason),
        });
    }
}
