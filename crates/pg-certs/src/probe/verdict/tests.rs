//! One world for each way that libpq can go.

use super::*;

/// What a case changes of a server with TLS and passwords that all modes can use.
struct World {
    answer: SslAnswer,
    plaintext: Login,
    tls: Result<Login, (&'static str, bool)>,
    trusted: Option<Trust>,
    name: Result<(), String>,
    no_binding: bool,
    key_unproven: bool,
    client_certificate_requested: bool,
}

fn good() -> World {
    World {
        answer: SslAnswer::Accepted,
        plaintext: asks(&["SCRAM-SHA-256"]),
        tls: Ok(asks(&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])),
        trusted: Some(Trust::Trusted),
        name: Ok(()),
        no_binding: false,
        key_unproven: false,
        client_certificate_requested: false,
    }
}

fn asks(methods: &[&str]) -> Login {
    Login::Asks {
        methods: methods.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn refused(sqlstate: &str, message: &str) -> Login {
    Login::Refused {
        sqlstate: Some(sqlstate.to_owned()),
        message: message.to_owned(),
        authenticated: false,
    }
}

fn ended(reason: &str, silent: bool) -> Login {
    Login::Ended {
        reason: reason.to_owned(),
        silent,
    }
}

fn untrusted() -> Option<Trust> {
    Some(Trust::Refused {
        reason: "certificate verify failed: UnknownIssuer".to_owned(),
        fix: Some("another root".to_owned()),
    })
}

fn verdicts(world: &World) -> Vec<Verdict> {
    let hosts = [("db.test".to_owned(), world.name.clone())];
    judge(&Facts {
        answer: &world.answer,
        plaintext: &world.plaintext,
        tls: world
            .tls
            .as_ref()
            .map_err(|&(reason, undecided)| Handshake { reason, undecided }),
        trusted: world.trusted.as_ref(),
        hosts: &hosts,
        issuer: Some("CN=ca"),
        no_binding: world.no_binding,
        key_unproven: world.key_unproven,
        client_authorities: &["CN=clients".to_owned()],
        client_certificate_requested: world.client_certificate_requested,
    })
}

/// disable, allow, prefer, require, verify-ca, verify-full: `t` in TLS, `c` in clear, `-` not, `?` unknown.
#[track_caller]
fn check(world: &World, expected: &str) -> Vec<Verdict> {
    let verdicts = verdicts(world);
    let letters: String = verdicts
        .iter()
        .map(|verdict| match (verdict.connects, verdict.encrypted) {
            (Some(true), Some(true)) => 't',
            (Some(true), Some(false)) => 'c',
            (Some(false), None) => '-',
            (None, None) => '?',
            _ => panic!("{verdict:?}"),
        })
        .collect();
    assert_eq!(letters, expected, "{verdicts:#?}");
    verdicts
}

#[track_caller]
fn says(verdict: &Verdict, reason: &str, fix: Option<&str>) {
    assert_eq!(
        (verdict.reason.as_str(), verdict.fix.as_deref()),
        (reason, fix)
    );
}

#[test]
fn a_good_server() {
    let all = check(&good(), "cctttt");
    says(&all[0], "asks for SCRAM-SHA-256", None);
    says(&all[5], "asks for SCRAM-SHA-256-PLUS, SCRAM-SHA-256", None);
    assert_eq!(all[5].host.as_deref(), Some("db.test"));
}

#[test]
fn plaintext_refused() {
    let all = check(
        &World {
            plaintext: refused("28000", "no pg_hba.conf entry for host"),
            ..good()
        },
        "-ttttt",
    );
    says(
        &all[0],
        "FATAL 28000: no pg_hba.conf entry for host",
        Some(USE_TLS),
    );
    says(
        &all[1],
        "tries TLS (FATAL 28000: no pg_hba.conf entry for host): \
         asks for SCRAM-SHA-256-PLUS, SCRAM-SHA-256",
        None,
    );
    // A server that only closes gives `allow` no reason to try TLS.
    let plaintext = ended("closed without a word", false);
    check(
        &World {
            plaintext,
            ..good()
        },
        "--tttt",
    );
    // Nor does one that is only starting.
    let plaintext = refused("57P03", "the database system is starting up");
    check(
        &World {
            plaintext,
            ..good()
        },
        "--tttt",
    );
    let plaintext = ended("no answer in time", true);
    check(
        &World {
            plaintext,
            ..good()
        },
        "??tttt",
    );
}

#[test]
fn no_tls() {
    let answer = SslAnswer::Refused;
    let all = check(&World { answer, ..good() }, "ccc---");
    says(
        &all[3],
        "server does not support SSL, but SSL was required",
        Some("switch TLS on in the server (PostgreSQL: ssl = on)"),
    );
    let answer = SslAnswer::Error;
    let all = check(&World { answer, ..good() }, "cc----");
    says(
        &all[2],
        "server sent an error response during SSL exchange",
        Some("a server must answer SSLRequest with S or N"),
    );
    let answer = SslAnswer::Unknown { byte: b'H' };
    let all = check(&World { answer, ..good() }, "cc----");
    assert_eq!(
        all[3].reason,
        "received invalid response to SSL negotiation: H"
    );
    let reason = "no answer in time".to_owned();
    let answer = SslAnswer::None { reason };
    let plaintext = ended("no answer in time", true);
    check(
        &World {
            answer,
            plaintext,
            ..good()
        },
        "??----",
    );
}

#[test]
fn a_root_that_does_not_fit_is_looked_at_by_every_mode_with_tls() {
    let trusted = untrusted();
    let all = check(&World { trusted, ..good() }, "ccc---");
    says(
        &all[2],
        "falls back to plaintext (certificate verify failed: UnknownIssuer): asks for SCRAM-SHA-256",
        None,
    );
    says(
        &all[3],
        "certificate verify failed: UnknownIssuer",
        Some("another root"),
    );
}

#[test]
fn without_a_root_nothing_is_promised() {
    let trusted = None;
    let all = check(&World { trusted, ..good() }, "cctt??");
    says(
        &all[4],
        "depends on the client's sslrootcert",
        Some("name it with --root-cert; it must hold the certificate of \"CN=ca\""),
    );
    // A wrong name is wrong whatever the root.
    let name = Err("server certificate for \"a\" does not match host name \"db.test\"".to_owned());
    let trusted = None;
    let all = check(
        &World {
            trusted,
            name,
            ..good()
        },
        "cctt?-",
    );
    assert_eq!(
        all[5].reason,
        "server certificate for \"a\" does not match host name \"db.test\""
    );
}

#[test]
fn certificates_with_a_fault() {
    let name = Err("mismatch".to_owned());
    check(&World { name, ..good() }, "ccttt-");
    let trusted = Some(Trust::Unknown {
        reason: "version 1".to_owned(),
    });
    check(&World { trusted, ..good() }, "cc????");
    let key_unproven = true;
    check(
        &World {
            key_unproven,
            ..good()
        },
        "ccc---",
    );
    let no_binding = true;
    let all = check(
        &World {
            no_binding,
            ..good()
        },
        "cc----",
    );
    assert_eq!(all[5].reason, "could not find digest for NID UNDEF");
}

#[test]
fn handshakes_that_fail() {
    let tls = Err(("alert protocol_version", false));
    let all = check(&World { tls, ..good() }, "ccc---");
    assert_eq!(
        all[2].reason,
        "falls back to plaintext (the TLS handshake fails: alert protocol_version): \
         asks for SCRAM-SHA-256"
    );
    let tls = Err(("alert handshake_failure", true));
    check(&World { tls, ..good() }, "cc????");
}

#[test]
fn a_client_certificate_is_wanted() {
    let fix = "give the client a certificate (sslcert and sslkey) issued by \"CN=clients\"";
    let text = "connection requires a valid client certificate";
    let tls = Ok(refused("28000", text));
    let all = check(
        &World {
            tls,
            client_certificate_requested: true,
            ..good()
        },
        "ccc---",
    );
    says(&all[3], &format!("FATAL 28000: {text}"), Some(fix));
    let tls = Ok(ended("alert certificate_required", false));
    let all = check(
        &World {
            tls,
            client_certificate_requested: true,
            ..good()
        },
        "cc----",
    );
    says(
        &all[3],
        "server closed the connection unexpectedly: alert certificate_required",
        Some(fix),
    );
}

#[test]
fn channel_binding_in_clear_is_an_error() {
    let plaintext = asks(&["SCRAM-SHA-256-PLUS"]);
    let all = check(
        &World {
            plaintext,
            ..good()
        },
        "--tttt",
    );
    assert_eq!(
        all[0].reason,
        "server offered SCRAM-SHA-256-PLUS authentication over a non-SSL connection"
    );
}
