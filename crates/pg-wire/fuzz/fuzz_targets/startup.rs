//! The startup phase of one connection: whole, byte by byte, and what comes of it encoded again.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pg_wire::ProtocolVersion;
use pg_wire::startup::{StartupDecoder, StartupError, StartupPacket};

fuzz_target!(|stream: &[u8]| {
    let whole = decode(stream, stream.len());
    let bytewise = decode(stream, 1);
    assert_eq!(whole, bytewise);
    let (packets, error) = whole;
    for packet in packets {
        look_at(packet);
    }
    if let Some(error) = error {
        let _ = (error.sqlstate(), error.response(), error.to_string());
    }
});

fn decode(stream: &[u8], step: usize) -> (Vec<StartupPacket>, Option<StartupError>) {
    let mut decoder = StartupDecoder::new();
    let mut buf = BytesMut::new();
    let mut packets = Vec::new();
    for piece in stream.chunks(step.max(1)) {
        buf.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                Err(error) => return (packets, Some(error)),
            }
        }
        assert!(decoder.needed(&buf).unwrap() > 0);
    }
    let error = decoder.finish(&buf).err();
    (packets, error)
}

fn look_at(packet: StartupPacket) {
    let mut buf = BytesMut::new();
    match &packet {
        StartupPacket::Startup(message) => {
            let _ = message.validate();
            let _ = message.negotiate(ProtocolVersion::LATEST);
            assert!(
                message
                    .database()
                    .is_none_or(|database| database.len() <= 63)
            );
            message.encode(&mut buf).unwrap();
        }
        StartupPacket::Cancel(request) => request.encode(&mut buf),
        _ => return,
    }
    assert_eq!(StartupDecoder::new().decode(&mut buf), Ok(Some(packet)));
}
