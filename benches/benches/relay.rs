//! The relay with the canned engine behind it, over loopback and TLS: one small query at a time, and
//! a stream.
//!
//! Client, server and engine share the machine's cores; compare with an earlier run, not with a peer.
#![expect(clippy::unwrap_used, reason = "a panic points at the line")]

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heliosdb_benches::CannedEngine;
use heliosdb_server::{PgServerBuilder, SslConfig, SslMode};
use pg_certs::CertificateManager;
use pg_wire::ProtocolVersion;
use pg_wire::startup::StartupMessage;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const SELECT: &[u8] = b"Q\0\0\0\x0dselect 1\0";
const COPY: &[u8] = b"Q\0\0\0\x15copy t to stdout\0";
const READY: &[u8] = b"Z\0\0\0\x05I";
const STREAM_BYTES: usize = 20_000_000;

/// Starts the server; returns its address and its certificate.
fn serve(runtime: &Runtime) -> anyhow::Result<(SocketAddr, String)> {
    let dir = tempfile::tempdir()?;
    let (certificate, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
    CertificateManager::generate_self_signed(&certificate, &key, "localhost")?;
    let server = PgServerBuilder::new()
        .address("127.0.0.1:0".parse()?)
        .ssl_config(SslConfig::new(SslMode::Require, &certificate, &key))
        .build(Arc::new(CannedEngine::new(100, STREAM_BYTES)))?;
    let bound = runtime.block_on(server.bind())?;
    let address = bound.local_addrs().first().copied().context("no address")?;
    let pem = std::fs::read_to_string(certificate)?;
    runtime.spawn(async move { bound.serve().await });
    Ok((address, pem))
}

async fn connect(address: SocketAddr, root: &str) -> anyhow::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls::pki_types::pem::PemObject::pem_slice_iter(root.as_bytes()) {
        roots.add(CertificateDer::into_owned(certificate?))?;
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(SSL_REQUEST).await?;
    anyhow::ensure!(stream.read_u8().await? == b'S');
    let name = ServerName::try_from("localhost")?;
    let mut tls = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let mut startup = BytesMut::new();
    StartupMessage::new(ProtocolVersion::V3_0)
        .with_parameter("user", "postgres")
        .encode(&mut startup)?;
    tls.write_all(&startup).await?;
    tls.flush().await?;
    read_until_ready(&mut tls).await?;
    Ok(tls)
}

async fn ask(stream: &mut TlsStream<TcpStream>, message: &[u8]) -> anyhow::Result<usize> {
    stream.write_all(message).await?;
    stream.flush().await?;
    read_until_ready(stream).await
}

/// Reads up to ReadyForQuery; returns how many bytes that took.
async fn read_until_ready(stream: &mut TlsStream<TcpStream>) -> anyhow::Result<usize> {
    let mut buffer = BytesMut::with_capacity(256 * 1024);
    let mut total = 0;
    loop {
        let tail = buffer.len().saturating_sub(READY.len());
        drop(buffer.split_to(tail));
        total += tail;
        anyhow::ensure!(stream.read_buf(&mut buffer).await? > 0, "the server closed");
        if buffer.ends_with(READY) {
            return Ok(total + buffer.len());
        }
        buffer.reserve(128 * 1024);
    }
}

fn relay(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (address, root) = serve(&runtime).unwrap();
    let mut stream = runtime.block_on(connect(address, &root)).unwrap();
    let mut group = criterion.benchmark_group("relay");
    group.bench_function("query", |bencher| {
        bencher.iter(|| runtime.block_on(ask(&mut stream, SELECT)).unwrap());
    });
    group.sample_size(20);
    group.throughput(Throughput::Bytes(STREAM_BYTES.try_into().unwrap()));
    group.bench_function("download", |bencher| {
        bencher.iter(|| {
            let received = runtime.block_on(ask(&mut stream, COPY)).unwrap();
            assert!(received > STREAM_BYTES - 60_000);
        });
    });
    group.finish();
}

criterion_group!(benches, relay);
criterion_main!(benches);
