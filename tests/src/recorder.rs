//! A proxy on loopback that writes down how each connection through it began.
//!
//! What a client asked for and was answered is told by the bytes in clear; how the server judged it afterwards, by the
//! server's log, in which the proxy's own port names the connection.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

use crate::wire::{GSSENC_REQUEST, SSL_REQUEST};

/// Most bytes of each direction that are kept: two requests and their answers need seventeen.
const KEPT: usize = 64;
/// First byte of a TLS record of the handshake.
const HANDSHAKE: u8 = 0x16;

/// A connection that went through.
#[derive(Debug)]
struct Passed {
    /// The client's port.
    from: u16,
    /// The port that the server saw.
    port: u16,
    pumps: [JoinHandle<Vec<u8>>; 2],
}

/// How a connection began.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Began {
    /// The port that the server saw.
    pub port: u16,
    /// `S+` and `S-`: an `SSLRequest` that was accepted or refused; `G+` and `G-`: a `GSSENCRequest`; `D+` and `D-`:
    /// TLS from the first byte. In the order they came.
    pub events: Vec<&'static str>,
}

/// The proxy.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    passed: Mutex<Receiver<Passed>>,
}

impl Recorder {
    /// Listens in front of `server` until the process ends.
    #[must_use]
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, passed) = mpsc::channel();
        thread::spawn(move || {
            loop {
                let (client, peer) = listener.accept().unwrap();
                let server = TcpStream::connect(server).unwrap();
                for socket in [&client, &server] {
                    socket.set_nodelay(true).unwrap();
                }
                let from = peer.port();
                let port = server.local_addr().unwrap().port();
                let there = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let pumps = [pump(there.0, there.1), pump(server, client)];
                if sender.send(Passed { from, port, pumps }).is_err() {
                    break;
                }
            }
        });
        let passed = Mutex::new(passed);
        Self { address, passed }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connections since the last call, in order. Their clients must have ended.
    ///
    /// A client that leaves at once may be gone before its connection is accepted. Connections are accepted in
    /// order, so all of them have been once the one that is made here has.
    #[must_use]
    pub fn take(&self) -> Vec<Began> {
        let last = TcpStream::connect(self.address).unwrap();
        let last = last.local_addr().unwrap().port();
        let passed = self.passed.lock().unwrap();
        passed
            .iter()
            .take_while(|passed| passed.from != last)
            .map(|Passed { port, pumps, .. }| {
                let [from_client, from_server] = pumps.map(|pump| pump.join().unwrap());
                let events = events(&from_client, &from_server);
                Began { port, events }
            })
            .collect()
    }
}

/// Passes bytes on until the end of one direction, and returns the first of them.
fn pump(mut from: TcpStream, mut to: TcpStream) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut chunk = [0; 16_384];
        // A reset on either side is an end like any other: the other side is told by the FIN below.
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            let room = KEPT - kept.len();
            kept.extend_from_slice(&chunk[..count.min(room)]);
            if to.write_all(&chunk[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        kept
    })
}

fn events(mut from_client: &[u8], from_server: &[u8]) -> Vec<&'static str> {
    let mut events = Vec::new();
    let mut answers = from_server.iter();
    loop {
        let (accepts, names) = if from_client.starts_with(&SSL_REQUEST) {
            (b'S', ["S+", "S-", "S?"])
        } else if from_client.starts_with(&GSSENC_REQUEST) {
            (b'G', ["G+", "G-", "G?"])
        } else {
            break;
        };
        from_client = &from_client[8..];
        match answers.next() {
            Some(answer) if *answer == accepts => {
                events.push(names[0]);
                return events;
            }
            Some(b'N') => events.push(names[1]),
            _ => events.push(names[2]),
        }
    }
    if from_client.first() == Some(&HANDSHAKE) {
        events.push(if from_server.is_empty() { "D-" } else { "D+" });
    }
    events
}

#[cfg(test)]
mod tests {
    use super::{Began, Recorder, events};
    use crate::wire::{GSSENC_REQUEST, SSL_REQUEST};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    #[test]
    fn beginnings_are_told_by_their_bytes() {
        let both = [GSSENC_REQUEST, SSL_REQUEST].concat();
        let startup = [0, 0, 0, 9, 0, 3, 0, 0, 0];
        let refused = [&SSL_REQUEST[..], &startup].concat();
        let cases: [(&[u8], &[u8], &[&str]); 8] = [
            (&startup, b"R", &[]),
            (&SSL_REQUEST, b"S", &["S+"]),
            (&refused, b"NR", &["S-"]),
            (&both, b"NS", &["G-", "S+"]),
            (&both, b"NN", &["G-", "S-"]),
            (&SSL_REQUEST, b"E", &["S?"]),
            (&[0x16, 3, 1], &[0x16], &["D+"]),
            (&[0x16, 3, 1], b"", &["D-"]),
        ];
        for (from_client, from_server, expected) in cases {
            assert_eq!(events(from_client, from_server), expected);
        }
    }

    #[test]
    fn a_client_that_leaves_at_once_is_not_missed() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let recorder = Recorder::start(server.local_addr().unwrap());
        thread::spawn(move || server.incoming().for_each(drop));
        for _ in 0..50 {
            drop(TcpStream::connect(recorder.address()).unwrap());
            assert_eq!(recorder.take().len(), 1);
        }
    }

    #[test]
    fn bytes_and_ends_pass_both_ways() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let recorder = Recorder::start(server.local_addr().unwrap());
        let mut client = TcpStream::connect(recorder.address()).unwrap();
        let (mut accepted, peer) = server.accept().unwrap();
        client.write_all(&SSL_REQUEST).unwrap();
        let mut request = [0; 8];
        accepted.read_exact(&mut request).unwrap();
        assert_eq!(request, SSL_REQUEST);
        accepted.write_all(b"N").unwrap();
        drop(accepted);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"N");
        drop(client);
        let began = Began {
            port: peer.port(),
            events: vec!["S-"],
        };
        assert_eq!(recorder.take(), [began]);
    }
}
