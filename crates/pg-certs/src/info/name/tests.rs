//! Both spellings against OpenSSL's own printer.

use proptest::prelude::*;

use super::short_names::{JURISDICTION, PILOT, PKCS9, X520};
use super::*;
use crate::info::CertificateInfo;
use crate::testing::{certificate_with, openssl, rdn};

const CN: &[u8] = &[0x55, 0x04, 0x03];
const OU: &[u8] = &[0x55, 0x04, 0x0b];
const O: &[u8] = &[0x55, 0x04, 0x0a];
const PRIVATE: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xaa, 0x1b, 0x01];

fn name(rdns: &[u8]) -> DistinguishedName {
    DistinguishedName::from_der(&crate::testing::tlv(SEQUENCE, rdns)).unwrap()
}

/// Asserts both spellings, and that OpenSSL prints the same.
#[track_caller]
fn check(rdns: &[Vec<u8>], rfc2253: &str, slash: &str) {
    let name = name(&rdns.concat());
    assert_eq!(name.rfc2253(), rfc2253);
    assert_eq!(name.slash(), slash);
    check_against_openssl(&rdns.concat());
}

#[track_caller]
fn check_against_openssl(rdns: &[u8]) {
    let certificate = certificate_with(rdns, &[1]);
    let info = CertificateInfo::from_der(&certificate).unwrap();
    let print = |nameopt| {
        let args = [
            "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", nameopt,
        ];
        openssl(&args, &certificate)
    };
    assert_eq!(
        info.subject().rfc2253(),
        print("RFC2253")
            .trim_end_matches('\n')
            .strip_prefix("subject=")
            .unwrap()
    );
    // PostgreSQL's X509_NAME_to_cstring: the flags of RFC 2253 without esc_msb, each attribute by itself.
    // OpenSSL's command has no slash for a separator, so lines stand in for it; line ends are escaped.
    let lines =
        print("esc_2253,esc_ctrl,utf8,dump_unknown,dump_der,dump_nostr,sep_multiline,sname");
    let slash: String = lines
        .lines()
        .skip(1)
        .flat_map(|line| line.strip_prefix("    ").unwrap().split(" + "))
        .map(|attribute| format!("/{attribute}"))
        .collect();
    if !slash.contains("UNDEF") {
        assert_eq!(info.subject().slash(), slash);
    }
}

#[test]
fn the_examples_of_the_spec() {
    check(
        &[
            rdn(&[(O, UTF8_STRING, b"Org")]),
            rdn(&[(OU, UTF8_STRING, b"Unit")]),
            rdn(&[(CN, UTF8_STRING, b"bob")]),
        ],
        "CN=bob,OU=Unit,O=Org",
        "/O=Org/OU=Unit/CN=bob",
    );
    check(
        &[rdn(&[(CN, UTF8_STRING, "Ομ".as_bytes())])],
        "CN=\\CE\\9F\\CE\\BC",
        "/CN=Ομ",
    );
}

#[test]
fn escapes() {
    check(
        &[rdn(&[(CN, UTF8_STRING, br##"a,b+c"d\e<f>g;h=i/j#k"##)])],
        r#"CN=a\,b\+c\"d\\e\<f\>g\;h=i/j#k"#,
        r#"/CN=a\,b\+c\"d\\e\<f\>g\;h=i/j#k"#,
    );
    check(
        &[rdn(&[(CN, UTF8_STRING, b"#a ")])],
        "CN=\\#a\\ ",
        "/CN=\\#a\\ ",
    );
    check(
        &[rdn(&[(CN, UTF8_STRING, b"  a  ")])],
        "CN=\\  a \\ ",
        "/CN=\\  a \\ ",
    );
    check(&[rdn(&[(CN, UTF8_STRING, b" ")])], "CN=\\ ", "/CN=\\ ");
    check(
        &[rdn(&[(CN, UTF8_STRING, b"a\nb\x7f\x00c")])],
        "CN=a\\0Ab\\7F\\00c",
        "/CN=a\\0Ab\\7F\\00c",
    );
    check(&[rdn(&[(CN, UTF8_STRING, b"#")])], "CN=#", "/CN=#");
    check(&[rdn(&[(CN, UTF8_STRING, b"")])], "CN=", "/CN=");
}

#[test]
fn several_attributes_in_one_rdn() {
    check(
        &[
            rdn(&[(O, UTF8_STRING, b"Org")]),
            rdn(&[(CN, UTF8_STRING, b"a"), (OU, UTF8_STRING, b"b")]),
        ],
        "OU=b+CN=a,O=Org",
        "/O=Org/CN=a/OU=b",
    );
}

#[test]
fn other_string_types() {
    check(
        &[rdn(&[(CN, BMP_STRING, b"\x00a\x03\x9f")])],
        "CN=a\\CE\\9F",
        "/CN=aΟ",
    );
    check(
        &[rdn(&[(CN, UNIVERSAL_STRING, b"\x00\x01\xf6\x00")])],
        "CN=\\F0\\9F\\98\\80",
        "/CN=😀",
    );
    check(
        &[rdn(&[(CN, T61_STRING, b"caf\xe9")])],
        "CN=caf\\C3\\A9",
        "/CN=café",
    );
    check(
        &[rdn(&[(CN, PRINTABLE_STRING, b"a b")])],
        "CN=a b",
        "/CN=a b",
    );
    // BIT STRING: no character string, so its DER.
    check(
        &[rdn(&[(CN, 3, b"\x00\xff")])],
        "CN=#030200FF",
        "/CN=#030200FF",
    );
}

#[test]
fn attributes_without_a_name_show_their_number_and_der() {
    let rdns = [
        rdn(&[(PRIVATE, UTF8_STRING, b"x")]),
        rdn(&[(CN, UTF8_STRING, b"a")]),
    ];
    let name = name(&rdns.concat());
    assert_eq!(name.rfc2253(), "CN=a,1.3.6.1.4.1.54555.1=#0C0178");
    assert_eq!(name.slash(), "/1.3.6.1.4.1.54555.1=#0C0178/CN=a");
    check_against_openssl(&rdns.concat());
}

#[test]
fn every_short_name_is_openssls() {
    #[track_caller]
    fn check(prefix: &[u8], table: &[(u8, &str)]) {
        let attribute = |arc: &u8| {
            let oid = [prefix, &[*arc]].concat();
            rdn(&[(&oid, UTF8_STRING, b"x")])
        };
        let rdns: Vec<u8> = table.iter().flat_map(|(arc, _)| attribute(arc)).collect();
        check_against_openssl(&rdns);
    }
    check(&[0x55, 0x04], X520);
    check(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09], PKCS9);
    check(
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01],
        PILOT,
    );
    check(
        &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01],
        JURISDICTION,
    );
}

#[test]
fn d06_the_first_common_name_counts() {
    let two = name(
        &[
            rdn(&[(CN, UTF8_STRING, b"alice")]),
            rdn(&[(CN, UTF8_STRING, b"zoe")]),
        ]
        .concat(),
    );
    assert_eq!(two.common_name(), Ok(Some("alice")));
    let inside = name(&rdn(&[(OU, UTF8_STRING, b"u"), (CN, UTF8_STRING, b"bob")]));
    assert_eq!(inside.common_name(), Ok(Some("bob")));
    let long = "x".repeat(70);
    assert_eq!(
        name(&rdn(&[(CN, UTF8_STRING, long.as_bytes())])).common_name(),
        Ok(Some(long.as_str()))
    );
}

#[test]
fn d06_no_common_name_is_no_user() {
    assert_eq!(name(&[]).common_name(), Ok(None));
    assert!(name(&[]).is_empty());
    assert_eq!(name(&[]).rfc2253(), "");
    assert_eq!(
        name(&rdn(&[(O, UTF8_STRING, b"alice")])).common_name(),
        Ok(None)
    );
    // An empty first one does not give way to a second.
    let empty = [
        rdn(&[(CN, UTF8_STRING, b"")]),
        rdn(&[(CN, UTF8_STRING, b"alice")]),
    ]
    .concat();
    assert_eq!(name(&empty).common_name(), Ok(None));
}

#[test]
fn d06_common_names_that_are_not_what_they_look_like_are_refused() {
    #[track_caller]
    fn check(tag: u8, value: &[u8], expected: Result<Option<&str>, CommonNameError>) {
        assert_eq!(name(&rdn(&[(CN, tag, value)])).common_name(), expected);
    }
    check(
        UTF8_STRING,
        b"alice\0evil",
        Err(CommonNameError::EmbeddedNull),
    );
    check(
        BMP_STRING,
        b"\x00a\x00l",
        Err(CommonNameError::EmbeddedNull),
    );
    // U+6162 U+6364: the bytes spell "abcd".
    check(BMP_STRING, b"abcd", Err(CommonNameError::NotText));
    check(T61_STRING, b"alice", Ok(Some("alice")));
    check(T61_STRING, b"caf\xe9", Err(CommonNameError::NotText));
    assert_eq!(
        CommonNameError::EmbeddedNull.to_string(),
        "SSL certificate's common name contains embedded null"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn random_names_print_as_openssl_prints_them(
        values in proptest::collection::vec(("[ -~]{0,12}|\\PC{0,8}|[#, +\\\\\u{0}-\u{1f}]{0,5}", 0usize..4), 1..30)
    ) {
        let rdns: Vec<u8> = values
            .iter()
            .flat_map(|(value, kind)| match kind {
                0 => rdn(&[(CN, UTF8_STRING, value.as_bytes())]),
                1 => {
                    let wide: Vec<u8> = value.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
                    rdn(&[(O, UNIVERSAL_STRING, &wide)])
                }
                2 => {
                    let latin: Vec<u8> = value.chars().filter_map(|c| u8::try_from(c).ok()).collect();
                    rdn(&[(OU, T61_STRING, &latin)])
                }
                _ => {
                    let wide: Vec<u8> =
                        value.chars().filter_map(|c| u16::try_from(u32::from(c)).ok()).flat_map(u16::to_be_bytes).collect();
                    rdn(&[(OU, BMP_STRING, &wide)])
                }
            })
            .collect();
        check_against_openssl(&rdns);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(name) = DistinguishedName::from_der(&bytes) {
            let _ = (name.rfc2253(), name.slash(), name.common_name());
        }
    }
}
