//! Specification §6.3 and §6.4 row by row: code, text and DETAIL as PostgreSQL sends them.

use bytes::BytesMut;
use pg_wire::backend::ErrorResponse;

use super::client::{Client, PLAIN, PLUS};
use super::*;

type Row<'a> = (&'a str, &'a str, Option<&'a str>);

const MALFORMED: &str = "malformed SCRAM message";

#[track_caller]
fn assert_row(reply: Result<Reply, ScramError>, (code, text, detail): Row<'_>) {
    let error = reply.unwrap_err();
    let seen = (error.sqlstate(), error.to_string(), error.detail());
    assert_eq!(
        (seen.0.as_str(), seen.1.as_str(), seen.2.as_deref()),
        (code, text, detail)
    );
    let mut buf = BytesMut::new();
    error.response().encode(&mut buf);
    let sent = String::from_utf8_lossy(&buf[5..]).into_owned();
    let detail = detail.map_or(String::new(), |detail| format!("D{detail}\0"));
    assert_eq!(
        sent,
        format!("SFATAL\0VFATAL\0C{code}\0M{text}\0{detail}\0")
    );
}

/// A first message under one of the mechanisms.
#[track_caller]
fn first(binding: &ChannelBinding, mechanism: &str, message: &[u8], row: Row<'_>) {
    let mut server = exchange(Some(&pencil()), binding.clone());
    assert_row(choose(&mut server, mechanism, Some(message)), row);
    assert_eq!(answer(&mut server, b"c=biws"), Err(ScramError::Over));
}

/// Both with PLUS on offer and without.
#[track_caller]
fn plain(message: &[u8], row: Row<'_>) {
    for binding in [tls(), ChannelBinding::NoTls, ChannelBinding::Undefined] {
        first(&binding, "SCRAM-SHA-256", message, row);
    }
}

#[track_caller]
fn detail(message: &[u8], detail: &str) {
    plain(message, ("08P01", MALFORMED, Some(detail)));
}

#[test]
fn e05_downgrade_is_detected() {
    first(
        &tls(),
        "SCRAM-SHA-256",
        b"y,,n=,r=x",
        (
            "28000",
            "SCRAM channel binding negotiation error",
            Some(
                "The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding.",
            ),
        ),
    );
}

#[test]
fn e05_flag_and_mechanism_must_agree() {
    detail(
        b"p=tls-server-end-point,,n=,r=x",
        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.",
    );
    for message in [&b"n,,n=,r=x"[..], b"y,,n=,r=x", b"n"] {
        first(
            &tls(),
            "SCRAM-SHA-256-PLUS",
            message,
            (
                "08P01",
                MALFORMED,
                Some(
                    "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.",
                ),
            ),
        );
    }
}

#[test]
fn e05_only_tls_server_end_point_binds() {
    for (kind, shown) in [
        ("tls-unique", "tls-unique"),
        ("tls-exporter", "tls-exporter"),
        ("tls-server-end-poin", "tls-server-end-poin"),
        ("", ""),
        ("t\u{e9} \t", "t????"),
        (
            "0123456789012345678901234567890123456789",
            "012345678901234567890123456789",
        ),
    ] {
        first(
            &tls(),
            "SCRAM-SHA-256-PLUS",
            format!("p={kind},,n=,r=x").as_bytes(),
            (
                "08P01",
                &format!("unsupported SCRAM channel-binding type \"{shown}\""),
                None,
            ),
        );
    }
    let plus = |message, detail| {
        first(
            &tls(),
            "SCRAM-SHA-256-PLUS",
            message,
            ("08P01", MALFORMED, Some(detail)),
        );
    };
    plus(b"p", "Expected character \"=\" for attribute \"p\".");
    plus(
        b"p=tls-server-end-point",
        "Unexpected attribute \"0x00\" in client-first-message.",
    );
}

#[test]
fn mechanisms_that_were_not_offered_are_refused() {
    let row = (
        "08P01",
        "client selected an invalid SASL authentication mechanism",
        None,
    );
    for binding in [ChannelBinding::NoTls, ChannelBinding::Undefined] {
        first(
            &binding,
            "SCRAM-SHA-256-PLUS",
            b"p=tls-server-end-point,,n=,r=x",
            row,
        );
    }
    for name in [
        "BOGUS-MECH",
        "",
        "scram-sha-256",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256-PLUSS",
    ] {
        first(&tls(), name, b"n,,n=,r=x", row);
    }
}

#[test]
fn a_body_that_is_no_initial_response_is_refused() {
    for (body, text) in [
        (
            &b"SCRAM-SHA-256"[..],
            "invalid string in message (SASLInitialResponse)",
        ),
        (
            b"SCRAM-SHA-256\0\0\0\0\x09n,,",
            "insufficient data left in message (SASLInitialResponse)",
        ),
        (
            b"SCRAM-SHA-256\0\0\0\0\x01n,,",
            "invalid message format (SASLInitialResponse: 2 bytes too many)",
        ),
    ] {
        let mut server = exchange(None, tls());
        assert_row(answer(&mut server, body), ("08P01", text, None));
    }
}

#[test]
fn other_flags_are_refused() {
    detail(b"x,,n=,r=x", "Unexpected channel-binding flag \"'x'\".");
    detail(b"N,,n=,r=x", "Unexpected channel-binding flag \"'N'\".");
    detail(b",,n=,r=x", "Unexpected channel-binding flag \"','\".");
    detail(b" n,,", "Unexpected channel-binding flag \"0x20\".");
    detail(b"\xe9", "Unexpected channel-binding flag \"0xe9\".");
    detail(b"n", "Comma expected, but found character \"0x00\".");
    detail(b"nn,", "Comma expected, but found character \"'n'\".");
}

#[test]
fn e05_identities_and_extensions_are_refused() {
    plain(
        b"n,a=other,n=,r=x",
        (
            "0A000",
            "client uses authorization identity, but it is not supported",
            None,
        ),
    );
    first(
        &tls(),
        "SCRAM-SHA-256-PLUS",
        b"p=tls-server-end-point,a=other,n=,r=x",
        (
            "0A000",
            "client uses authorization identity, but it is not supported",
            None,
        ),
    );
    plain(
        b"n,,m=x,n=,r=x",
        (
            "0A000",
            "client requires an unsupported SCRAM extension",
            None,
        ),
    );
}

#[test]
fn malformed_first_messages_are_refused() {
    detail(b"", "The message is empty.");
    detail(
        b"n,,n=,r=x\0",
        "Message length does not match input length.",
    );
    detail(b"\0", "Message length does not match input length.");
    detail(
        b"n,x,",
        "Unexpected attribute \"'x'\" in client-first-message.",
    );
    detail(
        b"n,",
        "Unexpected attribute \"0x00\" in client-first-message.",
    );
    detail(b"n,,", "Expected attribute \"n\" but found \"0x00\".");
    detail(b"n,,r=x", "Expected attribute \"n\" but found \"'r'\".");
    detail(b"n,,n", "Expected character \"=\" for attribute \"n\".");
    detail(b"n,,n=", "Expected attribute \"r\" but found \"0x00\".");
    detail(
        b"n,,n=a,,r=x",
        "Expected attribute \"r\" but found \"','\".",
    );
    detail(
        b"n,,n=,r=x,=",
        "Attribute expected, but found invalid character \"'='\".",
    );
    detail(
        b"n,,n=,r=x,\x7f",
        "Attribute expected, but found invalid character \"0x7f\".",
    );
    detail(
        b"n,,n=,r=x,z",
        "Expected character \"=\" for attribute \"z\".",
    );
}

#[test]
fn the_nonce_must_be_printable() {
    let row = ("08P01", "non-printable characters in SCRAM nonce", None);
    for nonce in [&b" "[..], b"a\x7f", b"\xc3\xa9", b"a\n"] {
        plain(&[b"n,,n=,r=", nonce].concat(), row);
    }
    // PostgreSQL takes an empty one; ours is long enough for both.
    let mut server = exchange(None, ChannelBinding::NoTls);
    assert!(choose(&mut server, "SCRAM-SHA-256", Some(b"n,,n=,r=")).is_ok());
}

/// Runs an exchange up to the last message, which is the right one changed.
#[track_caller]
fn last(client: &Client<'_>, change: impl Fn(&str) -> String, row: Row<'_>) {
    let binding = if client.certificate.is_empty() {
        ChannelBinding::NoTls
    } else {
        tls()
    };
    // A made-up verifier gives the same answers.
    for known in [Some(&pencil()), None] {
        let mut server = exchange(known, binding.clone());
        let bare = format!("n=,r={}", client.nonce);
        let first = format!("{}{bare}", client.header);
        let challenge = challenge(choose(
            &mut server,
            client.mechanism,
            Some(first.as_bytes()),
        ));
        let (last, _) = client.finish(&bare, &challenge);
        assert_row(answer(&mut server, change(&last).as_bytes()), row);
        assert_eq!(answer(&mut server, last.as_bytes()), Err(ScramError::Over));
    }
}

#[test]
fn e05_a_binding_to_another_certificate_fails() {
    let row = ("28000", "SCRAM channel binding check failed", None);
    last(
        &Client {
            certificate: &[0xc6; 32],
            ..PLUS
        },
        str::to_owned,
        row,
    );
    last(
        &Client {
            certificate: &[0xc5; 31],
            ..PLUS
        },
        str::to_owned,
        row,
    );
    for c in ["biws", "eSws", "", "cD10bHMtc2VydmVyLWVuZC1wb2ludCws"] {
        last(&PLUS, |message| with(message, "c=", c), row);
    }
    // Before anything after it is looked at.
    last(&PLUS, |_| "c=biws".to_owned(), row);
}

#[test]
fn e05_what_the_first_message_said_has_to_be_repeated() {
    let row = (
        "08P01",
        "unexpected SCRAM channel-binding attribute in client-final-message",
        None,
    );
    for c in [
        "eSws",
        "",
        "biws=",
        "biwS",
        "cD10bHMtc2VydmVyLWVuZC1wb2ludCws",
    ] {
        last(&PLAIN, |message| with(message, "c=", c), row);
    }
    let y = Client {
        header: "y,,",
        ..PLAIN
    };
    last(&y, |message| with(message, "c=", "biws"), row);
    last(&PLAIN, |_| "c=x,garbage".to_owned(), row);
}

#[test]
fn e05_the_nonce_of_the_answer_is_compared() {
    let row = (
        "08P01",
        "invalid SCRAM response",
        Some("Nonce does not match."),
    );
    let ours = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    for nonce in ["", "rOprNGfwEbeRWgbNEkqO", &ours[1..], &ours.to_lowercase()] {
        last(&PLAIN, |message| with(message, "r=", nonce), row);
    }
    // Before the proof is judged, and whether or not it is right.
    let wrong = Client {
        password: b"guess",
        ..PLAIN
    };
    last(&wrong, |message| with(message, "r=", "x"), row);
}

#[test]
fn malformed_last_messages_are_refused() {
    #[track_caller]
    fn check(change: impl Fn(&str) -> String, detail: &str) {
        last(&PLAIN, change, ("08P01", MALFORMED, Some(detail)));
    }
    let proof = "Malformed proof in client-final-message.";
    check(|_| String::new(), "The message is empty.");
    check(
        |message| format!("{message}\0"),
        "Message length does not match input length.",
    );
    check(
        |_| "x=".to_owned(),
        "Expected attribute \"c\" but found \"'x'\".",
    );
    check(
        |_| "c".to_owned(),
        "Expected character \"=\" for attribute \"c\".",
    );
    check(
        |_| "c=biws".to_owned(),
        "Expected attribute \"r\" but found \"0x00\".",
    );
    check(
        |_| "c=biws,r=x".to_owned(),
        "Attribute expected, but found end of string.",
    );
    check(
        |_| "c=biws,r=x,x=y,".to_owned(),
        "Attribute expected, but found end of string.",
    );
    check(
        |_| "c=biws,r=x,1=y".to_owned(),
        "Attribute expected, but found invalid character \"'1'\".",
    );
    check(
        |_| "c=biws,r=x,p".to_owned(),
        "Expected character \"=\" for attribute \"p\".",
    );
    for value in [
        "",
        "AAAA",
        "!",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ",
    ] {
        check(|message| with(message, "p=", value), proof);
    }
    // The syntax of the proof comes before the nonce and before what follows it.
    check(|_| "c=biws,r=x,p=AAAA,x=y".to_owned(), proof);
    check(
        |message| format!("{message},x=y"),
        "Garbage found at the end of client-final-message.",
    );
}

#[test]
fn a_wrong_proof_is_a_wrong_password() {
    let row = (
        "28P01",
        "password authentication failed for user \"alice\"",
        None,
    );
    let wrong = Client {
        password: b"guess",
        ..PLAIN
    };
    last(&wrong, str::to_owned, row);
    let wrong = Client {
        password: b"",
        ..PLUS
    };
    last(&wrong, str::to_owned, row);
    let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    last(&PLAIN, |message| with(message, "p=", zeros), row);
}

#[test]
fn the_name_of_the_user_goes_back_in_its_own_bytes() {
    let error = ScramError::PasswordFailed {
        user: b"al\xe9x"[..].into(),
    };
    let mut sent = BytesMut::new();
    error.response().encode(&mut sent);
    let mut expected = BytesMut::new();
    ErrorResponse::fatal(
        pg_wire::SqlState::INVALID_PASSWORD,
        b"password authentication failed for user \"al\xe9x\"",
    )
    .encode(&mut expected);
    assert_eq!(sent, expected);
}

/// The message with another value of one attribute.
fn with(message: &str, attribute: &str, value: &str) -> String {
    let fields = message.split(',').map(|field| {
        if field.starts_with(attribute) {
            format!("{attribute}{value}")
        } else {
            field.to_owned()
        }
    });
    fields.collect::<Vec<_>>().join(",")
}
