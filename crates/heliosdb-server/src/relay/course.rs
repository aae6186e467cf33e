//! The messages of one direction, as they pass.

use std::ops::ControlFlow;

use pg_wire::frame::{FrameError, FrameScanner, Scanned, Side};

/// A [`FrameScanner`] that also knows where in the chunk a message began.
#[derive(Debug)]
pub(crate) struct Course {
    scanner: FrameScanner,
    /// Bytes of the stream before the current chunk.
    passed: u64,
    /// Where the next message begins, in bytes of the stream.
    boundary: u64,
}

/// What a chunk amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// Whole and broken-off messages, all of them good.
    Passes(Scanned),
    /// The caller's closure said stop at the message that begins at this offset. 0 if it began before
    /// this chunk.
    StopsAt(usize),
    /// The stream is no sequence of messages from here on.
    Breaks {
        /// What is wrong.
        error: FrameError,
        /// Where the bad message begins; `None` if a part of it passed with an earlier chunk.
        at: Option<usize>,
    },
}

impl Course {
    pub(crate) const fn new(side: Side) -> Self {
        Self {
            scanner: FrameScanner::new(side),
            passed: 0,
            boundary: 0,
        }
    }

    /// Whether the stream stands between two messages.
    pub(crate) const fn is_at_boundary(&self) -> bool {
        self.scanner.at_boundary()
    }

    /// Looks at the next chunk; `on_message` gets the tag of each message that begins in it, or whose
    /// header is completed by it. After anything but [`Chunk::Passes`] the stream is over.
    pub(crate) fn follow(
        &mut self,
        chunk: &[u8],
        mut on_message: impl FnMut(u8) -> ControlFlow<()>,
    ) -> Chunk {
        let mut start = self.boundary;
        let mut boundary = self.boundary;
        let mut stopped = false;
        let scanned = self.scanner.scan(chunk, |head| {
            start = boundary;
            boundary += u64::from(head.len);
            let flow = on_message(head.tag);
            stopped = flow.is_break();
            flow
        });
        let offset = |position: u64| position.checked_sub(self.passed).map(to_offset);
        match scanned {
            Ok(_) if stopped => Chunk::StopsAt(offset(start).unwrap_or_default()),
            Ok(scanned) => {
                self.boundary = boundary;
                self.passed += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                Chunk::Passes(scanned)
            }
            Err(error) => Chunk::Breaks {
                error,
                at: offset(boundary),
            },
        }
    }
}

/// An offset in a chunk fits, since the chunk is in memory.
fn to_offset(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"Q\0\0\0\x09ping\0";
    const SYNC: &[u8] = b"S\0\0\0\x04";
    const TERMINATE: &[u8] = b"X\0\0\0\x04";

    fn until_terminate(tag: u8) -> ControlFlow<()> {
        if tag == b'X' {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Feeds the stream cut at `cut` and returns how many bytes of it came before the end.
    fn good_bytes(stream: &[u8], cut: usize) -> (usize, Chunk) {
        let mut course = Course::new(Side::Frontend);
        let (first, second) = stream.split_at(cut);
        match course.follow(first, until_terminate) {
            Chunk::Passes(_) => {}
            end => return (0, end),
        }
        (cut, course.follow(second, until_terminate))
    }

    #[test]
    fn a_stop_is_found_whatever_the_cuts() {
        let stream = [QUERY, SYNC, TERMINATE, b"garbage"].concat();
        let expected = QUERY.len() + SYNC.len();
        for cut in 0..stream.len() {
            let (before, end) = good_bytes(&stream, cut);
            let Chunk::StopsAt(offset) = end else {
                panic!("{cut}: {end:?}");
            };
            assert_eq!(before + offset, expected.max(before), "{cut}");
        }
    }

    #[test]
    fn a_break_is_found_whatever_the_cuts() {
        for bad in [
            &b"Q\xff\xff\xff\xff"[..],
            b"Q\0\0\0\x03",
            b"z",
            b"S\0\0\x4e\x20",
        ] {
            let stream = [QUERY, SYNC, bad, SYNC].concat();
            let expected = QUERY.len() + SYNC.len();
            for cut in 0..stream.len() {
                let (before, end) = good_bytes(&stream, cut);
                let Chunk::Breaks { at, .. } = end else {
                    panic!("{cut}: {end:?}");
                };
                let expected = expected.checked_sub(before);
                assert_eq!(at, expected, "{cut}");
            }
        }
    }

    #[test]
    fn boundaries_are_known_between_chunks() {
        let mut course = Course::new(Side::Frontend);
        assert!(course.is_at_boundary());
        assert!(matches!(
            course.follow(&QUERY[..7], until_terminate),
            Chunk::Passes(_)
        ));
        assert!(!course.is_at_boundary());
        assert!(matches!(
            course.follow(&QUERY[7..], until_terminate),
            Chunk::Passes(_)
        ));
        assert!(course.is_at_boundary());
    }
}
