//! The scanner against every shape of file that has lost somebody a certificate.

use proptest::prelude::*;

use super::*;

const ONE: &str = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";

/// Asserts kinds, lines and decoded bytes.
#[track_caller]
fn check(file: &str, expected: &[(BlockKind, usize, &[u8])]) {
    let blocks = blocks(file.as_bytes()).unwrap();
    let seen: Vec<_> = blocks
        .iter()
        .map(|block| {
            (
                block.kind.clone(),
                block.line,
                block.der().unwrap().to_vec(),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(kind, line, der)| (kind.clone(), *line, der.to_vec()))
        .collect();
    assert_eq!(seen, expected);
}

#[track_caller]
fn check_fault(file: &str, expected: PemFault) {
    assert_eq!(blocks(file.as_bytes()).unwrap_err(), expected);
}

#[test]
fn c05_every_line_end_gives_every_block() {
    let two = [ONE, ONE].concat();
    let expected: &[(BlockKind, usize, &[u8])] = &[
        (BlockKind::Certificate, 1, &[1, 2, 3]),
        (BlockKind::Certificate, 4, &[1, 2, 3]),
    ];
    check(&two, expected);
    check(&two.replace('\n', "\r\n"), expected);
    check(&two.replace('\n', "\r"), expected);
    check(
        &two.replacen('\n', "\r\n", 2)
            .replacen("\nAQID\n", "\rAQID\r", 1),
        expected,
    );
    check(two.trim_end(), expected);
    check(
        &two.replace('\n', "\r").replace("AQID\r", "AQID\r\n"),
        expected,
    );
}

#[test]
fn c05_glued_blocks_are_two() {
    let glued = ONE.replace("END CERTIFICATE-----\n", "END CERTIFICATE-----") + ONE;
    assert!(glued.contains("----------BEGIN"));
    check(
        &glued,
        &[
            (BlockKind::Certificate, 1, &[1, 2, 3]),
            (BlockKind::Certificate, 3, &[1, 2, 3]),
        ],
    );
}

#[test]
fn c05_no_block_is_dropped_in_silence() {
    let begun = "-----BEGIN CERTIFICATE-----\nAQID\n";
    check_fault(
        begun,
        PemFault::MissingEnd {
            line: 1,
            label: "CERTIFICATE".to_owned(),
        },
    );
    check_fault(
        &format!("{begun}{ONE}"),
        PemFault::MissingEnd {
            line: 1,
            label: "CERTIFICATE".to_owned(),
        },
    );
    check_fault(
        &format!("{ONE}-----BEGIN CERTIFICATE--\nAQID\n-----END CERTIFICATE-----\n"),
        PemFault::BadMarker { line: 4 },
    );
    check_fault(
        &format!("server certificate:{ONE}"),
        PemFault::BeginInsideLine { line: 1 },
    );
    check_fault(
        "AQID\n-----END CERTIFICATE-----\n",
        PemFault::StrayEnd { line: 2 },
    );
    check_fault(
        "-----BEGIN CERTIFICATE-----\nAQID\n-----END PRIVATE KEY-----\n",
        PemFault::MismatchedEnd {
            line: 1,
            began: "CERTIFICATE".to_owned(),
            ended: "PRIVATE KEY".to_owned(),
            end_line: 3,
        },
    );
}

#[test]
fn text_byte_order_mark_indentation_and_comments_are_passed_over() {
    let file = format!(
        "\u{feff}Bag Attributes\n    friendlyName: x\n{ONE}\n# -----BEGIN CERTIFICATE-----\n#AQID\ntail"
    );
    check(&file, &[(BlockKind::Certificate, 3, &[1, 2, 3])]);
    check(
        &format!("\u{feff}{ONE}"),
        &[(BlockKind::Certificate, 1, &[1, 2, 3])],
    );
    check(
        &ONE.replace('\n', "\n\t  "),
        &[(BlockKind::Certificate, 1, &[1, 2, 3])],
    );
    check(
        &ONE.replace("AQID", "AQ ID \n\n"),
        &[(BlockKind::Certificate, 1, &[1, 2, 3])],
    );
}

#[test]
fn headers_are_no_content_and_tell_of_encryption() {
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,00\r\n\r\nAQID\r\n\
                  -----END RSA PRIVATE KEY-----\r\n";
    check(
        legacy,
        &[(BlockKind::LegacyEncryptedPrivateKey, 1, &[1, 2, 3])],
    );
    let harmless = "-----BEGIN CERTIFICATE-----\nComment: x\n\nAQID\n-----END CERTIFICATE-----\n";
    check(harmless, &[(BlockKind::Certificate, 1, &[1, 2, 3])]);
}

#[test]
fn damaged_or_missing_base64_is_an_error_with_its_line() {
    for body in ["", "AQI", "AQID=", "AQ*D", "AQ==AQID"] {
        let file =
            format!("text\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert_eq!(
            blocks(file.as_bytes())
                .unwrap()
                .remove(0)
                .der()
                .unwrap_err(),
            PemFault::Base64 {
                line: 2,
                kind: BlockKind::Certificate
            },
            "{body}"
        );
    }
}

#[test]
fn debug_shows_no_content() {
    let block = blocks(ONE.as_bytes()).unwrap().remove(0);
    assert_eq!(
        format!("{block:?}"),
        "Block { kind: Certificate, line: 1, .. }"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = blocks(&bytes);
    }

    #[test]
    fn as_many_blocks_as_begin_lines_or_an_error(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN X-----", "-----END X-----",
                "AQID", "\n", "\r", "\r\n", " ", "text", "Proc-Type: 4,ENCRYPTED",
            ]),
            0..20,
        )
    ) {
        let file = pieces.concat();
        if let Ok(blocks) = blocks(file.as_bytes()) {
            prop_assert_eq!(blocks.len(), file.matches("-----BEGIN ").count());
        }
    }

    #[cfg(feature = "generate")]
    #[test]
    fn what_is_encoded_is_decoded(der in proptest::collection::vec(any::<u8>(), 1..300)) {
        let pem = encode_certificate(&der);
        prop_assert!(pem.lines().all(|line| line.len() <= 64));
        let blocks = blocks(pem.as_bytes()).unwrap();
        prop_assert_eq!(blocks[0].der().unwrap().to_vec(), der);
    }
}
