//! Which test holds the server to which bug report of other projects: every report has a test whose name begins with its
//! number.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Where the tests are.
const SOURCES: [&str; 5] = ["tests/it", "tests/src", "crates", "xtask/src", "benches"];

/// The reports, with what each is about.
const REPORTS: [(&str, &str); 61] = [
    ("A01", "GSSENCRequest ends the connection"),
    ("A03", "plaintext injection"),
    ("A04", "SSLRequest answered by an error"),
    ("A05", "direct TLS without ALPN accepted"),
    ("A07", "first message in two segments"),
    ("A08", "newer protocol refused, or accepted silently"),
    ("A10", "plaintext cannot be forbidden"),
    ("A12", "ClientHello in pieces"),
    ("A13", "probes fill the log"),
    ("B01", "length believed"),
    ("B02", "negative length"),
    ("B04", "messages cut at odd places"),
    ("B05", "Sync during copy-in"),
    ("B07", "bytes wait in the TLS engine"),
    ("B09", "records too large for a client"),
    ("C01", "EC key behind a parameters block not found"),
    ("C02", "encrypted key reported as no key"),
    ("C03", "certificate and key that do not belong together"),
    ("C04", "certificate of version 1"),
    ("C05", "line ends that drop certificates"),
    ("C09", "key readable by others"),
    ("D01", "a client CA makes certificates mandatory"),
    ("D02", "certificate of another user"),
    ("D03", "certificate for another purpose"),
    ("D05", "alert lost"),
    ("D06", "odd subjects"),
    ("E01", "channel binding by the wrong hash"),
    ("E02", "channel binding where no hash is defined"),
    ("E04", "PLUS offered without TLS"),
    ("E05", "downgrade and header rules"),
    ("E08", "users can be enumerated"),
    ("E09", "home-made SCRAM"),
    ("F01", "cancel inside TLS"),
    ("F02", "cancel in clear under a TLS-only policy"),
    ("F03", "cancel answered"),
    ("F06", "long cancel keys"),
    ("G01", "resumption"),
    ("G02", "resumption past a change of the client CA"),
    ("G04", "odd names in SNI"),
    ("G05", "ALPN behind an SSLRequest"),
    ("G07", "unknown names in SNI"),
    ("H01", "reload that breaks the server"),
    ("H02", "changed files not noticed"),
    ("H05", "rotation of the client CA"),
    ("I01", "session ended without close_notify"),
    ("I02", "last bytes lost"),
    ("I04", "shutdown without a reason"),
    ("I06", "places lost on some way out"),
    ("J01", "replies wait for acknowledgements"),
    ("J02", "a record for every message"),
    ("J03", "no back-pressure"),
    ("K01", "no time limit before login"),
    ("K03", "silent clients lock users out"),
    ("K04", "memory by the length of an unauthenticated packet"),
    ("K06", "no file descriptors left"),
    ("L01", "dates in the wrong type"),
    ("L02", "no Authority Key Identifier"),
    ("L05", "address as a name"),
    ("L06", "authority as a leaf"),
    ("L07", "not yet valid to a slow clock"),
    ("L08", "key readable by others"),
];

/// The section of `docs/CONFORMANCE.md`.
///
/// # Panics
///
/// If a report has no test.
pub(super) fn table() -> String {
    let mut tests = BTreeMap::new();
    for source in SOURCES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        collect(&root.join(source), &root, &mut tests);
    }
    let mut text = String::from(
        "\n## Bug reports of other projects\n\nA test's name begins with the numbers of its reports.\n\n\
         | report | about | tests |\n|---|---|---|\n",
    );
    for (id, about) in REPORTS {
        let Some(tests) = tests.get(id) else {
            panic!("report {id} has no test");
        };
        let tests = tests.join("<br>");
        writeln!(text, "| {id} | {about} | {tests} |").unwrap();
    }
    text
}

/// Adds the tests of all files below a directory, in the order of their paths.
fn collect(directory: &Path, root: &Path, tests: &mut BTreeMap<String, Vec<String>>) {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, root, tests);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let file = path.strip_prefix(root).unwrap().display();
            for name in fs::read_to_string(&path)
                .unwrap()
                .lines()
                .filter_map(test_name)
            {
                let test = format!("`{file}`: `{name}`");
                for id in name.split('_').take_while(|part| is_id(part)) {
                    let tests = tests.entry(id.to_uppercase()).or_default();
                    tests.push(test.clone());
                }
            }
        }
    }
}

/// The name of the function that a line begins, if it is one of a report: it begins with one or more numbers.
fn test_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line
        .strip_prefix("async ")
        .unwrap_or(line)
        .strip_prefix("fn ")?;
    let name = line.split('(').next()?;
    let (first, _) = name.split_once('_')?;
    is_id(first).then_some(name)
}

/// Whether a part of a name is the number of a report: a letter and two digits.
fn is_id(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, tens, ones]
        if letter.is_ascii_lowercase() && tens.is_ascii_digit() && ones.is_ascii_digit())
}

#[test]
fn names_of_reports_are_told_from_others() {
    for (line, expected) in [
        (
            "    fn c03_a_chain_is_named() {",
            Some("c03_a_chain_is_named"),
        ),
        ("async fn b05_sync(client: &Client) {", Some("b05_sync")),
        ("fn i32_of(bytes: &[u8]) -> i32 {", Some("i32_of")),
        ("fn i32(&mut self)", None),
        ("// fn c03_x()", None),
        ("pub fn close() {", None),
    ] {
        assert_eq!(test_name(line), expected, "{line}");
    }
}
