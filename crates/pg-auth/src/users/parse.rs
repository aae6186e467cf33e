//! One line of the file.

use std::ops::Range;

use zeroize::Zeroizing;

use super::error::{FaultKind, NameError};
use crate::scram::{Verifier, VerifierError};

/// A line that names a user.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) verifier: Result<Verifier, FaultKind>,
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
    let name = fields.quoted()?.ok_or(FaultKind::NameExpected)?;
    check_name(&name.text)?;
    let name = name.text.to_string();
    let Some(secret) = fields.quoted()? else {
        return Err(FaultKind::VerifierExpected { user: name });
    };
    if !fields.only_comment() {
        return Err(FaultKind::TrailingText { user: name });
    }
    let verifier = secret.text.parse();
    Ok(Some(Entry {
        verifier: verifier.map_err(|error| judge(name.clone(), &secret.text, error)),
        name,
        verifier_at: secret.at,
    }))
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

/// Whether a user can have this name: 1 to 63 bytes, which is what PostgreSQL compares, without a line
/// break or a NUL.
///
/// # Errors
///
/// [`NameError`].
pub fn check_name(name: &str) -> Result<(), NameError> {
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

/// A quoted field.
struct Field {
    /// Without its quotes.
    text: Zeroizing<String>,
    /// Where in the line that stands.
    at: Range<usize>,
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

    /// The next field; `None` if no quote begins it.
    fn quoted(&mut self) -> Result<Option<Field>, FaultKind> {
        let Some(inner) = self.rest().strip_prefix('"') else {
            return Ok(None);
        };
        // Never grows, so that no copy of a password stays behind.
        let mut text = Zeroizing::new(String::with_capacity(inner.len()));
        let mut chars = inner.char_indices();
        while let Some((end, c)) = chars.next() {
            if c == '"' && !chars.as_str().starts_with('"') {
                let start = self.at.saturating_add(1);
                let end = start.saturating_add(end);
                self.at = end.saturating_add(1);
                return Ok(Some(Field {
                    text,
                    at: start..end,
                }));
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
