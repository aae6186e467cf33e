//! When to look next.

use std::time::Duration;

/// How long to wait after each outcome.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// In a row.
    failures: u32,
}

impl Schedule {
    /// The certificate is to be renewed in so long. Clocks are set and files are replaced, so this is
    /// looked at again soon.
    pub(super) fn after_success(&mut self, due: Duration) -> Duration {
        self.failures = 0;
        due.min(INTERVAL)
    }

    /// Each failure doubles the wait.
    pub(super) fn after_failure(&mut self) -> Duration {
        let wait = 2_u32
            .checked_pow(self.failures)
            .and_then(|factor| FIRST_RETRY.checked_mul(factor))
            .unwrap_or(INTERVAL);
        self.failures = self.failures.saturating_add(1);
        wait.min(INTERVAL)
    }
}

/// How often the certificate is looked at.
pub(super) const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// An authority on a network disk that is not there yet may be there in a minute.
const FIRST_RETRY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_retried_ever_later_and_at_least_hourly() {
        let mut schedule = Schedule::default();
        let minutes: Vec<u64> = (0..9)
            .map(|_| schedule.after_failure().as_secs() / 60)
            .collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let second = Duration::from_secs(1);
        assert_eq!(schedule.after_success(second), second);
        assert_eq!(schedule.after_success(Duration::MAX), INTERVAL);
        assert_eq!(schedule.after_failure(), FIRST_RETRY);
        schedule.failures = u32::MAX;
        assert_eq!(schedule.after_failure(), INTERVAL);
    }
}
