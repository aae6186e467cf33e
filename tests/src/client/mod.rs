//! A client that sees bytes, records, alerts and the manner in which a connection ends.

mod expect;

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, Error as TlsError};
use socket2::{Domain, SockRef, Socket, Type};

use crate::tls::{SeenCertificate, Tls};
use crate::wire;

/// How long a read may wait before the test fails: far above what a loaded machine needs, far below for ever.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How the server's direction of a connection came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// FIN of a connection that spoke in clear.
    Fin,
    /// `close_notify`, then FIN.
    CloseNotify,
    /// FIN within TLS, without `close_notify` and without an alert.
    Cut,
    /// RST.
    Reset,
    /// A fatal alert.
    Alert(u8),
}

/// Which ends a case accepts when it says "closed".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manners {
    /// FIN in clear, `close_notify` and FIN within TLS, nothing else.
    Strict,
    /// As PostgreSQL: it leaves unread input behind, so the kernel may turn the FIN into RST.
    MayReset,
}

/// One TLS record as it came from the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Record {
    /// Content type of the header.
    pub kind: u8,
    /// Length of the protected fragment.
    pub length: usize,
}

/// What `login` learnt.
#[derive(Clone, Debug)]
pub struct Login {
    /// Process id of `BackendKeyData`.
    pub process_id: i32,
    /// Key of `BackendKeyData`.
    pub key: Vec<u8>,
    /// `ParameterStatus` in order.
    pub parameters: Vec<(String, String)>,
}

/// A connection to a server under test.
#[derive(Debug)]
pub struct Client {
    socket: TcpStream,
    manners: Manners,
    tls: Option<Box<ClientConnection>>,
    certificate: SeenCertificate,
    /// Bytes the server said (plaintext of TLS once that is up) that no expectation has taken yet.
    inbox: Vec<u8>,
    /// Bytes of the current TLS record header and fragment.
    partial_record: Vec<u8>,
    records: Vec<Record>,
    segments: usize,
    close_notify: bool,
    end: Option<End>,
}

impl Client {
    /// Connects over TCP, with `TCP_NODELAY`.
    #[must_use]
    #[track_caller]
    pub fn connect(address: SocketAddr, manners: Manners) -> Self {
        let socket = TcpStream::connect_timeout(&address, PATIENCE).expect("connect");
        Self::over(socket, manners)
    }

    /// Connects from an address of this host, such as 127.0.0.2.
    #[must_use]
    #[track_caller]
    pub fn connect_from(source: IpAddr, address: SocketAddr, manners: Manners) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
        socket
            .connect_timeout(&address.into(), PATIENCE)
            .expect("connect");
        Self::over(socket.into(), manners)
    }

    fn over(socket: TcpStream, manners: Manners) -> Self {
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            manners,
            tls: None,
            certificate: SeenCertificate::default(),
            inbox: Vec::new(),
            partial_record: Vec::new(),
            records: Vec::new(),
            segments: 0,
            close_notify: false,
            end: None,
        }
    }

    /// The client's own port: the server's log names it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// Whether TLS was begun.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The state of TLS, once begun.
    #[must_use]
    pub fn tls(&self) -> &ClientConnection {
        self.tls.as_ref().expect("TLS was not begun")
    }

    /// The leaf certificate the server sent, DER.
    #[must_use]
    pub fn server_certificate(&self) -> Option<Vec<u8>> {
        self.certificate.der()
    }

    /// Every TLS record seen so far.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many reads of the socket have brought bytes so far.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.segments
    }

    /// Sends through TLS where that is up, in clear otherwise, in one write.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        if self.tls.is_some() {
            self.encrypt(bytes);
            self.flush();
        } else {
            self.send_raw(bytes);
        }
    }

    /// Sends as it stands, whatever TLS says, in one write.
    #[track_caller]
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("send");
    }

    /// Sends byte for byte: a segment each in clear, a record and a segment each within TLS.
    #[track_caller]
    pub fn send_bytewise(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.send(std::slice::from_ref(byte));
        }
    }

    /// Encrypts without sending; `flush` or `ciphertext` takes it.
    #[track_caller]
    pub fn encrypt(&mut self, bytes: &[u8]) {
        let tls = self.tls.as_mut().expect("TLS was not begun");
        tls.writer().write_all(bytes).unwrap();
    }

    /// Takes what TLS wants to send, for the caller to send as it likes.
    #[must_use]
    #[track_caller]
    pub fn ciphertext(&mut self) -> Vec<u8> {
        let tls = self.tls.as_mut().expect("TLS was not begun");
        let mut bytes = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// Sends what TLS wants to send. A peer that has already gone is no failure here: the next expectation tells.
    pub fn flush(&mut self) {
        let bytes = self.ciphertext();
        if let Err(error) = self.socket.write_all(&bytes) {
            assert!(
                matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ),
                "send: {error}"
            );
        }
    }

    /// Ends the client's direction: `close_notify` within TLS, then FIN.
    pub fn half_close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            self.flush();
        }
        self.fin();
    }

    /// Ends the client's direction with a bare FIN.
    pub fn fin(&mut self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    /// Ends the connection with RST.
    pub fn reset(self) {
        SockRef::from(&self.socket)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }

    /// Begins TLS without sending: the `ClientHello` bytes are the caller's to send.
    #[must_use]
    #[track_caller]
    pub fn begin_tls(&mut self, tls: &Tls) -> Vec<u8> {
        self.go_on_with_tls(tls.connect());
        self.ciphertext()
    }

    /// Goes on with a handshake whose `ClientHello` the caller has taken and sent already.
    #[track_caller]
    pub fn go_on_with_tls(&mut self, (tls, certificate): (ClientConnection, SeenCertificate)) {
        assert!(self.tls.is_none(), "TLS is already up");
        self.tls = Some(Box::new(tls));
        self.certificate = certificate;
        let early = std::mem::take(&mut self.inbox);
        self.take_ciphertext(&early);
    }

    /// Finishes a handshake that `begin_tls` began; `Err` tells how it failed.
    ///
    /// # Errors
    ///
    /// The end of the connection, if the handshake did not come to its own end on the client's side.
    #[track_caller]
    pub fn finish_tls(&mut self) -> Result<(), End> {
        let deadline = Instant::now() + PATIENCE;
        while self.tls().is_handshaking() {
            self.flush();
            if !self.fill(deadline) {
                return Err(self.end.expect("no end"));
            }
        }
        self.flush();
        Ok(())
    }

    /// Finishes a handshake with these bytes encrypted in the same segment as the client's last flight.
    #[track_caller]
    pub fn finish_tls_with(&mut self, bytes: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        while self.tls().is_handshaking() {
            self.flush();
            assert!(self.fill(deadline), "handshake: {:?}", self.end);
        }
        self.send(bytes);
    }

    /// Shakes hands; `Err` tells how it failed.
    ///
    /// # Errors
    ///
    /// The end of the connection, if the handshake did not come to its own end on the client's side.
    #[track_caller]
    pub fn try_handshake(&mut self, tls: &Tls) -> Result<(), End> {
        let hello = self.begin_tls(tls);
        self.send_raw(&hello);
        self.finish_tls()
    }

    /// Shakes hands, which must succeed.
    #[track_caller]
    pub fn handshake(&mut self, tls: &Tls) {
        self.try_handshake(tls).expect("handshake");
    }

    /// `SSLRequest`, answer `S`, handshake.
    #[track_caller]
    pub fn ssl_request(&mut self, tls: &Tls) {
        self.send(&wire::SSL_REQUEST);
        self.expect(b"S");
        self.handshake(tls);
    }

    #[track_caller]
    fn take(&mut self, count: usize) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.inbox.len() < count && self.fill(deadline) {}
        assert!(
            self.inbox.len() >= count,
            "wanted {count} bytes, got {} then {:?}",
            show(&self.inbox),
            self.end
        );
        self.inbox.drain(..count).collect()
    }

    /// Reads once; false at the end of the connection.
    #[track_caller]
    fn fill(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.fill_within(left.max(Duration::from_millis(1))) {
            Fill::Bytes => true,
            Fill::End => false,
            Fill::Timeout => panic!(
                "nothing came within {PATIENCE:?}; so far {}",
                show(&self.inbox)
            ),
        }
    }

    fn fill_within(&mut self, time: Duration) -> Fill {
        if self.end.is_some() {
            return Fill::End;
        }
        self.socket.set_read_timeout(Some(time)).unwrap();
        let mut buffer = [0; 65_536];
        let count = match self.socket.read(&mut buffer) {
            Ok(count) => count,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Fill::Timeout,
                ErrorKind::ConnectionReset => {
                    self.end = Some(End::Reset);
                    return Fill::End;
                }
                _ => panic!("read: {error}"),
            },
        };
        if count == 0 {
            self.end = Some(match (&self.tls, self.close_notify) {
                (None, _) => End::Fin,
                (Some(_), true) => End::CloseNotify,
                (Some(_), false) => End::Cut,
            });
            return Fill::End;
        }
        self.segments += 1;
        if self.tls.is_some() {
            self.take_ciphertext(&buffer[..count]);
        } else {
            self.inbox.extend_from_slice(&buffer[..count]);
        }
        if self.end.is_some() {
            Fill::End
        } else {
            Fill::Bytes
        }
    }

    fn take_ciphertext(&mut self, mut bytes: &[u8]) {
        self.note_records(bytes);
        let tls = self.tls.as_mut().unwrap();
        while !bytes.is_empty() {
            tls.read_tls(&mut bytes).unwrap();
            match tls.process_new_packets() {
                Ok(state) => {
                    self.close_notify |= state.peer_has_closed();
                    let waiting = state.plaintext_bytes_to_read();
                    let start = self.inbox.len();
                    self.inbox.resize(start + waiting, 0);
                    tls.reader().read_exact(&mut self.inbox[start..]).unwrap();
                }
                Err(TlsError::AlertReceived(alert)) => {
                    self.end = Some(End::Alert(u8::from(alert)));
                    return;
                }
                Err(error) => panic!("the server broke TLS: {error}; bytes {}", show(bytes)),
            }
        }
    }

    fn note_records(&mut self, bytes: &[u8]) {
        self.partial_record.extend_from_slice(bytes);
        let mut at = 0;
        while let [kind, _, _, high, low, ..] = self.partial_record[at..] {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if self.partial_record.len() < at + 5 + length {
                break;
            }
            self.records.push(Record { kind, length });
            at += 5 + length;
        }
        self.partial_record.drain(..at);
    }
}

enum Fill {
    Bytes,
    End,
    Timeout,
}

/// Bytes for a person: printable ones as they are, the rest in hexadecimal.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    const MOST: usize = 400;
    let mut text = format!("{} bytes: ", bytes.len());
    text.push_str(&bytes[..bytes.len().min(MOST)].escape_ascii().to_string());
    if bytes.len() > MOST {
        text.push('…');
    }
    text
}
