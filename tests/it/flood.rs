//! Sockets that never log in, and an ordinary client from elsewhere (issue "safe before login"; K01, K03, K04).

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use heliosdb_tests::client::{Client, Manners};
use heliosdb_tests::program::{Place, Running};
use heliosdb_tests::tls::Tls;
use heliosdb_tests::wire::{self, SSL_REQUEST};

/// What `count` sockets from 127.0.0.1 may make the server's memory grow by, and a login from 127.0.0.2 last.
const GROWTH_LIMIT: usize = 24 << 20;
const LOGIN_LIMIT: Duration = Duration::from_secs(1);

/// A way not to log in: what is sent at once, and what is dripped afterwards, byte by byte.
const WAYS: [(&[u8], &[u8]); 5] = [
    (&[], &[]),
    (&SSL_REQUEST, &[]),
    (&[0, 0, 0x27, 0x14, 0, 3, 0, 0], &[b'u'; 200]),
    (&[0x16, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb], &[0; 200]),
    (&[0, 0, 0, 8], &SSL_REQUEST),
];

fn flood(server: &Running, count: usize) {
    let address = server.address();
    let elsewhere = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2));
    log_in(elsewhere, address);
    let before = server.resident_bytes();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let opened = open(address, count);
        scope.spawn(|| drip(opened, &over));
        let mut times: Vec<_> = (0..5).map(|_| log_in(elsewhere, address)).collect();
        let after = server.resident_bytes();
        over.store(true, Ordering::Relaxed);
        times.sort();
        assert!(times[2] < LOGIN_LIMIT, "logins took {times:?}");
        let growth = after.saturating_sub(before);
        assert!(growth < GROWTH_LIMIT, "memory grew by {growth} bytes");
    });
}

fn open(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let connect = |_| TcpStream::connect(address).unwrap();
    (0..count).map(connect).collect()
}

/// Goes on until it is told to stop. Sockets that the server has closed meanwhile are none of its concern.
fn drip(mut sockets: Vec<TcpStream>, over: &AtomicBool) {
    use std::io::Write as _;
    for (socket, (start, _)) in sockets.iter_mut().zip(WAYS.iter().cycle()) {
        let _closed = socket.write_all(start);
    }
    for turn in 0.. {
        for (socket, (_, rest)) in sockets.iter_mut().zip(WAYS.iter().cycle()) {
            if over.load(Ordering::Relaxed) {
                return;
            }
            if let Some(byte) = rest.get(turn) {
                let _closed = socket.write(&[*byte]);
            }
        }
        thread::yield_now();
    }
}

fn log_in(source: IpAddr, address: SocketAddr) -> Duration {
    let since = Instant::now();
    let mut client = Client::connect_from(source, address, Manners::Strict);
    client.ssl_request(&Tls::new());
    client.login(&wire::startup_alice());
    let time = since.elapsed();
    client.terminate_whatever_comes();
    time
}

#[test]
fn a_flood_from_one_address_displaces_itself() {
    let place = Place::new();
    let server = place.serve(&[]);
    flood(&server, 600);
    server.stop();
}

#[test]
fn a_flood_that_is_held_does_not_keep_others_waiting() {
    let place = Place::new();
    let server = place.serve(&[
        "--max-pending-logins=800",
        "--max-pending-logins-per-address=700",
    ]);
    flood(&server, 600);
    server.stop();
}

#[test]
fn an_exempt_address_keeps_its_connections() {
    let place = Place::new();
    let server = place.serve(&[
        "--max-pending-logins=50",
        "--max-pending-logins-per-address=2",
        "--pending-logins-exempt-addresses=127.0.0.0/31",
    ]);
    let held: Vec<_> = (0..10)
        .map(|_| Client::connect(server.address(), Manners::Strict))
        .collect();
    let elsewhere = |last| {
        let source = IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
        Client::connect_from(source, server.address(), Manners::Strict)
    };
    let mut limited: Vec<_> = (0..3).map(|_| elsewhere(2)).collect();
    limited[0].expect_close();
    // Nothing of the exempt address's was closed: each still gets its answer.
    for mut client in held {
        client.send(&SSL_REQUEST);
        client.expect(b"S");
    }
    server.stop();
}
