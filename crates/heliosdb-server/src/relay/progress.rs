//! What the relay knows of a session's state, from message tags and the status byte alone.

use pg_wire::backend::TransactionStatus;

/// Where a session stands between its client and its engine.
///
/// Counting can only err towards "busy": an idle session that is taken for a busy one ends a little
/// later at shutdown, a busy one that was taken for idle would lose a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Messages sent to the engine that each bring one ReadyForQuery.
    unanswered: u64,
    /// How many of them, at the end of the row, are Sync.
    trailing_syncs: u64,
    /// Extended-query messages were sent and their Sync was not.
    is_batch_open: bool,
    /// The engine takes CopyData. It ignores Sync until the copy ends (protocol chapter "COPY").
    is_copying_in: bool,
    /// The status in the last ReadyForQuery.
    status: TransactionStatus,
}

impl Progress {
    /// A session that has just been told ReadyForQuery with this status.
    pub(crate) const fn new(status: TransactionStatus) -> Self {
        Self {
            unanswered: 0,
            trailing_syncs: 0,
            is_batch_open: false,
            is_copying_in: false,
            status,
        }
    }

    /// A message from the client goes to the engine.
    pub(crate) fn on_frontend(&mut self, tag: u8) {
        match tag {
            b'Q' | b'F' => {
                self.unanswered += 1;
                self.trailing_syncs = 0;
                self.is_batch_open = false;
            }
            b'S' => {
                self.is_batch_open = false;
                if !self.is_copying_in {
                    self.unanswered += 1;
                    self.trailing_syncs += 1;
                }
            }
            b'P' | b'B' | b'D' | b'E' | b'C' | b'H' => self.is_batch_open = true,
            b'c' | b'f' => {
                self.is_copying_in = false;
                // An extended copy still wants its Sync; a simple one was asked for by a Query.
                self.is_batch_open |= self.unanswered == 0;
            }
            _ => {}
        }
    }

    /// A message from the engine goes to the client.
    pub(crate) fn on_backend(&mut self, tag: u8) {
        match tag {
            // CopyInResponse, CopyBothResponse: every Sync that was sent behind the copy is lost.
            b'G' | b'W' => {
                self.is_copying_in = true;
                self.unanswered = self.unanswered.saturating_sub(self.trailing_syncs);
                self.trailing_syncs = 0;
            }
            b'E' => self.is_copying_in = false,
            b'Z' => {
                self.is_copying_in = false;
                self.unanswered = self.unanswered.saturating_sub(1);
                self.trailing_syncs = self.trailing_syncs.min(self.unanswered);
            }
            _ => {}
        }
    }

    /// The status in a ReadyForQuery that goes to the client.
    pub(crate) const fn set_status(&mut self, status: TransactionStatus) {
        self.status = status;
    }

    /// Everything sent has been answered.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.unanswered == 0 && !self.is_batch_open && !self.is_copying_in
    }

    /// Inside a transaction block, open or failed.
    pub(crate) const fn is_in_transaction(&self) -> bool {
        !matches!(self.status, TransactionStatus::Idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `>` is a message to the engine, `<` one to the client.
    #[track_caller]
    fn check(conversation: &str, quiet: bool) {
        let mut progress = Progress::new(TransactionStatus::Idle);
        for word in conversation.split(' ') {
            match word.as_bytes() {
                [b'>', tag] => progress.on_frontend(*tag),
                [b'<', tag] => progress.on_backend(*tag),
                _ => panic!("{word}"),
            }
        }
        assert_eq!(progress.is_quiet(), quiet, "{conversation}");
    }

    #[test]
    fn a_query_is_quiet_after_its_answer() {
        check(">Q", false);
        check(">Q <T <D <C", false);
        check(">Q <T <D <C <Z", true);
    }

    #[test]
    fn pipelined_queries_are_quiet_after_the_last_answer() {
        check(">Q >Q <C <Z", false);
        check(">Q >Q <C <Z <C <Z", true);
    }

    #[test]
    fn an_extended_batch_is_busy_until_its_sync_is_answered() {
        check(">P", false);
        check(">P >B >E >H <1 <2 <C", false);
        check(">P >B >E >S <1 <2 <C <Z", true);
        check(">P >B >E >S <E <Z >P", false);
    }

    #[test]
    fn a_simple_copy_is_answered_once() {
        check(">Q <G", false);
        check(">Q <G >d >c", false);
        check(">Q <G >d >c <C <Z", true);
        check(">Q <G >d >f <E <Z", true);
    }

    #[test]
    fn a_sync_behind_an_extended_copy_is_not_waited_for() {
        check(">P >B >E >S <1 <2 <G >d >c >S <C <Z", true);
        check(">P >B >E <1 <2 <G >S >d >c >S <C <Z", true);
        check(">P >B >E >S <1 <2 <G >d >c", false);
    }

    #[test]
    fn a_copy_does_not_forget_what_was_asked_before() {
        check(">Q >P >B >E >S <C <Z <1 <2 <G >d >c >S <C <Z", true);
        check(">Q >P >B >E >S <C <Z <1 <2 <G >d >c >S <C", false);
    }

    #[test]
    fn a_failed_transaction_is_one_too() {
        let mut progress = Progress::new(TransactionStatus::Idle);
        assert!(!progress.is_in_transaction());
        progress.set_status(TransactionStatus::InTransaction);
        assert!(progress.is_in_transaction());
        progress.set_status(TransactionStatus::Failed);
        assert!(progress.is_in_transaction());
    }
}
