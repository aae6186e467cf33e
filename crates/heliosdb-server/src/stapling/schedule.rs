//! When to ask a responder next.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;

/// After the first failure; doubled with every further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// The longest time between two attempts that fail.
pub(super) const LONGEST_RETRY: Duration = Duration::from_secs(3600);

/// How long to wait with a response that is valid for this long: half of it, so that as much again is left
/// for a responder that is out of order.
pub(super) fn until_renewal(remaining: Duration, jitter: f64) -> Duration {
    (remaining / 2).mul_f64(jitter).max(FIRST_RETRY)
}

/// How long to wait after this many failures in a row, the first of them counted as 1.
pub(super) fn until_retry(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_RETRY
        .saturating_mul(1 << doublings)
        .min(LONGEST_RETRY)
        .mul_f64(jitter)
}

/// A factor from 0.9 to 1.1, so that servers started together do not ask together for ever.
pub(super) fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    0.9 + 0.2 * f64::from(random) / f64::from(u32::MAX)
}

/// Waits for a time of the clock on the wall, also if that is changed or the machine sleeps meanwhile.
pub(super) async fn wait_until(due: SystemTime) {
    const LOOK_AGAIN: Duration = Duration::from_secs(600);
    while let Ok(left) = due.duration_since(SystemTime::now())
        && !left.is_zero()
    {
        sleep(left.min(LOOK_AGAIN)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_is_due_at_half_time_more_or_less() {
        for (remaining, jitter, expected) in [
            (7 * 86_400, 1.0, 302_400),
            (1000, 0.9, 450),
            (1000, 1.1, 550),
            (1, 1.0, 1),
            (0, 1.0, 1),
        ] {
            let wait = until_renewal(Duration::from_secs(remaining), jitter);
            assert_eq!(wait, Duration::from_secs(expected), "{remaining}");
        }
    }

    #[test]
    fn retries_grow_apart_up_to_an_hour() {
        let waits: Vec<u64> = [1, 2, 3, 4, 11, 12, 13, 14, u32::MAX]
            .map(|failures| until_retry(failures, 1.0).as_secs())
            .to_vec();
        assert_eq!(waits, [1, 2, 4, 8, 1024, 2048, 3600, 3600, 3600]);
    }

    #[test]
    fn jitter_stays_near_one() {
        for _ in 0..100 {
            assert!((0.9..=1.1).contains(&jitter()));
        }
    }
}
