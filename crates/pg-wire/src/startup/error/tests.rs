//! The exact answer to every malformed row of spec §1.3, §1.6 and §3.1.

use super::*;

#[track_caller]
fn check_client(error: &StartupError, code: &str, fields: &str) {
    assert_eq!(error.visibility(), Visibility::Client);
    assert_eq!(error.severity(), Severity::Fatal);
    assert_eq!(error.sqlstate().as_str(), code);
    let body = format!("SFATAL\0VFATAL\0C{code}\0{fields}\0\0");
    let mut expected = vec![b'E'];
    let length = u32::try_from(body.len() + 4).unwrap();
    expected.extend_from_slice(&length.to_be_bytes());
    expected.extend_from_slice(body.as_bytes());
    assert_eq!(error.response().unwrap(), expected);
}

#[track_caller]
fn check_log(error: &StartupError, code: &str, text: &str) {
    assert_eq!(error.visibility(), Visibility::LogOnly);
    assert_eq!(error.severity(), Severity::Log);
    assert_eq!(error.sqlstate().as_str(), code);
    assert_eq!(error.to_string(), text);
    assert_eq!(error.response(), None);
}

fn unsupported(major: u16, minor: u16) -> StartupError {
    StartupError::UnsupportedProtocol {
        version: ProtocolVersion::new(major, minor),
    }
}

#[test]
fn unsupported_versions_are_told_in_the_format_of_version_three() {
    for (major, minor) in [(0, 0), (4, 0), (1234, 5679), (1234, 5680), (1234, 5681)] {
        let text =
            format!("Munsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.2");
        check_client(&unsupported(major, minor), "0A000", &text);
    }
}

#[test]
fn versions_below_three_are_told_in_the_old_format() {
    for (major, minor, text) in [
        (
            0,
            1,
            "EFATAL:  unsupported frontend protocol 0.1: server supports 3.0 to 3.2\n\0",
        ),
        (
            1,
            0,
            "EFATAL:  unsupported frontend protocol 1.0: server supports 3.0 to 3.2\n\0",
        ),
        (
            2,
            0,
            "EFATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.2\n\0",
        ),
    ] {
        let error = unsupported(major, minor);
        assert_eq!(error.visibility(), Visibility::ClientV2);
        assert_eq!(error.severity(), Severity::Fatal);
        assert_eq!(error.sqlstate(), SqlState::FEATURE_NOT_SUPPORTED);
        assert_eq!(error.response().unwrap(), text);
    }
}

#[test]
fn what_a_client_can_mend_is_told() {
    check_client(
        &StartupError::MissingTerminator,
        "08P01",
        "Minvalid startup packet layout: expected terminator as last byte",
    );
    check_client(
        &StartupError::MissingUser,
        "28000",
        "Mno PostgreSQL user name specified in startup packet",
    );
    check_client(
        &StartupError::InvalidReplication {
            value: "maybe".into(),
        },
        "22023",
        "Minvalid value for parameter \"replication\": \"maybe\"\0\
         HValid values are: \"false\", 0, \"true\", 1, \"database\".",
    );
}

#[test]
fn a_value_goes_back_byte_for_byte() {
    let value = Bytes::from_static(b"\xff\xfe");
    let response = StartupError::InvalidReplication { value }
        .response()
        .unwrap();
    let part = b"\"replication\": \"\xff\xfe\"\0H";
    assert!(response.windows(part.len()).any(|window| window == part));
}

#[test]
fn early_plaintext_is_told_with_its_suspicion() {
    let detail = "DThis could be either a client-software bug or evidence of an attempted \
                  man-in-the-middle attack.";
    check_client(
        &StartupError::UnencryptedDataAfterSslRequest,
        "08P01",
        &format!("Mreceived unencrypted data after SSL request\0{detail}"),
    );
    check_client(
        &StartupError::UnencryptedDataAfterGssEncRequest,
        "08P01",
        &format!("Mreceived unencrypted data after GSSAPI encryption request\0{detail}"),
    );
}

#[test]
fn what_may_be_no_client_at_all_is_only_logged() {
    check_log(
        &StartupError::InvalidLength { length: 7 },
        "08P01",
        "invalid length of startup packet",
    );
    check_log(
        &StartupError::TruncatedPacket {
            announced: 8,
            received: 7,
        },
        "08P01",
        "incomplete startup packet",
    );
    check_log(
        &StartupError::TruncatedLength {
            received: 3,
            after_encryption_request: false,
        },
        "08P01",
        "incomplete startup packet",
    );
}

#[test]
fn an_end_after_an_encryption_request_is_silent() {
    let error = StartupError::TruncatedLength {
        received: 3,
        after_encryption_request: true,
    };
    assert_eq!(error.visibility(), Visibility::Silent);
    assert_eq!(error.response(), None);
}

#[test]
fn a_cancel_request_is_never_answered() {
    check_log(
        &StartupError::CancelTooShort,
        "08P01",
        "invalid length of cancel request packet",
    );
    check_log(
        &StartupError::CancelKeyLength { length: 257 },
        "08P01",
        "invalid length of cancel key in cancel request packet",
    );
    check_log(
        &StartupError::CancelProcessZero,
        "00000",
        "invalid cancel request with PID 0",
    );
    check_log(
        &StartupError::CancelUnknownProcess { process_id: -7 },
        "00000",
        "PID -7 in cancel request did not match any process",
    );
    check_log(
        &StartupError::CancelWrongKey { process_id: 12 },
        "00000",
        "wrong key in cancel request for process 12",
    );
}
