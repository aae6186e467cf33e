//! Exact bytes of every message, and what is wrong with wrong ones.

use super::*;
use crate::SqlState;
use crate::backend::CopyFormat;
use crate::codec::Format;
use crate::startup::CancelKey;

fn decode(tag: u8, body: &'static [u8]) -> Result<BackendMessage, DecodeError> {
    BackendMessage::decode(Frame {
        tag,
        body: Bytes::from_static(body),
    })
}

#[track_caller]
fn check(message: BackendMessage, bytes: &'static [u8]) {
    let mut buf = BytesMut::new();
    message.encode(&mut buf).unwrap();
    assert_eq!(buf, bytes);
    assert_eq!(decode(bytes[0], &bytes[5..]), Ok(message.clone()));
    for end in 5..bytes.len() {
        assert_ne!(decode(bytes[0], &bytes[5..end]), Ok(message.clone()));
    }
}

#[test]
fn messages_without_a_body() {
    check(BackendMessage::ParseComplete, b"1\0\0\0\x04");
    check(BackendMessage::BindComplete, b"2\0\0\0\x04");
    check(BackendMessage::CloseComplete, b"3\0\0\0\x04");
    check(BackendMessage::CopyDone, b"c\0\0\0\x04");
    check(BackendMessage::EmptyQueryResponse, b"I\0\0\0\x04");
    check(BackendMessage::NoData, b"n\0\0\0\x04");
    check(BackendMessage::PortalSuspended, b"s\0\0\0\x04");
}

#[test]
fn authentication_requests() {
    for (request, bytes) in [
        (Authentication::Ok, &b"R\0\0\0\x08\0\0\0\0"[..]),
        (Authentication::KerberosV5, b"R\0\0\0\x08\0\0\0\x02"),
        (Authentication::CleartextPassword, b"R\0\0\0\x08\0\0\0\x03"),
        (
            Authentication::Md5Password { salt: [1, 2, 3, 4] },
            b"R\0\0\0\x0c\0\0\0\x05\x01\x02\x03\x04",
        ),
        (Authentication::Gss, b"R\0\0\0\x08\0\0\0\x07"),
        (
            Authentication::GssContinue("tok".into()),
            b"R\0\0\0\x0b\0\0\0\x08tok",
        ),
        (Authentication::Sspi, b"R\0\0\0\x08\0\0\0\x09"),
        (
            Authentication::Sasl(vec!["SCRAM-SHA-256".into()]),
            b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0",
        ),
        (
            Authentication::SaslContinue("r=x".into()),
            b"R\0\0\0\x0b\0\0\0\x0br=x",
        ),
        (
            Authentication::SaslFinal("v=x".into()),
            b"R\0\0\0\x0b\0\0\0\x0cv=x",
        ),
    ] {
        check(BackendMessage::Authentication(request), bytes);
    }
}

#[test]
fn the_start_of_a_session() {
    check(
        BackendMessage::BackendKeyData(BackendKeyData {
            process_id: 4711,
            secret_key: CancelKey::new(&[1, 2, 3, 4]).unwrap(),
        }),
        b"K\0\0\0\x0c\0\0\x12\x67\x01\x02\x03\x04",
    );
    check(
        BackendMessage::ParameterStatus(ParameterStatus {
            name: "TimeZone".into(),
            value: "UTC".into(),
        }),
        b"S\0\0\0\x11TimeZone\0UTC\0",
    );
    for (status, bytes) in [
        (TransactionStatus::Idle, b"Z\0\0\0\x05I"),
        (TransactionStatus::InTransaction, b"Z\0\0\0\x05T"),
        (TransactionStatus::Failed, b"Z\0\0\0\x05E"),
    ] {
        check(BackendMessage::ReadyForQuery(status), bytes);
    }
    check(
        BackendMessage::NegotiateProtocolVersion(NegotiateProtocolVersion {
            version: crate::ProtocolVersion::V3_2,
            options: vec!["_pq_.x".into()],
        }),
        b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0",
    );
}

#[test]
fn results() {
    check(
        BackendMessage::RowDescription(
            List::new([Field {
                name: b"id",
                table_oid: 16_384,
                column: 1,
                type_oid: 23,
                type_size: 4,
                type_modifier: -1,
                format: Format::Text,
            }])
            .unwrap(),
        ),
        b"T\0\0\0\x1b\0\x01id\0\0\0\x40\0\0\x01\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0",
    );
    check(
        BackendMessage::DataRow(List::new([Some(&b"1"[..]), None, Some(&b""[..])]).unwrap()),
        b"D\0\0\0\x13\0\x03\0\0\0\x011\xff\xff\xff\xff\0\0\0\0",
    );
    check(
        BackendMessage::CommandComplete("SELECT 1".into()),
        b"C\0\0\0\x0dSELECT 1\0",
    );
    check(
        BackendMessage::ParameterDescription(List::new([23, 25]).unwrap()),
        b"t\0\0\0\x0e\0\x02\0\0\0\x17\0\0\0\x19",
    );
    check(
        BackendMessage::FunctionCallResponse(Some("ab".into())),
        b"V\0\0\0\x0a\0\0\0\x02ab",
    );
    check(
        BackendMessage::FunctionCallResponse(None),
        b"V\0\0\0\x08\xff\xff\xff\xff",
    );
}

#[test]
fn copy() {
    let columns = List::new([Format::Binary, Format::Binary]).unwrap();
    let format = CopyFormat::Binary;
    let response = CopyResponse { format, columns };
    check(
        BackendMessage::CopyInResponse(response.clone()),
        b"G\0\0\0\x0b\x01\0\x02\0\x01\0\x01",
    );
    check(
        BackendMessage::CopyOutResponse(response.clone()),
        b"H\0\0\0\x0b\x01\0\x02\0\x01\0\x01",
    );
    check(
        BackendMessage::CopyBothResponse(response),
        b"W\0\0\0\x0b\x01\0\x02\0\x01\0\x01",
    );
    check(
        BackendMessage::CopyData("1\t2\n".into()),
        b"d\0\0\0\x081\t2\n",
    );
}

#[test]
fn reports_and_notifications() {
    let code = SqlState::SYNTAX_ERROR;
    check(
        BackendMessage::ErrorResponse(ErrorResponse::error(code, "m")),
        b"E\0\0\0\x1dSERROR\0VERROR\0C42601\0Mm\0\0",
    );
    check(
        BackendMessage::NoticeResponse(ErrorResponse::notice(code, "m")),
        b"N\0\0\0\x1fSNOTICE\0VNOTICE\0C42601\0Mm\0\0",
    );
    check(
        BackendMessage::NotificationResponse(NotificationResponse {
            process_id: 7,
            channel: "ch".into(),
            payload: "".into(),
        }),
        b"A\0\0\0\x0c\0\0\0\x07ch\0\0",
    );
}

#[track_caller]
fn check_error(tag: u8, body: &'static [u8], text: &str) {
    assert_eq!(decode(tag, body).unwrap_err().to_string(), text);
}

#[test]
fn wrong_bodies_are_told_apart() {
    check_error(
        b'D',
        b"\0\x02\0\0\0\x011",
        "insufficient data left in message (DataRow)",
    );
    check_error(
        b'D',
        b"\0\x01\xff\xff\xff\xfe",
        "insufficient data left in message (DataRow: value of length -2)",
    );
    check_error(
        b'T',
        b"\0\x01id",
        "invalid string in message (RowDescription)",
    );
    check_error(b'Z', b"Q", "invalid status 81 in message (ReadyForQuery)");
    check_error(
        b'G',
        b"\x02\0\0",
        "invalid copy format 2 in message (CopyInResponse)",
    );
    check_error(
        b'K',
        b"\0\0\0\x01",
        "invalid key length 0 in message (BackendKeyData)",
    );
    check_error(
        b'2',
        b"x",
        "invalid message format (BindComplete: 1 bytes too many)",
    );
    check_error(b'Q', b"", "invalid message type 81");
}

#[test]
fn a_row_written_directly_is_the_same_row() {
    let values = [Some(&b"1"[..]), None, Some(&b"three"[..])];
    let mut direct = BytesMut::new();
    put_data_row(&mut direct, values).unwrap();
    let mut built = BytesMut::new();
    let row = BackendMessage::DataRow(List::new(values).unwrap());
    row.encode(&mut built).unwrap();
    assert_eq!(direct, built);
}

#[test]
fn a_row_of_too_many_values_leaves_nothing() {
    let mut buf = BytesMut::new();
    let result = put_data_row(&mut buf, (0..65_536).map(|_| None));
    assert_eq!(result, Err(EncodeError::TooManyItems { field: "values" }));
    assert!(buf.is_empty());
}
