//! The life of one certificate's staple.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pg_tls::{Identity, Staple};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::fetch::{FetchError, fetch};
use super::schedule::{LONGEST_RETRY, jitter, until_renewal, until_retry, wait_until};
use super::{report, subject};

/// Fetches a response now, unless the certificate has one already, and then again and again.
pub(super) async fn keep_fresh(identity: Arc<Identity>, fetches: Arc<Semaphore>) {
    let subject = subject(&identity);
    // Reads files and checks a signature, which connections must not wait for. The semaphore is never closed.
    let place = fetches.acquire().await;
    let asked = Arc::clone(&identity);
    let inquiry = spawn_blocking(move || asked.inquiry()).await;
    drop(place);
    let inquiry = match inquiry {
        Ok(Ok(inquiry)) => Arc::new(inquiry),
        Ok(Err(error)) => return report::cannot_ask(&subject, &error),
        // The runtime ends.
        Err(_) => return,
    };
    if let Some(staple) = identity.staple() {
        wait_until(renewal(staple.valid_until)).await;
    }
    let mut failures = 0;
    loop {
        let place = fetches.acquire().await;
        let result = fetch(Arc::clone(&inquiry)).await;
        drop(place);
        let due = match result {
            Ok(staple) => {
                failures = 0;
                identity.set_staple(Some(Staple::from(&staple)));
                report::fetched(&subject, &staple);
                renewal(staple.valid_until())
            }
            Err(error) => {
                failures += 1;
                after_failure(&identity, &subject, &error, failures)
            }
        };
        wait_until(due).await;
    }
}

/// Says what failed and returns when to try again. The staple there is stays until it expires, unless the
/// certificate is revoked: then "good" is known to be wrong.
pub(super) fn after_failure(
    identity: &Identity,
    subject: &str,
    error: &FetchError,
    failures: u32,
) -> SystemTime {
    let wait = if error.is_revocation() {
        identity.set_staple(None);
        report::revoked(subject, error);
        LONGEST_RETRY
    } else {
        let wait = until_retry(failures, jitter());
        report::not_fetched(subject, error, wait, identity.staple().as_ref());
        wait
    };
    from_now(wait)
}

/// When to replace a response that is valid until then.
fn renewal(valid_until: SystemTime) -> SystemTime {
    let remaining = valid_until
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    from_now(until_renewal(remaining, jitter()))
}

fn from_now(wait: Duration) -> SystemTime {
    let now = SystemTime::now();
    now.checked_add(wait).unwrap_or(now)
}
