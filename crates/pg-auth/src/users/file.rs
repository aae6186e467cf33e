//! The file as a whole.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use pg_certs::check_key_file_permissions;
use zeroize::Zeroizing;

use super::error::{Fault, FaultKind, UsersError};
use super::parse::{self, Entry};
use crate::scram::Verifier;

/// The users and their verifiers.
#[derive(Clone, Debug, Default)]
pub struct Users {
    users: Vec<User>,
    by_name: HashMap<Vec<u8>, usize>,
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    name: String,
    verifier: Verifier,
    line: usize,
    /// Where in the file the line stands, with its line break.
    pub(super) line_at: Range<usize>,
    /// Where in the file the verifier stands, without its quotes.
    pub(super) verifier_at: Range<usize>,
}

impl User {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a password is checked against.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The number of the line; the first is 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }
}

impl Users {
    /// Reads a file that is kept like a private key.
    ///
    /// # Errors
    ///
    /// [`UsersError`], with everything that is wrong in the file.
    pub fn load(path: &Path) -> Result<Self, UsersError> {
        check_key_file_permissions(path)?;
        Self::parse_file(path, &read(path)?)
    }

    pub(super) fn parse_file(path: &Path, text: &[u8]) -> Result<Self, UsersError> {
        Self::parse(text).map_err(|faults| UsersError::Content {
            path: path.to_owned(),
            faults,
        })
    }

    /// The users of a text in the format of the module.
    ///
    /// # Errors
    ///
    /// Every line that is wrong, from top to bottom.
    pub fn parse(text: &[u8]) -> Result<Self, Vec<Fault>> {
        let mut all = Self::default();
        let mut faults = Vec::new();
        let mut end = 0_usize;
        for (number, line) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
            let start = end;
            end = start.saturating_add(line.len());
            let added = match parse::line(line) {
                Ok(None) => Ok(()),
                Ok(Some(entry)) => all.insert(number, start..end, entry),
                Err(kind) => Err(kind),
            };
            if let Err(kind) = added {
                faults.push(Fault { line: number, kind });
            }
        }
        if faults.is_empty() {
            Ok(all)
        } else {
            Err(faults)
        }
    }

    /// The verifier of the user of exactly this name.
    #[must_use]
    pub fn verifier(&self, name: &[u8]) -> Option<&Verifier> {
        self.find(name).map(User::verifier)
    }

    /// The users in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &User> {
        self.users.iter()
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<&User> {
        self.users.get(*self.by_name.get(name)?)
    }

    fn insert(
        &mut self,
        line: usize,
        line_at: Range<usize>,
        entry: Entry,
    ) -> Result<(), FaultKind> {
        if let Some(first) = self.find(entry.name.as_bytes()) {
            return Err(FaultKind::Duplicate {
                first: first.line,
                user: entry.name,
            });
        }
        self.by_name
            .insert(entry.name.clone().into_bytes(), self.users.len());
        self.users.push(User {
            name: entry.name,
            verifier: entry.verifier,
            line,
            verifier_at: line_at.start.saturating_add(entry.verifier_at.start)
                ..line_at.start.saturating_add(entry.verifier_at.end),
            line_at,
        });
        Ok(())
    }
}

/// The bytes of the file; they are wiped when they go.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, UsersError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(source) => Err(UsersError::Access {
            path: path.to_owned(),
            source,
        }),
    }
}
