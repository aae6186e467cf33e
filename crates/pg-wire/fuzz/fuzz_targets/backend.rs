//! A server's stream: decoder and scanner agree, and an accepted message is encoded to the same bytes.
#![no_main]

mod common;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pg_wire::backend::BackendMessage;
use pg_wire::frame::Side;

fuzz_target!(|stream: &[u8]| {
    for frame in common::frames(Side::Backend, stream) {
        if let Ok(message) = BackendMessage::decode(frame.clone()) {
            let mut buf = BytesMut::new();
            message.encode(&mut buf).unwrap();
            assert_eq!(buf[5..], frame.body);
            let _ = format!("{message:?}");
        }
    }
});
