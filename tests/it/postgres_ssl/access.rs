//! Access rules, passwords in clear, certificates and maps (spec 4.1 to 4.4, 7.2).

use std::time::{Duration, Instant};

use heliosdb_tests::case::Proof::{OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::client::Client;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::pki::Identity;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire::{self, AUTHENTICATION_OK, Report, password_failed};
use pg_tls::SslMode;

cases! {
    the_first_match_decides, Config::tls().hba(FIRST_MATCH), Since(16), ["4.1", "4.2"];
    no_match_and_reject_have_their_texts, Config::tls().hba(TURNED_AWAY), Since(15), ["4.2"];
    replication_has_rules_of_its_own, Config::tls().hba(TURNED_AWAY), Since(15), ["4.2"];
    hostssl_never_matches_without_tls, Config::no_tls().hba(HOSTSSL_ONLY), Since(15), ["4.1", "4.2"];
    passwords_in_clear, Config::tls().hba(PASSWORDS), Since(16), ["4.3", "7.2"];
    passwords_that_are_none, Config::tls().hba(PASSWORDS), Since(15), ["K04"];
    a_password_is_not_waited_for_for_ever, Config::tls().hba(PASSWORDS).short_timeout(), Since(17), ["7.1"];
    certificates_instead_of_passwords, Config::client_ca().hba(CERTIFICATES), Since(16), ["4.3", "7.2"];
    certificates_that_name_somebody_else, Config::client_ca().hba(CERTIFICATES), Since(16), ["4.3", "4.4"];
    subjects_are_logged_in_printable_form, Config::client_ca().hba(CERTIFICATES), Since(16), ["4.4", "7.2"];
    certificates_that_name_nobody, Config::client_ca().hba(CERTIFICATES), Since(16), ["4.3"];
    certificates_that_are_not_there, Config::client_ca().hba(CERTIFICATES), Since(15), ["4.3"];
    certificates_without_a_ca, Config::tls().hba(CERTIFICATES), Since(15), ["4.3"];
    certificates_beside_trust, Config::client_ca().hba(BESIDE_TRUST), Since(16), ["4.3"];
    d02_maps_let_names_be_users, Config::client_ca().hba_and_ident(MAPPED, MAPS), Since(16), ["4.4", "7.2", "D02"];
    distinguished_names, Config::client_ca().hba_and_ident(DISTINGUISHED, MAPS), Since(16), ["4.4"];
    alternative_names, Config::client_ca().hba_and_ident(MESH, MESH_MAPS), OursOnly("PostgreSQL does not look at them"), ["4.4"];
    the_mode_must_be_content_too, Config::new(SslMode::VerifyFull).hba("host all all 127.0.0.1/32 trust\n"), OursOnly("PostgreSQL has no mode beside its rules"), ["4.6"];
    host_names_are_looked_up, Config::tls().hba(HOST_NAME), Since(15), ["4.1"];
    host_names_of_others_are_told_apart, Config::tls().hba(OTHER_HOST_NAMES), Since(15), ["4.1", "4.2"];
    the_version_is_told_before_a_refusal, Config::tls().hba(TURNED_AWAY), Since(18), ["1.5"];
}

const FIRST_MATCH: &str = "\
# A comment, and a line of no consequence for this client.
host    all  alice  192.0.2.0/24   trust
hostssl all  bob    127.0.0.1/32   trust
hostssl all  alice  127.0.0.1/32   scram-sha-256
host    all  all    127.0.0.1/32   trust
";

fn told(mut client: Client, user: &str) -> Client {
    client.send(&startup(user));
    client
}

fn startup(user: &str) -> Vec<u8> {
    wire::startup(wire::V3_0, &[("user", user), ("database", "postgres")])
}

fn the_first_match_decides(target: &Target) {
    let mut bob = target.connect_tls(&Tls::new());
    bob.login_and_leave(&startup("bob"));
    let line = if target.is_at_least(17) {
        "connection authenticated: user=\"bob\" method=trust (*pg_hba.conf:3)"
    } else {
        "connection authorized: user=bob *"
    };
    target.expect_line(&bob, line);
    let mut alice = told(target.connect_tls(&Tls::new()), "alice");
    alice.expect(&wire::authentication_sasl(&[
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-256",
    ]));
    alice.half_close();
    alice.expect_close();
    let mut clear = target.connect();
    clear.login_and_leave(&startup("alice"));
}

const TURNED_AWAY: &str = "\
host    alice     all  127.0.0.1/32   trust
hostssl postgres  bob  127.0.0.1/32   reject
hostssl replication bob  127.0.0.1/32 reject
";

fn no_match_and_reject_have_their_texts(target: &Target) {
    let text = |what: &str, user: &str, how: &str| {
        let text =
            format!("{what} host \"127.0.0.1\", user \"{user}\", database \"postgres\", {how}");
        Report::fatal("28000", text)
    };
    let none = "no pg_hba.conf entry for";
    let mut client = told(target.connect(), "bob");
    target.expect_fatal(&mut client, &text(none, "bob", "no encryption"));
    let mut client = told(target.connect_tls(&Tls::new()), "alice");
    target.expect_fatal(&mut client, &text(none, "alice", "SSL encryption"));
    let mut client = told(target.connect_tls(&Tls::new()), "bob");
    let rejects = "pg_hba.conf rejects connection for";
    target.expect_fatal(&mut client, &text(rejects, "bob", "SSL encryption"));
    let mut client = told(target.connect_tls(&Tls::new()), "no\"body");
    target.expect_fatal(&mut client, &text(none, "no\"body", "SSL encryption"));
}

fn replication_has_rules_of_its_own(target: &Target) {
    let ask = |mut client: Client, user| {
        client.send(&wire::startup(
            wire::V3_0,
            &[
                ("user", user),
                ("database", "alice"),
                ("replication", "true"),
            ],
        ));
        client
    };
    let mut client = ask(target.connect(), "alice");
    let none = Report::fatal(
        "28000",
        "no pg_hba.conf entry for replication connection from host \"127.0.0.1\", user \"alice\", \
         no encryption",
    );
    target.expect_fatal(&mut client, &none);
    let mut client = ask(target.connect_tls(&Tls::new()), "bob");
    let rejected = Report::fatal(
        "28000",
        "pg_hba.conf rejects replication connection for host \"127.0.0.1\", user \"bob\", \
         SSL encryption",
    );
    target.expect_fatal(&mut client, &rejected);
}

const HOSTSSL_ONLY: &str = "hostssl all all 127.0.0.1/32 trust\n";

fn hostssl_never_matches_without_tls(target: &Target) {
    let mut client = target.connect();
    client.send(&wire::startup_alice());
    target.expect_fatal(&mut client, &wire::plaintext_refused("alice", "postgres"));
}

const PASSWORDS: &str = "host all all 127.0.0.1/32 password\n";
const CLEARTEXT_PASSWORD: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 3];

fn asked_for_password(client: Client, user: &str) -> Client {
    let mut client = told(client, user);
    client.expect(&CLEARTEXT_PASSWORD);
    client
}

fn passwords_in_clear(target: &Target) {
    for version in VERSIONS {
        let connect = || target.connect_tls(&Tls::new().version(version));
        let mut client = asked_for_password(connect(), "alice");
        client.send(&wire::message(b'p', b"pencil\0"));
        client.expect_login();
        client.expect_alive();
        client.terminate();
        target.expect_line(
            &client,
            "connection authenticated: identity=\"alice\" method=password (*pg_hba.conf:1)",
        );
        for user in ["alice", "nobody"] {
            let mut client = asked_for_password(connect(), user);
            client.send(&wire::message(b'p', b"Pencil\0"));
            let failed = password_failed(user);
            target.expect_log(&client, [Expected::fatal(&failed).any_detail()]);
            client.expect_report(&failed);
            client.expect_close();
        }
    }
}

fn passwords_that_are_none(target: &Target) {
    let protocol = |text: &str| Report::fatal("08P01", text);
    for (body, expected) in [
        (&b"pencil"[..], protocol("invalid password packet size")),
        (b"pen\0cil\0", protocol("invalid password packet size")),
        (
            b"\0",
            Report::fatal("28P01", "empty password returned by client"),
        ),
    ] {
        let mut client = asked_for_password(target.connect_tls(&Tls::new()), "alice");
        client.send(&wire::message(b'p', body));
        target.expect_fatal(&mut client, &expected);
    }
    let mut client = asked_for_password(target.connect(), "alice");
    client.send(&wire::query("select 1"));
    target.expect_fatal(
        &mut client,
        &protocol("expected password response, got message type 81"),
    );
    for length in [0, 3, 65_536, 0x7fff_ffff] {
        let mut client = asked_for_password(target.connect(), "alice");
        client.send(&wire::head(b'p', length));
        target.expect_log_only(&mut client, "invalid message length");
    }
    // The longest that is looked at.
    let mut client = asked_for_password(target.connect(), "alice");
    client.send(&wire::message(b'p', &[&[b'x'; 65_530][..], &[0]].concat()));
    let failed = password_failed("alice");
    target.expect_log(&client, [Expected::fatal(&failed).any_detail()]);
    client.expect_report(&failed);
    client.expect_close();
    let mut client = asked_for_password(target.connect(), "alice");
    client.half_close();
    client.expect_close();
}

fn a_password_is_not_waited_for_for_ever(target: &Target) {
    let since = Instant::now();
    let mut clients = [
        asked_for_password(target.connect(), "alice"),
        asked_for_password(target.connect_tls(&Tls::new()), "alice"),
    ];
    let timeout = Report::fatal("57014", "canceling authentication due to timeout");
    for client in &mut clients {
        client.expect_close();
        target.expect_log(client, [Expected::fatal(&timeout)]);
    }
    assert!(since.elapsed() > Duration::from_millis(900));
}

const CERTIFICATES: &str = "\
hostssl all  alice  127.0.0.1/32  cert
hostssl all  bob    127.0.0.1/32  scram-sha-256 clientcert=verify-full
";

fn with_certificate(target: &Target, identity: &Identity, user: &str) -> Client {
    told(target.connect_tls(&Tls::new().identity(identity)), user)
}

fn certificates_instead_of_passwords(target: &Target) {
    for version in VERSIONS {
        let tls = Tls::new().version(version).identity(&target.pki().alice);
        let mut client = target.connect_tls(&tls);
        client.login_and_leave(&wire::startup_alice());
        target.expect_line(
            &client,
            "connection authenticated: identity=\"CN=alice\" method=cert (*pg_hba.conf:1)",
        );
    }
}

fn turned_away(target: &Target, mut client: Client, lines: &[&str], expected: &Report) {
    let lines = lines.iter().map(|line| Expected::log(*line));
    let fatal = Expected::fatal(expected).any_detail();
    target.expect_log(&client, lines.chain([fatal]));
    client.expect_report(expected);
    client.expect_close();
}

fn certificate_failed(user: &str) -> Report {
    let text = format!("certificate authentication failed for user \"{user}\"");
    Report::fatal("28000", text)
}

fn certificates_that_name_somebody_else(target: &Target) {
    let pki = target.pki();
    for (identity, name) in [
        (&pki.bob, "bob"),
        (&pki.capital_alice, "Alice"),
        (&pki.zoe_then_alice, "zoe"),
    ] {
        let client = with_certificate(target, identity, "alice");
        let line =
            format!("provided user name (alice) and authenticated user name ({name}) do not match");
        // Who it is stands in the log all the same.
        target.expect_line(
            &client,
            "connection authenticated: identity=\"CN=*\" method=cert (*:1)",
        );
        turned_away(target, client, &[&line], &certificate_failed("alice"));
    }
}

fn subjects_are_logged_in_printable_form(target: &Target) {
    let pki = target.pki();
    let mut client = with_certificate(target, &pki.alice_with_nul_elsewhere, "alice");
    client.expect_login();
    client.terminate();
    let identity = |subject: &str| {
        format!("connection authenticated: identity=\"{subject}\" method=cert (*pg_hba.conf:1)")
    };
    target.expect_line(&client, identity("CN=alice,O=Org\\00anisation"));
    let client = with_certificate(target, &pki.olga, "alice");
    target.expect_line(&client, identity("CN=\\CE\\8C\\CE\\BB\\CE\\B3\\CE\\B1"));
    let line = "provided user name (alice) and authenticated user name (Όλγα) do not match";
    turned_away(target, client, &[line], &certificate_failed("alice"));
}

fn certificates_that_name_nobody(target: &Target) {
    let client = with_certificate(target, &target.pki().no_common_name, "alice");
    let line = "certificate authentication failed for user \"alice\": client certificate contains no \
                user name";
    turned_away(target, client, &[line], &certificate_failed("alice"));
}

fn certificates_that_are_not_there(target: &Target) {
    let required = Report::fatal("28000", "connection requires a valid client certificate");
    for user in ["alice", "bob"] {
        let mut client = told(target.connect_tls(&Tls::new()), user);
        target.expect_fatal(&mut client, &required);
    }
}

fn certificates_without_a_ca(target: &Target) {
    let text = "client certificates can only be checked if a root certificate store is available";
    for user in ["alice", "bob"] {
        let mut client = told(target.connect_tls(&Tls::new()), user);
        target.expect_fatal(&mut client, &Report::fatal("F0000", text));
    }
}

const BESIDE_TRUST: &str = "\
hostssl all  alice  127.0.0.1/32  trust clientcert=verify-full
hostssl all  bob    127.0.0.1/32  trust clientcert=verify-ca
";

/// Where the certificate's name has to be the user's and nothing else is asked for.
fn only_alice_is_alice(target: &Target) {
    let client = with_certificate(target, &target.pki().bob, "alice");
    let lines = [
        "provided user name (alice) and authenticated user name (bob) do not match",
        "certificate validation (clientcert=verify-full) failed for user \"alice\": CN mismatch",
    ];
    let failed = Report::fatal(
        "28000",
        "\"trust\" authentication failed for user \"alice\"",
    );
    turned_away(target, client, &lines, &failed);
    let mut client = with_certificate(target, &target.pki().alice, "alice");
    client.expect_login();
    client.terminate();
}

fn certificates_beside_trust(target: &Target) {
    only_alice_is_alice(target);
    let mut client = with_certificate(target, &target.pki().alice, "bob");
    client.expect_login();
    client.terminate();
}

const MAPPED: &str = "hostssl all all 127.0.0.1/32 cert map=people\n";
const DISTINGUISHED: &str = "\
hostssl all bob    127.0.0.1/32 cert clientname=DN map=people
hostssl all alice  127.0.0.1/32 cert clientname=DN
";
const MAPS: &str = "\
people  bob              alice
people  /^zoe$           alice
people  \"CN=alice\"     bob
people  /^CN=(.*)$       \\1
";

fn d02_maps_let_names_be_users(target: &Target) {
    let pki = target.pki();
    for identity in [&pki.bob, &pki.zoe_then_alice] {
        let mut client = with_certificate(target, identity, "alice");
        client.expect_login();
        client.terminate();
        target.expect_line(
            &client,
            "connection authenticated: identity=\"CN=*\" method=cert (*:1)",
        );
    }
    let client = with_certificate(target, &pki.alice, "alice");
    let line = "no match in usermap \"people\" for user \"alice\" authenticated as \"alice\"";
    turned_away(target, client, &[line], &certificate_failed("alice"));
}

fn distinguished_names(target: &Target) {
    let pki = target.pki();
    for (identity, user) in [(&pki.alice, "bob"), (&pki.bob, "bob")] {
        let mut client = with_certificate(target, identity, user);
        client.expect_login();
        client.terminate();
    }
    let client = with_certificate(target, &pki.alice, "alice");
    let line = "provided user name (alice) and authenticated user name (CN=alice) do not match";
    turned_away(target, client, &[line], &certificate_failed("alice"));
}

const MESH: &str = "\
hostssl all alice 127.0.0.1/32 cert clientname=SAN:URI spiffe_trust_domain=prod.example map=mesh
hostssl all bob   127.0.0.1/32 cert clientname=SAN:URI spiffe_trust_domain=test.example map=mesh
";
const MESH_MAPS: &str = "mesh /^spiffe://[^/]+/(.*)$ \\1\nmesh /alice$ bob\n";

fn alternative_names(target: &Target) {
    let identity = &target.pki().alice_of_the_mesh;
    let mut client = with_certificate(target, identity, "alice");
    client.expect_login();
    client.terminate();
    target.expect_line(
        &client,
        "connection authenticated: identity=\"O=Mesh\" method=cert (*pg_hba.conf:1)",
    );
    let client = with_certificate(target, identity, "bob");
    let lines = [
        "URI \"spiffe://prod.example/alice\" in the client certificate is no SPIFFE ID of the trust \
         domain \"test.example\"",
        "certificate authentication failed for user \"bob\": client certificate contains no user name",
    ];
    turned_away(target, client, &lines, &certificate_failed("bob"));
}

fn the_mode_must_be_content_too(target: &Target) {
    let mut client = told(target.connect(), "alice");
    target.expect_fatal(&mut client, &wire::plaintext_refused("alice", "postgres"));
    let required = Report::fatal("28000", "connection requires a valid client certificate");
    let mut client = told(target.connect_tls(&Tls::new()), "alice");
    target.expect_fatal(&mut client, &required);
    only_alice_is_alice(target);
}

const HOST_NAME: &str = "host all bob localhost trust\n";

fn host_names_are_looked_up(target: &Target) {
    let mut client = target.connect();
    client.login_and_leave(&startup("bob"));
}

const OTHER_HOST_NAMES: &str = "\
host all  alice  elsewhere.invalid   trust
host all  alice  .invalid            trust
";

fn host_names_of_others_are_told_apart(target: &Target) {
    let mut client = told(target.connect(), "alice");
    let expected = wire::plaintext_refused("alice", "postgres");
    let detail = "Client IP address resolved to \"localhost\", forward lookup not checked.";
    target.expect_log(&client, [Expected::fatal(&expected).detail(detail)]);
    client.expect_report(&expected);
    client.expect_close();
}

fn the_version_is_told_before_a_refusal(target: &Target) {
    let mut client = target.connect();
    client.send(&wire::startup(
        wire::V3_9999,
        &[("user", "alice"), ("database", "postgres")],
    ));
    client.expect(&wire::negotiate_protocol_version(wire::V3_2, &[]));
    target.expect_fatal(&mut client, &wire::plaintext_refused("alice", "postgres"));
    let mut client = target.connect();
    client.send(&wire::startup(
        wire::V3_9999,
        &[("user", "alice"), ("database", "alice")],
    ));
    client.expect(&wire::negotiate_protocol_version(wire::V3_2, &[]));
    client.expect(&AUTHENTICATION_OK);
    client.terminate_whatever_comes();
}
