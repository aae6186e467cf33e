//! Accepting connections, whatever happens to the sockets.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until};

use crate::occasion::Occasion;
use crate::report;

/// How long to wait after the system had no descriptor or memory for another connection.
const PAUSE: Duration = Duration::from_millis(200);

/// How many connections the system completes before the server accepts them; its own limit
/// may be lower.
const BACKLOG: u32 = 1024;

/// When a silent peer is probed; zero leaves a value to the operating system, as in PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keepalive {
    pub(crate) idle: Duration,
    pub(crate) interval: Duration,
    pub(crate) count: u32,
}

/// The sockets of a server.
#[derive(Debug)]
pub(crate) struct Listeners {
    sockets: Vec<TcpListener>,
    /// Where to look first, so that a busy socket does not starve another.
    first: usize,
    /// Set while the system cannot give more.
    paused_until: Option<Instant>,
    /// The log says now and then that this goes on.
    log: Occasion,
}

/// Opens a socket for connections to `address`.
///
/// One for IPv6 takes IPv6 alone, as PostgreSQL's do: `0.0.0.0` and `[::]` can share a port, and IPv4
/// clients do not show up under IPv6 addresses.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() {
        let socket = TcpSocket::new_v6()?;
        SockRef::from(&socket).set_only_v6(true)?;
        socket
    } else {
        TcpSocket::new_v4()?
    };
    // As tokio's own `TcpListener::bind` does.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listeners {
    pub(crate) fn new(sockets: Vec<TcpListener>) -> Self {
        Self {
            sockets,
            first: 0,
            paused_until: None,
            log: Occasion::default(),
        }
    }

    /// The next connection. Errors are waited out and never end this.
    ///
    /// # Cancel safety
    ///
    /// No connection is lost when the future is dropped, and a pause is not cut short.
    pub(crate) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            if let Some(until) = self.paused_until {
                sleep_until(until).await;
                self.paused_until = None;
            }
            match self.accept_any().await {
                Ok(accepted) => return accepted,
                Err(error) if concerns_one_connection(&error) => {
                    report::accept_failed(&error, None)
                }
                Err(error) => self.pause(&error),
            }
        }
    }

    async fn accept_any(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        std::future::poll_fn(|cx| {
            let (before, after) = self.sockets.split_at(self.first);
            for (place, socket) in after.iter().chain(before).enumerate() {
                if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                    self.first = (self.first + place + 1) % self.sockets.len();
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }

    fn pause(&mut self, error: &io::Error) {
        self.paused_until = Some(Instant::now() + PAUSE);
        if self.log.is_due() {
            report::accept_failed(error, Some(PAUSE));
        }
    }
}

/// Errors of a connection that ended before it was accepted (`accept(2)`, "Error handling"): the next
/// one may be fine.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::TimedOut
    )
}

/// No delay for small packets, and probes for peers that vanish, before a byte is exchanged.
pub(crate) fn set_options(stream: &TcpStream, keepalive: Keepalive) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_keepalive(true)?;
    let mut probes = TcpKeepalive::new();
    if !keepalive.idle.is_zero() {
        probes = probes.with_time(keepalive.idle);
    }
    if !keepalive.interval.is_zero() {
        probes = probes.with_interval(keepalive.interval);
    }
    if keepalive.count > 0 {
        probes = probes.with_retries(keepalive.count);
    }
    if keepalive == Keepalive::default() {
        return Ok(());
    }
    socket.set_tcp_keepalive(&probes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_come_from_all_sockets_and_take_options() {
        let mut sockets = Vec::new();
        let mut addresses = Vec::new();
        for _ in 0..2 {
            let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(socket.local_addr().unwrap());
            sockets.push(socket);
        }
        let keepalive = Keepalive {
            idle: Duration::from_secs(77),
            interval: Duration::from_secs(11),
            count: 3,
        };
        let mut listeners = Listeners::new(sockets);
        for address in addresses.iter().rev() {
            let client = TcpStream::connect(address).await.unwrap();
            let (stream, peer) = listeners.accept().await;
            assert_eq!(peer, client.local_addr().unwrap());
            assert_eq!(stream.local_addr().unwrap(), *address);
            set_options(&stream, keepalive).unwrap();
            assert!(stream.nodelay().unwrap());
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), keepalive.idle);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), keepalive.interval);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), keepalive.count);
        }
    }

    #[tokio::test]
    async fn both_families_share_a_port() {
        let everywhere = |ip: &str, port: u16| SocketAddr::new(ip.parse().unwrap(), port);
        let six = listen(everywhere("::", 0)).unwrap();
        let port = six.local_addr().unwrap().port();
        let four = listen(everywhere("0.0.0.0", port)).unwrap();
        let client = TcpStream::connect(everywhere("127.0.0.1", port))
            .await
            .unwrap();
        let (_, peer) = four.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    }

    #[test]
    fn k06_lack_of_descriptors_is_no_single_connections_fault() {
        let emfile = io::Error::from_raw_os_error(24);
        assert!(!concerns_one_connection(&emfile));
        let aborted = io::Error::from_raw_os_error(103);
        assert!(concerns_one_connection(&aborted));
    }

    #[tokio::test(start_paused = true)]
    async fn k06_a_pause_is_kept_and_the_log_is_spared() {
        let mut listeners = Listeners::new(Vec::new());
        let emfile = io::Error::from_raw_os_error(24);
        listeners.pause(&emfile);
        assert!(!listeners.log.is_due());
        tokio::time::advance(PAUSE).await;
        listeners.pause(&emfile);
        let until = listeners.paused_until.unwrap();
        assert_eq!(until - Instant::now(), PAUSE);
    }
}
