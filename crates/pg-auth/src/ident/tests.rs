use std::fs;

use proptest::prelude::*;

use super::*;
use crate::tokens::FileError;

fn load(text: &str) -> Result<Maps, FileErrors> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pg_ident.conf");
    fs::write(&path, text).unwrap();
    Maps::load(&path)
}

#[test]
fn lines_that_do_not_load() {
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let errors = load(line).unwrap_err();
        let messages: Vec<&str> = errors.iter().map(FileError::message).collect();
        assert_eq!(messages, [expected], "{line}");
    }
    check("m", "missing entry at end of line");
    check("m a", "missing entry at end of line");
    check("m,n a b", "multiple values in ident field");
    check("m a,b c", "multiple values in ident field");
    check("m a b,c", "multiple values in ident field");
    check(
        "m a /(",
        "invalid regular expression \"(\": parentheses () not balanced",
    );
    check(
        "m \"/(\" b",
        "invalid regular expression \"(\": parentheses () not balanced",
    );
    check(
        "m a +role",
        "\"+role\" asks for membership in a role, and this server has no roles",
    );
    let errors = load("m\n\nm a\nm a b\n").unwrap_err();
    let lines: Vec<_> = errors.iter().map(FileError::line).collect();
    assert_eq!(lines, [Some(1), Some(3)]);
}

#[test]
fn a_file_may_be_empty_and_lines_may_be_long() {
    let maps = load("# nothing\n").unwrap();
    assert_eq!(maps.check("m", "a", b"a"), Mapping::NoMatch);
    assert!(!maps.contains("m"));
    let maps = load("m a b c d\n").unwrap();
    assert_eq!(maps.check("m", "a", b"b"), Mapping::Allowed);
    assert!(maps.contains("m") && !maps.contains("M"));
}

#[test]
fn names_act_as_users() {
    #[track_caller]
    fn check(lines: &str, system_user: &str, user: &str, expected: bool) {
        let mapping = load(lines)
            .unwrap()
            .check("m", system_user, user.as_bytes());
        let expected = if expected {
            Mapping::Allowed
        } else {
            Mapping::NoMatch
        };
        assert_eq!(mapping, expected, "{lines} {system_user} {user}");
    }
    check("m a b", "a", "b", true);
    check("m a b", "A", "b", false);
    check("m a b", "a", "B", false);
    check("m a b", "a", "a", false);
    check("n a b", "a", "b", false);
    check("M a b", "a", "b", false);
    check("m a x\nm a b", "a", "b", true);
    check("m \"CN=a b,O=x\" b", "CN=a b,O=x", "b", true);
    check("m a all", "a", "anybody", true);
    check("m a \"all\"", "a", "anybody", false);
    check("m a \"all\"", "a", "all", true);
    check("m a /^app_", "a", "app_rw", true);
    check("m a /^app_", "a", "rw", false);
    check("m a \"+role\"", "a", "+role", true);
    // Only a regular expression has a \1.
    check("m a \\1", "a", "a", false);
    check("m a \\1", "a", "\\1", true);
}

#[test]
fn regular_expressions_give_users() {
    #[track_caller]
    fn check(line: &str, system_user: &str, user: &str, expected: bool) {
        let mapping = load(line).unwrap().check("m", system_user, user.as_bytes());
        let expected = if expected {
            Mapping::Allowed
        } else {
            Mapping::NoMatch
        };
        assert_eq!(mapping, expected, "{line} {system_user} {user}");
    }
    check(r"m /^(.*)@example\.com$ \1", "bob@example.com", "bob", true);
    check(
        r"m /^(.*)@example\.com$ \1",
        "bob@example.com",
        "alice",
        false,
    );
    check(
        r"m /^(.*)@example\.com$ \1",
        "bob@exampleXcom",
        "bob",
        false,
    );
    check(
        r"m /^(.*)@example\.com$ \1",
        "Bob@example.com",
        "bob",
        false,
    );
    check(
        r"m /^(.*)@example\.com$ app_\1_rw",
        "bob@example.com",
        "app_bob_rw",
        true,
    );
    // Only the first is replaced.
    check(r"m /^(.*)$ \1\1", "a", r"a\1", true);
    check(r"m /^(.*)$ \1\1", "a", "aa", false);
    check(r"m /^(.*)$ \2", "a", r"\2", true);
    // What takes the place of \1 is a name, never a keyword.
    check(r"m /^(.*)$ \1", "all", "bob", false);
    check(r"m /^(.*)$ \1", "all", "all", true);
    check(r"m /^(.*)$ \1", "/.", "bob", false);
    check(r#"m "/^CN=(.*),O=x$" \1"#, "CN=bob,O=x", "bob", true);
    check(r"m /a all", "cat", "bob", true);
    check(r"m /a /^b", "cat", "bob", true);
    check(r"m /a(b)? bob", "a", "bob", true);
}

#[test]
fn a_backreference_without_a_group_ends_the_search() {
    let maps = load("m /^a \\1\nm a all\n").unwrap();
    assert_eq!(
        maps.check("m", "a", b"bob"),
        Mapping::Failed(
            "regular expression \"^a\" has no subexpressions as requested by backreference in \"\\1\""
                .to_owned()
        )
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "[ma/()\\\\1\\[\\]*+?{} \",\n|^$.-]{0,60}", name in ".{0,20}") {
        if let Ok(maps) = load(&text) {
            let _ = maps.check("m", &name, name.as_bytes());
        }
    }
}
