//! The relay between two streams in memory, with the test at both far ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pg_wire::SqlState;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::counters::{Counters, TrafficSnapshot};
use crate::sessions::{LiveSession, SessionTable};

const QUERY: &[u8] = b"Q\0\0\0\x09ping\0";
const REPLY: &[u8] = b"C\0\0\0\x09PONG\0Z\0\0\0\x05I";
const IN_TRANSACTION: &[u8] = b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T";
const TERMINATE: &[u8] = b"X\0\0\0\x04";

/// A running relay, and what the test holds of it.
struct Rig {
    client: DuplexStream,
    engine: DuplexStream,
    table: Arc<SessionTable>,
    live: LiveSession,
    relay: JoinHandle<RelayEnd>,
    writes: Arc<AtomicUsize>,
}

fn rig() -> Rig {
    rig_with(1 << 20, b"")
}

fn rig_with(capacity: usize, early: &'static [u8]) -> Rig {
    let (client, client_side) = duplex(capacity);
    let (engine, engine_side) = duplex(capacity);
    let table = Arc::new(SessionTable::default());
    let live = table.begin(&Arc::new(Counters::default()));
    let control = Arc::clone(live.control());
    let writes = Arc::new(AtomicUsize::new(0));
    let mut counting = Counting {
        stream: client_side,
        writes: Arc::clone(&writes),
    };
    let relay = tokio::spawn(async move {
        let relay = Relay::new(&mut counting, engine_side, TransactionStatus::Idle, control);
        relay.run(BytesMut::new(), BytesMut::from(early)).await
    });
    Rig {
        client,
        engine,
        table,
        live,
        relay,
        writes,
    }
}

impl Rig {
    async fn client_says(&mut self, bytes: &[u8]) {
        self.client.write_all(bytes).await.unwrap();
    }

    async fn engine_says(&mut self, bytes: &[u8]) {
        self.engine.write_all(bytes).await.unwrap();
    }

    #[track_caller]
    fn client_hears(&mut self, bytes: &'static [u8]) -> impl Future<Output = ()> {
        hears(&mut self.client, bytes)
    }

    #[track_caller]
    fn engine_hears(&mut self, bytes: &'static [u8]) -> impl Future<Output = ()> {
        hears(&mut self.engine, bytes)
    }

    async fn ping(&mut self) {
        self.client_says(QUERY).await;
        self.engine_hears(QUERY).await;
        self.engine_says(REPLY).await;
        self.client_hears(REPLY).await;
    }

    /// Waits for the end of the relay and returns all that both sides still hear.
    async fn end(self) -> (RelayEnd, Vec<u8>, Vec<u8>) {
        let Self {
            mut client,
            mut engine,
            relay,
            ..
        } = self;
        let end = relay.await.unwrap();
        let mut heard = (Vec::new(), Vec::new());
        client.read_to_end(&mut heard.0).await.unwrap();
        engine.read_to_end(&mut heard.1).await.unwrap();
        (end, heard.0, heard.1)
    }
}

async fn hears(stream: &mut DuplexStream, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, bytes);
}

fn fatal(code: &str, text: &str) -> Vec<u8> {
    let body = format!("SFATAL\0VFATAL\0C{code}\0M{text}\0\0");
    let length = u32::try_from(body.len() + 4).unwrap();
    [b"E", &length.to_be_bytes()[..], body.as_bytes()].concat()
}

fn admin_shutdown() -> Vec<u8> {
    fatal(
        "57P01",
        "terminating connection due to administrator command",
    )
}

#[tokio::test]
async fn a_reply_passes_in_one_write_and_is_counted() {
    let mut rig = rig();
    rig.ping().await;
    rig.ping().await;
    assert_eq!(rig.writes.load(Ordering::Relaxed), 2);
    let traffic = rig.live.control().traffic.snapshot();
    let expected = TrafficSnapshot {
        bytes_from_clients: 20,
        messages_from_clients: 2,
        bytes_to_clients: 32,
        messages_to_clients: 4,
    };
    assert_eq!(traffic, expected);
}

#[tokio::test]
async fn what_the_engine_said_early_comes_first() {
    let mut rig = rig_with(64, b"N\0\0\0\x05\0");
    rig.client_hears(b"N\0\0\0\x05\0").await;
    rig.ping().await;
}

#[tokio::test]
async fn bytes_pass_whatever_the_cuts() {
    let mut rig = rig();
    for byte in [QUERY, QUERY].concat() {
        rig.client_says(&[byte]).await;
        let mut heard = [0];
        rig.engine.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, [byte]);
    }
    for byte in [REPLY, REPLY].concat() {
        rig.engine_says(&[byte]).await;
        let mut heard = [0];
        rig.client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, [byte]);
    }
}

#[tokio::test]
async fn large_streams_go_in_large_writes() {
    let mut rig = rig();
    let length = 1_000_000_u32;
    let head = [b"d", &(length + 4).to_be_bytes()[..]].concat();
    let stream = [head, vec![7; 1_000_000]].concat();
    rig.engine_says(&stream).await;
    let mut heard = vec![0; stream.len()];
    rig.client.read_exact(&mut heard).await.unwrap();
    assert!(heard == stream);
    let expected = stream.len().div_ceil(CHUNK);
    assert_eq!(rig.writes.load(Ordering::Relaxed), expected);
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_engine() {
    let capacity = 1024;
    let mut rig = rig_with(capacity, b"");
    let endless = [&b"d\x0f\0\0\0"[..], &vec![0; 1 << 20]].concat();
    let Rig { client, engine, .. } = &mut rig;
    let mut taken = 0;
    // The relay runs whenever this task yields; it must stop taking after a bounded amount.
    let mut refusals = 0;
    while refusals < 100 {
        let step = std::future::poll_fn(|cx| {
            Poll::Ready(Pin::new(&mut *engine).poll_write(cx, &endless[taken..]))
        });
        match step.await {
            Poll::Ready(written) => {
                taken += written.unwrap();
                refusals = 0;
            }
            Poll::Pending => refusals += 1,
        }
        tokio::task::yield_now().await;
    }
    assert!(taken <= 3 * capacity + CHUNK, "{taken}");
    let mut heard = vec![0; taken];
    client.read_exact(&mut heard).await.unwrap();
    assert!(heard == endless[..taken]);
}

#[tokio::test]
async fn terminate_ends_an_idle_session_at_once_and_is_not_passed_on() {
    let mut rig = rig();
    rig.ping().await;
    rig.client_says(TERMINATE).await;
    let (end, to_client, to_engine) = rig.end().await;
    assert!(matches!(end, RelayEnd::Terminated));
    assert_eq!((to_client, to_engine), (vec![], vec![]));
}

#[tokio::test]
async fn a_query_in_front_of_terminate_is_answered() {
    let mut rig = rig();
    rig.client_says(&[QUERY, TERMINATE].concat()).await;
    rig.engine_hears(QUERY).await;
    assert_eq!(rig.engine.read(&mut [0]).await.unwrap(), 0);
    rig.engine_says(REPLY).await;
    rig.engine.shutdown().await.unwrap();
    let (end, to_client, _) = rig.end().await;
    assert!(matches!(end, RelayEnd::Terminated));
    assert_eq!(to_client, REPLY);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_finish_is_not_waited_for_for_ever() {
    let mut rig = rig();
    rig.client_says(&[QUERY, TERMINATE].concat()).await;
    let (end, to_client, to_engine) = rig.end().await;
    assert!(matches!(end, RelayEnd::Terminated));
    assert_eq!((to_client, to_engine), (vec![], QUERY.to_vec()));
}

#[tokio::test]
async fn unknown_messages_are_told_and_not_passed_on() {
    for (bytes, text) in [
        (&b"z"[..], "invalid frontend message type 122"),
        (b"p\0\0\0\x05\0", "invalid frontend message type 112"),
    ] {
        let mut rig = rig();
        rig.client_says(bytes).await;
        let (end, to_client, to_engine) = rig.end().await;
        assert!(matches!(end, RelayEnd::Failed(SessionError::Violation(_))));
        assert_eq!(to_client, fatal("08P01", text));
        assert_eq!(to_engine, b"");
    }
}

#[tokio::test]
async fn impossible_lengths_are_not_passed_on_and_not_told() {
    for bytes in [
        &b"Q\xff\xff\xff\xff"[..],
        b"Q\x80\0\0\0",
        b"Q\0\0\0\0",
        b"Q\0\0\0\x03",
        b"Q\x7f\xff\xff\xff",
        b"X\0\x01\x86\xa0",
        b"S\0\0\x4e\x20",
    ] {
        let mut rig = rig();
        rig.client_says(bytes).await;
        let (end, to_client, to_engine) = rig.end().await;
        let RelayEnd::Failed(error) = end else {
            panic!("{end:?}");
        };
        assert_eq!(error.to_string(), "invalid message length");
        assert_eq!(error.sqlstate(), SqlState::PROTOCOL_VIOLATION);
        assert_eq!((to_client, to_engine), (vec![], vec![]));
    }
}

#[tokio::test]
async fn a_violation_behind_a_query_is_told_after_the_answer() {
    let mut rig = rig();
    rig.client_says(&[QUERY, b"z"].concat()).await;
    rig.engine_hears(QUERY).await;
    rig.engine_says(REPLY).await;
    rig.engine.shutdown().await.unwrap();
    let (_, to_client, _) = rig.end().await;
    let told = fatal("08P01", "invalid frontend message type 122");
    assert_eq!(to_client, [REPLY, &told].concat());
}

#[tokio::test]
async fn a_client_that_closes_ends_the_session() {
    for (reply, in_transaction) in [(REPLY, false), (IN_TRANSACTION, true)] {
        let mut rig = rig();
        rig.client_says(QUERY).await;
        rig.engine_hears(QUERY).await;
        rig.engine_says(reply).await;
        rig.client_hears(reply).await;
        rig.client.shutdown().await.unwrap();
        let (end, _, to_engine) = rig.end().await;
        let RelayEnd::ClientClosed {
            in_transaction: was,
        } = end
        else {
            panic!("{end:?}");
        };
        assert_eq!(was, in_transaction);
        assert_eq!(to_engine, b"");
    }
}

#[tokio::test]
async fn an_engine_that_closes_without_a_word_is_reported() {
    let mut rig = rig();
    rig.engine.shutdown().await.unwrap();
    let (end, to_client, _) = rig.end().await;
    assert!(matches!(end, RelayEnd::Failed(SessionError::EngineEnded)));
    let text = "the database engine ended the session unexpectedly";
    assert_eq!(to_client, fatal("08006", text));
}

#[tokio::test]
async fn an_engines_last_word_is_the_last_word() {
    let mut rig = rig();
    let last = fatal(
        "57P05",
        "terminating connection due to idle-session timeout",
    );
    rig.engine_says(&last).await;
    rig.engine.shutdown().await.unwrap();
    let (end, to_client, _) = rig.end().await;
    assert!(matches!(end, RelayEnd::EngineClosed));
    assert_eq!(to_client, last);
}

#[tokio::test]
async fn nothing_is_put_into_the_middle_of_a_message() {
    let mut rig = rig();
    rig.engine_says(&REPLY[..8]).await;
    rig.engine.shutdown().await.unwrap();
    let (_, to_client, _) = rig.end().await;
    assert_eq!(to_client, &REPLY[..8]);
}

#[tokio::test]
async fn an_engine_that_talks_nonsense_ends_the_session_at_the_last_good_message() {
    let mut rig = rig();
    rig.engine_says(&[REPLY, b"\x00garbage"].concat()).await;
    let (end, to_client, _) = rig.end().await;
    assert!(matches!(
        end,
        RelayEnd::Failed(SessionError::EngineViolation(_))
    ));
    let text = "the database engine sent an invalid message: invalid backend message type 0";
    assert_eq!(to_client, [REPLY, &fatal("XX000", text)].concat());
}

#[tokio::test]
async fn shutdown_ends_an_idle_session_at_once() {
    let mut rig = rig();
    rig.ping().await;
    rig.table.order_all(Order::EndWhenIdle);
    let (end, to_client, _) = rig.end().await;
    assert!(matches!(end, RelayEnd::Failed(SessionError::AdminShutdown)));
    assert_eq!(to_client, admin_shutdown());
}

#[tokio::test]
async fn shutdown_waits_for_the_end_of_a_transaction() {
    let mut rig = rig();
    rig.client_says(QUERY).await;
    rig.engine_hears(QUERY).await;
    rig.engine_says(IN_TRANSACTION).await;
    rig.client_hears(IN_TRANSACTION).await;
    rig.table.order_all(Order::EndWhenIdle);
    // Two pipelined statements: the session is idle after the second answer only.
    rig.client_says(&[QUERY, QUERY].concat()).await;
    rig.engine_hears(QUERY).await;
    rig.engine_hears(QUERY).await;
    rig.engine_says(REPLY).await;
    rig.client_hears(REPLY).await;
    assert!(!rig.relay.is_finished());
    rig.engine_says(REPLY).await;
    let (_, to_client, _) = rig.end().await;
    assert_eq!(to_client, [REPLY, &admin_shutdown()].concat());
}

#[tokio::test]
async fn the_end_of_the_grace_period_cuts_between_two_messages() {
    let mut rig = rig();
    rig.client_says(QUERY).await;
    rig.engine_hears(QUERY).await;
    rig.engine_says(&REPLY[..3]).await;
    rig.client_hears(&REPLY[..3]).await;
    rig.table.order_all(Order::EndNow);
    rig.engine_says(&[&REPLY[3..], b"D\0\0\0"].concat()).await;
    let (_, to_client, _) = rig.end().await;
    assert_eq!(to_client, [&REPLY[3..], &admin_shutdown()].concat());
}

#[tokio::test(start_paused = true)]
async fn an_engine_stuck_in_a_message_does_not_hold_up_the_shutdown() {
    let mut rig = rig();
    rig.engine_says(&REPLY[..3]).await;
    rig.client_hears(&REPLY[..3]).await;
    rig.table.order_all(Order::EndNow);
    let (_, to_client, _) = rig.end().await;
    assert_eq!(to_client, b"");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_does_not_hold_up_the_shutdown() {
    let mut rig = rig_with(16, b"");
    rig.engine_says(REPLY).await;
    rig.table.order_all(Order::EndNow);
    let end = (&mut rig.relay).await.unwrap();
    assert!(matches!(end, RelayEnd::Failed(SessionError::AdminShutdown)));
}

/// Counts writes.
struct Counting {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
