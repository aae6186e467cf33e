//! Decoder and scanner: the same messages whatever the cuts, and the same opinion of everything.

use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use pg_wire::backend::{BackendMessage, TransactionStatus};
use pg_wire::frame::{Frame, FrameDecoder, FrameError, FrameHead, FrameScanner, Side};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::strategies::{self, cut, cuts};

/// The messages of a stream that comes in pieces, up to the first error.
fn decode(side: Side, pieces: &[Bytes]) -> (Vec<Frame>, Option<FrameError>) {
    let decoder = FrameDecoder::new(side);
    let mut buf = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

#[derive(Debug, Default, PartialEq)]
struct Seen {
    heads: Vec<FrameHead>,
    frames: usize,
    ready: usize,
    status: Option<TransactionStatus>,
    /// Offset in the whole stream.
    boundary: usize,
}

fn scan(side: Side, pieces: &[Bytes]) -> (Seen, Option<FrameError>) {
    let mut scanner = FrameScanner::new(side);
    let mut seen = Seen::default();
    let mut offset = 0;
    for piece in pieces {
        let heads = &mut seen.heads;
        let result = scanner.scan(piece, |head| {
            heads.push(head);
            ControlFlow::Continue(())
        });
        let scanned = match result {
            Ok(scanned) => scanned,
            Err(error) => return (seen, Some(error)),
        };
        assert_eq!(scanned.consumed, piece.len());
        assert_eq!(scanned.at_boundary, scanner.at_boundary());
        seen.frames += scanned.frames;
        seen.ready += scanned.ready;
        seen.status = scanned.status.or(seen.status);
        if let Some(boundary) = scanned.boundary {
            seen.boundary = offset + boundary;
        }
        offset += piece.len();
    }
    (seen, None)
}

/// What the scanner must have seen, by the decoder's word.
fn expected(frames: &[Frame]) -> Seen {
    let mut seen = Seen {
        frames: frames.len(),
        ..Seen::default()
    };
    for frame in frames {
        let len = frame.body.len() + 5;
        seen.boundary += len;
        let head = FrameHead {
            tag: frame.tag,
            len: u32::try_from(len).unwrap(),
        };
        seen.heads.push(head);
        if frame.tag == b'Z' {
            seen.ready += 1;
            seen.status = TransactionStatus::from_byte(frame.body[0]);
        }
    }
    seen
}

/// Random streams that have a chance to hold messages: tags are likely to exist, lengths to be short.
fn likely_stream(tags: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let tag = prop_oneof![9 => prop::sample::select(tags), 1 => any::<u8>()];
    let length = prop_oneof![9 => 4..20u32, 1 => any::<u32>()];
    let message = (tag, length, any::<u8>()).prop_map(|(tag, length, fill)| {
        let mut message = vec![tag];
        message.extend_from_slice(&length.to_be_bytes());
        let body = usize::try_from(length.saturating_sub(4)).unwrap().min(20);
        message.resize(5 + body, fill);
        message
    });
    vec(message, 0..8).prop_map(|messages| messages.concat())
}

fn check_agreement(side: Side, stream: &[u8], cuts: &[prop::sample::Index]) {
    let whole = [Bytes::copy_from_slice(stream)];
    let pieces = cut(stream, cuts);
    let (frames, error) = decode(side, &whole);
    assert_eq!(decode(side, &pieces), (frames.clone(), error));
    let (seen, scan_error) = scan(side, &pieces);
    // The scanner looks into ReadyForQuery, which the decoder leaves to the message.
    let wrong_ready =
        |frame: &Frame| frame.tag == b'Z' && BackendMessage::decode(frame.clone()).is_err();
    if frames.iter().any(wrong_ready) {
        assert!(scan_error.is_some());
        return;
    }
    assert_eq!(scan_error, error);
    if error.is_none() {
        let expected = expected(&frames);
        assert_eq!(seen.frames, expected.frames);
        assert_eq!(seen.boundary, expected.boundary);
        assert_eq!((seen.ready, seen.status), (expected.ready, expected.status));
        assert!(seen.heads.starts_with(&expected.heads));
        assert!(seen.heads.len() <= expected.heads.len() + 1);
    }
}

proptest! {
    #[test]
    fn any_cut_of_a_session_gives_the_same_messages(
        messages in vec(strategies::backend_message(), 0..6),
        cuts in cuts(),
    ) {
        let mut stream = BytesMut::new();
        for message in &messages {
            message.encode(&mut stream).unwrap();
        }
        let pieces = cut(&stream, &cuts);
        let (frames, error) = decode(Side::Backend, &pieces);
        prop_assert_eq!(error, None);
        let (seen, error) = scan(Side::Backend, &pieces);
        prop_assert_eq!(error, None);
        prop_assert_eq!(seen, expected(&frames));
        let decoded: Result<Vec<_>, _> = frames.into_iter().map(BackendMessage::decode).collect();
        prop_assert_eq!(decoded, Ok(messages));
    }

    #[test]
    fn scanner_and_decoder_agree_on_servers(
        stream in likely_stream(b"RKSZTDCIENAvtnGHWdcV123s"),
        cuts in cuts(),
    ) {
        check_agreement(Side::Backend, &stream, &cuts);
    }

    #[test]
    fn scanner_and_decoder_agree_on_clients(
        stream in likely_stream(b"QFBPdXEDCHScf"),
        cuts in cuts(),
    ) {
        check_agreement(Side::Frontend, &stream, &cuts);
    }

    #[test]
    fn a_stream_goes_on_after_every_break(
        messages in vec(strategies::session_message(), 0..6),
        cuts in cuts(),
    ) {
        let mut stream = BytesMut::new();
        for message in &messages {
            message.encode(&mut stream).unwrap();
        }
        let mut scanner = FrameScanner::new(Side::Frontend);
        let mut heads = Vec::new();
        let mut frames = 0;
        for piece in cut(&stream, &cuts) {
            let mut rest = piece.as_ref();
            loop {
                let scanned = scanner
                    .scan(rest, |head| {
                        heads.push(head.tag);
                        ControlFlow::Break(())
                    })
                    .unwrap();
                frames += scanned.frames;
                rest = &rest[scanned.consumed..];
                if rest.is_empty() {
                    break;
                }
            }
        }
        // A message without a body that ends the stream is completed by the next call.
        frames += scanner.scan(b"", |_| ControlFlow::Continue(())).unwrap().frames;
        let tags: Vec<u8> = messages.iter().map(|message| message.tag()).collect();
        prop_assert_eq!(heads, tags);
        prop_assert_eq!(frames, messages.len());
        prop_assert!(scanner.at_boundary());
    }
}
