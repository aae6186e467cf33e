//! The codec of pg-wire against the crates `postgres-protocol` (a client's) and `pgwire` (a server's), on
//! the same messages.
//!
//! They do not promise the same: pg-wire checks every field of a message when it decodes it, the other
//! two leave the values of a DataRow unread. So rows are measured twice for pg-wire: decoded, and with
//! every value read as well.
#![expect(clippy::unwrap_used, reason = "a panic points at the line")]

use std::hint::black_box;
use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pg_wire::backend::{BackendMessage, TransactionStatus, put_data_row};
use pg_wire::frame::{FrameDecoder, FrameScanner, Side};
use pg_wire::frontend::{Bind, Execute, FrontendMessage, Parse, Target};
use pg_wire::startup::{StartupDecoder, StartupMessage};
use pg_wire::{Format, List, ProtocolVersion};
use pgwire::messages::{DecodeContext, Message, PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::messages::{data, extendedquery};
use postgres_protocol::IsNull;
use postgres_protocol::message::{backend, frontend};

criterion_group!(
    benches,
    decode_rows,
    scan_rows,
    encode_rows,
    decode_extended_query,
    encode_extended_query,
    decode_startup
);
criterion_main!(benches);

const ROWS: usize = 1_000;
const VALUES: [Option<&[u8]>; 4] = [
    Some(b"42"),
    Some(b"a text of middling length"),
    None,
    Some(b"2026-11-25 03:50:49.715+00"),
];
const QUERY: &str = "select id, name, price from shop.articles where id = $1 and price < $2";

/// The answer to a query: many rows, then the end.
fn result_stream() -> BytesMut {
    let mut buf = BytesMut::new();
    for _ in 0..ROWS {
        put_data_row(&mut buf, VALUES).unwrap();
    }
    let end = BackendMessage::CommandComplete(format!("SELECT {ROWS}").into());
    end.encode(&mut buf).unwrap();
    let ready = BackendMessage::ReadyForQuery(TransactionStatus::Idle);
    ready.encode(&mut buf).unwrap();
    buf
}

/// Parse, Bind, Describe, Execute, Sync, as drivers send them in one go.
fn extended_query() -> Vec<FrontendMessage> {
    vec![
        FrontendMessage::Parse(Parse {
            statement: "s1".into(),
            query: QUERY.into(),
            parameter_types: List::new([23, 1700]).unwrap(),
        }),
        FrontendMessage::Bind(Bind {
            portal: Bytes::new(),
            statement: "s1".into(),
            parameter_formats: List::new([Format::Text]).unwrap(),
            parameters: List::new([Some(&b"4711"[..]), Some(b"99.90")]).unwrap(),
            result_formats: List::new([Format::Binary]).unwrap(),
        }),
        FrontendMessage::Describe(Target::Portal(Bytes::new())),
        FrontendMessage::Execute(Execute::default()),
        FrontendMessage::Sync,
    ]
}

/// The context of a session that stands.
fn session_context() -> DecodeContext {
    let mut context = DecodeContext::default();
    context.awaiting_frontend_ssl = false;
    context.awaiting_frontend_startup = false;
    context
}

fn throughput(stream: &BytesMut) -> Throughput {
    Throughput::Bytes(u64::try_from(stream.len()).unwrap())
}

fn decode_rows(c: &mut Criterion) {
    let stream = result_stream();
    let mut group = c.benchmark_group("decode_rows");
    group.throughput(throughput(&stream));
    group.bench_function("pg-wire", |b| {
        let decoder = FrameDecoder::new(Side::Backend);
        b.iter_batched_ref(
            || stream.clone(),
            |buf| {
                while let Some(frame) = decoder.decode(buf).unwrap() {
                    black_box(BackendMessage::decode(frame).unwrap());
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("pg-wire, values read", |b| {
        let decoder = FrameDecoder::new(Side::Backend);
        b.iter_batched_ref(
            || stream.clone(),
            |buf| {
                while let Some(frame) = decoder.decode(buf).unwrap() {
                    if let BackendMessage::DataRow(row) = BackendMessage::decode(frame).unwrap() {
                        for value in &row {
                            black_box(value);
                        }
                    }
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("postgres-protocol", |b| {
        b.iter_batched_ref(
            || stream.clone(),
            |buf| {
                while let Some(message) = backend::Message::parse(buf).unwrap() {
                    drop(black_box(message));
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("pgwire", |b| {
        let context = session_context();
        b.iter_batched_ref(
            || stream.clone(),
            |buf| {
                while let Some(message) = PgWireBackendMessage::decode(buf, &context).unwrap() {
                    black_box(message);
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// What a relay pays: the scanner, against copying the same bytes.
fn scan_rows(c: &mut Criterion) {
    let stream = result_stream();
    let mut group = c.benchmark_group("scan_rows");
    group.throughput(throughput(&stream));
    group.bench_function("scan", |b| {
        let mut scanner = FrameScanner::new(Side::Backend);
        b.iter(|| scanner.scan(black_box(&stream), |_| ControlFlow::Continue(())));
    });
    group.bench_function("scan in pieces of 8 KiB", |b| {
        let mut scanner = FrameScanner::new(Side::Backend);
        b.iter(|| {
            for piece in black_box(&stream).chunks(8_192) {
                let scanned = scanner.scan(piece, |_| ControlFlow::Continue(()));
                black_box(scanned.unwrap());
            }
        });
    });
    group.bench_function("copy", |b| {
        let mut copy = BytesMut::with_capacity(stream.len());
        b.iter(|| {
            copy.clear();
            copy.extend_from_slice(black_box(&stream));
        });
    });
    group.finish();
}

fn encode_rows(c: &mut Criterion) {
    let stream = result_stream();
    let mut group = c.benchmark_group("encode_rows");
    group.throughput(throughput(&stream));
    group.bench_function("pg-wire", |b| {
        let mut buf = BytesMut::with_capacity(stream.len());
        b.iter(|| {
            buf.clear();
            for _ in 0..ROWS {
                put_data_row(&mut buf, black_box(VALUES)).unwrap();
            }
        });
    });
    group.bench_function("pgwire", |b| {
        let mut buf = BytesMut::with_capacity(stream.len());
        b.iter(|| {
            buf.clear();
            for _ in 0..ROWS {
                pgwire_row(black_box(VALUES)).encode(&mut buf).unwrap();
            }
        });
    });
    group.finish();
}

/// pgwire's message holds values that are already joined; joining them is part of the work.
fn pgwire_row(values: [Option<&[u8]>; 4]) -> data::DataRow {
    let mut joined = BytesMut::new();
    for value in values {
        let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap());
        joined.extend_from_slice(&length.to_be_bytes());
        joined.extend_from_slice(value.unwrap_or_default());
    }
    data::DataRow::new(joined, 4)
}

fn decode_extended_query(c: &mut Criterion) {
    let mut stream = BytesMut::new();
    for message in extended_query() {
        message.encode(&mut stream).unwrap();
    }
    let mut group = c.benchmark_group("decode_extended_query");
    group.throughput(throughput(&stream));
    group.bench_function("pg-wire", |b| {
        let decoder = FrameDecoder::new(Side::Frontend);
        b.iter_batched_ref(
            || stream.clone(),
            |buf| {
                while let Some(frame) = decoder.decode(buf).unwrap() {
                    black_box(FrontendMessage::decode(frame).unwrap());
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("pgwire", |b| {
        let context = session_context();
        b.iter_batched_ref(
            || stream.clone(),
            |buf| {
                while let Some(message) = PgWireFrontendMessage::decode(buf, &context).unwrap() {
                    black_box(message);
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn encode_extended_query(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode_extended_query");
    group.bench_function("pg-wire", |b| {
        let mut buf = BytesMut::with_capacity(512);
        b.iter(|| {
            buf.clear();
            for message in extended_query() {
                message.encode(&mut buf).unwrap();
            }
        });
    });
    group.bench_function("pg-wire, messages made before", |b| {
        let messages = extended_query();
        let mut buf = BytesMut::with_capacity(512);
        b.iter(|| {
            buf.clear();
            for message in &messages {
                message.encode(&mut buf).unwrap();
            }
        });
    });
    group.bench_function("postgres-protocol", |b| {
        let mut buf = BytesMut::with_capacity(512);
        b.iter(|| {
            buf.clear();
            postgres_protocol_extended_query(&mut buf);
        });
    });
    group.bench_function("pgwire", |b| {
        let mut buf = BytesMut::with_capacity(512);
        b.iter(|| {
            buf.clear();
            pgwire_extended_query(&mut buf);
        });
    });
    group.finish();
}

fn postgres_protocol_extended_query(buf: &mut BytesMut) {
    frontend::parse("s1", QUERY, [23, 1700], buf).unwrap();
    let put = |value: &[u8], buf: &mut BytesMut| {
        buf.extend_from_slice(value);
        Ok(IsNull::No)
    };
    let bound = frontend::bind("", "s1", [0], [&b"4711"[..], b"99.90"], put, [1], buf);
    assert!(bound.is_ok(), "the message fits");
    frontend::describe(b'P', "", buf).unwrap();
    frontend::execute("", 0, buf).unwrap();
    frontend::sync(buf);
}

fn pgwire_extended_query(buf: &mut BytesMut) {
    let name = || Some("s1".to_owned());
    let parse = extendedquery::Parse::new(name(), QUERY.to_owned(), vec![23, 1700]);
    parse.encode(buf).unwrap();
    let parameters = vec![
        Some(Bytes::from_static(b"4711")),
        Some(Bytes::from_static(b"99.90")),
    ];
    let bind = extendedquery::Bind::new(None, name(), vec![0], parameters, vec![1]);
    bind.encode(buf).unwrap();
    let describe = extendedquery::Describe::new(b'P', None);
    describe.encode(buf).unwrap();
    extendedquery::Execute::new(None, 0).encode(buf).unwrap();
    extendedquery::Sync::new().encode(buf).unwrap();
}

fn decode_startup(c: &mut Criterion) {
    let mut stream = BytesMut::new();
    StartupMessage::new(ProtocolVersion::V3_0)
        .with_parameter("user", "alice")
        .with_parameter("database", "shop")
        .with_parameter("application_name", "psql")
        .with_parameter("client_encoding", "UTF8")
        .encode(&mut stream)
        .unwrap();
    let mut group = c.benchmark_group("decode_startup");
    group.bench_function("pg-wire", |b| {
        b.iter_batched_ref(
            || stream.clone(),
            |buf| black_box(StartupDecoder::new().decode(buf).unwrap()),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("pgwire", |b| {
        let mut context = session_context();
        context.awaiting_frontend_startup = true;
        b.iter_batched_ref(
            || stream.clone(),
            |buf| black_box(PgWireFrontendMessage::decode(buf, &context).unwrap()),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}
