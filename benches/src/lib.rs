//! What the benchmarks share: an engine with canned answers, which costs next to nothing.
//!
//! Behind our relay it shows what the relay itself can carry; the load generator and the criterion
//! benchmarks both use it.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::{BufMut, Bytes, BytesMut};
use heliosdb_server::engine::{Backend, BoxFuture, Engine, EngineError, SessionInfo};
use pg_wire::frame::{FrameDecoder, Side};
use pg_wire::startup::StartupDecoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const GREETING: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
const READY: &[u8] = b"Z\0\0\0\x05I";
/// RowDescription of one int4 column.
const ROW_DESCRIPTION: &[u8] =
    b"T\0\0\0\x21\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0";
/// DataRow "1" and CommandComplete.
const ROW: &[u8] = b"D\0\0\0\x0b\0\x01\0\0\0\x011C\0\0\0\x0dSELECT 1\0";
const COPY_OUT: &[u8] = b"H\0\0\0\x09\0\0\x01\0\0";
const COPY_IN: &[u8] = b"G\0\0\0\x09\0\0\x01\0\0";
const COPY_END: &[u8] = b"c\0\0\0\x04C\0\0\0\x0bCOPY 1\0Z\0\0\0\x05I";
const COPY_IN_END: &[u8] = b"C\0\0\0\x0bCOPY 1\0Z\0\0\0\x05I";
/// Bytes of one write while streaming, as the load generator's `limit` server writes.
const WRITE: usize = 60_000;

/// What the servers for the load generator are started with: `ADDR CERT KEY`.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// Where to listen.
    pub address: SocketAddr,
    /// The certificate's file.
    pub certificate: String,
    /// The key's file.
    pub key: String,
}

impl Arguments {
    /// Takes the three from the front of the arguments.
    ///
    /// # Errors
    ///
    /// The name of the one that is missing, or that the first is no address.
    pub fn take(arguments: &mut impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut next = |what| arguments.next().with_context(|| format!("missing {what}"));
        Ok(Self {
            address: next("ADDR")?.parse().context("ADDR")?,
            certificate: next("CERT")?,
            key: next("KEY")?,
        })
    }
}

/// An engine that answers every statement with the row `1`, and streams at `COPY … TO STDOUT`.
#[derive(Clone, Debug)]
pub struct CannedEngine {
    /// Whole CopyData messages, about [`WRITE`] bytes of them.
    block: Bytes,
    blocks: usize,
}

impl CannedEngine {
    /// Streams `stream_bytes` in rows of `row` bytes.
    pub fn new(row: u32, stream_bytes: usize) -> Self {
        let mut message = BytesMut::new();
        message.put_u8(b'd');
        message.put_u32(row + 4);
        for _ in 1..row {
            message.put_u8(b'x');
        }
        message.put_u8(b'\n');
        let block = Bytes::from(message.repeat((WRITE / message.len()).max(1)));
        Self {
            blocks: stream_bytes / block.len(),
            block,
        }
    }

    async fn serve(self, mut stream: UnixStream) -> anyhow::Result<()> {
        let mut input = BytesMut::with_capacity(16 * 1024);
        let mut startup = StartupDecoder::new();
        while startup.decode(&mut input)?.is_none() {
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        }
        stream.write_all(GREETING).await?;
        let frames = FrameDecoder::new(Side::Frontend);
        let mut output = BytesMut::with_capacity(1024);
        loop {
            while let Some(frame) = frames.decode(&mut input)? {
                match frame.tag {
                    b'Q' if says(&frame.body, b"to stdout") => {
                        stream.write_all(COPY_OUT).await?;
                        for _ in 0..self.blocks {
                            stream.write_all(&self.block).await?;
                        }
                        output.put_slice(COPY_END);
                    }
                    b'Q' if says(&frame.body, b"from stdin") => output.put_slice(COPY_IN),
                    b'Q' => {
                        output.put_slice(ROW_DESCRIPTION);
                        output.put_slice(ROW);
                        output.put_slice(READY);
                    }
                    b'P' => output.put_slice(b"1\0\0\0\x04"),
                    b'B' => output.put_slice(b"2\0\0\0\x04"),
                    b'D' => output.put_slice(ROW_DESCRIPTION),
                    b'E' => output.put_slice(ROW),
                    b'S' => output.put_slice(READY),
                    b'c' | b'f' => output.put_slice(COPY_IN_END),
                    _ => {}
                }
            }
            if !output.is_empty() {
                stream.write_all(&output).await?;
                output.clear();
            }
            input.reserve(16 * 1024);
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        }
    }
}

fn says(sql: &[u8], words: &[u8]) -> bool {
    sql.windows(words.len())
        .any(|window| window.eq_ignore_ascii_case(words))
}

impl Engine for CannedEngine {
    fn name(&self) -> &str {
        "canned"
    }

    fn connect<'a>(
        &'a self,
        _session: &'a SessionInfo,
    ) -> BoxFuture<'a, Result<Backend, EngineError>> {
        Box::pin(async {
            let (near, far) = UnixStream::pair().map_err(EngineError::Connect)?;
            let engine = self.clone();
            // A session that breaks is the relay's to notice: it sees the end of the stream.
            tokio::spawn(async move { engine.serve(far).await });
            Ok(Backend::new(near))
        })
    }
}
