//! Which row of the specification which case covers, written down in `docs/CONFORMANCE.md` and kept in step here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use heliosdb_tests::case::{Case, Proof};

use super::{TOPICS, acceptance, bug_reports};

/// Set to anything, the document is written anew instead of compared.
const VARIABLE: &str = "HELIOSDB_UPDATE_CONFORMANCE";

/// What the verdicts of scanners stand between.
const SCANS: (&str, &str) = (
    "<!-- scans: written by cargo xtask scan --update -->\n",
    "<!-- end of scans -->\n",
);

/// Rows that must be covered, in the specification's order, with what each is about.
const ROWS: [(&str, &str); 95] = [
    ("1.3 #1", "EOF before any byte of a packet"),
    ("1.3 #2", "EOF within the length word"),
    ("1.3 #3", "length word out of range"),
    ("1.3 #4", "EOF within the body"),
    ("1.3 #5", "silence within the body"),
    ("1.3 #6", "HTTP, TLS records of other kinds"),
    ("1.3 #7", "encryption request with a length other than 8"),
    ("1.3 #8", "CancelRequest"),
    ("1.3 #9", "unknown request code"),
    ("1.3 #10", "another major version"),
    ("1.3 #11", "major 1 or 2"),
    ("1.3 #12", "newer minor version"),
    ("1.3 #13", "protocol 3.1"),
    ("1.3 #14", "broken packet layout"),
    ("1.3 #15", "no user"),
    ("1.3 #16", "bad `replication`"),
    ("1.3 #17", "name given twice"),
    ("1.3 #18", "no database"),
    ("1.3 #19", "unknown parameter"),
    ("1.3 #20", "unknown protocol option"),
    ("1.3 #21", "server is shutting down"),
    ("1.3 #22", "connection limit"),
    ("1.3 #23", "no process for the connection"),
    ("1.4 SSL→N, startup", "plain session"),
    ("1.4 SSL→N, SSL", "FATAL 1234.5679"),
    ("1.4 SSL→N, GSS→N, SSL", "FATAL 1234.5679"),
    ("1.4 GSS→N, SSL→S, TLS, startup", "session in TLS"),
    ("1.4 SSL→S, TLS, SSL", "FATAL 1234.5679 inside TLS"),
    ("1.4 SSL→S, TLS, GSS", "FATAL 1234.5680 inside TLS"),
    ("1.4 SSL→S, TLS, Cancel", "cancel is processed"),
    ("1.4 SSL→S, plaintext startup", "failed handshake"),
    ("1.4 direct, SSL", "`N` inside TLS, once"),
    ("1.4 direct, GSS", "`N` inside TLS, once"),
    ("1.4 Unix socket", "`N` always, direct TLS closed"),
    ("2 first byte 0x16", "TLS at once"),
    ("2 other first byte", "startup packet"),
    ("2 EOF", "silent"),
    ("2 no TLS", "closed without a byte"),
    ("2 handshake failure", "alert, close"),
    (
        "2 ALPN: none",
        "negotiated: served; direct: closed after the handshake",
    ),
    ("2 ALPN: list with postgresql", "selected"),
    ("2 ALPN: list without postgresql", "alert 120"),
    ("3.1 N", "bytes behind a refused SSLRequest"),
    ("3.1 GSS", "bytes behind a refused GSSENCRequest"),
    (
        "3.1 S, plaintext",
        "plaintext behind an accepted SSLRequest",
    ),
    (
        "3.1 S, ClientHello",
        "ClientHello in the segment of the SSLRequest",
    ),
    (
        "3.1 S, ClientHello, plaintext",
        "plaintext behind a ClientHello",
    ),
    ("3.1 direct", "plaintext behind a direct ClientHello"),
    ("4.1", "which rule matches"),
    ("4.2", "no rule, or one that rejects"),
    ("4.3", "client certificates and their names"),
    ("4.4", "names in certificates, and maps"),
    ("4.5", "chains and alerts"),
    ("4.6 Disable", "`N`; direct TLS closed; plaintext served"),
    ("4.6 Allow", "everything served"),
    ("4.6 Prefer", "everything served"),
    ("4.6 Require", "plaintext refused"),
    ("4.6 VerifyCA", "certificate demanded"),
    ("4.6 VerifyFull", "certificate of the user demanded"),
    ("6.1", "mechanisms offered"),
    ("6.3", "channel binding flags"),
    ("6.4", "the rest of the exchange"),
    ("7.1", "authentication_timeout"),
    ("7.2", "log lines"),
    ("3.3", "unknown users, names in certificates"),
    ("X1", "one byte, FIN"),
    ("X2", "length 0, 7, 10005"),
    ("X3", "length 10004"),
    ("X4", "packet of 8 bytes"),
    ("X5", "packet of 9 bytes"),
    ("X6", "versions 1.0 and 2.0"),
    ("X7", "versions 0.0, 4.0, 1234.5681"),
    ("X8", "version 3.1"),
    ("X9", "version 3.2"),
    ("X10", "version 3.9999 with options"),
    ("X11", "version 3.0 with an option"),
    ("X12", "version 3.2 without user"),
    ("X13", "SSLRequest of length 12"),
    ("X14", "no TLS: SSLRequest and startup in one write"),
    ("X15", "no TLS: SSLRequest and ClientHello in one write"),
    ("X16", "no TLS: ClientHello after `N`"),
    ("X17", "SSLRequest and \"X\" in one write"),
    ("X18", "SSLRequest and ClientHello in one write"),
    ("X19", "X18 and plaintext"),
    ("X20", "direct TLS by ALPN"),
    ("X21", "direct TLS, SSLRequest inside"),
    ("X22", "direct TLS, both requests inside"),
    ("X23", "direct TLS without TLS"),
    ("X24", "negotiated TLS, foreign ALPN"),
    ("X25", "garbage behind 0x16"),
    ("X26", "silence until the timeout"),
    ("X27", "timeout in SASL"),
    ("X28", "libpq whose root certificate does not match"),
    ("X29", "no common version of TLS"),
    ("X30", "SCRAM with an Ed25519 certificate"),
];

/// Rows no case here can cover, and why.
const ELSEWHERE: [(&str, &str); 4] = [
    (
        "1.3 #23",
        "does not arise: a connection is a task, not a process",
    ),
    (
        "1.4 Unix socket",
        "unit tests of pg-tls (`negotiation.rs`): the server listens on TCP alone",
    ),
    (
        "X28",
        "a client's behaviour: the matrix of real clients (`cargo xtask test-ssl`)",
    ),
    (
        "X30",
        "with libpq: `acceptance::e02_without_a_hash_channel_binding_is_not_offered`",
    ),
];

/// What the cases allow ours to do otherwise than PostgreSQL.
const DIFFERENCES: &str = "
## Differences from PostgreSQL

- A client that leaves after `S` without a ClientHello is not logged: PostgreSQL has a LOG line about a failed handshake.
- A name in SNI that is no DNS name and no IP address (`[::1]`, `*.example`, `a..b`) is refused with alert 47, since \
rustls parses it before anybody can say that it does not matter. PostgreSQL up to 18 ignores the name.
- A client certificate of a foreign CA that is for servers alone gets alert 43 rather than 48: two faults, found in \
another order.
- The reasons in `could not accept SSL connection: …` are OpenSSL's where rustls has a counterpart, else rustls' own.
- A rule's host name is looked up only if database and user match the rule; PostgreSQL looks up first. The log-only \
DETAIL about the lookup can differ for that.
- Sessions ended and clients turned away by a shutdown are logged at LOG, not FATAL: the operator asked for it.
- A StartupMessage cut short by a reset is logged once (`could not receive data from client`); PostgreSQL adds a line \
`incomplete startup packet`.
";

fn proof(case: &Case) -> String {
    match case.proof {
        Proof::Since(major) => format!("PostgreSQL {major}"),
        Proof::OursOnly(reason) => format!("none: {reason}"),
    }
}

/// What `cargo xtask scan` has put into the document, which stays as it is.
fn scans(written: &str) -> &str {
    let begin = written.find(SCANS.0).unwrap();
    let end = written.find(SCANS.1).unwrap() + SCANS.1.len();
    &written[begin..end]
}

fn document(written: &str) -> String {
    let mut covered: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (topic, cases) in TOPICS {
        for case in cases {
            for row in case.rows {
                covered
                    .entry(row)
                    .or_default()
                    .push(format!("`{topic}::{}`", case.name));
            }
        }
    }
    let mut text = String::from(
        "# Conformance\n\n\
         Which test holds the server to which row of the specification of PostgreSQL's startup phase. \
         This file is written by the test `conformance` in `tests/it/postgres_ssl`; the names are those \
         of the tables of cases there (`cargo test postgres_ssl` runs them all).\n\n\
         | row | about | cases |\n|---|---|---|\n",
    );
    for (row, about) in ROWS {
        let elsewhere = ELSEWHERE.iter().find(|(of, _)| *of == row);
        let cases = match (covered.get(row), elsewhere) {
            (Some(cases), None) => cases.join(", "),
            (None, Some((_, reason))) => format!("— {reason}"),
            (Some(_), Some(_)) => panic!("row {row} is covered, and said to be covered elsewhere"),
            (None, None) => panic!("row {row} is covered by no case"),
        };
        writeln!(text, "| {row} | {about} | {cases} |").unwrap();
    }
    text.push_str(DIFFERENCES);
    text.push_str(&acceptance::document::tables());
    text.push_str(&bug_reports::table());
    text.push_str(
        "\n## What scanners say\n\n\
         sslyze and testssl.sh about the program with `ssl_mode = \"require\"` and a certificate of 89 days, by \
         `cargo xtask scan --update`. A scan that could not be made is absent, not passed.\n\n",
    );
    text.push_str(scans(written));
    text.push_str(
        "\n## Where each expectation is proven\n\n\
         \"PostgreSQL 15\": the case passes on a real PostgreSQL from that version on \
         (`HELIOSDB_TEST_ORACLE=<bin> cargo test postgres_ssl::oracle -- --ignored`).\n\n\
         | case | rows | proven on |\n|---|---|---|\n",
    );
    for (topic, cases) in TOPICS {
        for case in cases {
            let rows = case.rows.join(", ");
            writeln!(
                text,
                "| `{topic}::{}` | {rows} | {} |",
                case.name,
                proof(case)
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn document_is_in_step_with_the_cases() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CONFORMANCE.md");
    let written = fs::read_to_string(&path).unwrap();
    let text = document(&written);
    if std::env::var_os(VARIABLE).is_some() {
        fs::write(&path, text).unwrap();
    } else {
        assert!(
            written == text,
            "docs/CONFORMANCE.md is not in step: run the test once with {VARIABLE}=1"
        );
    }
}
