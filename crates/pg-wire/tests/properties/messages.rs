//! What is encoded is decoded to the same.

use bytes::BytesMut;
use pg_wire::backend::BackendMessage;
use pg_wire::frame::{FrameDecoder, Phase, Side};
use pg_wire::frontend::FrontendMessage;
use proptest::prelude::*;

use crate::strategies;

proptest! {
    #[test]
    fn a_frontend_message_comes_back(message in strategies::session_message()) {
        let mut buf = BytesMut::new();
        message.encode(&mut buf).unwrap();
        let frame = FrameDecoder::new(Side::Frontend).decode(&mut buf).unwrap().unwrap();
        prop_assert!(buf.is_empty());
        prop_assert_eq!(FrontendMessage::decode(frame), Ok(message));
    }

    #[test]
    fn a_password_message_comes_back(message in strategies::password()) {
        let mut buf = BytesMut::new();
        FrontendMessage::Password(message.clone()).encode(&mut buf).unwrap();
        let mut decoder = FrameDecoder::new(Side::Frontend);
        decoder.set_phase(Phase::Password);
        let frame = decoder.decode(&mut buf).unwrap().unwrap();
        prop_assert_eq!(FrontendMessage::decode(frame), Ok(FrontendMessage::Password(message)));
    }

    #[test]
    fn a_sasl_initial_response_comes_back(first in strategies::sasl_initial_response()) {
        let message = first.to_password().unwrap();
        prop_assert_eq!(message.sasl_initial_response(), Ok(first));
    }

    #[test]
    fn a_backend_message_comes_back(message in strategies::backend_message()) {
        let mut buf = BytesMut::new();
        message.encode(&mut buf).unwrap();
        let frame = FrameDecoder::new(Side::Backend).decode(&mut buf).unwrap().unwrap();
        prop_assert!(buf.is_empty());
        prop_assert_eq!(BackendMessage::decode(frame), Ok(message));
    }

    #[test]
    fn a_message_with_a_byte_too_many_is_an_error(message in strategies::session_message()) {
        prop_assume!(!matches!(message, FrontendMessage::CopyData(_)));
        let mut buf = BytesMut::new();
        message.encode(&mut buf).unwrap();
        let mut frame = FrameDecoder::new(Side::Frontend).decode(&mut buf).unwrap().unwrap();
        frame.body = [frame.body.as_ref(), b"x"].concat().into();
        prop_assert!(FrontendMessage::decode(frame).is_err());
    }
}
