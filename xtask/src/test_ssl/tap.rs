//! A socket between client and server that notes what passes: only it knows for every driver whether
//! a session is in TLS, and on what kind of connection a CancelRequest came.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde::Serialize;

/// The first byte of a TLS record that carries a ClientHello.
const TLS_HANDSHAKE: u8 = 0x16;
/// Codes in place of a protocol version, each after the length of its message.
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// What a connection turned out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Channel {
    /// It ended before that could be told.
    Silent,
    /// A StartupMessage in clear.
    Clear,
    /// TLS after an SSLRequest.
    Tls,
    /// TLS from the first byte.
    DirectTls,
    /// A CancelRequest in clear; one in TLS looks like any TLS.
    ClearCancel,
}

impl Channel {
    pub(crate) const fn is_tls(self) -> bool {
        matches!(self, Self::Tls | Self::DirectTls)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "silent",
            Self::Clear => "clear",
            Self::Tls => "TLS",
            Self::DirectTls => "direct TLS",
            Self::ClearCancel => "cancel in clear",
        })
    }
}

/// A port that leads to a server.
pub(crate) struct Tap {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    /// In the order in which the connections came.
    channels: Mutex<Vec<Channel>>,
}

impl Shared {
    fn channels(&self) -> std::sync::MutexGuard<'_, Vec<Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap {
    /// Opens one to the server on this port of 127.0.0.1.
    pub(crate) fn open(server: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        thread::spawn(move || accept(&listener, server, &of_thread));
        Ok(Self { address, shared })
    }

    /// Where the client is to connect to.
    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Accepts no more, and tells what came.
    pub(crate) fn close(self) -> Vec<Channel> {
        self.shared.ended.store(true, Ordering::Release);
        // Wakes the thread, which then sees the flag.
        TcpStream::connect(self.address).ok();
        self.shared.channels().clone()
    }
}

fn accept(listener: &TcpListener, server: u16, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.ended.load(Ordering::Acquire) {
            return;
        }
        let Ok(client) = client else {
            continue;
        };
        let place = {
            let mut channels = shared.channels();
            channels.push(Channel::Silent);
            channels.len() - 1
        };
        let shared = shared.clone();
        thread::spawn(move || {
            let note = |channel| {
                if let Some(seen) = shared.channels().get_mut(place) {
                    *seen = channel;
                }
            };
            // Either side's end is the other side's to notice.
            relay(client, server, note).ok();
        });
    }
}

/// Passes one connection on, and notes what it is.
fn relay(mut client: TcpStream, server: u16, note: impl Fn(Channel)) -> io::Result<()> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    if let Some(channel) = negotiate(&mut client, &mut server)? {
        note(channel);
    }
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let answers = thread::spawn(move || {
        io::copy(&mut from_server, &mut to_client).ok();
        to_client.shutdown(Shutdown::Write).ok();
    });
    io::copy(&mut client, &mut server).ok();
    server.shutdown(Shutdown::Write).ok();
    answers.join().ok();
    Ok(())
}

/// Passes encryption requests and their answers on, until something else comes.
fn negotiate(client: &mut TcpStream, server: &mut TcpStream) -> io::Result<Option<Channel>> {
    let mut is_first = true;
    loop {
        let mut first = [0];
        if client.peek(&mut first)? == 0 {
            return Ok(None);
        }
        if first == [TLS_HANDSHAKE] {
            return Ok(Some(if is_first {
                Channel::DirectTls
            } else {
                Channel::Tls
            }));
        }
        is_first = false;
        let mut head = [0; 8];
        client.read_exact(&mut head)?;
        server.write_all(&head)?;
        let [_, _, _, _, code @ ..] = head;
        match u32::from_be_bytes(code) {
            SSL_REQUEST | GSSENC_REQUEST => {
                let mut answer = [0];
                server.read_exact(&mut answer)?;
                client.write_all(&answer)?;
            }
            CANCEL_REQUEST => return Ok(Some(Channel::ClearCancel)),
            _ => return Ok(Some(Channel::Clear)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;

    use super::{Channel, Tap};

    /// What a tap tells of a client that sends these parts, each after one byte of an answer.
    fn channel(parts: &[&[u8]]) -> Channel {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let tap = Tap::open(server.local_addr().unwrap().port()).unwrap();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let echo = thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            for length in lengths {
                stream.read_exact(&mut vec![0; length]).unwrap();
                stream.write_all(b"S").unwrap();
            }
        });
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, tap.port())).unwrap();
        for part in parts {
            client.write_all(part).unwrap();
            client.read_exact(&mut [0]).unwrap();
        }
        echo.join().unwrap();
        let channels = tap.close();
        assert_eq!(channels.len(), 1);
        channels[0]
    }

    const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
    const HELLO: &[u8] = b"\x16\x03\x01\0\x01\x01";

    #[test]
    fn tells_what_a_connection_is() {
        assert_eq!(channel(&[HELLO]), Channel::DirectTls);
        assert_eq!(channel(&[SSL_REQUEST, HELLO]), Channel::Tls);
        assert_eq!(channel(&[b"\0\0\0\x09\0\x03\0\0\0"]), Channel::Clear);
        let cancel = b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02";
        assert_eq!(channel(&[cancel]), Channel::ClearCancel);
    }
}
