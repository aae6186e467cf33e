//! What loads, and what is said about the rest.

use std::fs;

use proptest::prelude::*;

use super::super::*;
use super::load;

/// The message for a line that does not load.
#[track_caller]
fn check(line: &str, expected: &str) {
    let errors = load(line).unwrap_err();
    let messages: Vec<&str> = errors.iter().map(FileError::message).collect();
    assert_eq!(messages, [expected], "{line}");
}

#[test]
fn lines_that_end_too_early() {
    check("local", "end-of-line before database specification");
    check("local all", "end-of-line before role specification");
    check(
        "host all all",
        "end-of-line before IP address specification",
    );
    check(
        "host all all 10.0.0.1",
        "end-of-line before netmask specification",
    );
    check(
        "host all all 10.0.0.1/8",
        "end-of-line before authentication method",
    );
    check("local all all", "end-of-line before authentication method");
    check(
        "host all all 10.0.0.1 255.0.0.0",
        "end-of-line before authentication method",
    );
}

#[test]
fn lists_where_there_can_be_none() {
    check(
        "local,host all all trust",
        "multiple values specified for connection type",
    );
    check(
        "host all all 10.0.0.1/8,10.0.0.2/8 trust",
        "multiple values specified for host address",
    );
    check(
        "host all all 10.0.0.1 255.0.0.0,255.0.0.0 trust",
        "multiple values specified for netmask",
    );
    check(
        "host all all 10.0.0.1/8 trust,reject",
        "multiple values specified for authentication type",
    );
}

#[test]
fn addresses_that_are_none() {
    check(
        "host all all 10.0.0.1 ::1 trust",
        "IP address and mask do not match",
    );
    check(
        "host all all 10.0.0.1 255.0.0.x trust",
        "invalid IP mask \"255.0.0.x\": Name or service not known",
    );
    check(
        "host all all 10.0.0.1/33 trust",
        "invalid CIDR mask in address \"10.0.0.1/33\"",
    );
    check(
        "host all all 10.0.0.1/ trust",
        "invalid CIDR mask in address \"10.0.0.1/\"",
    );
    check(
        "host all all ::1/129 trust",
        "invalid CIDR mask in address \"::1/129\"",
    );
    for both in ["db.example/8", "10.0.0.256/8", "::1:2:3:4:5:6:7:8:9/8"] {
        check(
            &format!("host all all {both} trust"),
            &format!("specifying both host name and CIDR mask is invalid: \"{both}\""),
        );
    }
    // Ours: PostgreSQL reads these in a way nobody expects, or as host names that never match.
    for odd in [
        "10.1",
        "127",
        "1.2.3.4.5",
        "10.0.0.256",
        "0x7f.1",
        "fe80::1%eth0",
    ] {
        check(
            &format!("host all all {odd} trust"),
            &format!("invalid IP address \"{odd}\""),
        );
    }
}

#[test]
fn types_and_methods_that_are_none() {
    check(
        "hosts all all all trust",
        "invalid connection type \"hosts\"",
    );
    check("include a b c", "invalid connection type \"include\"");
    check(
        "host all all all trusted",
        "invalid authentication method \"trusted\"",
    );
    for method in [
        "bsd", "gss", "ident", "ldap", "oauth", "pam", "peer", "radius", "sspi",
    ] {
        check(
            &format!("host all all all {method}"),
            &format!("invalid authentication method \"{method}\": not supported by this build"),
        );
    }
    check(
        "host all all all md5",
        "invalid authentication method \"md5\": whoever reads an MD5 verifier can log in with it",
    );
}

#[test]
fn options_where_they_mean_nothing() {
    let cert = "cert authentication is only supported on hostssl connections";
    check("host all all 10.0.0.1/8 cert", cert);
    check("local all all cert", cert);
    check(
        "hostssl all all all cert clientcert=verify-ca",
        "clientcert only accepts \"verify-full\" when using \"cert\" authentication",
    );
    check(
        "hostssl all all all trust clientcert=1",
        "invalid value for clientcert: \"1\"",
    );
    check(
        "hostssl all all all trust clientname=SAN",
        "invalid value for clientname: \"SAN\"",
    );
    check(
        "host all all all trust clientcert=verify-ca",
        "clientcert can only be configured for \"hostssl\" rows",
    );
    check(
        "hostnossl all all all trust clientname=CN",
        "clientname can only be configured for \"hostssl\" rows",
    );
    let map = "authentication option \"map\" is only valid for authentication methods ident, peer, gssapi, sspi, cert, and oauth";
    check("host all all all trust map=x", map);
    check("local all all trust map=", map);
    check(
        "hostssl all all all scram-sha-256 clientcert=verify-full map=x",
        map,
    );
    check(
        "host all all all trust verify",
        "authentication option not in name=value format: verify",
    );
    check(
        "host all all all trust nosuch=1",
        "unrecognized authentication option name: \"nosuch\"",
    );
    check(
        "hostssl all all all trust clientcert=verify-full clientcert=x",
        "invalid value for clientcert: \"x\"",
    );
}

#[test]
fn our_own_options_where_they_mean_nothing() {
    check(
        "hostssl all all all cert spiffe_trust_domain=a",
        "authentication option \"spiffe_trust_domain\" is only valid with clientname=SAN:URI",
    );
    check(
        "hostssl all all all cert clientname=SAN:URI spiffe_trust_domain=spiffe://a",
        "invalid value for spiffe_trust_domain: \"spiffe://a\"",
    );
    check(
        "hostssl all all all trust clientname=SAN:DNS",
        "clientname=SAN:DNS is only compared with clientcert=verify-full or the method cert",
    );
    check(
        "hostssl all all all trust clientname=SAN:DNS clientcert=verify-ca map=x",
        "clientname=SAN:DNS is only compared with clientcert=verify-full or the method cert",
    );
    check(
        "host all all all trust clientname=SAN:DNS",
        "clientname can only be configured for \"hostssl\" rows",
    );
}

#[test]
fn roles_are_refused_unless_quoted() {
    let text = |token: &str| {
        format!("\"{token}\" asks for membership in a role, and this server has no roles")
    };
    check("local all +admins trust", &text("+admins"));
    check("local samerole all trust", &text("samerole"));
    check("local samegroup all trust", &text("samegroup"));
    load("local +x,\"samerole\" \"+admins\" trust").unwrap();
}

#[test]
fn regular_expressions_that_are_none() {
    check(
        "host all /[b-a] all trust",
        "invalid regular expression \"[b-a]\": invalid character range",
    );
    check(
        "host \"/a(\" all all trust",
        "invalid regular expression \"a(\": parentheses () not balanced",
    );
}

#[test]
fn every_error_is_reported_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pg_hba.conf");
    let other = dir.path().join("other.conf");
    fs::write(
        &path,
        "local all all trust\nhost all all all md5\ninclude other.conf\nbad\\\n\nlocal x\n",
    )
    .unwrap();
    fs::write(&other, "\nhosts all all all trust\n").unwrap();
    let errors = Rules::load(&path).unwrap_err();
    let (path, other) = (path.display(), other.display());
    assert_eq!(
        errors.to_string(),
        format!(
            "line 2 of configuration file \"{path}\": invalid authentication method \"md5\": whoever reads an MD5 verifier can log in with it (Use scram-sha-256, and give the users SCRAM verifiers.)\n\
             line 2 of configuration file \"{other}\": invalid connection type \"hosts\"\n\
             line 4 of configuration file \"{path}\": invalid connection type \"bad\"\n\
             line 6 of configuration file \"{path}\": end-of-line before role specification"
        )
    );
    assert!(
        errors
            .iter()
            .all(|error| error.sqlstate().as_str() == "F0000")
    );
}

#[test]
fn a_file_without_rules_is_an_error() {
    let errors = load("# nothing\n").unwrap_err();
    let error = errors.iter().next().unwrap();
    let file = error.file().display();
    assert_eq!(error.line(), None);
    assert_eq!(
        error.message(),
        format!("configuration file \"{file}\" contains no entries")
    );
}

#[test]
fn rules_know_what_they_say() {
    let text = "# who\nhostssl all all all cert map=m \\\n clientname=SAN:URI spiffe_trust_domain=prod.example\n\"local\" \"all\" all trust\n";
    let rules = load(text).unwrap();
    let [first, second] = rules.rules.as_slice() else {
        panic!("{rules:?}");
    };
    assert_eq!((first.line(), second.line()), (2, 4));
    assert_eq!(first.kind(), ConnectionKind::HostSsl);
    assert_eq!(first.method(), Method::Cert);
    assert_eq!(first.client_cert(), Some(ClientCert::VerifyFull));
    assert_eq!(first.client_name(), ClientName::SanUri);
    assert_eq!(
        (first.map(), first.trust_domain()),
        (Some("m"), Some("prod.example"))
    );
    assert_eq!(
        first.log_detail(),
        format!(
            "Connection matched file \"{}\" line 2: \"hostssl all all all cert map=m  clientname=SAN:URI spiffe_trust_domain=prod.example\"",
            first.file().display()
        )
    );
    assert_eq!(second.kind(), ConnectionKind::Local);
    assert_eq!(second.client_cert(), None);
    assert_eq!((second.map(), second.trust_domain()), (None, None));
}

#[test]
fn maps_go_with_every_method_if_an_alternative_name_is_compared() {
    for method in ["trust", "password", "scram-sha-256", "cert"] {
        for name in ["SAN:DNS", "SAN:EMAIL", "SAN:URI"] {
            load(&format!(
                "hostssl all all all {method} map=m clientname={name} clientcert=verify-full"
            ))
            .unwrap();
        }
    }
}

#[test]
fn rules_that_never_match_are_warned_about() {
    let rules =
        load("host all all all trust\nhostssl all all all trust\nhostgssenc all all all trust\n")
            .unwrap();
    let warnings = |ssl| -> Vec<_> {
        rules
            .warnings(ssl)
            .map(|warning| (warning.rule().line(), warning.message()))
            .collect()
    };
    let gss = "hostgssenc record cannot match because GSSAPI is not supported by this build";
    assert_eq!(warnings(Ssl::On), [(3, gss)]);
    assert_eq!(
        warnings(Ssl::Off),
        [
            (2, "hostssl record cannot match because SSL is disabled"),
            (3, gss)
        ]
    );
    let text = rules.warnings(Ssl::Off).next().unwrap().to_string();
    assert!(
        text.starts_with("line 2 of configuration file \""),
        "{text}"
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = load(&text);
    }

    /// Lines of words that mean something.
    #[test]
    fn no_words_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..12)) {
        let _ = load(&words.join(" "));
    }
}

const WORDS: &[&str] = &[
    "local",
    "host",
    "hostssl",
    "all",
    "sameuser",
    "replication",
    "+x",
    "/a(",
    "/^a",
    "\"all\"",
    "127.0.0.1",
    "10.0.0.0/8",
    "::/0",
    "255.0.0.0",
    ".x",
    "samenet",
    "trust",
    "cert",
    "md5",
    "reject",
    "map=x",
    "clientcert=verify-full",
    "clientname=DN",
    "clientname=SAN:URI",
    "=",
    ",",
    "\\",
    "\n",
    "spiffe_trust_domain=x",
    "@x",
    "include",
];
