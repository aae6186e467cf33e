//! A blocking socket of which no read or write outlasts its deadline, and that takes in only so much.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::fault::Fault;
use crate::os_error;

/// A connection to the server, for one attempt.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    deadline: Instant,
    /// How many bytes may still come.
    room: usize,
}

impl Socket {
    /// Connects before the deadline, which also holds for all that follows.
    pub(super) fn connect(address: SocketAddr, deadline: Instant) -> Result<Self, Fault> {
        let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            deadline,
            room: ROOM,
        })
    }

    /// Makes the deadline earlier.
    pub(super) fn hurry(&mut self, at_most: Duration) {
        self.deadline = self.deadline.min(Instant::now() + at_most);
    }

    /// Reads one byte.
    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        let mut byte = [0];
        self.read_exact(&mut byte)?;
        let [byte] = byte;
        Ok(byte)
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = buffer.len().min(self.room);
        let Some(buffer) = buffer.get_mut(..want).filter(|part| !part.is_empty()) else {
            return Err(io::ErrorKind::QuotaExceeded.into());
        };
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        let count = self.stream.read(buffer)?;
        self.room = self.room.saturating_sub(count);
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The addresses of a host; the system's resolver has no deadline of its own, so a thread waits for it.
pub(super) fn resolve(host: &str, port: u16, timeout: Duration) -> Result<Vec<SocketAddr>, Fault> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let host = host.to_owned();
    thread::spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody listens any more if it took too long.
        let _ = sender.send(found.map(|all| all.take(ADDRESSES_MAX).collect()));
    });
    match receiver.recv_timeout(timeout) {
        Ok(found) => found.map_err(|error: io::Error| Fault::Io(os_error::text(&error))),
        Err(_) => Err(Fault::TimedOut),
    }
}

/// The time up to a deadline, never zero, which would mean to wait for ever.
fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// Bytes that a server may send in one attempt; a handshake with a long chain is below 32 kB.
const ROOM: usize = 256 * 1024;

/// A name with more addresses is asked at the first ones.
const ADDRESSES_MAX: usize = 8;
