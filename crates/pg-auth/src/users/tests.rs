//! What a file may hold, what is said about one that does not, and what an edit leaves alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::scram::{Iterations, Verifier};

/// From `pg_authid` of PostgreSQL 15; the password is `pass`.
const PASS: &str = "SCRAM-SHA-256$4096:euojGOykz1dHvJDtw+J9Kg==$J0pi2/FWcNbm5HlUmEQm9uPRSx6j/AduTrpSxH0czsM=:fKEuqM6cQecZEb4imeDaygVW5xYuJtY7YVg4kxEnMf8=";

fn verifier(password: &str) -> Verifier {
    Verifier::derive(password.as_bytes(), b"0123456789abcdef", Iterations::MIN)
}

struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            path: dir.path().join("users"),
            _dir: dir,
        }
    }

    fn with(text: &str) -> Self {
        let place = Self::new();
        fs::write(&place.path, text).unwrap();
        set_mode(&place.path, 0o600);
        place
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn names(users: &Users) -> Vec<(usize, &str)> {
    users
        .iter()
        .map(|user| (user.line(), user.name()))
        .collect()
}

#[test]
fn pgbouncers_form_is_read() {
    let text = format!(
        "; a comment\r\n\n  \"alice\"\t\"{PASS}\"\n\"O\"\"Brien, d.\" \"{PASS}\" ; trailing\r\n \
         ; \"nobody\" \"{PASS}\"\n\"\u{e9}; x\" \"{PASS}\";\n\"a\" \"{PASS}\""
    );
    let place = Place::with(&text);
    let users = Users::load(&place.path).unwrap();
    assert_eq!(
        names(&users),
        [
            (3, "alice"),
            (4, "O\"Brien, d."),
            (6, "\u{e9}; x"),
            (7, "a")
        ]
    );
    assert_eq!(users.verifier(b"alice").unwrap().to_string(), PASS);
    assert!(
        users
            .verifier(b"O\"Brien, d.")
            .unwrap()
            .password_matches(b"pass")
    );
    for name in [&b"Alice"[..], b"alic", b"alice ", b"", b"nobody", b"\xff"] {
        assert!(users.verifier(name).is_none());
    }
    assert_eq!(Users::parse(b"").unwrap().iter().len(), 0);
}

#[track_caller]
fn fault(line: &str, text: &str) {
    let faults = Users::parse(line.as_bytes()).unwrap_err();
    let [fault] = faults.as_slice() else {
        panic!("{faults:?}");
    };
    assert_eq!((fault.line, fault.kind.to_string().as_str()), (1, text));
}

#[test]
fn lines_that_cannot_be_used_are_explained() {
    let begin = "the line must begin with a user name in double quotes, or with a semicolon if it is a comment";
    for line in ["alice", "# comment", "'alice' 'x'", "SCRAM"] {
        fault(line, begin);
    }
    let unclosed = "a double quote is not closed on its line";
    for line in ["\"", "\"alice", "\"alice\"\"", "\"alice\" \"SCRAM"] {
        fault(line, unclosed);
    }
    let expected = "a SCRAM verifier in double quotes must follow the name of user \"alice\"";
    for line in [
        "\"alice\"",
        "\"alice\" ; none",
        &format!("\"alice\" {PASS}"),
    ] {
        fault(line, expected);
    }
    fault(&format!("\"\" \"{PASS}\""), "a user name must not be empty");
    fault(
        &format!("\"{}\" \"{PASS}\"", "ü".repeat(32)),
        "a user name must not be longer than 63 bytes",
    );
    fault(
        "\"alice\" \"md5a3556571e93b0d20722ba62be61e8c2d\"",
        "the password of user \"alice\" is an MD5 hash, which is no longer safe and cannot be used \
         for SCRAM; set the password anew with \"heliosdb-server user passwd\"",
    );
    for password in [
        "pencil",
        "",
        "md5",
        "md5a3556571e93b0d20722ba62be61e8c2",
        "scram-sha-256$",
    ] {
        fault(
            &format!("\"alice\" \"{password}\""),
            "the password of user \"alice\" is in clear text, not a SCRAM verifier; set it anew \
             with \"heliosdb-server user passwd\"",
        );
    }
    fault(
        &format!("\"alice\" \"{}\"", PASS.replace("4096", "4096 ")),
        "the SCRAM verifier of user \"alice\" is damaged: its iterations are not a number from 1 to \
         2147483647; copy it again or set the password anew",
    );
    fault(
        &format!("\"alice\" \"{PASS}\" \"\""),
        "only a comment, which begins with a semicolon, may follow the verifier of user \"alice\"",
    );
}

#[test]
fn every_fault_is_told_at_once_with_path_and_line() {
    let place = Place::with(&format!(
        "\"a\" \"{PASS}\"\nbob\n\"c\" \"secret\"\n\"a\" \"{PASS}\"\n"
    ));
    fs::write(
        &place.path,
        [place.text().as_bytes(), b"\"d\xe9\" \"x\"\n"].concat(),
    )
    .unwrap();
    let error = Users::load(&place.path).unwrap_err();
    let path = place.path.display();
    assert_eq!(
        error.to_string(),
        format!(
            "{path}:2: the line must begin with a user name in double quotes, or with a semicolon if it is a comment\n\
             {path}:3: the password of user \"c\" is in clear text, not a SCRAM verifier; set it anew with \"heliosdb-server user passwd\"\n\
             {path}:4: user \"a\" is already on line 1; remove one of the two lines\n\
             {path}:5: the line is not UTF-8"
        )
    );
    assert!(!format!("{error:?}").contains("secret"));
    // Nothing is changed in a file that cannot be understood.
    let before = fs::read(&place.path).unwrap();
    assert!(matches!(
        add(&place.path, "e", &verifier("p")),
        Err(EditError::Users(UsersError::Content { .. }))
    ));
    assert_eq!(fs::read(&place.path).unwrap(), before);
}

#[test]
fn the_file_is_kept_like_a_key() {
    let place = Place::with(&format!("\"a\" \"{PASS}\"\n"));
    for mode in [0o644, 0o660, 0o604] {
        set_mode(&place.path, mode);
        let error = Users::load(&place.path).unwrap_err();
        let path = place.path.display();
        assert_eq!(
            error.to_string(),
            format!("users file \"{path}\" has group or world access")
        );
        assert_eq!(
            error.hint().unwrap(),
            format!("Allow its owner alone: chmod 0600 {path}. If root owns it, 0640 will do.")
        );
        assert!(list(&place.path).is_err());
        assert!(remove(&place.path, "a").is_err());
    }
    let directory = place.path.parent().unwrap();
    assert_eq!(
        Users::load(directory).unwrap_err().to_string(),
        format!(
            "users file \"{}\" is not a regular file",
            directory.display()
        )
    );
    let missing = directory.join("missing");
    assert_eq!(
        Users::load(&missing).unwrap_err().to_string(),
        format!("could not read users file \"{}\"", missing.display())
    );
}

#[test]
fn a_new_file_is_for_its_owner_alone_and_can_be_read() {
    let place = Place::new();
    add(&place.path, "alice", &PASS.parse().unwrap()).unwrap();
    assert_eq!(
        place.text(),
        format!(
            "; users and their SCRAM verifiers; see \"heliosdb-server user --help\"\n\"alice\" \"{PASS}\"\n"
        )
    );
    let mode = fs::metadata(&place.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(names(&Users::load(&place.path).unwrap()), [(2, "alice")]);
}

#[test]
fn an_edit_changes_its_line_and_nothing_else() {
    let (p, q) = (verifier("p"), verifier("q"));
    let before = format!(
        "; first\r\n  \"alice\"   \"{PASS}\" ; keep\r\n\n\"bob\" \"{PASS}\"\n; last, without a line break"
    );
    let place = Place::with(&before);
    set_verifier(&place.path, "alice", &p).unwrap();
    let changed = before.replacen(PASS, &p.to_string(), 1);
    assert_eq!(place.text(), changed);

    add(&place.path, "ca\"rol", &q).unwrap();
    assert_eq!(place.text(), format!("{changed}\n\"ca\"\"rol\" \"{q}\"\n"));

    remove(&place.path, "bob").unwrap();
    remove(&place.path, "alice").unwrap();
    assert_eq!(
        place.text(),
        format!("; first\r\n\n; last, without a line break\n\"ca\"\"rol\" \"{q}\"\n")
    );
    assert_eq!(list(&place.path).unwrap(), ["ca\"rol"]);
    remove(&place.path, "ca\"rol").unwrap();
    assert_eq!(list(&place.path).unwrap(), [""; 0]);
}

#[test]
fn what_is_no_verifier_can_be_replaced_and_removed() {
    let place = Place::with(
        "\"a\" \"md5a3556571e93b0d20722ba62be61e8c2d\"\n\"b\" \"pen\"\"cil\"\n\"c\" \"SCRAM-SHA-256$1\"\n",
    );
    let p = verifier("p");
    assert_eq!(list(&place.path).unwrap(), ["a", "b", "c"]);
    assert!(matches!(
        add(&place.path, "a", &p),
        Err(EditError::Exists { .. })
    ));
    set_verifier(&place.path, "a", &p).unwrap();
    set_verifier(&place.path, "b", &p).unwrap();
    assert!(Users::load(&place.path).is_err());
    remove(&place.path, "c").unwrap();
    add(&place.path, "d", &p).unwrap();
    assert_eq!(
        names(&Users::load(&place.path).unwrap()),
        [(1, "a"), (2, "b"), (3, "d")]
    );
}

#[test]
fn edits_that_make_no_sense_are_refused_and_change_nothing() {
    let text = format!("\"alice\" \"{PASS}\"\n");
    let place = Place::with(&text);
    let path = place.path.display();
    let p = verifier("p");
    let says = |result: Result<(), EditError>, text: &str| {
        assert_eq!(result.unwrap_err().to_string(), text);
    };
    says(
        add(&place.path, "alice", &p),
        &format!(
            "user \"alice\" is in users file \"{path}\" already; to change the password, use \"passwd\""
        ),
    );
    let unknown = format!("user \"Alice\" is not in users file \"{path}\"");
    says(set_verifier(&place.path, "Alice", &p), &unknown);
    says(remove(&place.path, "Alice"), &unknown);
    for (name, text) in [
        ("", "a user name must not be empty"),
        (
            "a\nb",
            "a user name must not contain a line break or a NUL byte",
        ),
        (
            "a\r",
            "a user name must not contain a line break or a NUL byte",
        ),
        (
            "a\0",
            "a user name must not contain a line break or a NUL byte",
        ),
        (
            &"a".repeat(64),
            "a user name must not be longer than 63 bytes",
        ),
    ] {
        says(add(&place.path, name, &p), text);
    }
    assert_eq!(place.text(), text);

    let missing = place.path.with_file_name("deep").join("users");
    assert!(remove(&missing, "alice").is_err());
    assert!(set_verifier(&missing, "alice", &p).is_err());
    assert!(!missing.parent().unwrap().exists());
}

#[test]
fn a_link_stays_a_link() {
    let place = Place::with(&format!("\"alice\" \"{PASS}\"\n"));
    let link = place.path.with_file_name("link");
    symlink(&place.path, &link).unwrap();
    add(&link, "bob", &verifier("p")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        names(&Users::load(&place.path).unwrap()),
        [(1, "alice"), (2, "bob")]
    );
}

#[test]
fn of_many_writers_none_loses() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = &place.path;
            scope.spawn(move || add(path, &format!("u{number}"), &verifier("p")).unwrap());
        }
    });
    assert_eq!(Users::load(&place.path).unwrap().iter().len(), 8);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Users::parse(&bytes);
        let _ = Users::parse(&[b"\"a\" \"", bytes.as_slice()].concat());
    }

    #[test]
    fn whatever_name_is_written_is_read(name in "[^\n\r\0]{1,15}", other in "\\PC{1,15}") {
        prop_assume!(name != other);
        let place = Place::new();
        for name in [&name, &other] {
            add(&place.path, name, &verifier(name)).unwrap();
        }
        set_verifier(&place.path, &name, &verifier("new")).unwrap();
        let users = Users::load(&place.path).unwrap();
        prop_assert!(users.verifier(name.as_bytes()).unwrap().password_matches(b"new"));
        prop_assert!(users.verifier(other.as_bytes()).unwrap().password_matches(other.as_bytes()));
    }
}
