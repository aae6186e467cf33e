//! The rows of spec §1.3, §1.6 and §10 that the decoder judges.

use super::*;
use crate::startup::{CancelKey, GSSENC_REQUEST, SSL_REQUEST};

/// A packet with a correct length word.
fn packet(code: u32, body: &[u8]) -> BytesMut {
    let length = u32::try_from(body.len() + 8).unwrap();
    let mut buf = BytesMut::from(&length.to_be_bytes()[..]);
    buf.extend_from_slice(&code.to_be_bytes());
    buf.extend_from_slice(body);
    buf
}

fn decode(mut buf: BytesMut) -> Result<StartupPacket, StartupError> {
    let packet = StartupDecoder::new().decode(&mut buf)?;
    assert!(buf.is_empty(), "exactly the packet is consumed");
    Ok(packet.expect("the packet is whole"))
}

#[track_caller]
fn check(code: u32, body: &[u8], expected: Result<StartupPacket, StartupError>) {
    assert_eq!(decode(packet(code, body)), expected);
}

fn startup(parameters: &[(&str, &str)]) -> StartupPacket {
    let message = StartupMessage::new(ProtocolVersion::V3_0);
    StartupPacket::Startup(parameters.iter().fold(message, |message, (name, value)| {
        message.with_parameter(name, value)
    }))
}

const V3_0: u32 = 0x0003_0000;

#[test]
fn requests_count_by_their_code_alone() {
    check(SSL_REQUEST_CODE, b"", Ok(StartupPacket::SslRequest));
    check(GSSENC_REQUEST_CODE, b"", Ok(StartupPacket::GssEncRequest));
    check(SSL_REQUEST_CODE, b"pad!", Ok(StartupPacket::SslRequest));
    check(
        GSSENC_REQUEST_CODE,
        b"pad!",
        Ok(StartupPacket::GssEncRequest),
    );
}

#[test]
fn the_length_word_has_both_limits() {
    for length in [0, 1, 7, 10_005, 0x1603_0100, 0x4745_5420, u32::MAX] {
        let buf = &length.to_be_bytes()[..];
        let decoder = StartupDecoder::new();
        let error = StartupError::InvalidLength { length };
        assert_eq!(decoder.needed(buf), Err(error.clone()));
        assert_eq!(
            decoder.clone().decode(&mut BytesMut::from(buf)),
            Err(error.clone())
        );
        assert_eq!(decoder.finish(buf), Err(error));
    }
    let decoder = StartupDecoder::new();
    assert_eq!(decoder.needed(&[0, 0, 0, 8]), Ok(4));
    assert_eq!(decoder.needed(&[0, 0, 0x27, 0x14]), Ok(10_000));
}

#[test]
fn the_longest_packet_is_served() {
    let value = "x".repeat(10_000 - 4 - "user\0".len() - 2);
    let mut body = b"user\0".to_vec();
    body.extend_from_slice(value.as_bytes());
    body.extend_from_slice(b"\0\0");
    let buf = packet(V3_0, &body);
    assert_eq!(buf.len(), 10_004);
    assert_eq!(decode(buf), Ok(startup(&[("user", &value)])));
}

#[test]
fn majors_other_than_three_are_told_apart() {
    for (major, minor) in [
        (0, 0),
        (1, 0),
        (2, 0),
        (4, 0),
        (1234, 5677),
        (1234, 5681),
        (9999, 0),
    ] {
        let version = ProtocolVersion::new(major, minor);
        check(
            version.code(),
            b"no parameters \xff at all",
            Ok(StartupPacket::Unsupported(version)),
        );
    }
}

#[test]
fn every_minor_of_three_is_a_startup_message() {
    for minor in [0, 1, 2, 9999] {
        let version = ProtocolVersion::new(3, minor);
        let message = StartupMessage::new(version).with_parameter("user", "a");
        check(
            version.code(),
            b"user\0a\0\0",
            Ok(StartupPacket::Startup(message)),
        );
    }
}

#[test]
fn parameters_keep_order_and_duplicates() {
    check(
        V3_0,
        b"user\0a\0options\0\0user\0b\0_pq_.x\0y\0\0",
        Ok(startup(&[
            ("user", "a"),
            ("options", ""),
            ("user", "b"),
            ("_pq_.x", "y"),
        ])),
    );
    check(V3_0, b"\0", Ok(startup(&[])));
}

#[test]
fn the_terminator_is_the_last_byte_and_the_only_one() {
    for body in [
        &b""[..],
        b"user\0a\0",
        b"user\0a\0\0\0",
        b"user\0a\0\0x",
        b"\0\0",
        b"user\0",
        b"user",
        b"user\0a",
        b"user\0a\0name\0",
        b"user\0a\0name\0value",
        b"replication\0",
        b"replication\0true",
    ] {
        check(V3_0, body, Err(StartupError::MissingTerminator));
    }
}

#[test]
fn a_wrong_replication_comes_before_a_wrong_end() {
    for body in [
        &b"replication\0maybe\0\0"[..],
        b"replication\0maybe\0",
        b"replication\0maybe",
        b"user\0a\0replication\0maybe\0\0\0",
        b"replication\0maybe\0replication\0true\0\0",
    ] {
        let value = Bytes::from("maybe");
        check(V3_0, body, Err(StartupError::InvalidReplication { value }));
    }
    check(
        V3_0,
        b"replication\0\0\0",
        Err(StartupError::InvalidReplication {
            value: Bytes::new(),
        }),
    );
    check(
        V3_0,
        b"replication\0database\0\0",
        Ok(startup(&[("replication", "database")])),
    );
}

#[test]
fn a_cancel_key_has_1_to_256_bytes() {
    let cancel = |key: &[u8]| {
        let mut body = vec![0, 0, 0x12, 0x34];
        body.extend_from_slice(key);
        decode(packet(CANCEL_REQUEST_CODE, &body))
    };
    for length in [1, 4, 32, 256] {
        let key = vec![7; length];
        let request = CancelRequest {
            process_id: 0x1234,
            secret_key: CancelKey::new(&key).unwrap(),
        };
        assert_eq!(cancel(&key), Ok(StartupPacket::Cancel(request)));
    }
    for length in [0, 257] {
        assert_eq!(
            cancel(&vec![7; length]),
            Err(StartupError::CancelKeyLength { length })
        );
    }
    for length in 0..4 {
        check(
            CANCEL_REQUEST_CODE,
            &vec![0; length],
            Err(StartupError::CancelTooShort),
        );
    }
}

#[test]
fn an_early_end_depends_on_what_came_before() {
    let mut decoder = StartupDecoder::new();
    assert_eq!(decoder.finish(&[]), Ok(()));
    assert_eq!(
        decoder.finish(&[0]),
        Err(StartupError::TruncatedLength {
            received: 1,
            after_encryption_request: false
        })
    );
    let truncated = StartupError::TruncatedPacket {
        announced: 8,
        received: 7,
    };
    assert_eq!(decoder.finish(&SSL_REQUEST[..7]), Err(truncated.clone()));

    for request in [SSL_REQUEST, GSSENC_REQUEST] {
        decoder = StartupDecoder::new();
        decoder.decode(&mut BytesMut::from(&request[..])).unwrap();
        assert_eq!(decoder.finish(&[]), Ok(()));
        assert_eq!(
            decoder.finish(&[0, 0, 0]),
            Err(StartupError::TruncatedLength {
                received: 3,
                after_encryption_request: true
            })
        );
        assert_eq!(decoder.finish(&SSL_REQUEST[..7]), Err(truncated.clone()));
    }
}

#[test]
fn a_packet_stands_for_the_version_in_its_place() {
    for (request, text) in [(SSL_REQUEST, "1234.5679"), (GSSENC_REQUEST, "1234.5680")] {
        let packet = decode(BytesMut::from(&request[..])).unwrap();
        assert_eq!(packet.version().to_string(), text);
    }
}

#[test]
fn every_cut_gives_the_same_packets() {
    let mut stream = BytesMut::from(&SSL_REQUEST[..]);
    stream.extend_from_slice(&packet(V3_0, b"user\0a\0\0"));
    let expected = [StartupPacket::SslRequest, startup(&[("user", "a")])];
    for cut in 0..stream.len() {
        let mut decoder = StartupDecoder::new();
        let mut buf = BytesMut::new();
        let mut packets = Vec::new();
        for part in [&stream[..cut], &stream[cut..]] {
            buf.extend_from_slice(part);
            while let Some(packet) = decoder.decode(&mut buf).unwrap() {
                packets.push(packet);
            }
        }
        assert_eq!(packets, expected, "cut at {cut}");
    }
}

#[test]
fn reading_what_is_needed_reads_the_packet_and_no_more() {
    let mut source = packet(V3_0, b"user\0a\0\0");
    let length = source.len();
    source.extend_from_slice(b"next");
    let mut decoder = StartupDecoder::new();
    let mut buf = BytesMut::new();
    while let needed @ 1.. = decoder.needed(&buf).unwrap() {
        buf.extend_from_slice(&source.split_to(needed));
    }
    assert_eq!(buf.len(), length);
    assert!(decoder.decode(&mut buf).unwrap().is_some());
    assert_eq!(source, "next");
}
