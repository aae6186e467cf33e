//! A thousand swaps, a third of them broken on purpose, while clients connect without pause: none fails, and each is
//! served by one certificate that was there at that time.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use heliosdb_server::ReloadHandle;
use heliosdb_tests::client::Client;
use heliosdb_tests::pki::Identity;
use heliosdb_tests::program::Place;
use heliosdb_tests::rotation::{Files, Rotation, Served};
use heliosdb_tests::tls::{Tls, VERSIONS};

use super::{BREAKS, accepts_by, connected, logged_in};

/// Which of the certificates were served, in order.
#[derive(Debug)]
struct History {
    /// Written before the swap begins.
    begun: Mutex<Vec<usize>>,
    /// How many of them the server has, written after.
    adopted: AtomicUsize,
    over: AtomicBool,
}

impl History {
    fn new() -> Self {
        Self {
            begun: Mutex::new(vec![0]),
            adopted: AtomicUsize::new(1),
            over: AtomicBool::new(false),
        }
    }

    fn begin(&self, certificate: usize) {
        self.begun.lock().unwrap().push(certificate);
    }

    fn end(&self) {
        self.adopted.fetch_add(1, Ordering::SeqCst);
    }

    /// Connects until it is over, and holds each connection to what may be served.
    fn hammer(&self, address: SocketAddr, has_passwords: bool) -> usize {
        let mut count = 0;
        while !self.over.load(Ordering::SeqCst) {
            let adopted = self.adopted.load(Ordering::SeqCst);
            let client = if has_passwords && count % 16 == 0 {
                // The hash of the certificate is bound into the login on both sides.
                let mut client = logged_in(address);
                client.expect_alive();
                client
            } else {
                connected(address, &Tls::new().version(VERSIONS[count % 2]))
            };
            let served = whole_chain(&client);
            let begun = self.begun.lock().unwrap();
            assert!(
                begun[adopted - 1..].contains(&served),
                "certificate {served} is none of those since swap {adopted}: {:?}",
                &begun[adopted - 1..]
            );
            drop(begun);
            count += 1;
        }
        count
    }
}

/// Which of the certificates it is; no part of another's chain comes with it. That its key signed the handshake is
/// checked by the client's TLS.
fn whole_chain(client: &Client) -> usize {
    let chain = client.tls().peer_certificates().unwrap();
    let servers = &Rotation::get().servers;
    let is_this = |identity: &Identity| identity.chain() == chain;
    servers
        .iter()
        .position(is_this)
        .unwrap_or_else(|| panic!("a mixed chain"))
}

/// What is put in place, once the server has the certificate of `number`.
struct Swap<'a> {
    files: &'a Files,
    history: &'a History,
    number: usize,
}

impl Swap<'_> {
    fn is_broken(&self) -> bool {
        self.number.is_multiple_of(3)
    }

    fn certificate(&self) -> usize {
        self.number % Rotation::get().servers.len()
    }

    /// Which of the two authorities issues the certificates of clients.
    fn client_ca(&self) -> usize {
        self.number / 2 % 2
    }

    fn put(&self) {
        let rotation = Rotation::get();
        let (server, ca) = (self.certificate(), self.client_ca());
        self.files.put_identity(&rotation.servers[server]);
        self.files.put("clients.crt", &rotation.client_cas[ca]);
    }

    /// By the handle.
    fn reload(&self, handle: &ReloadHandle) {
        if self.is_broken() {
            let (break_it, reason) = BREAKS[self.number / 3 % BREAKS.len()];
            break_it(self.files);
            let errors = handle.reload().unwrap_err().to_string();
            assert!(errors.contains(reason), "{}: {errors}", self.number);
        } else {
            self.put();
            self.history.begin(self.certificate());
            handle.reload().unwrap();
            self.history.end();
        }
    }
}

/// Ends the clients when dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `swap` while clients connect; each of them must have had its share.
fn under_load(address: SocketAddr, has_passwords: bool, swap: impl FnOnce(&History)) {
    let history = History::new();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| history.hammer(address, has_passwords)))
            .collect();
        {
            // Clients end even if the swaps fail, or the test would not.
            let _over = Over(&history.over);
            swap(&history);
        }
        for client in clients {
            assert!(client.join().unwrap() > 10);
        }
    });
}

#[test]
fn a_thousand_swaps_cost_no_handshake() {
    let (files, rotation) = (Files::new(), Rotation::get());
    let served = Served::start(files.builder());
    under_load(served.address, true, |history| {
        let mut client_ca = 0;
        for number in 1..=1000 {
            let (files, history) = (&files, history);
            let swap = Swap {
                files,
                history,
                number,
            };
            swap.reload(&served.handle);
            if !swap.is_broken() {
                client_ca = swap.client_ca();
            }
            let [ours, others] = [client_ca, 1 - client_ca].map(|ca| &rotation.clients[ca]);
            let version = VERSIONS[number % 2];
            assert!(accepts_by(served.address, ours, version), "{number}");
            assert!(!accepts_by(served.address, others, version), "{number}");
        }
    });
    let status = served.handle.status();
    assert_eq!(status.generation, 1 + 667);
}

#[test]
fn swaps_that_the_server_notices_by_itself_cost_none_either() {
    let files = Files::new();
    let served = Served::start(files.builder().reload_on_change(true));
    under_load(served.address, true, |history| {
        for number in 1..=20 {
            let (files, history) = (&files, history);
            let swap = Swap {
                files,
                history,
                number,
            };
            history.begin(swap.certificate());
            let identity = &Rotation::get().servers[swap.certificate()];
            served.serves_after(identity, || swap.put());
            history.end();
        }
        // One that stays wrong is told after a while, and mended.
        files.set_mode("server.key", 0o644);
        let failure = served.fails_after(|| files.put("server.crt", "nothing"));
        assert!(failure.contains("could not load server certificate file"));
        history.begin(1);
        let identity = &Rotation::get().servers[1];
        served.serves_after(identity, || files.put_identity(identity));
        history.end();
    });
}

#[test]
fn swaps_by_signal_cost_none_either() {
    let (files, place) = (Files::new(), Place::new());
    let path = |name| files.path(name).to_str().unwrap().to_owned();
    let flags = [
        ("--ssl-cert-file", path("server.crt")),
        ("--ssl-key-file", path("server.key")),
        ("--ssl-ca-file", path("clients.crt")),
    ];
    let flags = { flags.iter() }.flat_map(|(flag, value)| [*flag, value]);
    let flags: Vec<&str> = flags.chain(["--reload-on-change=off"]).collect();
    let mut server = place.serve(&flags);
    let address = server.address();
    under_load(address, false, |history| {
        for number in 1..=21 {
            let (files, history) = (&files, history);
            let swap = Swap {
                files,
                history,
                number,
            };
            if swap.is_broken() {
                let (break_it, reason) = BREAKS[number / 3 - 1];
                break_it(files);
                server.signal("HUP");
                server.next_log_line("received SIGHUP, reloading configuration files");
                server.next_log_line(reason);
                server.next_log_line("SSL configuration was not reloaded");
                server.next_log_line("configuration was not reloaded");
            } else {
                swap.put();
                history.begin(swap.certificate());
                server.signal("HUP");
                server.next_log_line("configuration was reloaded");
                history.end();
            }
        }
    });
    server.stop();
}
