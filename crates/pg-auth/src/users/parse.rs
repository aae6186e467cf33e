//! One line of the file.

use std::ops::Range;

use super::error::{FaultKind, NameError};
use crate::scram::{Verifier, VerifierError};

/// A line that names a user.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) verifier: Verifier,
    /// Where in the line the verifier stands, without the quotes.
    pub(super) verifier_at: Range<usize>,
}

/// `None` for an empty line or a comment.
pub(super) fn line(line: &[u8]) -> Result<Option<Entry>, FaultKind> {
    let line = str::from_utf8(line).map_err(|_| FaultKind::NotUtf8)?;
    let mut fields = Fields { line, at: 0 };
    if fields.only_comment() {
        return Ok(None);
    }
    let Some((name, _)) = fields.quoted()? else {
        return Err(FaultKind::NameExpected);
    };
    check_name(&name)?;
    let Some((text, verifier_at)) = fields.quoted()? else {
        return Err(FaultKind::VerifierExpected { user: name });
    };
    if !fields.only_comment() {
        return Err(FaultKind::TrailingText { user: name });
    }
    match text.parse() {
        Ok(verifier) => Ok(Some(Entry {
            name,
            verifier,
            verifier_at,
        })),
        Err(error) => Err(judge(name, &text, error)),
    }
}

/// Says what it is that is no verifier.
fn judge(user: String, text: &str, error: VerifierError) -> FaultKind {
    match (error, text.strip_prefix("md5")) {
        (VerifierError::NotScram, Some(digits))
            if digits.len() == MD5_LEN && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            FaultKind::Md5 { user }
        }
        (VerifierError::NotScram, _) => FaultKind::ClearText { user },
        (error, _) => FaultKind::Verifier { user, error },
    }
}

/// Whether the name can be written and logged in with.
pub(super) fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.contains(['\n', '\r', '\0']) {
        return Err(NameError::Unwritable);
    }
    if name.len() > NAME_LEN_MAX {
        return Err(NameError::TooLong);
    }
    Ok(())
}

/// The line of a user, without a line break.
pub(super) fn format(name: &str, verifier: &Verifier) -> String {
    format!("\"{}\" \"{verifier}\"", name.replace('"', "\"\""))
}

struct Fields<'a> {
    line: &'a str,
    at: usize,
}

impl Fields<'_> {
    /// What is left, without the blanks before it.
    fn rest(&mut self) -> &str {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_ascii_start();
        self.at = self.line.len().saturating_sub(trimmed.len());
        trimmed
    }

    fn only_comment(&mut self) -> bool {
        let rest = self.rest();
        rest.is_empty() || rest.starts_with(';')
    }

    /// The next field without its quotes, and where it stands; `None` if no quote begins it.
    fn quoted(&mut self) -> Result<Option<(String, Range<usize>)>, FaultKind> {
        let Some(inner) = self.rest().strip_prefix('"') else {
            return Ok(None);
        };
        let mut text = String::new();
        let mut chars = inner.char_indices();
        while let Some((end, c)) = chars.next() {
            if c == '"' && !chars.as_str().starts_with('"') {
                let start = self.at.saturating_add(1);
                let end = start.saturating_add(end);
                self.at = end.saturating_add(1);
                return Ok(Some((text, start..end)));
            }
            if c == '"' {
                chars.next();
            }
            text.push(c);
        }
        Err(FaultKind::UnclosedQuote)
    }
}

/// `NAMEDATALEN - 1` in PostgreSQL's `pg_config_manual.h`.
const NAME_LEN_MAX: usize = 63;
/// `md5` is followed by the digest in hexadecimal digits.
const MD5_LEN: usize = 32;
