//! `openssl ocsp` as a responder that can be out of order.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::Site;

/// A port that certificates can name before there is a responder behind it: connections go to the
/// responder of the moment, or are closed.
pub(super) struct Port {
    address: SocketAddr,
    responder: Arc<Mutex<Option<u16>>>,
}

impl Port {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let responder = Arc::new(Mutex::new(None));
        let target = Arc::clone(&responder);
        // Ends with the process: tests are few.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let port: Option<u16> = *target.lock().unwrap();
                if let Some(port) = port {
                    thread::spawn(move || relay(&client, port));
                }
            }
        });
        Self { address, responder }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/ocsp", self.address)
    }

    /// Starts a responder behind the port, which answers from the index as it is now.
    pub(super) fn start(&self, site: &Site) -> Responder {
        let mut child = Command::new("openssl")
            .args(["ocsp", "-port", "0", "-index", "index", "-CA", "ca.crt"])
            .args(["-rsigner", "ca.crt", "-rkey", "ca.key", "-ndays", "1"])
            .args(["-ignore_err", "-text"])
            .current_dir(site.place.root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("ACCEPT ") {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "openssl ocsp ended");
        }
        let address = line.split_whitespace().nth(1).unwrap();
        let (_, port) = address.rsplit_once(':').unwrap();
        *self.responder.lock().unwrap() = Some(port.parse().unwrap());
        // It stops when nobody reads what it says.
        thread::spawn(move || io::copy(&mut said, &mut io::sink()));
        Responder(child)
    }
}

/// A responder; dropping it stops it.
pub(super) struct Responder(Child);

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn relay(client: &TcpStream, port: u16) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return;
    };
    thread::scope(|scope| {
        scope.spawn(|| io::copy(&mut &*client, &mut &server));
        let _ = io::copy(&mut &server, &mut &*client);
        // One request a connection: the answer is complete.
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
}
