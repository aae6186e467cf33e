//! Joins a client and its engine: as cheap as a plain copy, and aware of message boundaries.
//!
//! One future moves both directions. Bytes are read into a buffer of the thread and written from
//! there, so a session holds memory only while its receiver is slow, and a reply that the engine
//! wrote at once reaches the client as one write and one TLS record. What the relay knows of the
//! protocol are message headers and the status byte of ReadyForQuery: enough to end a session on
//! Terminate, to see violations, and to put a last message where the client can read it.

mod course;
mod ending;
mod lane;
mod progress;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use pg_wire::backend::TransactionStatus;
use pg_wire::frame::{Scanned, Side};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::course::{Chunk, Course};
use self::ending::Ending;
use self::lane::{Lane, Source, poll_fill};
use self::progress::Progress;
use crate::error::SessionError;
use crate::sessions::{Order, SessionControl};

/// The most that is read before it is written: three full TLS records, so that a write stays below
/// 64 KiB of ciphertext.
const CHUNK: usize = 3 * 16_384;

/// The tag by which a client ends its session.
const TERMINATE: u8 = b'X';

/// The tag of an engine's last words.
const ERROR_RESPONSE: u8 = b'E';

thread_local! {
    /// Where bytes are between a read and a write. Polling a future is not interrupted, so all
    /// sessions of a thread share it.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// A session between ReadyForQuery and its end.
#[derive(Debug)]
pub(crate) struct Relay<'c, C, E> {
    client: &'c mut C,
    engine: E,
    control: Arc<SessionControl>,
    registered: Option<Waker>,
    progress: Progress,
    to_engine: Lane,
    from_client: Course,
    /// Writing to the engine failed: it has closed, and what it said before is still to be read.
    is_engine_deaf: bool,
    to_client: Lane,
    from_engine: Course,
    /// Whether a message could be put behind what has gone to the client's lane.
    is_client_at_boundary: bool,
    /// Nothing goes to the client behind the next boundary.
    stops_at_boundary: bool,
    last_engine_tag: u8,
    ending: Option<Box<Ending>>,
}

/// How a session ended.
#[derive(Debug)]
pub(crate) enum RelayEnd {
    /// The client sent Terminate.
    Terminated,
    /// The client closed the connection.
    ClientClosed {
        /// Whether that rolls something back.
        in_transaction: bool,
    },
    /// The engine closed after an ErrorResponse, which the client has got.
    EngineClosed,
    /// Anything else.
    Failed(SessionError),
}

impl<'c, C, E> Relay<'c, C, E>
where
    C: AsyncRead + AsyncWrite + Unpin,
    E: AsyncRead + AsyncWrite + Unpin,
{
    /// A session whose client has just been told ReadyForQuery.
    pub(crate) fn new(
        client: &'c mut C,
        engine: E,
        status: TransactionStatus,
        control: Arc<SessionControl>,
    ) -> Self {
        Self {
            client,
            engine,
            control,
            registered: None,
            progress: Progress::new(status),
            to_engine: Lane::default(),
            from_client: Course::new(Side::Frontend),
            is_engine_deaf: false,
            to_client: Lane::default(),
            from_engine: Course::new(Side::Backend),
            is_client_at_boundary: true,
            stops_at_boundary: false,
            last_engine_tag: 0,
            ending: None,
        }
    }

    /// Relays until the session is over. The client's connection is left open, flushed and at a
    /// message boundary if that could be had; the engine's is dropped.
    ///
    /// `greeting` goes to the client first, then `early`, which is what the engine sent behind its
    /// first ReadyForQuery.
    pub(crate) async fn run(mut self, greeting: BytesMut, early: BytesMut) -> RelayEnd {
        self.to_client.push(&greeting);
        let (good, end) = self.inspect_from_engine(&early, Source::Open);
        self.to_client.push(good);
        drop((greeting, early));
        if let Some(end) = end {
            self.begin_ending(end);
        }
        std::future::poll_fn(|cx| SCRATCH.with_borrow_mut(|scratch| self.poll(cx, scratch))).await
    }

    fn poll(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<RelayEnd> {
        if self.ending.is_none() {
            let end = ready!(self.poll_open(cx, scratch));
            self.begin_ending(end);
        }
        self.poll_ending(cx, scratch)
    }

    /// Moves bytes until there is a reason to end.
    fn poll_open(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<RelayEnd> {
        self.control.register(cx, &mut self.registered);
        let order = self.control.order();
        if order != Order::EndNow {
            if let Poll::Ready(end) = self.poll_up(cx, scratch) {
                return Poll::Ready(end);
            }
            if let Poll::Ready(end) = self.poll_down(cx, scratch) {
                return Poll::Ready(end);
            }
        }
        if order == Order::EndNow || (order == Order::EndWhenIdle && self.is_idle()) {
            return Poll::Ready(RelayEnd::Failed(SessionError::AdminShutdown));
        }
        Poll::Pending
    }

    /// From the client to the engine.
    fn poll_up(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<RelayEnd> {
        while !self.is_engine_deaf {
            if ready!(self.to_engine.poll_drain(cx, &mut self.engine)).is_err() {
                self.is_engine_deaf = true;
                break;
            }
            let mut buf = ReadBuf::new(scratch);
            let source = ready!(poll_fill(cx, self.client, &mut buf));
            let (good, end) = self.inspect_from_client(buf.filled(), source);
            self.is_engine_deaf = self.to_engine.send(cx, &mut self.engine, good).is_err();
            if let Some(end) = end {
                return Poll::Ready(end);
            }
        }
        Poll::Pending
    }

    /// Takes note of a chunk; returns what of it goes to the engine, and the end if this was it.
    fn inspect_from_client<'a>(
        &mut self,
        chunk: &'a [u8],
        source: Source,
    ) -> (&'a [u8], Option<RelayEnd>) {
        let progress = &mut self.progress;
        let mut messages = 0;
        let seen = self.from_client.follow(chunk, |tag| {
            if tag == TERMINATE {
                return ControlFlow::Break(());
            }
            messages += 1;
            progress.on_frontend(tag);
            ControlFlow::Continue(())
        });
        let (good, end) = match seen {
            Chunk::Passes(_) => (chunk.len(), self.client_end(source)),
            Chunk::StopsAt(offset) => (offset, Some(RelayEnd::Terminated)),
            Chunk::Breaks { error, at } => {
                let violation = SessionError::Violation(error);
                (at.unwrap_or_default(), Some(RelayEnd::Failed(violation)))
            }
        };
        let good = chunk.get(..good).unwrap_or(chunk);
        let traffic = &self.control.traffic;
        traffic.messages_from_client.add(messages);
        traffic.bytes_from_client.add_length(good.len());
        (good, end)
    }

    fn client_end(&self, source: Source) -> Option<RelayEnd> {
        match source {
            Source::Open => None,
            Source::Ended => Some(RelayEnd::ClientClosed {
                in_transaction: self.progress.is_in_transaction(),
            }),
            Source::Broken(error) => Some(RelayEnd::Failed(SessionError::ClientReceive(error))),
        }
    }

    /// From the engine to the client.
    fn poll_down(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<RelayEnd> {
        loop {
            if let Err(error) = ready!(self.to_client.poll_drain(cx, self.client)) {
                return Poll::Ready(RelayEnd::Failed(SessionError::ClientSend(error)));
            }
            let mut buf = ReadBuf::new(scratch);
            let source = ready!(poll_fill(cx, &mut self.engine, &mut buf));
            let (good, end) = self.inspect_from_engine(buf.filled(), source);
            if let Err(error) = self.to_client.send(cx, self.client, good) {
                return Poll::Ready(RelayEnd::Failed(SessionError::ClientSend(error)));
            }
            if let Some(end) = end {
                return Poll::Ready(end);
            }
        }
    }

    /// Takes note of a chunk; returns what of it goes to the client, and the end if this was it.
    fn inspect_from_engine<'a>(
        &mut self,
        chunk: &'a [u8],
        source: Source,
    ) -> (&'a [u8], Option<RelayEnd>) {
        let (progress, last_tag) = (&mut self.progress, &mut self.last_engine_tag);
        let mut messages = 0;
        let seen = self.from_engine.follow(chunk, |tag| {
            messages += 1;
            *last_tag = tag;
            progress.on_backend(tag);
            ControlFlow::Continue(())
        });
        let (good, end) = match seen {
            Chunk::Passes(scanned) => self.pass(chunk.len(), &scanned, source),
            // The closure never stops.
            Chunk::StopsAt(offset) => (offset, None),
            Chunk::Breaks { error, at } => {
                self.is_client_at_boundary = at.is_some();
                let violation = SessionError::EngineViolation(error);
                (at.unwrap_or_default(), Some(RelayEnd::Failed(violation)))
            }
        };
        let good = chunk.get(..good).unwrap_or(chunk);
        let traffic = &self.control.traffic;
        traffic.messages_to_client.add(messages);
        traffic.bytes_to_client.add_length(good.len());
        (good, end)
    }

    /// How much of a good chunk goes to the client, and what ends with it.
    fn pass(
        &mut self,
        length: usize,
        scanned: &Scanned,
        source: Source,
    ) -> (usize, Option<RelayEnd>) {
        if let Some(status) = scanned.status {
            self.progress.set_status(status);
        }
        if let Some(boundary) = scanned.boundary.filter(|_| self.stops_at_boundary) {
            self.is_client_at_boundary = true;
            let end = RelayEnd::Failed(SessionError::AdminShutdown);
            return (boundary, Some(end));
        }
        self.is_client_at_boundary = scanned.at_boundary;
        (length, self.engine_end(source))
    }

    fn engine_end(&self, source: Source) -> Option<RelayEnd> {
        match source {
            Source::Open => None,
            Source::Ended if self.last_engine_tag == ERROR_RESPONSE => Some(RelayEnd::EngineClosed),
            Source::Ended => Some(RelayEnd::Failed(SessionError::EngineEnded)),
            Source::Broken(error) => Some(RelayEnd::Failed(SessionError::EngineIo(error))),
        }
    }

    /// Nothing is under way, and ending now rolls nothing back.
    fn is_idle(&self) -> bool {
        self.progress.is_quiet()
            && self.is_client_at_boundary
            && self.from_client.is_at_boundary()
            && !self.progress.is_in_transaction()
    }
}
