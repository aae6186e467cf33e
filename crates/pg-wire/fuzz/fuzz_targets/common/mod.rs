//! What both sides share: the frames of a stream, with the scanner looking on.

use std::ops::ControlFlow;

use bytes::BytesMut;
use pg_wire::frame::{Frame, FrameDecoder, FrameScanner, Side};

/// The messages of a stream up to its first error. Checks that the scanner sees the same, whatever the
/// cuts: the first byte of the stream says how long the pieces are.
pub(crate) fn frames(side: Side, stream: &[u8]) -> Vec<Frame> {
    let Some((step, stream)) = stream.split_first() else {
        return Vec::new();
    };
    let decoder = FrameDecoder::new(side);
    let mut buf = BytesMut::from(stream);
    let mut frames = Vec::new();
    let failed = loop {
        match decoder.decode(&mut buf) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };

    let mut scanner = FrameScanner::new(side);
    let mut count = 0;
    let mut scan_failed = false;
    for piece in stream.chunks(usize::from(*step).max(1)) {
        match scanner.scan(piece, |_| ControlFlow::Continue(())) {
            Ok(scanned) => count += scanned.frames,
            Err(_) => {
                scan_failed = true;
                break;
            }
        }
    }
    // A wrong ReadyForQuery is an error for the scanner, but a message for the decoder.
    let wrong_ready =
        |frame: &Frame| frame.tag == b'Z' && !matches!(*frame.body, [b'I' | b'T' | b'E']);
    if !frames.iter().any(wrong_ready) {
        assert_eq!(scan_failed, failed);
        if !failed {
            assert_eq!(count, frames.len());
            assert_eq!(scanner.at_boundary(), buf.is_empty());
        }
    }
    frames
}
