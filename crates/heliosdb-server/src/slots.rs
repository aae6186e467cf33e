//! Places for sessions: `max_connections`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many sessions there are. The limit is the caller's, so that a reload can change it.
#[derive(Debug, Default)]
pub(crate) struct Slots(AtomicUsize);

/// A session's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Slots>);

impl Slots {
    /// Whether there was a place a moment ago.
    pub(crate) fn has_room(&self, limit: usize) -> bool {
        self.0.load(Ordering::Relaxed) < limit
    }

    /// Takes a place, if fewer than `limit` are taken.
    pub(crate) fn take(self: &Arc<Self>, limit: usize) -> Option<Slot> {
        let one_more = |taken: usize| (taken < limit).then_some(taken.saturating_add(1));
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .is_ok()
            .then(|| Slot(Arc::clone(self)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_end_and_come_back_and_the_limit_may_change() {
        let slots = Arc::new(Slots::default());
        let first = slots.take(2).unwrap();
        let _second = slots.take(2).unwrap();
        assert!(!slots.has_room(2) && slots.take(2).is_none());
        assert!(slots.has_room(3));
        // Who is in stays when the limit sinks; the next must wait for both to leave.
        drop(first);
        assert!(slots.take(1).is_none());
        assert!(slots.take(2).is_some());
    }
}
