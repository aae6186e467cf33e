//! Where a password comes from; never from the arguments, which everybody on the system can read.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Read};
use std::os::unix::ffi::OsStringExt as _;

use thiserror::Error;
use zeroize::Zeroizing;

type Password = Zeroizing<Vec<u8>>;

/// The password from the environment, else from the terminal, else from standard input.
pub(super) fn get(user: &str) -> Result<Password, PromptError> {
    let stdin = io::stdin();
    if let Some(password) = env::var_os(VARIABLE) {
        Ok(Zeroizing::new(OsString::into_vec(password)))
    } else if stdin.is_terminal() {
        ask_twice(user, |prompt| {
            rpassword::prompt_password(prompt).map(Zeroizing::new)
        })
    } else {
        read_line(stdin.lock())
    }
}

/// No password was given.
#[derive(Debug, Error)]
pub(super) enum PromptError {
    #[error("the two passwords differ; nothing was changed")]
    Differ,
    #[error("the password is longer than {LEN_MAX} bytes")]
    TooLong,
    #[error("could not read the password")]
    Read(#[from] io::Error),
}

fn ask_twice(
    user: &str,
    mut ask: impl FnMut(&str) -> io::Result<Zeroizing<String>>,
) -> Result<Password, PromptError> {
    let password = ask(&format!("New password for user \"{user}\": "))?;
    if *ask("The same again: ")? != *password {
        return Err(PromptError::Differ);
    }
    Ok(Zeroizing::new(password.as_bytes().to_vec()))
}

/// The first line without its line break; whatever follows is not looked at.
fn read_line(input: impl Read) -> Result<Password, PromptError> {
    // Never grows, so that no copy stays behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        LEN_MAX.saturating_add(LINE_BREAK_LEN_MAX),
    ));
    let limit = u64::try_from(bytes.capacity()).unwrap_or(u64::MAX);
    input.take(limit).read_to_end(&mut bytes)?;
    if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        bytes.truncate(end);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() > LEN_MAX {
        return Err(PromptError::TooLong);
    }
    Ok(bytes)
}

const VARIABLE: &str = "HELIOSDB_PASSWORD";
/// More than anybody types or a client sends.
const LEN_MAX: usize = 8192;
const LINE_BREAK_LEN_MAX: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_line(input: &[u8], expected: &[u8]) {
        assert_eq!(*read_line(input).unwrap(), expected);
    }

    #[test]
    fn standard_input_gives_its_first_line() {
        check_line(b"pencil", b"pencil");
        check_line(b"pencil\n", b"pencil");
        check_line(b"pencil\r\n", b"pencil");
        check_line(b" pen cil \nmore\n", b" pen cil ");
        check_line(b"pencil\r", b"pencil\r");
        check_line(b"\xff\n", b"\xff");
        check_line(b"\n", b"");
        check_line(b"", b"");
    }

    #[test]
    fn a_line_has_a_limit() {
        let long = [b'x'; LEN_MAX + 1];
        check_line(&long[..LEN_MAX], &long[..LEN_MAX]);
        check_line(&[&long[..LEN_MAX], b"\r\n"].concat(), &long[..LEN_MAX]);
        assert!(matches!(read_line(&long[..]), Err(PromptError::TooLong)));
        let endless = io::repeat(b'x');
        assert!(matches!(read_line(endless), Err(PromptError::TooLong)));
    }

    #[test]
    fn the_terminal_is_asked_twice() {
        let ask = |answers: [&str; 2]| {
            let mut answers = answers.into_iter();
            let mut prompts = Vec::new();
            let password = ask_twice("alice", |prompt| {
                prompts.push(prompt.to_owned());
                Ok(Zeroizing::new(answers.next().unwrap().to_owned()))
            });
            assert_eq!(
                prompts,
                ["New password for user \"alice\": ", "The same again: "]
            );
            password
        };
        assert_eq!(*ask(["pencil", "pencil"]).unwrap(), b"pencil");
        assert!(matches!(
            ask(["pencil", "Pencil"]),
            Err(PromptError::Differ)
        ));
    }
}
