//! Whether a certificate names the user.

use std::fs;

use super::super::*;
use super::load;
use crate::ident::Maps;

fn names() -> CertificateNames {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    CertificateNames {
        common_name: Some("alice".to_owned()),
        distinguished_name: "CN=alice,O=Example".to_owned(),
        dns: list(&["app.example", "alice"]),
        emails: list(&["alice@example.com"]),
        uris: list(&["spiffe://prod.example/alice"]),
    }
}

const MAPS: &str = "\
app  alice                 app_rw
app  /^(.*)@example\\.com$ \\1
app  CN=alice,O=Example    dn_user
app  \"CN=alice,O=Example\" dn_user
app  /^spiffe://prod\\.example/(.+)$ \\1
bad  /^.*$                 \\1
";

fn maps() -> Maps {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pg_ident.conf");
    // A field with a comma needs quotes.
    fs::write(
        &path,
        MAPS.replace("app  CN=alice,O=Example    dn_user\n", ""),
    )
    .unwrap();
    Maps::load(path).unwrap()
}

/// Compares the certificate with the user by a rule with this method and these options: the identity,
/// the lines for the log, and the code and text for the client.
#[track_caller]
fn run(
    method: &str,
    names: &CertificateNames,
    user: &str,
) -> (Option<String>, Vec<String>, Option<String>) {
    let rules = load(&format!("hostssl all all all {method}")).unwrap();
    let check = rules.rules[0].check_certificate(names, user.as_bytes(), &maps());
    let refusal = check
        .refusal
        .map(|refusal| format!("{} {}", refusal.code().unwrap(), refusal.message()));
    (check.identity, check.log, refusal)
}

#[track_caller]
fn allowed(method: &str, user: &str) {
    let (_, log, refusal) = run(method, &names(), user);
    assert_eq!((log, refusal), (Vec::new(), None), "{method} {user}");
}

#[track_caller]
fn refused(method: &str, names: &CertificateNames, user: &str, log: &[&str], refusal: &str) {
    let (_, said, told) = run(method, names, user);
    assert_eq!(said, log, "{method} {user}");
    assert_eq!(told.as_deref(), Some(refusal), "{method} {user}");
}

#[test]
fn d02_the_name_is_the_user_byte_for_byte() {
    allowed("cert", "alice");
    allowed("trust clientcert=verify-full", "alice");
    for user in ["bob", "Alice", "alic", "alice ", "", "alice\0bob"] {
        refused(
            "cert",
            &names(),
            user,
            &[&format!(
                "provided user name ({user}) and authenticated user name (alice) do not match"
            )],
            &format!("28000 certificate authentication failed for user \"{user}\""),
        );
    }
}

#[test]
fn d02_with_a_map_the_map_decides() {
    allowed("cert map=app", "app_rw");
    allowed("cert clientname=DN map=app", "dn_user");
    allowed("cert clientname=SAN:EMAIL map=app", "alice");
    refused(
        "cert map=app",
        &names(),
        "alice",
        &["no match in usermap \"app\" for user \"alice\" authenticated as \"alice\""],
        "28000 certificate authentication failed for user \"alice\"",
    );
    refused(
        "cert map=nosuch",
        &names(),
        "app_rw",
        &["no match in usermap \"nosuch\" for user \"app_rw\" authenticated as \"alice\""],
        "28000 certificate authentication failed for user \"app_rw\"",
    );
    refused(
        "cert map=bad",
        &names(),
        "alice",
        &[
            "regular expression \"^.*$\" has no subexpressions as requested by backreference in \"\\1\"",
        ],
        "28000 certificate authentication failed for user \"alice\"",
    );
}

#[test]
fn other_methods_say_so_in_their_own_words() {
    let mismatch = |name: &str, what: &str| {
        [
            format!("provided user name (bob) and authenticated user name ({name}) do not match"),
            format!(
                "certificate validation (clientcert=verify-full) failed for user \"bob\": {what} mismatch"
            ),
        ]
    };
    for (method, told) in [
        (
            "trust",
            "28000 \"trust\" authentication failed for user \"bob\"",
        ),
        (
            "password",
            "28P01 password authentication failed for user \"bob\"",
        ),
        (
            "scram-sha-256",
            "28P01 password authentication failed for user \"bob\"",
        ),
    ] {
        let full = format!("{method} clientcert=verify-full");
        let [first, second] = mismatch("alice", "CN");
        refused(&full, &names(), "bob", &[&first, &second], told);
        let [first, second] = mismatch("CN=alice,O=Example", "DN");
        refused(
            &format!("{full} clientname=DN"),
            &names(),
            "bob",
            &[&first, &second],
            told,
        );
        let [first, second] = mismatch("alice@example.com", "SAN:EMAIL");
        refused(
            &format!("{full} clientname=SAN:EMAIL"),
            &names(),
            "bob",
            &[&first, &second],
            told,
        );
        allowed(&format!("{method} clientcert=verify-ca"), "bob");
        allowed(method, "bob");
    }
}

#[test]
fn d06_a_certificate_without_the_name_is_nobodys() {
    let empty = CertificateNames::default();
    let log = |user: &str| {
        format!(
            "certificate authentication failed for user \"{user}\": client certificate contains no user name"
        )
    };
    for name in ["CN", "DN", "SAN:DNS", "SAN:EMAIL", "SAN:URI"] {
        for user in ["alice", ""] {
            refused(
                &format!("cert clientname={name}"),
                &empty,
                user,
                &[&log(user)],
                &format!("28000 certificate authentication failed for user \"{user}\""),
            );
        }
        refused(
            &format!("scram-sha-256 clientcert=verify-full clientname={name}"),
            &empty,
            "alice",
            &[&log("alice")],
            "28P01 password authentication failed for user \"alice\"",
        );
    }
    // A name elsewhere in the certificate is not the name that was asked for.
    let only_san = CertificateNames {
        common_name: None,
        ..names()
    };
    refused(
        "cert",
        &only_san,
        "alice",
        &[&log("alice")],
        "28000 certificate authentication failed for user \"alice\"",
    );
    let (_, log, refusal) = run("cert clientname=SAN:DNS", &only_san, "alice");
    assert_eq!((log, refusal), (Vec::new(), None));
}

#[test]
fn any_of_several_alternative_names_may_do() {
    allowed("cert clientname=SAN:DNS", "app.example");
    allowed("cert clientname=SAN:DNS", "alice");
    refused(
        "cert clientname=SAN:DNS",
        &names(),
        "bob",
        &[
            "provided user name (bob) and authenticated user name (app.example) do not match",
            "provided user name (bob) and authenticated user name (alice) do not match",
        ],
        "28000 certificate authentication failed for user \"bob\"",
    );
}

#[test]
fn a_nul_in_an_alternative_name_makes_it_nobodys() {
    let evil = CertificateNames {
        emails: vec!["bob@example.com\0.evil.example".to_owned()],
        ..names()
    };
    refused(
        "cert clientname=SAN:EMAIL map=app",
        &evil,
        "bob",
        &[
            "SSL certificate's SAN:EMAIL contains embedded null",
            "certificate authentication failed for user \"bob\": client certificate contains no user name",
        ],
        "28000 certificate authentication failed for user \"bob\"",
    );
}

#[test]
fn spiffe_ids_must_be_of_the_trust_domain() {
    let method = "cert clientname=SAN:URI spiffe_trust_domain=prod.example map=app";
    let with = |uris: &[&str]| CertificateNames {
        uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        ..names()
    };
    allowed(method, "alice");
    let nobody = "certificate authentication failed for user \"alice\": client certificate contains no user name";
    let told = "28000 certificate authentication failed for user \"alice\"";
    for uri in [
        "spiffe://dev.example/alice",
        "https://prod.example/alice",
        "spiffe://prod.example/x/../alice",
    ] {
        refused(
            method,
            &with(&[uri]),
            "alice",
            &[
                &format!(
                    "URI \"{uri}\" in the client certificate is no SPIFFE ID of the trust domain \"prod.example\""
                ),
                nobody,
            ],
            told,
        );
    }
    refused(
        method,
        &with(&["spiffe://prod.example/alice", "https://other.example/"]),
        "alice",
        &[
            "client certificate is no X.509-SVID: it has several URIs",
            nobody,
        ],
        told,
    );
    refused(method, &with(&[]), "alice", &[nobody], told);
}

#[test]
fn the_identity_is_the_subject_also_of_those_refused() {
    let identity = |method: &str, names: &CertificateNames, user: &str| run(method, names, user).0;
    let dn = Some("CN=alice,O=Example".to_owned());
    assert_eq!(identity("cert", &names(), "alice"), dn);
    assert_eq!(identity("cert", &names(), "bob"), dn);
    assert_eq!(
        identity("cert clientname=SAN:EMAIL map=app", &names(), "alice"),
        dn
    );
    assert_eq!(
        identity("trust clientcert=verify-full", &names(), "alice"),
        None
    );
    assert_eq!(
        identity("cert", &CertificateNames::default(), "alice"),
        None
    );
    let no_subject = CertificateNames {
        common_name: None,
        distinguished_name: String::new(),
        ..names()
    };
    assert_eq!(
        identity("cert clientname=SAN:URI", &no_subject, "x"),
        Some("spiffe://prod.example/alice".to_owned())
    );
}
