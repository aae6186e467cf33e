//! Whole probes against scripted servers.
#![cfg(feature = "generate")]

mod hostile;
mod tls;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Options, Report, probe};

/// A server whose every connection is this function, until the test process ends.
struct Server(SocketAddr);

impl Server {
    fn start(each: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let each = Arc::new(each);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let each = Arc::clone(&each);
                thread::spawn(move || each(stream));
            }
        });
        Self(address)
    }

    fn options(&self) -> Options {
        Options::new(self.0.to_string().parse().unwrap()).with_timeout(TIMEOUT)
    }

    fn probe(&self) -> Report {
        probe(&self.options()).unwrap()
    }
}

/// Reads a whole startup packet, of no more than PostgreSQL takes; its code or version.
fn packet(stream: &mut impl Read) -> Option<u32> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let length = u32::from_be_bytes(length).checked_sub(4)?;
    let mut body = vec![
        0;
        usize::try_from(length)
            .ok()
            .filter(|length| *length <= 10_000)?
    ];
    stream.read_exact(&mut body).ok()?;
    Some(u32::from_be_bytes(body.first_chunk().copied()?))
}

/// Writes as long as the peer takes it.
fn pour(mut stream: TcpStream, bytes: &[u8]) {
    while stream.write_all(bytes).is_ok() {}
}

/// Long enough for a busy machine to answer what is answered at once.
const TIMEOUT: Duration = Duration::from_secs(2);

const SSL_REQUEST: u32 = 80_877_103;
