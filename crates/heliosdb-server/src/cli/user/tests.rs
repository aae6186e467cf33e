//! What the command does to a file, in this process; with a password it is tested from outside.

use std::path::PathBuf;

use super::*;

fn run_with(arguments: &[&str], file: &Path) -> Exit {
    let matches = command()
        .try_get_matches_from(
            [
                &["user"],
                arguments,
                &["--users-file", file.to_str().unwrap()],
            ]
            .concat(),
        )
        .unwrap();
    run(&matches)
}

#[test]
fn clap_accepts_the_command() {
    command().debug_assert();
}

#[test]
fn users_are_removed_and_what_cannot_be_done_is_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let file: PathBuf = dir.path().join("users");
    let verifier = Verifier::from_password(b"pencil", Iterations::MIN).unwrap();
    for action in ["list", "remove alice", "passwd alice"] {
        let arguments: Vec<&str> = action.split(' ').collect();
        assert_eq!(run_with(&arguments, &file), Exit::Configuration, "{action}");
    }
    assert!(!file.exists());

    users::add(&file, "alice", &verifier).unwrap();
    assert_eq!(run_with(&["list"], &file), Exit::Success);
    for action in ["add alice", "passwd bob", "remove bob"] {
        let arguments: Vec<&str> = action.split(' ').collect();
        assert_eq!(run_with(&arguments, &file), Exit::Configuration, "{action}");
    }
    assert_eq!(run_with(&["remove", "alice"], &file), Exit::Success);
    assert_eq!(users::list(&file).unwrap(), [""; 0]);
}

#[test]
fn a_password_is_no_argument() {
    for arguments in [
        &["user", "add", "alice", "pencil", "--users-file", "f"][..],
        &[
            "user",
            "add",
            "alice",
            "--password",
            "pencil",
            "--users-file",
            "f",
        ],
        &["user", "add", "--users-file", "f"],
        &[
            "user",
            "add",
            "alice",
            "--iterations",
            "many",
            "--users-file",
            "f",
        ],
        &["user", "list", "alice", "--users-file", "f"],
        &["user", "--users-file", "f"],
    ] {
        let error = command().try_get_matches_from(arguments).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{arguments:?}");
    }
}

#[test]
fn failures_are_sorted_by_who_mends_them() {
    let by_the_system: [Failure; 2] = [
        Failure::Output(io::Error::other("full")),
        EditError::Write(pg_certs::files::WriteError::Busy { path: "d".into() }).into(),
    ];
    for failure in by_the_system {
        assert_eq!(failure.exit(), Exit::Runtime, "{failure}");
    }
    let iterations = Iterations::try_from(0).unwrap_err();
    for failure in [Failure::from(iterations), PasswordError::Empty.into()] {
        assert_eq!(failure.exit(), Exit::Configuration, "{failure}");
    }
}
