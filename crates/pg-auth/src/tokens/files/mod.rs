//! Reads a file and the files it includes.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use pg_certs::os_error;

use super::lexer::{Lexer, Token, Word};
use super::{Fault, FileError, Line, Place};

/// How deep includes go: `CONF_FILE_MAX_DEPTH` in PostgreSQL's `conffiles.h`.
const MAX_DEPTH: usize = 10;

/// How many files are read in all. Depth alone does not stop a file that includes itself many times.
const MAX_FILES: usize = 10_000;

/// How many bytes are read in all.
const MAX_BYTES: u64 = 64 << 20;

/// The lines of a file, and in their places the errors: those of included files included.
pub(crate) fn read(path: &Path) -> Vec<Result<Line, FileError>> {
    read_whole(path)
        .unwrap_or_else(|Unopened { fault, .. }| vec![Err(FileError::new(path, None, fault))])
}

/// As [`read`], but a file that is not there has no lines, and one that cannot be read is told of in the
/// words of `load_hosts` in PostgreSQL's `be-secure-common.c`.
pub(crate) fn read_if_exists(path: &Path) -> Vec<Result<Line, FileError>> {
    match read_whole(path) {
        Ok(lines) => lines,
        Err(unopened) if unopened.missing => Vec::new(),
        Err(Unopened { fault, .. }) => {
            let message = format!("could not load \"{}\": {}", path.display(), fault.message);
            vec![Err(FileError::new(path, None, Fault { message, ..fault }))]
        }
    }
}

/// Every file and directory that reading `hba_file`, `ident_file` or `pg_hosts.conf` leads to, that file
/// first: those it includes and those that are not there, but would be read if they were.
///
/// For those who want to know when to read it again. Nothing in the files can make it fail.
#[must_use]
pub fn files_of(path: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut reader = Reader::new();
    // Only where it led is of interest.
    let _read = reader.include(path.as_ref(), 0);
    let mut seen = HashSet::new();
    let is_first = |path: &PathBuf| seen.insert(path.clone());
    reader.opened.into_iter().filter(is_first).collect()
}

fn read_whole(path: &Path) -> Result<Vec<Result<Line, FileError>>, Unopened> {
    let mut reader = Reader::new();
    reader.include(path, 0)?;
    Ok(reader.lines)
}

struct Reader {
    lines: Vec<Result<Line, FileError>>,
    /// How many may still be read.
    files: usize,
    bytes: u64,
    /// Files and directories that were looked at, in order.
    opened: Vec<PathBuf>,
}

/// A file that could not be read.
struct Unopened {
    missing: bool,
    fault: Fault,
}

/// Why a line is not used.
enum Unusable {
    Because(Fault),
    /// Something in a file that it names is wrong, and has been reported there.
    Reported,
}

impl From<Unopened> for Unusable {
    fn from(unopened: Unopened) -> Self {
        Self::Because(unopened.fault)
    }
}

impl Reader {
    const fn new() -> Self {
        Self {
            lines: Vec::new(),
            files: MAX_FILES,
            bytes: MAX_BYTES,
            opened: Vec::new(),
        }
    }

    /// Appends the lines of a file.
    fn include(&mut self, path: &Path, depth: usize) -> Result<(), Unopened> {
        let bytes = self.open(path, depth)?;
        let file: Arc<Path> = path.into();
        let mut number = 1;
        let mut physical = bytes.split(|&byte| byte == b'\n').peekable();
        while physical.peek().is_some() {
            let place = Place {
                file: Arc::clone(&file),
                line: number,
            };
            let (raw, count) = join(&mut physical);
            number += count;
            match self.line(&place, raw, depth) {
                Ok(Some(line)) => self.lines.push(Ok(line)),
                Err(Unusable::Because(fault)) => self.lines.push(Err(place.error(fault))),
                Ok(None) | Err(Unusable::Reported) => {}
            }
        }
        Ok(())
    }

    fn open(&mut self, path: &Path, depth: usize) -> Result<Vec<u8>, Unopened> {
        let refused = |reason: &str| Unopened {
            missing: false,
            fault: Fault::new(format!(
                "could not open file \"{}\": {reason}",
                path.display()
            )),
        };
        if depth > MAX_DEPTH {
            return Err(refused("maximum nesting depth exceeded"));
        }
        self.files = self
            .files
            .checked_sub(1)
            .ok_or_else(|| refused("too many files are included"))?;
        self.opened.push(path.to_owned());
        let file = File::open(path).map_err(|error| Unopened {
            missing: error.kind() == io::ErrorKind::NotFound,
            ..refused(&os_error::text(&error))
        })?;
        let mut bytes = Vec::new();
        file.take(self.bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Unopened {
                missing: false,
                fault: Fault::new(format!(
                    "could not read file \"{}\": {}",
                    path.display(),
                    os_error::text(&error)
                )),
            })?;
        let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self.bytes.checked_sub(read) {
            Some(left) => self.bytes = left,
            None => {
                (self.bytes, self.files) = (0, 0);
                return Err(refused("the files are too large"));
            }
        }
        Ok(bytes)
    }

    /// What a line says, or `None` if it says nothing or was an include directive.
    fn line(
        &mut self,
        place: &Place,
        raw: Vec<u8>,
        depth: usize,
    ) -> Result<Option<Line>, Unusable> {
        if raw.contains(&0) {
            return Err(Unusable::Because(Fault::new("line contains a NUL byte")));
        }
        let raw = String::from_utf8(raw).map_err(|_| {
            Unusable::Because(
                Fault::new("line is not UTF-8 text").hint("Save the file in the encoding UTF-8."),
            )
        })?;
        let mut lexer = Lexer::new(&raw);
        let mut fields = Vec::new();
        while let Some(field) = self.field(&place.file, &mut lexer, depth)? {
            // An `@file` without a token is no field, as in PostgreSQL.
            if !field.is_empty() {
                fields.push(field);
            }
        }
        // With a list, PostgreSQL takes the first file and says nothing about the others; here it is no
        // directive, and so an error.
        if let [first, second] = fields.as_slice()
            && let ([directive], [target]) = (first.as_slice(), second.as_slice())
        {
            let target = beside(&place.file, &target.text);
            match directive.text.as_str() {
                "include" => return Ok(self.include(&target, depth + 1).map(|()| None)?),
                "include_if_exists" => {
                    return match self.include(&target, depth + 1) {
                        Err(unopened) if !unopened.missing => Err(unopened.into()),
                        Ok(()) | Err(_) => Ok(None),
                    };
                }
                "include_dir" => {
                    self.include_dir(place, &target, depth)?;
                    return Ok(None);
                }
                _ => {}
            }
        }
        Ok((!fields.is_empty()).then(|| Line {
            place: place.clone(),
            raw,
            fields,
        }))
    }

    /// The next field: a list of tokens, with those of the files that it names by `@`.
    fn field(
        &mut self,
        file: &Path,
        lexer: &mut Lexer<'_>,
        depth: usize,
    ) -> Result<Option<Vec<Token>>, Unusable> {
        let mut tokens = Vec::new();
        let mut any = false;
        while let Some(Word { token, comma }) = lexer.word() {
            any = true;
            match token.text.strip_prefix('@') {
                Some(name) if !token.quoted && !name.is_empty() => {
                    tokens.extend(self.expand(&beside(file, name), depth + 1)?);
                }
                _ => tokens.push(token),
            }
            if !comma {
                break;
            }
        }
        Ok(any.then_some(tokens))
    }

    /// All tokens of a file that is named by `@`.
    fn expand(&mut self, path: &Path, depth: usize) -> Result<Vec<Token>, Unusable> {
        let outer = std::mem::take(&mut self.lines);
        let included = self.include(path, depth);
        let inner = std::mem::replace(&mut self.lines, outer);
        included?;
        let mut tokens = Vec::new();
        let mut usable = true;
        for line in inner {
            match line {
                Ok(line) => tokens.extend(line.fields.into_iter().flatten()),
                Err(error) => {
                    usable = false;
                    self.lines.push(Err(error));
                }
            }
        }
        if usable {
            Ok(tokens)
        } else {
            Err(Unusable::Reported)
        }
    }

    /// Every `*.conf` of a directory, hidden ones left out, in the order of their names' bytes.
    fn include_dir(&mut self, place: &Place, dir: &Path, depth: usize) -> Result<(), Unusable> {
        let unopened = |error: io::Error| {
            Unusable::Because(Fault::new(format!(
                "could not open configuration directory \"{}\": {}",
                dir.display(),
                os_error::text(&error)
            )))
        };
        self.opened.push(dir.to_owned());
        let mut files = Vec::new();
        for entry in fs::read_dir(dir).map_err(unopened)? {
            let path = entry.map_err(unopened)?.path();
            if is_conf(&path) && !path.is_dir() {
                files.push(path);
            }
        }
        files.sort();
        for file in files {
            if let Err(Unopened { fault, .. }) = self.include(&file, depth + 1) {
                self.lines.push(Err(place.error(fault)));
            }
        }
        Ok(())
    }
}

/// One line, with the lines that it continues on, and how many they are. Source: the loop around
/// `pg_get_line_append` in `tokenize_auth_file`.
fn join<'a>(physical: &mut impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, usize) {
    let mut raw = Vec::new();
    let mut count = 0;
    let mut continued_at = 0;
    for part in physical {
        count += 1;
        raw.extend_from_slice(part);
        while raw.pop_if(|byte| *byte == b'\r').is_some() {}
        // A backslash before the last continuation was not meant as one.
        if raw.len() <= continued_at || raw.pop_if(|byte| *byte == b'\\').is_none() {
            break;
        }
        continued_at = raw.len();
    }
    (raw, count)
}

/// A path as a line of `file` means it: relative to the directory that holds `file`.
pub(crate) fn beside(file: &Path, name: &str) -> PathBuf {
    let joined = match file.parent() {
        Some(parent) => parent.join(name),
        None => PathBuf::from(name),
    };
    joined
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}

fn is_conf(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.ends_with(b".conf") && !name.starts_with(b".")
}

#[cfg(test)]
mod tests;
