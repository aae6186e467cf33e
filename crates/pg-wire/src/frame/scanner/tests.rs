//! Boundaries, wherever the chunks are cut.

use super::*;

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

/// Five messages, the last one being 'Z'.
const STREAM: &[u8] =
    b"1\0\0\0\x04D\0\0\0\x0c\0\x01\0\0\0\x02D\0C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05TZ\0\0\0\x05I";

#[test]
fn a_whole_stream_in_one_chunk() {
    let mut scanner = FrameScanner::new(Side::Backend);
    let mut heads = Vec::new();
    let scanned = scanner
        .scan(STREAM, |head| {
            heads.push((head.tag, head.len));
            GO_ON
        })
        .unwrap();
    assert_eq!(
        heads,
        [(b'1', 5), (b'D', 13), (b'C', 14), (b'Z', 6), (b'Z', 6)]
    );
    assert_eq!(
        scanned,
        Scanned {
            consumed: STREAM.len(),
            frames: 5,
            ready: 2,
            status: Some(TransactionStatus::Idle),
            boundary: Some(STREAM.len()),
            at_boundary: true,
        }
    );
}

#[test]
fn one_byte_at_a_time_sees_the_same() {
    let mut scanner = FrameScanner::new(Side::Backend);
    let mut heads = Vec::new();
    let mut ends = Vec::new();
    let mut statuses = Vec::new();
    for (offset, byte) in STREAM.chunks(1).enumerate() {
        let scanned = scanner
            .scan(byte, |head| {
                heads.push((head.tag, offset));
                GO_ON
            })
            .unwrap();
        if scanned.frames == 1 {
            ends.push(offset + 1);
            assert_eq!(scanned.boundary, Some(1));
        }
        assert_eq!(scanned.at_boundary, scanned.frames == 1);
        assert_eq!(scanner.at_boundary(), scanned.at_boundary);
        statuses.extend(scanned.status);
    }
    assert_eq!(
        heads,
        [(b'1', 4), (b'D', 9), (b'C', 22), (b'Z', 36), (b'Z', 42)]
    );
    assert_eq!(ends, [5, 18, 32, 38, 44]);
    assert_eq!(
        statuses,
        [TransactionStatus::InTransaction, TransactionStatus::Idle]
    );
}

#[test]
fn a_boundary_is_where_the_stream_can_be_cut() {
    let mut scanner = FrameScanner::new(Side::Frontend);
    let mut boundary = |chunk: &[u8]| {
        let scanned = scanner.scan(chunk, |_| GO_ON).unwrap();
        (scanned.boundary, scanned.at_boundary)
    };
    assert_eq!(boundary(b""), (Some(0), true));
    assert_eq!(boundary(b"Q\0\0\0"), (Some(0), false));
    assert_eq!(boundary(b"\x0bsel"), (None, false));
    assert_eq!(boundary(b""), (None, false));
    assert_eq!(boundary(b"ect\0S\0\0"), (Some(4), false));
    assert_eq!(boundary(b"\0\x04"), (Some(2), true));
}

#[test]
fn breaking_stops_behind_the_header() {
    let mut scanner = FrameScanner::new(Side::Frontend);
    let chunk = b"S\0\0\0\x04X\0\0\0\x04Q\0\0\0\x05\0";
    let stop_at = |tag| {
        move |head: FrameHead| {
            if head.tag == tag {
                ControlFlow::Break(())
            } else {
                GO_ON
            }
        }
    };
    let scanned = scanner.scan(chunk, stop_at(b'X')).unwrap();
    assert_eq!((scanned.consumed, scanned.frames), (10, 1));
    assert_eq!((scanned.boundary, scanned.at_boundary), (Some(5), false));

    let rest = &chunk[scanned.consumed..];
    let scanned = scanner.scan(rest, stop_at(b'X')).unwrap();
    assert_eq!((scanned.consumed, scanned.frames), (6, 2));
    assert!(scanned.at_boundary);
}

#[test]
fn breaking_works_at_a_cut_header_too() {
    let mut scanner = FrameScanner::new(Side::Frontend);
    scanner.scan(b"X\0\0", |_| GO_ON).unwrap();
    let scanned = scanner
        .scan(b"\0\x04rest", |_| ControlFlow::Break(()))
        .unwrap();
    assert_eq!((scanned.consumed, scanned.boundary), (2, None));
    let scanned = scanner.scan(b"", |_| GO_ON).unwrap();
    assert_eq!((scanned.frames, scanned.at_boundary), (1, true));
}

#[test]
fn a_body_is_skipped_and_never_kept() {
    let mut scanner = FrameScanner::new(Side::Backend);
    scanner.scan(b"d\x3f\xff\xff\xfe", |_| GO_ON).unwrap();
    let chunk = vec![b'Z'; 1 << 20];
    for _ in 0..1023 {
        let scanned = scanner.scan(&chunk, |_| GO_ON).unwrap();
        assert_eq!(scanned.boundary, None);
    }
    let scanned = scanner.scan(&chunk[..(1 << 20) - 6], |_| GO_ON).unwrap();
    assert_eq!((scanned.frames, scanned.at_boundary), (1, true));
}

#[track_caller]
fn check_error(side: Side, stream: &[u8], expected: FrameError) {
    for cut in 0..stream.len() {
        let mut scanner = FrameScanner::new(side);
        let (first, second) = stream.split_at(cut);
        let result = scanner
            .scan(first, |_| GO_ON)
            .and_then(|_| scanner.scan(second, |_| GO_ON));
        assert_eq!(result, Err(expected), "cut at {cut}");
    }
}

#[test]
fn a_header_that_cannot_be_believed_is_an_error_at_every_cut() {
    check_error(
        Side::Frontend,
        b"S\0\0\0\x04p\0\0\0\x05x",
        FrameError::InvalidFrontendType { tag: b'p' },
    );
    for (stream, length) in [
        (b"S\0\0\0\x04Q\xff\xff\xff\xff", 0xffff_ffff),
        (b"S\0\0\0\x04Q\x80\0\0\0", 0x8000_0000),
        (b"S\0\0\0\x04Q\0\0\0\0", 0),
        (b"S\0\0\0\x04Q\0\0\0\x03", 3),
    ] {
        check_error(
            Side::Frontend,
            stream,
            FrameError::InvalidLength {
                tag: b'Q',
                length,
                limit: 0x3fff_fffe,
            },
        );
    }
    check_error(
        Side::Frontend,
        b"S\0\0\x4e\x20",
        FrameError::InvalidLength {
            tag: b'S',
            length: 20_000,
            limit: 10_000,
        },
    );
}

#[test]
fn ready_for_query_has_exactly_one_known_status() {
    check_error(
        Side::Backend,
        b"Z\0\0\0\x05x",
        FrameError::InvalidStatus { status: b'x' },
    );
    for (stream, length) in [(&b"Z\0\0\0\x04"[..], 4), (b"Z\0\0\0\x06II", 6)] {
        check_error(
            Side::Backend,
            stream,
            FrameError::InvalidLength {
                tag: b'Z',
                length,
                limit: 5,
            },
        );
    }
}
