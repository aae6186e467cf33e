//! Finds message boundaries in a stream that passes by.

use std::fmt;
use std::ops::ControlFlow;

use super::FrameError;
use super::limits::{Limits, Phase, READY_FOR_QUERY_LENGTH, Side, to_usize};
use crate::backend::TransactionStatus;

/// Follows the messages of a stream without holding their bodies.
///
/// It looks at five bytes of every message and skips the rest by arithmetic, so its cost does not
/// depend on the number of bytes. All it keeps between two chunks is a header that was cut.
///
/// ```
/// use std::ops::ControlFlow;
/// use pg_wire::backend::TransactionStatus;
/// use pg_wire::frame::{FrameScanner, Side};
///
/// let mut scanner = FrameScanner::new(Side::Backend);
/// let chunk = b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I1\0\0";
/// let mut tags = Vec::new();
/// let scanned = scanner.scan(chunk, |head| {
///     tags.push(head.tag);
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(tags, b"CZ");
/// assert_eq!((scanned.frames, scanned.boundary), (2, Some(20)));
/// assert_eq!(scanned.status, Some(TransactionStatus::Idle));
/// assert!(!scanned.at_boundary);
/// # Ok::<(), pg_wire::frame::FrameError>(())
/// ```
pub struct FrameScanner {
    limits: &'static Limits,
    /// The start of a header whose rest has not come yet.
    held: [u8; HEADER_LENGTH],
    held_length: usize,
    /// The message whose header has passed and whose body has not.
    open: Option<Open>,
}

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// Its kind.
    pub tag: u8,
    /// Its whole length in bytes, tag and length word included.
    pub len: u32,
}

/// What [`FrameScanner::scan`] saw in one chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// How many bytes of the chunk were looked at: all, or those up to the end of the header at which
    /// the callback said [`ControlFlow::Break`].
    pub consumed: usize,
    /// How many messages ended in the chunk.
    pub frames: usize,
    /// How many of them were ReadyForQuery.
    pub ready: usize,
    /// The status in the last of those.
    pub status: Option<TransactionStatus>,
    /// Offset in the chunk of the last place between two messages, where the stream can be cut or
    /// something be put in: behind the last message that ended, or 0 if the chunk starts there. `None` if
    /// all of the chunk lies inside one message.
    pub boundary: Option<usize>,
    /// Whether the stream now stands between two messages.
    pub at_boundary: bool,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    tag: u8,
    left: usize,
}

impl FrameScanner {
    /// A scanner for what `side` sends in a session, from the start of a message on.
    pub const fn new(side: Side) -> Self {
        Self {
            limits: Limits::of(side, Phase::Session),
            held: [0; HEADER_LENGTH],
            held_length: 0,
            open: None,
        }
    }

    /// Whether the stream stands between two messages.
    pub const fn at_boundary(&self) -> bool {
        self.held_length == 0 && self.open.is_none()
    }

    /// Reads on through the next chunk of the stream.
    ///
    /// `on_frame` is called at every header, before the body has been looked at, also if that has not
    /// come yet. If it breaks, scanning stops behind that header; calling again with the rest of the chunk
    /// (`&chunk[scanned.consumed..]`) goes on with the body.
    ///
    /// # Errors
    ///
    /// [`FrameError`] for a header that the decoder would refuse too, or a ReadyForQuery that is none.
    /// The scanner is of no use afterwards: the connection is to be closed.
    #[inline]
    pub fn scan(
        &mut self,
        chunk: &[u8],
        mut on_frame: impl FnMut(FrameHead) -> ControlFlow<()>,
    ) -> Result<Scanned, FrameError> {
        let mut seen = Seen::new(chunk, self.at_boundary());
        if self.held_length > 0 {
            let Some(header) = self.complete_header(&mut seen) else {
                return Ok(seen.finish(false));
            };
            let (head, open) = self.open(header)?;
            self.open = Some(open);
            if on_frame(head).is_break() {
                return Ok(seen.finish(false));
            }
        }
        if let Some(open) = self.open.take() {
            self.open = seen.skip(open)?;
        }
        // What is still open now has taken all that was left, so the loop sees nothing.
        while let Some((header, rest)) = seen.rest.split_first_chunk::<HEADER_LENGTH>() {
            let (head, open) = self.open(*header)?;
            seen.rest = rest;
            if on_frame(head).is_break() {
                self.open = Some(open);
                return Ok(seen.finish(false));
            }
            self.open = seen.skip(open)?;
        }
        self.hold(&mut seen)?;
        Ok(seen.finish(self.at_boundary()))
    }

    #[inline]
    fn open(&self, header: [u8; HEADER_LENGTH]) -> Result<(FrameHead, Open), FrameError> {
        let [tag, ..] = header;
        let body = self.limits.check(header)?;
        // Every limit is far below the overflow.
        let len = body.wrapping_add(5);
        let left = to_usize(body);
        Ok((FrameHead { tag, len }, Open { tag, left }))
    }

    /// Puts a cut header together; `None` if the chunk does not suffice either.
    #[cold]
    fn complete_header(&mut self, seen: &mut Seen<'_>) -> Option<[u8; HEADER_LENGTH]> {
        self.append_held(seen);
        if self.held_length < HEADER_LENGTH {
            return None;
        }
        self.held_length = 0;
        Some(self.held)
    }

    /// Keeps the first bytes of a header. Its tag is judged at once.
    fn hold(&mut self, seen: &mut Seen<'_>) -> Result<(), FrameError> {
        if let Some(tag) = seen.rest.first() {
            self.limits.check_tag(*tag)?;
            self.append_held(seen);
        }
        Ok(())
    }

    fn append_held(&mut self, seen: &mut Seen<'_>) {
        let missing = self.held.iter_mut().skip(self.held_length);
        let count = missing.len().min(seen.rest.len());
        let (taken, rest) = seen.rest.split_at(count);
        missing.zip(taken).for_each(|(place, byte)| *place = *byte);
        self.held_length += count;
        seen.rest = rest;
    }
}

impl fmt::Debug for FrameScanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameScanner")
            .field("held_length", &self.held_length)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

/// One chunk on its way through the scanner.
struct Seen<'a> {
    length: usize,
    rest: &'a [u8],
    scanned: Scanned,
}

impl<'a> Seen<'a> {
    fn new(chunk: &'a [u8], at_boundary: bool) -> Self {
        Self {
            length: chunk.len(),
            rest: chunk,
            scanned: Scanned {
                boundary: at_boundary.then_some(0),
                ..Scanned::default()
            },
        }
    }

    /// Skips a body; returns what is left of it behind the chunk.
    #[inline]
    fn skip(&mut self, open: Open) -> Result<Option<Open>, FrameError> {
        let Some((body, rest)) = self.rest.split_at_checked(open.left) else {
            let left = open.left - self.rest.len();
            self.rest = &[];
            return Ok(Some(Open { left, ..open }));
        };
        self.rest = rest;
        self.scanned.frames += 1;
        self.scanned.boundary = Some(self.length - rest.len());
        if open.tag == READY_FOR_QUERY {
            self.ready(body)?;
        }
        Ok(None)
    }

    /// The limits leave no body or one of one byte, and neither can be cut.
    fn ready(&mut self, body: &[u8]) -> Result<(), FrameError> {
        let [status] = *body else {
            return Err(FrameError::InvalidLength {
                tag: READY_FOR_QUERY,
                length: READY_FOR_QUERY_LENGTH - 1,
                limit: READY_FOR_QUERY_LENGTH,
            });
        };
        let known = TransactionStatus::from_byte(status);
        self.scanned.status = Some(known.ok_or(FrameError::InvalidStatus { status })?);
        self.scanned.ready += 1;
        Ok(())
    }

    fn finish(mut self, at_boundary: bool) -> Scanned {
        self.scanned.consumed = self.length - self.rest.len();
        self.scanned.at_boundary = at_boundary;
        self.scanned
    }
}

/// Tag and length word.
const HEADER_LENGTH: usize = 5;

const READY_FOR_QUERY: u8 = b'Z';

#[cfg(test)]
mod tests;
