//! `heliosdb-server user`: what it leaves in the file, what it says, how it ends.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use heliosdb_tests::program::{Ended, Place};

/// Runs `user` with a line on standard input.
#[track_caller]
fn user(place: &Place, arguments: &[&str], password: &str) -> Ended {
    let arguments = [&["user"], arguments, &["--users-file", "users"]].concat();
    let mut child = place
        .command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end without reading it.
    let _ = child.stdin.take().unwrap().write_all(password.as_bytes());
    Ended::new(child.wait_with_output().unwrap())
}

fn users_file(place: &Place) -> String {
    fs::read_to_string(place.path("users")).unwrap()
}

#[test]
fn users_are_added_changed_listed_and_removed() {
    let place = Place::new();
    let ended = user(&place, &["add", "alice"], "pencil\n").expect(0);
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        (
            "",
            "heliosdb-server: user \"alice\" is now in users file \"users\"\n"
        )
    );
    let mode = fs::metadata(place.path("users"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let first = users_file(&place);
    assert!(
        first.contains("\n\"alice\" \"SCRAM-SHA-256$4096:"),
        "{first}"
    );
    assert!(!first.contains("pencil"));

    user(&place, &["add", "O\"Brien", "--iterations", "5"], "x").expect(0);
    assert!(users_file(&place).contains("\n\"O\"\"Brien\" \"SCRAM-SHA-256$5:"));
    assert_eq!(
        user(&place, &["list"], "").expect(0).stdout,
        "alice\nO\"Brien\n"
    );

    user(&place, &["passwd", "alice"], "pencil\n")
        .expect(0)
        .says("user \"alice\" has a new password in users file \"users\"");
    assert_ne!(users_file(&place).lines().nth(1), first.lines().nth(1));

    user(&place, &["remove", "alice"], "").expect(0);
    assert_eq!(user(&place, &["list"], "").expect(0).stdout, "O\"Brien\n");
}

#[test]
fn the_password_may_come_from_the_environment() {
    let place = Place::new();
    let run = |password: &str| {
        let mut command = place.command(&["user", "add", "alice"]);
        command
            .env("HELIOSDB_PASSWORD", password)
            .env("HELIOSDB_USERS_FILE", "users");
        Ended::new(command.output().unwrap())
    };
    run("")
        .expect(1)
        .says("heliosdb-server: the password is empty\n");
    assert!(!place.path("users").exists());
    run("pencil").expect(0);
    run("pencil")
        .expect(1)
        .says("user \"alice\" is in users file \"users\" already");
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let place = Place::new();
    user(&place, &["passwd", "alice"], "p")
        .expect(1)
        .says("heliosdb-server: could not read users file \"users\": No such file or directory\n");
    let text = "bob\n\"carol\" \"clear\"\n\"carol\" \"text\"\n";
    let file = place.write("users", text);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    user(&place, &["list"], "")
        .expect(1)
        .says("users file \"users\" has group or world access")
        .says("HINT:  Allow its owner alone: chmod 0600 users.");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let ended = user(&place, &["add", "alice"], "p").expect(1);
    assert_eq!(
        ended.stderr,
        "heliosdb-server: users:1: the line must begin with a user name in double quotes, or with a \
         semicolon if it is a comment\n\
         users:3: user \"carol\" is already on line 2; remove one of the two lines\n"
    );
    assert_eq!(users_file(&place), text);
}

#[test]
fn a_password_is_no_argument() {
    let place = Place::new();
    user(&place, &["add", "alice", "pencil"], "").expect(2);
    user(&place, &["add", "alice", "--password", "pencil"], "").expect(2);
    user(&place, &["add", "alice", "--iterations", "0"], "p")
        .expect(1)
        .says("0 is outside the valid range of SCRAM iterations (1 .. 2147483647)");
    assert!(!place.path("users").exists());
}
