//! What a client may expect of its server; each panics at the caller's line if it is disappointed.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::{Client, End, Fill, Login, Manners, PATIENCE, show};
use crate::tls::Tls;
use crate::wire::{self, Report};

impl Client {
    /// The next bytes must be exactly these.
    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        while self.inbox.len() < bytes.len() && self.fill(deadline) {}
        let seen = &self.inbox[..self.inbox.len().min(bytes.len())];
        assert!(
            seen == bytes,
            "expected {}\n     got {}\n     end {:?}",
            show(bytes),
            show(&self.inbox),
            self.end
        );
        self.inbox.drain(..bytes.len());
    }

    /// Takes the next message: tag and body.
    #[must_use]
    #[track_caller]
    pub fn message(&mut self) -> (u8, Vec<u8>) {
        let head = self.take(5);
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let body = self.take(usize::try_from(length).unwrap() - 4);
        (head[0], body)
    }

    /// The next message must have this tag; its body is returned.
    #[track_caller]
    pub fn expect_message(&mut self, tag: u8) -> Vec<u8> {
        let (seen, body) = self.message();
        assert_eq!(
            char::from(seen),
            char::from(tag),
            "tag of the message with the body {}",
            show(&body)
        );
        body
    }

    /// The next message must be this `ErrorResponse` (a NoticeResponse would have another tag).
    #[track_caller]
    pub fn expect_report(&mut self, report: &Report) {
        let body = self.expect_message(b'E');
        assert_eq!(Report::parse(&body), *report);
        if self.manners == Manners::Strict {
            let exact = wire::message(b'E', &body);
            assert!(
                exact == report.bytes(),
                "expected {}\n     got {}",
                show(&report.bytes()),
                show(&exact)
            );
        }
    }

    /// The next bytes must be this error in the layout of protocol 2, ended by NUL.
    #[track_caller]
    pub fn expect_v2_error(&mut self, text: &str) {
        self.expect(&[b"E", text.as_bytes(), b"\0"].concat());
    }

    /// The server must have said nothing more, and end the connection now; tells how.
    #[must_use]
    #[track_caller]
    pub fn end(&mut self) -> End {
        let deadline = Instant::now() + PATIENCE;
        while self.fill(deadline) {}
        let end = self.end.expect("no end");
        assert!(
            self.inbox.is_empty(),
            "expected the end, got {} then {end:?}",
            show(&self.inbox)
        );
        end
    }

    /// The server must have said nothing more, and close as is proper: FIN in clear, `close_notify` and FIN within
    /// TLS.
    #[track_caller]
    pub fn expect_close(&mut self) {
        let proper = if self.tls.is_some() {
            End::CloseNotify
        } else {
            End::Fin
        };
        let end = self.end();
        let rude = self.manners == Manners::MayReset && end == End::Reset;
        assert!(end == proper || rude, "expected {proper:?}, got {end:?}");
    }

    /// The server must cut the connection without a word, a `close_notify` included (spec 7.1, phase 1).
    #[track_caller]
    pub fn expect_cut(&mut self) {
        let silent = if self.tls.is_some() {
            End::Cut
        } else {
            End::Fin
        };
        let end = self.end();
        let rude = self.manners == Manners::MayReset && end == End::Reset;
        assert!(end == silent || rude, "expected {silent:?}, got {end:?}");
    }

    /// The handshake must fail, by an alert or without a word; an ErrorResponse would break TLS and the test.
    #[track_caller]
    pub fn expect_handshake_failure(&mut self, tls: &Tls) {
        let hello = self.begin_tls(tls);
        // The server may have gone by now.
        let _sent = self.socket.write_all(&hello);
        self.expect_failure_to_finish_tls();
    }

    /// A handshake that was begun must fail, by an alert or without a word.
    #[track_caller]
    pub fn expect_failure_to_finish_tls(&mut self) {
        let end = self.finish_tls().map_or_else(|end| end, |()| self.end());
        let rude = self.manners == Manners::MayReset && end == End::Reset;
        assert!(
            matches!(end, End::Alert(_) | End::Cut) || rude,
            "got {end:?}"
        );
    }

    /// To a client that has not spoken TLS itself the server must say one fatal alert, in clear, and close;
    /// tells which.
    #[track_caller]
    pub fn clear_alert(&mut self) -> u8 {
        let alert = self.take(7);
        let [0x15, 3, _, 0, 2, 2, description] = alert[..] else {
            panic!("expected an alert record, got {}", show(&alert));
        };
        self.expect_close();
        description
    }

    /// To a client that has not spoken TLS itself the server must say at most one fatal alert, in clear, and close.
    #[track_caller]
    pub fn expect_clear_alert_or_close(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.fill(deadline) {}
        assert!(
            matches!(self.inbox[..], [] | [0x15, 3, _, 0, 2, 2, _]),
            "expected at most one alert record, got {}",
            show(&self.inbox)
        );
        self.inbox.clear();
        self.expect_close();
    }

    /// The server must send the beginning of a ServerHello, in answer to a `ClientHello` that was sent raw.
    #[track_caller]
    pub fn expect_server_hello_for(&mut self, what: &str) {
        let start = self.take(6);
        assert!(
            matches!(start[..], [0x16, 3, _, _, _, 2]),
            "{what}: expected a ServerHello, got {}",
            show(&start)
        );
    }

    /// Waits until the server has sent a record within the handshake that was begun.
    #[track_caller]
    pub fn expect_server_hello(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.records.is_empty() {
            assert!(
                self.fill(deadline),
                "expected a ServerHello, got {:?}",
                self.end
            );
        }
        // What the client would answer is never sent.
        let _unsent = self.ciphertext();
    }

    /// Takes everything up to the end of the connection, however it ends.
    #[track_caller]
    pub fn drain(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.fill(deadline) {}
        std::mem::take(&mut self.inbox)
    }

    /// Waits until the server has said something, which is left for the next expectation; `false` if it ends the
    /// connection instead.
    #[must_use]
    #[track_caller]
    pub fn is_spoken_to(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.inbox.is_empty() && self.fill(deadline) {}
        !self.inbox.is_empty()
    }

    /// The server must end the connection with this fatal alert.
    #[track_caller]
    pub fn expect_alert(&mut self, description: u8) {
        let end = self.end();
        assert_eq!(end, End::Alert(description));
    }

    /// The server must stay silent and keep the connection for this long. For negative cases only; it costs the time.
    #[track_caller]
    pub fn expect_silence(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        loop {
            assert!(
                self.inbox.is_empty(),
                "expected silence, got {}",
                show(&self.inbox)
            );
            let Some(left) = deadline
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return;
            };
            if let Fill::End = self.fill_within(left) {
                panic!("expected silence, got {:?}", self.end);
            }
        }
    }

    /// Sends a `StartupMessage` and takes everything up to the first `ReadyForQuery`.
    #[track_caller]
    pub fn login(&mut self, startup: &[u8]) -> Login {
        self.send(startup);
        self.expect_login()
    }

    /// `AuthenticationOk`, `ParameterStatus` at will, `BackendKeyData`, `ReadyForQuery`, nothing else.
    #[track_caller]
    pub fn expect_login(&mut self) -> Login {
        let (tag, body) = self.message();
        assert!(
            tag == b'R' && body == [0; 4],
            "expected AuthenticationOk, got {:?} {}",
            char::from(tag),
            show(&body)
        );
        let mut login = Login {
            process_id: 0,
            key: Vec::new(),
            parameters: Vec::new(),
        };
        loop {
            let (tag, body) = self.message();
            match tag {
                b'S' => {
                    let mut texts = body.split(|&byte| byte == 0);
                    let mut text = || String::from_utf8(texts.next().unwrap().to_vec()).unwrap();
                    login.parameters.push((text(), text()));
                }
                b'K' => {
                    let (process_id, key) = body.split_at(4);
                    login.process_id = i32::from_be_bytes(process_id.try_into().unwrap());
                    login.key = key.to_vec();
                }
                b'Z' => {
                    assert_eq!(body, b"I");
                    assert!(!login.key.is_empty(), "ReadyForQuery before BackendKeyData");
                    return login;
                }
                other => panic!(
                    "message {:?} during login: {}",
                    char::from(other),
                    show(&body)
                ),
            }
        }
    }

    /// Logs in, and out again.
    #[track_caller]
    pub fn login_and_leave(&mut self, startup: &[u8]) -> Login {
        let login = self.login(startup);
        self.terminate();
        login
    }

    /// Ends the session as a client should: `Terminate`; the server must then close in an orderly way (I01).
    #[track_caller]
    pub fn terminate(&mut self) {
        self.send(&wire::TERMINATE);
        self.expect_close();
    }

    /// `Terminate`, whatever is still to be read.
    #[track_caller]
    pub fn terminate_whatever_comes(&mut self) {
        self.send(&wire::TERMINATE);
        self.drain();
    }

    /// Runs `select 1` by a simple query: the session must be alive and in step.
    #[track_caller]
    pub fn expect_alive(&mut self) {
        self.send(&wire::query("select 1"));
        self.expect_select_1();
    }

    /// The answer to a simple `select 1`.
    #[track_caller]
    pub fn expect_select_1(&mut self) {
        self.expect_message(b'T');
        self.expect(&wire::message(b'D', &[0, 1, 0, 0, 0, 1, b'1']));
        self.expect(&wire::message(b'C', b"SELECT 1\0"));
        self.expect(&wire::READY_IDLE);
    }
}
