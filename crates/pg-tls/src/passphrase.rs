//! Pass phrases of encrypted keys: given by a program, or by `ssl_passphrase_command`.

use std::fmt;
use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use pg_certs::load::EncryptedKey;
use pg_certs::os_error;
use rustls::pki_types::PrivateKeyDer;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::config_error::ConfigError;

/// A pass phrase: wiped from memory when it goes, never shown, compared in constant time.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// The bytes that open the key.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for Passphrase {}

/// Why a configuration is loaded: it decides whether a pass phrase may be asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LoadReason {
    /// For the first time: somebody may be there to answer.
    #[default]
    Start,
    /// Again, in a running server: only commands that support it are asked.
    Reload,
}

/// Where the pass phrase of a key comes from.
#[derive(Clone, Copy)]
pub(crate) struct PassphraseSource<'a> {
    /// Goes before the command.
    pub(crate) given: Option<&'a Passphrase>,
    /// `ssl_passphrase_command`; one that is empty is none.
    pub(crate) command: Option<&'a str>,
    /// `ssl_passphrase_command_supports_reload`.
    pub(crate) supports_reload: bool,
    /// Why the key is loaded.
    pub(crate) reason: LoadReason,
}

impl PassphraseSource<'_> {
    /// Opens a key, for which the command may have to be run.
    pub(crate) fn open(self, key: &EncryptedKey) -> Result<PrivateKeyDer<'static>, ConfigError> {
        let open = |passphrase: &Passphrase| {
            key.open(passphrase.as_bytes())
                .map_err(ConfigError::KeyFile)
        };
        if let Some(passphrase) = self.given {
            return open(passphrase);
        }
        let command = self.command.filter(|command| !command.is_empty());
        match (command, self.reason) {
            (Some(command), LoadReason::Start) => open(&ask(command, key)?),
            (Some(command), LoadReason::Reload) if self.supports_reload => {
                open(&ask(command, key)?)
            }
            (_, LoadReason::Reload) => Err(ConfigError::KeyNeedsPassphrase(key.path().to_owned())),
            (None, LoadReason::Start) => Err(ConfigError::KeyFile(key.without_passphrase())),
        }
    }
}

fn ask(command: &str, key: &EncryptedKey) -> Result<Passphrase, ConfigError> {
    run(command, TIMEOUT).map_err(|error| ConfigError::Passphrase {
        path: key.path().to_owned(),
        error,
    })
}

/// Why `ssl_passphrase_command` gave no pass phrase. The operator mends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// A `%` with something else than `p` or `%` behind it.
    #[error(
        "invalid value for parameter \"ssl_passphrase_command\": \"{command}\": {what}; write %p for the prompt and %% for a percent sign"
    )]
    Placeholder {
        /// The command, as it was written.
        command: String,
        /// What is wrong with it, in PostgreSQL's words.
        what: String,
    },
    /// The shell cannot be started.
    #[error("could not execute command \"{command}\": {}", os_error::text(source))]
    Execute {
        /// The command, as it was run.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// Its output cannot be read.
    #[error(
        "could not read from command \"{command}\": {}",
        os_error::text(source)
    )]
    Read {
        /// The command, as it was run.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// It did not exit with 0.
    #[error("command \"{command}\" failed: {}", exit(*.status))]
    Failed {
        /// The command, as it was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It did not end in time, and was killed.
    #[error("command \"{command}\" failed: it did not end within {} seconds", .limit.as_secs())]
    TooSlow {
        /// The command, as it was run.
        command: String,
        /// The time it had.
        limit: Duration,
    },
}

/// `wait_result_to_str` in PostgreSQL's `wait_error.c`.
fn exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(126), _) => "command not executable".to_owned(),
        (Some(127), _) => "command not found".to_owned(),
        (Some(code), _) => format!("child process exited with exit code {code}"),
        (None, Some(signal)) => format!("child process was terminated by signal {signal}"),
        (None, None) => "child process exited with unrecognized status".to_owned(),
    }
}

/// Runs the command by the shell and takes the first line that it prints.
///
/// Its standard input is empty; who must be asked is asked at a terminal or by other means. What it
/// prints to standard error goes to that of this process.
fn run(command: &str, limit: Duration) -> Result<Passphrase, PassphraseError> {
    let command = expand(command)?;
    let deadline = Instant::now() + limit;
    let mut child = Command::new("/bin/sh")
        .args(["-c", &command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| PassphraseError::Execute {
            command: command.clone(),
            source,
        })?;
    let ended = wait(&mut child, deadline);
    if !matches!(ended, Ok(Some(_))) {
        // Nothing is left to do about a child that cannot be killed.
        let _ = child.kill();
        let _ = child.wait();
    }
    match ended {
        Ok(Some((output, status))) if status.success() => Ok(first_line(&output)),
        Ok(Some((_, status))) => Err(PassphraseError::Failed { command, status }),
        Ok(None) => Err(PassphraseError::TooSlow { command, limit }),
        Err(source) => Err(PassphraseError::Read { command, source }),
    }
}

/// What the child printed and how it ended; `None` if the time is over before.
fn wait(
    child: &mut Child,
    deadline: Instant,
) -> io::Result<Option<(Zeroizing<Vec<u8>>, ExitStatus)>> {
    let Some(stdout) = child.stdout.take() else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let (sender, receiver) = mpsc::channel();
    // A read cannot be given up; this thread ends when nobody has the pipe open any more.
    std::thread::Builder::new()
        .name("ssl_passphrase_command".to_owned())
        .spawn(move || {
            // Room for all at once, so that growing leaves no copies behind.
            let mut output = Zeroizing::new(Vec::with_capacity(OUTPUT_MAX));
            let limit = u64::try_from(OUTPUT_MAX).unwrap_or(u64::MAX);
            let read = stdout.take(limit).read_to_end(&mut output);
            // The receiver is gone when the time is over.
            let _ = sender.send(read.map(|_| output));
        })?;
    let output = match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(output) => output?,
        Err(RecvTimeoutError::Timeout) => return Ok(None),
        Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
    };
    // It has closed its output, so it is about to end.
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some((output, status)));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

/// The output up to the end of its first line, without CR and LF.
fn first_line(output: &[u8]) -> Passphrase {
    let line = output.split(|byte| *byte == b'\n').next().unwrap_or(output);
    let end = line.iter().rposition(|byte| *byte != b'\r');
    let line = end.and_then(|end| line.get(..=end)).unwrap_or_default();
    Passphrase::new(line)
}

/// Replaces `%p` by the prompt and `%%` by `%` (`replace_percent_placeholders` in PostgreSQL).
fn expand(command: &str) -> Result<String, PassphraseError> {
    let wrong = |what| PassphraseError::Placeholder {
        command: command.to_owned(),
        what,
    };
    let mut expanded = String::with_capacity(command.len() + PROMPT.len());
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            expanded.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => expanded.push('%'),
            Some('p') => expanded.push_str(PROMPT),
            Some(other) => {
                return Err(wrong(format!(
                    "String contains unexpected placeholder \"%{other}\""
                )));
            }
            None => {
                return Err(wrong(
                    "String ends unexpectedly after escape character \"%\"".to_owned(),
                ));
            }
        }
    }
    Ok(expanded)
}

/// PostgreSQL's, in `ssl_external_passwd_cb`.
const PROMPT: &str = "Enter PEM pass phrase:";

/// Long enough for somebody to type it, short enough for a service manager not to lose patience.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What is read of the output; a pass phrase of OpenSSL has at most 1,023 bytes.
const OUTPUT_MAX: usize = 4096;

/// How often to ask whether a child that has closed its output has ended.
const POLL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expected: Result<&[u8], &str>) {
        let seen = run(command, Duration::from_secs(60));
        match (seen, expected) {
            (Ok(passphrase), Ok(bytes)) => assert_eq!(passphrase.as_bytes(), bytes, "{command}"),
            (Err(error), Err(text)) => assert_eq!(error.to_string(), text, "{command}"),
            (seen, expected) => panic!("{command}: {seen:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn the_first_line_is_the_pass_phrase() {
        check("echo secret1", Ok(b"secret1"));
        check("printf 'a b \\r\\n\\nsecond'", Ok(b"a b "));
        check("printf 'no end'", Ok(b"no end"));
        check("printf ''", Ok(b""));
        check("printf '\\nsecond'", Ok(b""));
        check("echo %p", Ok(b"Enter PEM pass phrase:"));
        check("echo 100%% 100%%p", Ok(b"100% 100%p"));
        check("cat", Ok(b""));
    }

    #[test]
    fn failures_have_postgresqls_words() {
        check(
            "echo secret1; exit 3",
            Err("command \"echo secret1; exit 3\" failed: child process exited with exit code 3"),
        );
        check(
            "exec /nonexistent/command 2>/dev/null %%",
            Err("command \"exec /nonexistent/command 2>/dev/null %\" failed: command not found"),
        );
        check(
            "kill -9 $$",
            Err("command \"kill -9 $$\" failed: child process was terminated by signal 9"),
        );
        let cure = "write %p for the prompt and %% for a percent sign";
        check(
            "echo %d",
            Err(&format!(
                "invalid value for parameter \"ssl_passphrase_command\": \"echo %d\": String contains unexpected placeholder \
                 \"%d\"; {cure}"
            )),
        );
        check(
            "echo 100%",
            Err(&format!(
                "invalid value for parameter \"ssl_passphrase_command\": \"echo 100%\": String ends unexpectedly after \
                 escape character \"%\"; {cure}"
            )),
        );
    }

    #[test]
    fn commands_that_do_not_end_are_ended() {
        for command in ["exec sleep 1000", "exec >&-; exec sleep 1000"] {
            let limit = Duration::from_millis(200);
            let begun = Instant::now();
            let error = run(command, limit).unwrap_err();
            assert!(matches!(error, PassphraseError::TooSlow { .. }), "{error}");
            assert!(begun.elapsed() < Duration::from_secs(100));
        }
    }

    #[test]
    fn endless_output_is_cut_off() {
        // The shell's own message about the broken pipe tells nothing that the exit does not.
        let error = run("exec yes 2>/dev/null", Duration::from_secs(60)).unwrap_err();
        assert!(matches!(error, PassphraseError::Failed { .. }), "{error}");
    }

    #[test]
    fn a_pass_phrase_is_never_shown() {
        let passphrase = Passphrase::new("secret1");
        assert_eq!(format!("{passphrase:?}"), "Passphrase(..)");
        assert_eq!(passphrase, Passphrase::new(*b"secret1"));
        assert_ne!(passphrase, Passphrase::new("secret2"));
    }
}
