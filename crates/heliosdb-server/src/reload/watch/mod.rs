//! Reloads when files change.
//!
//! What counts is that a file holds something else than at the last reload. The system's notices only tell
//! when to look; besides, the files are looked at regularly, since notices do not cross network file systems
//! and can be lost.
//!
//! Certificate and key, or several files of rules, may be replaced one after the other. So a reload that
//! fails is tried again in silence at every change, and only what is still wrong when the time for that is
//! over is called a failure.

mod notices;
mod places;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout_at};

use self::notices::Notices;
use self::places::Places;
use super::live::{Live, Voice};
use super::status::{ReloadStatus, ReloadTrigger};
use crate::report;

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Whether the system is asked for notices.
    pub(super) notices: bool,
    /// How long nothing may change before the files are looked at.
    pub(super) quiet: Duration,
    /// How long that is waited for at most.
    pub(super) patience: Duration,
    /// How long what is wrong may be an unfinished change.
    pub(super) settle: Duration,
    /// The time between two looks meanwhile.
    pub(super) settle_look: Duration,
    /// The time between two looks when there are notices.
    pub(super) look: Duration,
    /// The time between two looks when there are none.
    pub(super) poll: Duration,
}

impl Pace {
    pub(super) const USUAL: Self = Self {
        notices: true,
        quiet: Duration::from_millis(100),
        patience: Duration::from_secs(1),
        settle: Duration::from_secs(5),
        settle_look: Duration::from_millis(250),
        look: Duration::from_secs(60),
        poll: Duration::from_secs(5),
    };
}

/// Watches the files of a server until it is dropped.
pub(super) async fn run(live: Arc<Live>, pace: Pace) {
    let mut watcher = Watcher {
        status: live.status().subscribe(),
        live,
        pace,
        failing_since: None,
        complained: false,
    };
    while watcher.step().await.is_some() {}
}

struct Watcher {
    live: Arc<Live>,
    pace: Pace,
    /// Tells of the reloads of others.
    status: watch::Receiver<ReloadStatus>,
    /// When the first of the reloads that were tried in silence failed.
    failing_since: Option<Instant>,
    /// Whether the log has been told that there are no notices.
    complained: bool,
}

/// What a look has found. The notices began before it, so that no change falls between.
struct Look {
    notices: Option<Notices>,
    changed: Vec<PathBuf>,
}

impl Watcher {
    /// Looks, then reloads or waits. `None` if there is nothing more to watch.
    async fn step(&mut self) -> Option<()> {
        if !self.live.get().reload_on_change {
            return self.status.changed().await.ok();
        }
        if self.status.has_changed().ok()? {
            self.status.mark_unchanged();
            // Somebody else has tried, and told the log what came of it.
            self.failing_since = None;
        }
        let Look {
            mut notices,
            changed,
        } = self.look().await?;
        let settled = self.failing_since.map(|since| since + self.pace.settle);
        let is_over = settled.is_some_and(|limit| Instant::now() >= limit);
        if is_over || !changed.is_empty() {
            return self.reload(changed, is_over).await;
        }
        let pause = match (settled, &notices) {
            (Some(_), _) => self.pace.settle_look,
            (None, Some(_)) => self.pace.look,
            (None, None) => self.pace.poll,
        };
        self.wait(notices.as_mut(), pause).await
    }

    async fn look(&mut self) -> Option<Look> {
        let (live, pace) = (Arc::clone(&self.live), self.pace);
        let look = move || {
            let seen = live.seen();
            let notices = pace
                .notices
                .then(|| Notices::new(Places::of(seen.paths())))
                .transpose();
            (notices, live.changed(&seen))
        };
        let (notices, changed) = spawn_blocking(look).await.ok()?;
        let notices = match notices {
            Ok(notices) => {
                self.complained = false;
                notices
            }
            Err(error) => {
                if !self.complained {
                    self.complained = true;
                    report::no_notices(&error, self.pace.poll);
                }
                None
            }
        };
        Some(Look { notices, changed })
    }

    /// Tries in silence, or for the last time.
    async fn reload(&mut self, changed: Vec<PathBuf>, is_last: bool) -> Option<()> {
        let live = Arc::clone(&self.live);
        let voice = if is_last {
            Voice::Aloud
        } else {
            Voice::IfItWorks
        };
        let reload = move || live.reload(ReloadTrigger::Files, None, voice, &changed);
        let result = spawn_blocking(reload).await.ok()?;
        self.failing_since = match result {
            Err(_) if !is_last => self.failing_since.or_else(|| Some(Instant::now())),
            _ => None,
        };
        // It is this one's own news.
        self.status.mark_unchanged();
        Some(())
    }

    /// Waits for a notice, for somebody else's reload, or until it is time to look again.
    async fn wait(&mut self, mut notices: Option<&mut Notices>, pause: Duration) -> Option<()> {
        tokio::select! {
            changed = self.status.changed() => {
                self.failing_since = None;
                return changed.ok();
            }
            () = sleep(pause) => return Some(()),
            () = next(notices.as_deref_mut()) => {}
        }
        let limit = Instant::now() + self.pace.patience;
        loop {
            let quiet = limit.min(Instant::now() + self.pace.quiet);
            if timeout_at(quiet, next(notices.as_deref_mut()))
                .await
                .is_err()
                || Instant::now() >= limit
            {
                return Some(());
            }
        }
    }
}

async fn next(notices: Option<&mut Notices>) {
    match notices {
        Some(notices) => notices.next().await,
        None => std::future::pending().await,
    }
}
