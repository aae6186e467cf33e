//! A client's stream: decoder and scanner agree, and an accepted message is encoded to the same bytes.
#![no_main]

mod common;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pg_wire::frame::{Frame, Side};
use pg_wire::frontend::FrontendMessage;

fuzz_target!(|stream: &[u8]| {
    for frame in common::frames(Side::Frontend, stream) {
        check(frame);
    }
    // A `p` message is legal in another phase only; its body can be anything.
    if let Ok(FrontendMessage::Password(message)) = FrontendMessage::decode(Frame {
        tag: b'p',
        body: stream.to_vec().into(),
    }) {
        let _ = (message.password(), message.sasl_initial_response());
    }
});

fn check(frame: Frame) {
    if let Ok(message) = FrontendMessage::decode(frame.clone()) {
        let mut buf = BytesMut::new();
        message.encode(&mut buf).unwrap();
        assert_eq!(buf[5..], frame.body);
        let _ = format!("{message:?}");
    }
}
