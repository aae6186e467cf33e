//! Startup packets without TLS: specification §1.3, §1.5, §1.6 and rows X1 to X13 of §10.

use pg_tls::{NegotiateError, Negotiated};
use pg_wire::ProtocolVersion;
use pg_wire::startup::StartupError;
use tokio::io::AsyncWriteExt;

use crate::support::*;

/// A client sends `bytes` and closes its side; asserts what it reads and what is logged.
#[track_caller]
fn check(bytes: &[u8], expected: &[u8], log: Option<&str>) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    let (bytes, expected) = (bytes.to_vec(), expected.to_vec());
    let log = log.map(str::to_owned);
    async move {
        let (outcome, received) = exchange(&plain_acceptor(), tcp(), &bytes).await;
        let text = String::from_utf8_lossy(&received).into_owned();
        assert_eq!(received, expected, "at {caller}: received {text:?}");
        match (outcome, log) {
            (Ok(Negotiated::Closed), None) => {}
            (Err(error), log) => {
                assert_eq!(
                    error.log_line().map(|line| line.to_string()),
                    log,
                    "at {caller}"
                );
            }
            (outcome, log) => panic!("at {caller}: {outcome:?}, expected {log:?}"),
        }
    }
}

const INCOMPLETE: Option<&str> = Some("LOG:  incomplete startup packet");
const LENGTH: Option<&str> = Some("LOG:  invalid length of startup packet");

#[tokio::test]
async fn row_1_leaving_without_a_word_is_silent() {
    check(b"", b"", None).await;
    check(&SSL_REQUEST, b"N", None).await;
    check(&GSSENC_REQUEST, b"N", None).await;
}

#[tokio::test]
async fn row_2_x1_a_partial_length_word_is_logged_unless_encryption_was_asked_for() {
    check(&[0], b"", INCOMPLETE).await;
    check(&[0, 0, 0], b"", INCOMPLETE).await;

    for request in [SSL_REQUEST, GSSENC_REQUEST] {
        let (outcome, ()) = run(&plain_acceptor(), tcp(), async |mut stream| {
            stream.write_all(&request).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"N");
            stream.write_all(&[0, 0]).await.unwrap();
        })
        .await;
        assert!(outcome.unwrap_err().is_silent());
    }
}

#[tokio::test]
async fn rows_3_and_6_x2_impossible_lengths_close_without_a_byte() {
    for length in [0, 1, 7, 10_005, 0x7fff_ffff, 0xffff_ffff] {
        check(&packet(length, 196_608, b"user\0alice\0\0"), b"", LENGTH).await;
    }
    check(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"", LENGTH).await;
}

#[tokio::test]
async fn row_3_x3_the_longest_packet_is_served() {
    let value = "x".repeat(10_004 - 8 - "user\0alice\0options\0\0\0".len());
    let bytes = startup(&[("user", "alice"), ("options", &value)]);
    assert_eq!(bytes.len(), 10_004);
    let (outcome, ()) = run(&plain_acceptor(), tcp(), async |mut stream| {
        stream.write_all(&bytes).await.unwrap();
    })
    .await;
    assert_eq!(session(outcome).startup.options(), Some(value.as_bytes()));
}

#[tokio::test]
async fn row_4_a_body_that_ends_early_is_logged() {
    check(&alice()[..20], b"", INCOMPLETE).await;
    check(&alice()[..4], b"", INCOMPLETE).await;
}

#[tokio::test]
async fn row_7_x13_requests_may_be_padded() {
    for code in [80_877_103, 80_877_104] {
        let (outcome, ()) = run(&plain_acceptor(), tcp(), async |mut stream| {
            stream.write_all(&packet(12, code, &[0; 4])).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"N");
            stream.write_all(&alice()).await.unwrap();
        })
        .await;
        session(outcome);
    }
}

#[tokio::test]
async fn rows_9_and_10_x7_other_protocols_are_told_in_v3_form() {
    for (code, version) in [
        (0, "0.0"),
        (4 << 16, "4.0"),
        (1234 << 16 | 5681, "1234.5681"),
    ] {
        let text = format!("unsupported frontend protocol {version}: server supports 3.0 to 3.2");
        let log = format!("FATAL:  {text}");
        check(&packet(8, code, b""), &fatal("0A000", &text), Some(&log)).await;
    }
}

#[tokio::test]
async fn row_11_x6_old_protocols_are_told_in_v2_form() {
    for major in [1, 2] {
        let text = format!("unsupported frontend protocol {major}.0: server supports 3.0 to 3.2");
        let bytes = format!("EFATAL:  {text}\n\0");
        let log = format!("FATAL:  {text}");
        check(&packet(8, major << 16, b""), bytes.as_bytes(), Some(&log)).await;
    }
}

#[tokio::test]
async fn rows_12_13_and_20_versions_are_negotiated() {
    let options = [("user", "alice"), ("_pq_.b", "1"), ("_pq_.a", "2")];
    let both: &[&str] = &["_pq_.b", "_pq_.a"];
    let v = ProtocolVersion::new;
    let cases = [
        (v(3, 0), 1, v(3, 0), None),
        (v(3, 1), 1, v(3, 1), None),
        (v(3, 2), 1, v(3, 2), None),
        (v(3, 3), 1, v(3, 2), Some((v(3, 2), &[][..]))),
        (v(3, 9999), 3, v(3, 2), Some((v(3, 2), both))),
        (v(3, 0), 3, v(3, 0), Some((v(3, 0), both))),
    ];
    for (asked, parameters, expected, message) in cases {
        let bytes = startup_version(asked, &options[..parameters]);
        let (outcome, ()) = run(&plain_acceptor(), tcp(), async |mut stream| {
            stream.write_all(&bytes).await.unwrap();
        })
        .await;
        let session = session(outcome);
        assert_eq!(session.protocol, expected, "{asked}");
        let negotiated = session.negotiate_protocol_version;
        assert_eq!(negotiated.is_some(), message.is_some(), "{asked}");
        if let (Some(negotiated), Some((version, names))) = (negotiated, message) {
            assert_eq!(negotiated.version, version);
            assert_eq!(negotiated.options, names);
        }
    }
}

#[tokio::test]
async fn row_14_x4_the_terminator_is_the_last_byte() {
    let text = "invalid startup packet layout: expected terminator as last byte";
    let log = format!("FATAL:  {text}");
    let bodies: [&[u8]; 6] = [
        b"",
        b"user\0alice\0",
        b"user\0alice\0\0\0",
        b"user\0alice\0\0x",
        b"user\0",
        b"user\0alice",
    ];
    for body in bodies {
        let length = u32::try_from(8 + body.len()).unwrap();
        check(
            &packet(length, 196_608, body),
            &fatal("08P01", text),
            Some(&log),
        )
        .await;
    }
}

#[tokio::test]
async fn row_15_x5_x12_a_user_is_needed() {
    let text = "no PostgreSQL user name specified in startup packet";
    let log = format!("FATAL:  {text}");
    let expected = fatal("28000", text);
    check(&packet(9, 196_608, b"\0"), &expected, Some(&log)).await;
    check(
        &startup(&[("user", ""), ("database", "x")]),
        &expected,
        Some(&log),
    )
    .await;
    // 3.2 is ours, so there is nothing to negotiate.
    check(
        &startup_version(ProtocolVersion::V3_2, &[]),
        &expected,
        Some(&log),
    )
    .await;
    // 3.3 is not: NegotiateProtocolVersion goes first.
    let negotiate = b"v\0\0\0\x0c\0\x03\0\x02\0\0\0\0";
    let both = [&negotiate[..], &expected].concat();
    check(
        &startup_version(ProtocolVersion::new(3, 3), &[]),
        &both,
        Some(&log),
    )
    .await;
}

#[tokio::test]
async fn row_16_replication_is_boolean_or_database() {
    let text = "invalid value for parameter \"replication\": \"maybe\"";
    let hint = "Valid values are: \"false\", 0, \"true\", 1, \"database\".";
    let response =
        pg_wire::backend::ErrorResponse::fatal(pg_wire::SqlState::INVALID_PARAMETER_VALUE, text)
            .with_hint(hint);
    let log = format!("FATAL:  {text}\nHINT:  {hint}");
    // Also with options that would be negotiated: this comes first.
    let bytes = startup(&[("replication", "maybe"), ("_pq_.x", "1")]);
    check(&bytes, &response.to_bytes(), Some(&log)).await;
}

#[tokio::test]
async fn rows_17_and_18_the_last_duplicate_wins_and_the_database_defaults_to_the_user() {
    let (outcome, ()) = run(&plain_acceptor(), tcp(), async |mut stream| {
        let bytes = startup(&[("user", "bob"), ("user", "alice")]);
        stream.write_all(&bytes).await.unwrap();
    })
    .await;
    let session = session(outcome);
    assert_eq!(session.startup.user(), Some(&b"alice"[..]));
    assert_eq!(session.startup.database(), Some(&b"alice"[..]));
    assert!(session.tls.is_none());
    assert!(!session.stream.is_tls());
}

#[tokio::test]
async fn cancel_requests_are_handed_over_without_a_byte() {
    let (outcome, ()) = run(&plain_acceptor(), tcp(), async |mut stream| {
        stream.write_all(&CANCEL_REQUEST).await.unwrap();
    })
    .await;
    let Ok(Negotiated::Cancel(cancel)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(cancel.request.process_id, 7);
    assert_eq!(cancel.peer, tcp());
}

#[tokio::test]
async fn malformed_cancel_requests_close_without_a_byte() {
    let key = Some("LOG:  invalid length of cancel key in cancel request packet");
    let code = 80_877_102;
    check(&packet(12, code, &[0; 4]), b"", key).await;
    check(&packet(269, code, &[1; 261]), b"", key).await;
    let short = Some("LOG:  invalid length of cancel request packet");
    check(&packet(10, code, &[0; 2]), b"", short).await;
}

#[tokio::test]
async fn a_split_startup_packet_is_the_same_packet() {
    let bytes = [&SSL_REQUEST[..], &alice()].concat();
    for size in 1..=bytes.len() {
        // The server's side holds no more than `size` bytes at a time.
        let (server, mut stream) = tokio::io::duplex(size);
        let acceptor = plain_acceptor();
        let (outcome, ()) = tokio::join!(acceptor.negotiate(server, tcp(), LONG), async {
            stream.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"N");
            stream.write_all(&alice()).await.unwrap();
        });
        assert_eq!(
            session(outcome).startup.user(),
            Some(&b"alice"[..]),
            "{size}"
        );
    }
}

#[tokio::test]
async fn nothing_is_read_beyond_the_startup_packet() {
    let (outcome, stream) = run(&plain_acceptor(), tcp(), async |mut stream| {
        stream.write_all(&alice()).await.unwrap();
        stream.write_all(b"Q\0\0\0\x0dselect 1\0").await.unwrap();
        stream
    })
    .await;
    let mut session = session(outcome);
    assert_eq!(
        read(&mut session.stream, 14).await,
        b"Q\0\0\0\x0dselect 1\0"
    );
    drop(stream);
}

#[tokio::test]
async fn a_broken_transport_is_a_receive_error() {
    #[derive(Debug)]
    struct Broken;
    impl tokio::io::AsyncRead for Broken {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::Error::from_raw_os_error(104)))
        }
    }
    let stream = tokio::io::join(Broken, tokio::io::sink());
    let error = plain_acceptor()
        .negotiate(stream, tcp(), LONG)
        .await
        .unwrap_err();
    assert!(matches!(error, NegotiateError::Receive(_)));
    assert_eq!(
        error.log_line().unwrap().to_string(),
        "LOG:  could not receive data from client: Connection reset by peer"
    );
}

#[test]
fn startup_errors_keep_their_own_codes() {
    let error = NegotiateError::from(StartupError::MissingUser);
    assert_eq!(error.sqlstate().as_str(), "28000");
}
