//! No bytes of a peer make anything panic, and what is accepted is understood.

use bytes::{Bytes, BytesMut};
use pg_wire::backend::BackendMessage;
use pg_wire::frame::Frame;
use pg_wire::frontend::FrontendMessage;
use pg_wire::startup::StartupDecoder;
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes with many zeros and small numbers, as messages have them.
fn body() -> impl Strategy<Value = Bytes> {
    let byte = prop_oneof![4 => Just(0), 2 => 1..8u8, 1 => Just(0xff), 3 => any::<u8>()];
    vec(byte, 0..60).prop_map(Bytes::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_accepted_client_body_is_encoded_to_the_same_bytes(
        tag in prop::sample::select(&b"QFBPdXEDCHScfp"[..]),
        body in body(),
    ) {
        let frame = Frame { tag, body: body.clone() };
        if let Ok(message) = FrontendMessage::decode(frame) {
            let mut buf = BytesMut::new();
            message.encode(&mut buf).unwrap();
            prop_assert_eq!(&buf[5..], &body[..]);
            let _shown = format!("{message:?}");
        }
    }

    #[test]
    fn an_accepted_server_body_is_encoded_to_the_same_bytes(
        tag in prop::sample::select(&b"RKSZTDCIENAvtnGHWdcV123s"[..]),
        body in body(),
    ) {
        let frame = Frame { tag, body: body.clone() };
        if let Ok(message) = BackendMessage::decode(frame) {
            let mut buf = BytesMut::new();
            message.encode(&mut buf).unwrap();
            prop_assert_eq!(&buf[5..], &body[..]);
            let _shown = format!("{message:?}");
        }
    }

    #[test]
    fn views_of_a_password_never_panic(body in body()) {
        let message = pg_wire::frontend::Password::new(body);
        let _ = message.password();
        let _ = message.sasl_initial_response();
    }

    #[test]
    fn startup_packets_never_panic(code in any::<u32>(), body in body()) {
        for code in [code, 0x0003_0000, 80_877_102] {
            let mut buf = BytesMut::new();
            buf.extend_from_slice(&u32::try_from(body.len() + 8).unwrap().to_be_bytes());
            buf.extend_from_slice(&code.to_be_bytes());
            buf.extend_from_slice(&body);
            let mut decoder = StartupDecoder::new();
            if let Err(error) = decoder.decode(&mut buf) {
                let _ = (error.response(), error.to_string());
            }
        }
    }
}
