//! An engine that does as it is told: a few statements with known answers, and a few strange ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use heliosdb_server::engine::{
    Backend, BoxFuture, CancelStatement, Engine, EngineError, SessionInfo,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Notify;

use crate::wire::{self, AUTHENTICATION_OK, READY_IDLE, Report};

/// The engine, and what it has done so far.
#[derive(Debug, Default)]
pub struct Scripted {
    streamed: Arc<AtomicU64>,
}

impl Scripted {
    /// How many bytes of `stream for ever` have been written to the server so far.
    #[must_use]
    pub fn streamed(&self) -> u64 {
        self.streamed.load(Ordering::Relaxed)
    }
}

impl Engine for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn connect<'a>(
        &'a self,
        _session: &'a SessionInfo,
    ) -> BoxFuture<'a, Result<Backend, EngineError>> {
        Box::pin(async {
            let (near, far) = UnixStream::pair().map_err(EngineError::Connect)?;
            let cancel = Arc::new(Cancel::default());
            let session = Session {
                stream: far,
                cancel: Arc::clone(&cancel),
                streamed: Arc::clone(&self.streamed),
                skips_to_sync: false,
                prepared: String::new(),
            };
            tokio::spawn(session.run());
            Ok(Backend::new(near).with_canceller(cancel))
        })
    }
}

/// Wakes a statement that sleeps; without one it does nothing, as in PostgreSQL.
#[derive(Debug, Default)]
struct Cancel(Notify);

impl CancelStatement for Cancel {
    fn cancel(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.0.notify_waiters();
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Session {
    stream: UnixStream,
    cancel: Arc<Cancel>,
    streamed: Arc<AtomicU64>,
    /// After an error in the extended protocol.
    skips_to_sync: bool,
    prepared: String,
}

impl Session {
    /// Ends with the stream, whichever side of it goes first.
    async fn run(mut self) {
        let _gone = self.serve().await;
    }

    async fn serve(&mut self) -> std::io::Result<()> {
        let length = self.stream.read_u32().await?;
        let mut startup = vec![0; usize::try_from(length).unwrap() - 4];
        self.stream.read_exact(&mut startup).await?;
        let greeting = [
            &AUTHENTICATION_OK[..],
            &wire::message(b'S', b"server_version\x0018.0\0"),
            &wire::message(b'S', b"client_encoding\0UTF8\0"),
            &wire::message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
            &READY_IDLE,
        ]
        .concat();
        self.stream.write_all(&greeting).await?;
        loop {
            let tag = self.stream.read_u8().await?;
            let length = self.stream.read_u32().await?;
            let mut body = vec![0; usize::try_from(length).unwrap() - 4];
            self.stream.read_exact(&mut body).await?;
            self.answer(tag, &body).await?;
        }
    }

    async fn answer(&mut self, tag: u8, body: &[u8]) -> std::io::Result<()> {
        match tag {
            b'S' => {
                self.skips_to_sync = false;
                self.stream.write_all(&READY_IDLE).await
            }
            _ if self.skips_to_sync => Ok(()),
            b'Q' => {
                let text = String::from_utf8_lossy(&body[..body.len() - 1]).into_owned();
                self.run_statement(&text).await?;
                self.stream.write_all(&READY_IDLE).await
            }
            b'P' => {
                let mut texts = body.split(|&byte| byte == 0).skip(1);
                self.prepared = String::from_utf8_lossy(texts.next().unwrap()).into_owned();
                if self.prepared.starts_with("select 1") {
                    self.stream.write_all(&wire::message(b'1', &[])).await
                } else {
                    self.skips_to_sync = true;
                    self.stream.write_all(&syntax_error().bytes()).await
                }
            }
            b'B' => self.stream.write_all(&wire::message(b'2', &[])).await,
            b'E' => {
                self.stream
                    .write_all(&[row(b"1"), complete("SELECT 1")].concat())
                    .await
            }
            _ => Ok(()),
        }
    }

    async fn run_statement(&mut self, text: &str) -> std::io::Result<()> {
        let text = text.trim_end();
        if text == "select 1" {
            let answer = [description(), row(b"1"), complete("SELECT 1")].concat();
            return self.stream.write_all(&answer).await;
        }
        if let Some(seconds) = argument(text, "select pg_sleep(") {
            return self.sleep(seconds).await;
        }
        if let Some(count) = argument(text, "select generate_series(1, ") {
            return self.rows(count).await;
        }
        if let Some(length) = argument(text, "select repeat('x', ") {
            let value = vec![b'x'; usize::try_from(length).unwrap()];
            let answer = [description(), row(&value), complete("SELECT 1")].concat();
            return self.stream.write_all(&answer).await;
        }
        if let Some(length) = argument(text, "die with an error of (") {
            let text = "e".repeat(usize::try_from(length).unwrap());
            self.stream
                .write_all(&Report::fatal("XX000", text).bytes())
                .await?;
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
        if text == "stream for ever" {
            return self.stream_for_ever().await;
        }
        self.stream.write_all(&syntax_error().bytes()).await
    }

    async fn sleep(&mut self, seconds: u64) -> std::io::Result<()> {
        let cancelled = self.cancel.0.notified();
        tokio::pin!(cancelled);
        cancelled.as_mut().enable();
        self.stream.write_all(&description()).await?;
        let answer = match tokio::time::timeout(Duration::from_secs(seconds), cancelled).await {
            Ok(()) => Report {
                severity: "ERROR".into(),
                ..Report::fatal("57014", "canceling statement due to user request")
            }
            .bytes(),
            Err(_) => [row(b""), complete("SELECT 1")].concat(),
        };
        self.stream.write_all(&answer).await
    }

    /// Written as PostgreSQL does it: whenever 8 KiB are full, and at the end.
    async fn rows(&mut self, count: u64) -> std::io::Result<()> {
        let mut buffer = description();
        for number in 1..=count {
            buffer.extend(row(number.to_string().as_bytes()));
            while buffer.len() >= 8_192 {
                self.stream.write_all(&buffer[..8_192]).await?;
                buffer.drain(..8_192);
            }
        }
        buffer.extend(complete(&format!("SELECT {count}")));
        self.stream.write_all(&buffer).await
    }

    async fn stream_for_ever(&mut self) -> std::io::Result<()> {
        let cancel = Arc::clone(&self.cancel);
        let cancelled = cancel.0.notified();
        tokio::pin!(cancelled);
        cancelled.as_mut().enable();
        self.stream.write_all(&description()).await?;
        let row = row(&[b'x'; 1_000]);
        loop {
            tokio::select! {
                biased;
                () = &mut cancelled => break,
                written = self.stream.writable() => written?,
            }
            self.stream.write_all(&row).await?;
            self.streamed
                .fetch_add(u64::try_from(row.len()).unwrap(), Ordering::Relaxed);
        }
        let report = Report {
            severity: "ERROR".into(),
            ..Report::fatal("57014", "canceling statement due to user request")
        };
        self.stream.write_all(&report.bytes()).await
    }
}

fn argument(text: &str, start: &str) -> Option<u64> {
    text.strip_prefix(start)?.strip_suffix(')')?.parse().ok()
}

fn syntax_error() -> Report {
    Report {
        severity: "ERROR".into(),
        ..Report::fatal("42601", "syntax error")
    }
}

/// One text column.
fn description() -> Vec<u8> {
    let body = [
        &[0, 1][..],
        b"?column?\0",
        &[0, 0, 0, 0, 0, 0],
        &25_u32.to_be_bytes(),
        &[0xFF, 0xFF],
        &[0xFF; 4],
        &[0, 0],
    ]
    .concat();
    wire::message(b'T', &body)
}

fn row(value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap();
    wire::message(b'D', &[&[0, 1][..], &length.to_be_bytes(), value].concat())
}

fn complete(tag: &str) -> Vec<u8> {
    wire::message(b'C', &[tag.as_bytes(), &[0]].concat())
}
