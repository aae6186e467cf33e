//! Log lines that could come a thousand times a second, and must not.

use std::time::Duration;

use tokio::time::Instant;

/// How often at most such a line is written.
const INTERVAL: Duration = Duration::from_secs(10);

/// When a line was written last.
#[derive(Debug, Default)]
pub(crate) struct Occasion {
    last: Option<Instant>,
}

impl Occasion {
    /// Whether it is time for the line again; the caller writes it then.
    pub(crate) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.last.is_none_or(|last| now - last >= INTERVAL);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_is_due_once_in_an_interval() {
        let mut occasion = Occasion::default();
        assert!(occasion.is_due());
        assert!(!occasion.is_due());
        tokio::time::advance(INTERVAL).await;
        assert!(occasion.is_due());
        assert!(!occasion.is_due());
    }
}
