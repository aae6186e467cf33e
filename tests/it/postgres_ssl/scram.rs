//! SCRAM, byte for byte (spec 6; E02 to E09): every row of 6.3 and 6.4, and what the log says.

use std::time::{Duration, Instant};

use heliosdb_tests::case::Proof::Since;
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire::{
    self, Report, authentication_sasl, password_failed, sasl_initial, sasl_response,
};
use pg_tls::SslMode;
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use sha2::{Digest, Sha256};

cases! {
    e04_plus_is_offered_inside_tls_alone, Config::tls().users(), Since(15), ["6.1", "E04"];
    e09_a_password_opens_a_session, Config::tls().users(), Since(16), ["6.3", "7.2", "E09"];
    a_password_opens_a_session_without_tls, Config::no_tls().users(), Since(16), ["6.3", "7.2"];
    mode_and_password_must_both_hold, Config::new(SslMode::Require).users(), Since(16), ["4.6 Require"];
    e05_flags_inside_tls, Config::tls().users(), Since(15), ["6.3", "E05"];
    e05_flags_without_tls, Config::no_tls().users(), Since(15), ["6.3", "E05"];
    e05_first_messages_that_are_refused, Config::no_tls().users(), Since(15), ["6.4", "E05"];
    the_client_may_speak_later, Config::tls().users(), Since(15), ["6.4"];
    e05_last_messages_that_are_refused, Config::no_tls().users(), Since(15), ["6.4", "E05"];
    e05_last_messages_bound_to_something_else, Config::tls().users(), Since(15), ["6.4", "E05"];
    e08_wrong_password_and_unknown_user_are_told_the_same, Config::tls().users(), Since(16), ["6.4", "3.3", "E08"];
    other_messages_than_the_one_due, Config::no_tls().users(), Since(15), ["6.4"];
    k04_messages_too_long_or_cut_off, Config::no_tls().users(), Since(16), ["6.4", "K04"];
    who_leaves_instead_leaves_no_trace, Config::tls().users(), Since(15), ["6.4"];
    k01_who_stays_silent_is_closed_without_a_word, Config::tls().users().short_timeout(), Since(17), ["7.1", "X27", "K01"];
    a_right_password_of_another_than_the_certificates, Config::new(SslMode::VerifyFull).users(), Since(16), ["4.3"];
    the_version_is_told_before_the_question, Config::no_tls().users(), Since(18), ["1.5"];
    what_follows_the_proof_is_not_lost, Config::tls().users(), Since(15), ["1.2"];
}

const PLAIN: &str = "SCRAM-SHA-256";
pub(super) const PLUS: &str = "SCRAM-SHA-256-PLUS";
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";

/// Asks for a session; the server must offer what the connection allows.
pub(super) fn asked(mut client: Client) -> Client {
    client.send(&wire::startup_alice());
    let offered: &[&str] = if client.is_tls() {
        &[PLUS, PLAIN]
    } else {
        &[PLAIN]
    };
    client.expect(&authentication_sasl(offered));
    client
}

fn asked_in_clear(target: &Target) -> Client {
    asked(target.connect())
}

fn asked_in_tls(target: &Target) -> Client {
    asked(target.connect_tls(&Tls::new()))
}

/// Data of an AuthenticationSASLContinue or AuthenticationSASLFinal.
fn sasl_data(client: &mut Client, code: u8) -> Vec<u8> {
    let body = client.expect_message(b'R');
    assert_eq!(
        body[..4],
        [0, 0, 0, code],
        "{}",
        String::from_utf8_lossy(&body)
    );
    body[4..].to_vec()
}

pub(super) fn end_point(client: &Client) -> Vec<u8> {
    Sha256::digest(client.server_certificate().unwrap()).to_vec()
}

/// Proves the password up to AuthenticationSASLFinal.
pub(super) fn prove(client: &mut Client, password: &str, mechanism: &str, binding: ChannelBinding) {
    let mut scram = ScramSha256::new(password.as_bytes(), binding);
    client.send(&sasl_initial(mechanism, Some(scram.message())));
    scram.update(&sasl_data(client, 11)).unwrap();
    client.send(&sasl_response(scram.message()));
    scram.finish(&sasl_data(client, 12)).unwrap();
}

fn e04_plus_is_offered_inside_tls_alone(target: &Target) {
    let mut clear = asked_in_clear(target);
    clear.half_close();
    clear.expect_close();
    for version in VERSIONS {
        let mut tls = asked(target.connect_tls(&Tls::new().version(version)));
        tls.half_close();
        tls.expect_close();
    }
}

fn log_in(target: &Target, mut client: Client, mechanism: &str, binding: ChannelBinding) {
    prove(&mut client, "pencil", mechanism, binding);
    client.expect_login();
    client.expect_alive();
    client.terminate();
    target.expect_line(
        &client,
        "connection authenticated: identity=\"alice\" method=scram-sha-256*",
    );
}

fn e09_a_password_opens_a_session(target: &Target) {
    for version in VERSIONS {
        let tls = Tls::new().version(version);
        let client = asked(target.connect_tls(&tls));
        let binding = ChannelBinding::tls_server_end_point(end_point(&client));
        log_in(target, client, PLUS, binding);
        let client = asked(target.connect_tls(&tls));
        log_in(target, client, PLAIN, ChannelBinding::unsupported());
        let mut direct = target.connect();
        direct.handshake(&tls);
        let direct = asked(direct);
        let binding = ChannelBinding::tls_server_end_point(end_point(&direct));
        log_in(target, direct, PLUS, binding);
    }
}

fn a_password_opens_a_session_without_tls(target: &Target) {
    log_in(
        target,
        asked_in_clear(target),
        PLAIN,
        ChannelBinding::unsupported(),
    );
    log_in(
        target,
        asked_in_clear(target),
        PLAIN,
        ChannelBinding::unrequested(),
    );
}

fn mode_and_password_must_both_hold(target: &Target) {
    let mut clear = target.connect();
    clear.send(&wire::startup_alice());
    target.expect_fatal(&mut clear, &wire::plaintext_refused("alice", "postgres"));
    log_in(
        target,
        asked_in_tls(target),
        PLAIN,
        ChannelBinding::unsupported(),
    );
}

fn protocol(text: &str) -> Report {
    Report::fatal("08P01", text)
}

fn malformed(detail: &str) -> Report {
    protocol("malformed SCRAM message").detail(detail)
}

/// The first message `data` of this mechanism must lead to `expected`.
fn first_is_refused(
    target: &Target,
    mut client: Client,
    mechanism: &str,
    data: &str,
    expected: &Report,
) {
    client.send(&sasl_initial(mechanism, Some(data.as_bytes())));
    target.expect_fatal(&mut client, expected);
}

fn first_is_taken(mut client: Client, mechanism: &str, data: &str) {
    client.send(&sasl_initial(mechanism, Some(data.as_bytes())));
    let challenge = String::from_utf8(sasl_data(&mut client, 11)).unwrap();
    let mut attributes = challenge.split(',');
    let nonce = attributes.next().unwrap().strip_prefix("r=").unwrap();
    assert_eq!(nonce.strip_prefix(NONCE).unwrap().len(), 24);
    assert_eq!(attributes.next(), Some("s=c2FsdCBvZiBhbGljZS4uIQ=="));
    assert_eq!(attributes.next(), Some("i=4096"));
    assert_eq!(attributes.next(), None);
    client.half_close();
    client.expect_close();
}

fn e05_flags_inside_tls(target: &Target) {
    let bare = format!(",,n=,r={NONCE}");
    let first = |flag: &str| format!("{flag}{bare}");
    first_is_taken(asked_in_tls(target), PLAIN, &first("n"));
    first_is_taken(asked_in_tls(target), PLUS, &first("p=tls-server-end-point"));
    let downgrade = Report::fatal("28000", "SCRAM channel binding negotiation error").detail(
        "The client supports SCRAM channel binding but thinks the server does not.  \
         However, this server does support channel binding.",
    );
    let included = malformed(
        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes \
         channel binding data.",
    );
    let missing = malformed(
        "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel \
         binding data.",
    );
    let unknown = protocol("unsupported SCRAM channel-binding type \"tls-unique\"");
    for (mechanism, flag, expected) in [
        (PLAIN, "y", &downgrade),
        (PLAIN, "p=tls-server-end-point", &included),
        (PLUS, "n", &missing),
        (PLUS, "y", &missing),
        (PLUS, "p=tls-unique", &unknown),
        (
            PLUS,
            "x",
            &malformed("Unexpected channel-binding flag \"'x'\"."),
        ),
        (
            PLAIN,
            "\u{1}",
            &malformed("Unexpected channel-binding flag \"0x01\"."),
        ),
        ("SCRAM-SHA-1", "n", &protocol(INVALID_MECHANISM)),
    ] {
        first_is_refused(
            target,
            asked_in_tls(target),
            mechanism,
            &first(flag),
            expected,
        );
    }
}

const INVALID_MECHANISM: &str = "client selected an invalid SASL authentication mechanism";

fn e05_flags_without_tls(target: &Target) {
    let first = |flag: &str| format!("{flag},,n=,r={NONCE}");
    first_is_taken(asked_in_clear(target), PLAIN, &first("n"));
    first_is_taken(asked_in_clear(target), PLAIN, &first("y"));
    for (mechanism, flag) in [
        (PLUS, "p=tls-server-end-point"),
        (PLUS, "n"),
        ("", "n"),
        ("scram-sha-256", "n"),
    ] {
        let expected = protocol(INVALID_MECHANISM);
        first_is_refused(
            target,
            asked_in_clear(target),
            mechanism,
            &first(flag),
            &expected,
        );
    }
}

fn e05_first_messages_that_are_refused(target: &Target) {
    let unsupported = |text: &str| Report::fatal("0A000", text);
    let extension = unsupported("client requires an unsupported SCRAM extension");
    let identity = unsupported("client uses authorization identity, but it is not supported");
    for (data, expected) in [
        ("", malformed("The message is empty.")),
        (
            "n,,n=\0,r=abc",
            malformed("Message length does not match input length."),
        ),
        ("n,a=bob,n=,r=abc", identity),
        ("n,,m=1,n=,r=abc", extension),
        (
            "n,,n=,r=a\u{1}c",
            protocol("non-printable characters in SCRAM nonce"),
        ),
        (
            "nn,n=,r=abc",
            malformed("Comma expected, but found character \"'n'\"."),
        ),
        (
            "n,x=,n=,r=abc",
            malformed("Unexpected attribute \"'x'\" in client-first-message."),
        ),
        (
            "n,,r=abc",
            malformed("Expected attribute \"n\" but found \"'r'\"."),
        ),
    ] {
        first_is_refused(target, asked_in_clear(target), PLAIN, data, &expected);
    }
}

fn the_client_may_speak_later(target: &Target) {
    let mut client = asked_in_tls(target);
    client.send(&sasl_initial(PLAIN, None));
    assert_eq!(sasl_data(&mut client, 11), b"");
    let mut scram = ScramSha256::new(b"pencil", ChannelBinding::unsupported());
    client.send(&sasl_response(scram.message()));
    scram.update(&sasl_data(&mut client, 11)).unwrap();
    client.send(&sasl_response(scram.message()));
    scram.finish(&sasl_data(&mut client, 12)).unwrap();
    client.expect_login();
    client.terminate();
}

/// Goes up to the challenge; returns the whole nonce.
fn challenged(client: &mut Client, mechanism: &str, flag: &str) -> String {
    let first = format!("{flag},,n=,r={NONCE}");
    client.send(&sasl_initial(mechanism, Some(first.as_bytes())));
    let challenge = String::from_utf8(sasl_data(client, 11)).unwrap();
    let nonce = challenge.split(',').next().unwrap();
    nonce.strip_prefix("r=").unwrap().to_owned()
}

/// A proof that is well formed and wrong.
const PROOF: &str = "p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn e05_last_messages_that_are_refused(target: &Target) {
    let binding = "unexpected SCRAM channel-binding attribute in client-final-message";
    let proof = malformed("Malformed proof in client-final-message.");
    let nonce = protocol("invalid SCRAM response").detail("Nonce does not match.");
    let garbage = malformed("Garbage found at the end of client-final-message.");
    let attribute = malformed("Expected attribute \"c\" but found \"'r'\".");
    for (flag, last, expected) in [
        ("n", "c=eSws,r=NONCE,PROOF", &protocol(binding)),
        ("n", "c=,r=NONCE,PROOF", &protocol(binding)),
        ("y", "c=biws,r=NONCE,PROOF", &protocol(binding)),
        ("n", "c=biws,r=NONCEx,PROOF", &nonce),
        ("n", "c=biws,r=,PROOF", &nonce),
        ("n", "c=biws,r=NONCE,p=AAAA", &proof),
        ("n", "c=biws,r=NONCE,p=!", &proof),
        ("n", "c=biws,r=x,p=AAAA", &proof),
        ("n", "c=biws,r=NONCE,PROOF,x=1", &garbage),
        ("n", "r=NONCE,PROOF", &attribute),
        (
            "n",
            "c=biws,r=NONCE,x=extension,PROOF",
            &password_failed("alice"),
        ),
    ] {
        let mut client = asked_in_clear(target);
        let whole = challenged(&mut client, PLAIN, flag);
        let last = last.replace("NONCE", &whole).replace("PROOF", PROOF);
        client.send(&sasl_response(last.as_bytes()));
        target.expect_log(&client, [Expected::fatal(expected).any_detail()]);
        client.expect_report(expected);
        client.expect_close();
    }
}

fn e05_last_messages_bound_to_something_else(target: &Target) {
    let failed = Report::fatal("28000", "SCRAM channel binding check failed");
    for bound in ["biws", "cD10bHMtc2VydmVyLWVuZC1wb2ludCws", ""] {
        let mut client = asked_in_tls(target);
        let nonce = challenged(&mut client, PLUS, "p=tls-server-end-point");
        client.send(&sasl_response(
            format!("c={bound},r={nonce},{PROOF}").as_bytes(),
        ));
        target.expect_fatal(&mut client, &failed);
    }
    let mut client = asked_in_tls(target);
    let mut scram = ScramSha256::new(
        b"pencil",
        ChannelBinding::tls_server_end_point(Sha256::digest(b"another certificate").to_vec()),
    );
    client.send(&sasl_initial(PLUS, Some(scram.message())));
    scram.update(&sasl_data(&mut client, 11)).unwrap();
    client.send(&sasl_response(scram.message()));
    target.expect_fatal(&mut client, &failed);
}

/// The salt of the challenge for a user.
fn salt(target: &Target, user: &str, expected: &Report) -> String {
    let mut client = target.connect_tls(&Tls::new());
    client.send(&wire::startup(
        wire::V3_0,
        &[("user", user), ("database", "postgres")],
    ));
    client.expect(&authentication_sasl(&[PLUS, PLAIN]));
    let mut scram = ScramSha256::new(b"wrong", ChannelBinding::unsupported());
    client.send(&sasl_initial(PLAIN, Some(scram.message())));
    let challenge = sasl_data(&mut client, 11);
    scram.update(&challenge).unwrap();
    client.send(&sasl_response(scram.message()));
    target.expect_log(&client, [Expected::fatal(expected).any_detail()]);
    client.expect_report(expected);
    client.expect_close();
    let challenge = String::from_utf8(challenge).unwrap();
    let mut attributes = challenge.split(',').skip(1);
    let salt = attributes.next().unwrap().strip_prefix("s=").unwrap();
    assert_eq!(attributes.next(), Some("i=4096"));
    salt.to_owned()
}

fn e08_wrong_password_and_unknown_user_are_told_the_same(target: &Target) {
    salt(target, "alice", &password_failed("alice"));
    let first = salt(target, "nobody", &password_failed("nobody"));
    assert_eq!(first.len(), 24, "16 bytes in Base64");
    assert_eq!(first, salt(target, "nobody", &password_failed("nobody")));
    assert_ne!(first, salt(target, "nobody2", &password_failed("nobody2")));
}

fn other_messages_than_the_one_due(target: &Target) {
    let mut client = asked_in_clear(target);
    client.send(&wire::query("select 1"));
    target.expect_fatal(
        &mut client,
        &protocol("expected SASL response, got message type 81"),
    );
    let mut client = asked_in_clear(target);
    challenged(&mut client, PLAIN, "n");
    client.send(&wire::TERMINATE);
    target.expect_fatal(
        &mut client,
        &protocol("expected SASL response, got message type 88"),
    );
}

fn damaged(target: &Target, client: &mut Client, text: &str) {
    let failed = password_failed("alice");
    target.expect_log(
        client,
        [
            Expected::log_only("08P01", text),
            Expected::fatal(&failed).any_detail(),
        ],
    );
    client.expect_report(&failed);
    client.expect_close();
}

fn k04_messages_too_long_or_cut_off(target: &Target) {
    for length in [0, 3, 1025, 0x1000_0000, 0x7fff_ffff, 0xffff_ffff] {
        let mut client = asked_in_clear(target);
        client.send(&wire::head(b'p', length));
        damaged(target, &mut client, "invalid message length");
    }
    let mut client = asked_in_clear(target);
    client.send(&wire::head(b'p', 1024));
    client.send(&[b'x'; 1020]);
    // The longest that is looked at at all.
    target.expect_fatal(&mut client, &protocol("invalid string in message"));
    for (body, text) in [
        (&b"SCRAM-SHA-256\0"[..], "insufficient data left in message"),
        (
            b"SCRAM-SHA-256\0\0\0\0\x09n,,",
            "insufficient data left in message",
        ),
        (b"SCRAM-SHA-256\0\0\0\0\x01n,,", "invalid message format"),
    ] {
        let mut client = asked_in_clear(target);
        client.send(&sasl_response(body));
        target.expect_fatal(&mut client, &protocol(text));
    }
    let mut client = asked_in_clear(target);
    client.send(&sasl_response(b"half")[..7]);
    client.half_close();
    damaged(target, &mut client, "incomplete message from client");
    let mut client = asked_in_clear(target);
    client.send(b"p\0\0");
    client.half_close();
    damaged(
        target,
        &mut client,
        "unexpected EOF within message length word",
    );
}

fn who_leaves_instead_leaves_no_trace(target: &Target) {
    for mut client in [asked_in_clear(target), asked_in_tls(target)] {
        client.half_close();
        client.expect_close();
    }
    let mut client = asked_in_tls(target);
    challenged(&mut client, PLAIN, "n");
    client.half_close();
    client.expect_close();
}

fn k01_who_stays_silent_is_closed_without_a_word(target: &Target) {
    let since = Instant::now();
    let mut challenged_client = asked_in_tls(target);
    challenged(&mut challenged_client, PLAIN, "n");
    let mut half = asked_in_clear(target);
    half.send(b"p\0\0");
    let clients = [
        asked_in_clear(target),
        asked_in_tls(target),
        challenged_client,
        half,
    ];
    let timeout = Report::fatal("57014", "canceling authentication due to timeout");
    for mut client in clients {
        client.expect_close();
        target.expect_log(&client, [Expected::fatal(&timeout)]);
        assert!(since.elapsed() > Duration::from_millis(900));
        assert!(since.elapsed() < Duration::from_secs(4));
    }
}

fn a_right_password_of_another_than_the_certificates(target: &Target) {
    let identity = &target.pki().bob;
    let mut client = asked(target.connect_tls(&Tls::new().identity(identity)));
    prove(&mut client, "pencil", PLAIN, ChannelBinding::unsupported());
    let failed = password_failed("alice");
    target.expect_log(
        &client,
        [
            Expected::log("provided user name (alice) and authenticated user name (bob) do not match"),
            Expected::log(
                "certificate validation (clientcert=verify-full) failed for user \"alice\": CN mismatch",
            ),
            Expected::fatal(&failed).any_detail(),
        ],
    );
    client.expect_report(&failed);
    client.expect_close();
    let identity = &target.pki().alice;
    let client = asked(target.connect_tls(&Tls::new().identity(identity)));
    log_in(target, client, PLAIN, ChannelBinding::unsupported());
    let mut without = target.connect_tls(&Tls::new());
    without.send(&wire::startup_alice());
    let required = Report::fatal("28000", "connection requires a valid client certificate");
    target.expect_fatal(&mut without, &required);
}

fn the_version_is_told_before_the_question(target: &Target) {
    let mut client = target.connect();
    client.send(&wire::startup(
        wire::V3_9999,
        &[("user", "alice"), ("database", "postgres")],
    ));
    client.expect(&wire::negotiate_protocol_version(wire::V3_2, &[]));
    client.expect(&authentication_sasl(&[PLAIN]));
    prove(&mut client, "pencil", PLAIN, ChannelBinding::unsupported());
    client.expect_login();
    client.terminate();
}

fn what_follows_the_proof_is_not_lost(target: &Target) {
    let mut client = asked_in_tls(target);
    let mut scram = ScramSha256::new(b"pencil", ChannelBinding::unsupported());
    client.send(&sasl_initial(PLAIN, Some(scram.message())));
    scram.update(&sasl_data(&mut client, 11)).unwrap();
    let early = [sasl_response(scram.message()), wire::query("select 1")].concat();
    client.send(&early);
    scram.finish(&sasl_data(&mut client, 12)).unwrap();
    client.expect_login();
    client.expect_select_1();
    client.terminate();
}
