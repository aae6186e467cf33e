//! Looks after the certificate while the server serves.

use std::time::SystemTime;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Checked;
use super::schedule::{INTERVAL, Schedule};
use crate::reload::{ReloadHandle, ReloadTrigger};

/// What is to be done next.
#[derive(Debug)]
enum Outcome {
    Off,
    Checked(Checked),
    Failed,
}

/// Runs until it is dropped. Every reload of the configuration makes it look again.
pub(crate) async fn run(handle: ReloadHandle) {
    let handle = handle.triggered_by(ReloadTrigger::Renewal);
    let mut reloads = handle.subscribe();
    let mut schedule = Schedule::default();
    // Files that are renewed but not served yet: another file kept the reload from working.
    let mut reload_is_due = false;
    loop {
        // Marked as seen before looking, so that no change is missed.
        reloads.borrow_and_update();
        let checked = check(&handle).await;
        reload_is_due |= matches!(checked, Outcome::Checked(Checked::Renewed));
        if reload_is_due {
            reload_is_due = !reload(&handle).await;
            reloads.borrow_and_update();
        }
        let wait = match checked {
            _ if reload_is_due => schedule.after_failure(),
            Outcome::Failed => schedule.after_failure(),
            Outcome::Off | Outcome::Checked(Checked::Renewed) => schedule.after_success(INTERVAL),
            Outcome::Checked(Checked::NotDue(wait)) => schedule.after_success(wait),
        };
        tokio::select! {
            () = sleep(wait) => {}
            // The handle holds the sender.
            _ = reloads.changed() => {}
        }
    }
}

async fn check(handle: &ReloadHandle) -> Outcome {
    let handle = handle.clone();
    let checked = spawn_blocking(move || {
        let Some(own) = handle.own_certificate() else {
            return Outcome::Off;
        };
        match own.check(SystemTime::now()) {
            Ok(checked) => Outcome::Checked(checked),
            Err(error) => {
                own.report(&error);
                Outcome::Failed
            }
        }
    });
    checked.await.unwrap_or(Outcome::Failed)
}

/// Whether the renewed files are served now; the log says why not.
async fn reload(handle: &ReloadHandle) -> bool {
    let handle = handle.clone();
    spawn_blocking(move || handle.reload().is_ok())
        .await
        .unwrap_or(false)
}
