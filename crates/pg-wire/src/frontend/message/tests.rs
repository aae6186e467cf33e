//! Exact bytes of every message, and what is wrong with wrong ones.

use super::*;
use crate::codec::{Format, List, Value};

fn decode(tag: u8, body: &'static [u8]) -> Result<FrontendMessage, DecodeError> {
    FrontendMessage::decode(Frame {
        tag,
        body: Bytes::from_static(body),
    })
}

/// Both ways, and every cut of the body is an error or a different message, never a panic.
#[track_caller]
fn check(message: FrontendMessage, bytes: &'static [u8]) {
    let mut buf = BytesMut::new();
    message.encode(&mut buf).unwrap();
    assert_eq!(buf, bytes);
    assert_eq!(decode(bytes[0], &bytes[5..]), Ok(message.clone()));
    for end in 5..bytes.len() {
        assert_ne!(decode(bytes[0], &bytes[5..end]), Ok(message.clone()));
    }
}

#[test]
fn simple_messages() {
    check(
        FrontendMessage::Query("select 1".into()),
        b"Q\0\0\0\x0dselect 1\0",
    );
    check(FrontendMessage::Sync, b"S\0\0\0\x04");
    check(FrontendMessage::Flush, b"H\0\0\0\x04");
    check(FrontendMessage::Terminate, b"X\0\0\0\x04");
    check(FrontendMessage::CopyDone, b"c\0\0\0\x04");
    check(
        FrontendMessage::CopyData("1\t2\n".into()),
        b"d\0\0\0\x081\t2\n",
    );
    check(
        FrontendMessage::CopyFail("no more".into()),
        b"f\0\0\0\x0cno more\0",
    );
    check(
        FrontendMessage::Password(Password::from_password(b"secret").unwrap()),
        b"p\0\0\0\x0bsecret\0",
    );
}

#[test]
fn extended_query() {
    check(
        FrontendMessage::Parse(Parse {
            statement: "s1".into(),
            query: "select $1".into(),
            parameter_types: List::new([23]).unwrap(),
        }),
        b"P\0\0\0\x17s1\0select $1\0\0\x01\0\0\0\x17",
    );
    check(
        FrontendMessage::Bind(Bind {
            portal: "".into(),
            statement: "s1".into(),
            parameter_formats: List::new([Format::Text, Format::Binary]).unwrap(),
            parameters: List::new([Some(&b"42"[..]), None]).unwrap(),
            result_formats: List::new([Format::Binary]).unwrap(),
        }),
        b"B\0\0\0\x1e\0s1\0\0\x02\0\0\0\x01\0\x02\0\0\0\x0242\xff\xff\xff\xff\0\x01\0\x01",
    );
    check(
        FrontendMessage::Describe(Target::Statement("s1".into())),
        b"D\0\0\0\x08Ss1\0",
    );
    check(
        FrontendMessage::Close(Target::Portal("".into())),
        b"C\0\0\0\x06P\0",
    );
    check(
        FrontendMessage::Execute(Execute {
            portal: "".into(),
            max_rows: 100,
        }),
        b"E\0\0\0\x09\0\0\0\0\x64",
    );
}

#[test]
fn function_call() {
    check(
        FrontendMessage::FunctionCall(FunctionCall {
            function: 952,
            argument_formats: List::new([Format::Binary]).unwrap(),
            arguments: List::new([Some(&[0, 0, 0, 7][..])]).unwrap(),
            result_format: Format::Binary,
        }),
        b"F\0\0\0\x18\0\0\x03\xb8\0\x01\0\x01\0\x01\0\0\0\x04\0\0\0\x07\0\x01",
    );
}

#[track_caller]
fn check_error(tag: u8, body: &'static [u8], text: &str) {
    assert_eq!(decode(tag, body).unwrap_err().to_string(), text);
}

#[test]
fn fields_never_run_past_the_message() {
    check_error(b'Q', b"select 1", "invalid string in message (Query)");
    check_error(b'P', b"s\0select 1", "invalid string in message (Parse)");
    check_error(
        b'B',
        b"\0\0\0\0\0\x01\x7f\xff\xff\xf0abc\0\0",
        "insufficient data left in message (Bind)",
    );
    check_error(
        b'B',
        b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0",
        "insufficient data left in message (Bind: value of length -2)",
    );
    check_error(
        b'P',
        b"\0\0\xff\xff\0\0\0\x17",
        "insufficient data left in message (Parse)",
    );
    check_error(
        b'E',
        b"\0\0\0\0",
        "insufficient data left in message (Execute)",
    );
}

#[test]
fn nothing_may_be_left_over() {
    check_error(
        b'Q',
        b"select 1\0select 2\0",
        "invalid message format (Query: 9 bytes too many)",
    );
    check_error(
        b'S',
        b"x",
        "invalid message format (Sync: 1 bytes too many)",
    );
    check_error(
        b'X',
        b"\0\0",
        "invalid message format (Terminate: 2 bytes too many)",
    );
    check_error(
        b'B',
        b"\0\0\0\0\0\0\0\0x",
        "invalid message format (Bind: 1 bytes too many)",
    );
}

#[test]
fn unknown_kinds_are_named() {
    check_error(b'z', b"", "invalid message type 122");
    check_error(b'D', b"X\0", "invalid subtype 88 in message (Describe)");
    check_error(b'C', b"X\0", "invalid subtype 88 in message (Close)");
}

#[test]
fn a_string_with_nul_is_refused_whole() {
    let mut buf = BytesMut::new();
    let message = FrontendMessage::Query("select 1\0; drop table t".into());
    assert_eq!(
        message.encode(&mut buf),
        Err(EncodeError::EmbeddedNul { field: "query" })
    );
    assert!(buf.is_empty());
}

#[test]
fn decoding_shares_the_memory_of_the_frame() {
    let body = Bytes::from_static(b"\0s1\0\0\0\0\x01\0\0\0\x0242\0\0");
    let range = body.as_ptr_range();
    let FrontendMessage::Bind(bind) = FrontendMessage::decode(Frame { tag: b'B', body }).unwrap()
    else {
        panic!("a Bind");
    };
    let parameters: &List<Value> = &bind.parameters;
    let value = parameters.iter().next().unwrap().unwrap();
    assert!(range.contains(&value.as_ptr()));
    assert!(range.contains(&bind.statement.as_ptr()));
}
