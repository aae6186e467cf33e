//! The startup phase, whatever the cuts.

use bytes::BytesMut;
use pg_wire::ProtocolVersion;
use pg_wire::startup::{SSL_REQUEST, StartupDecoder, StartupPacket};
use proptest::prelude::*;

use crate::strategies::{self, cut, cuts};

proptest! {
    #[test]
    fn any_cut_gives_the_same_packets(
        message in strategies::startup_message(),
        cancel in strategies::cancel_request(),
        cuts in cuts(),
    ) {
        let mut stream = BytesMut::from(&SSL_REQUEST[..]);
        message.encode(&mut stream).unwrap();
        cancel.encode(&mut stream);
        let mut decoder = StartupDecoder::new();
        let mut buf = BytesMut::new();
        let mut packets = Vec::new();
        for piece in cut(&stream, &cuts) {
            buf.extend_from_slice(&piece);
            while let Some(packet) = decoder.decode(&mut buf).unwrap() {
                packets.push(packet);
            }
            prop_assert_eq!(decoder.needed(&buf).unwrap() > 0, true);
        }
        prop_assert_eq!(decoder.finish(&buf), Ok(()));
        let expected = [
            StartupPacket::SslRequest,
            StartupPacket::Startup(message),
            StartupPacket::Cancel(cancel),
        ];
        prop_assert_eq!(packets, expected);
    }

    #[test]
    fn what_is_decoded_is_encoded_to_the_same_bytes(message in strategies::startup_message()) {
        let mut buf = BytesMut::new();
        message.encode(&mut buf).unwrap();
        let bytes = buf.clone().freeze();
        let packet = StartupDecoder::new().decode(&mut buf).unwrap();
        let Some(StartupPacket::Startup(decoded)) = packet else {
            panic!("a StartupMessage");
        };
        let mut again = BytesMut::new();
        decoded.encode(&mut again).unwrap();
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn negotiation_never_goes_beyond_either_side(message in strategies::startup_message()) {
        let latest = ProtocolVersion::LATEST;
        let (version, answer) = message.negotiate(latest);
        prop_assert!(version <= latest && version <= message.version());
        let options = message.protocol_options().count();
        prop_assert_eq!(answer.is_some(), message.version() > latest || options > 0);
    }
}
