//! The file as a whole.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use pg_certs::check_key_file_permissions;
use zeroize::Zeroizing;

use super::error::{Fault, UsersError};
use super::rows::Rows;
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
        Self::parse(&read(path)?).map_err(|faults| UsersError::Content {
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
        let Rows { rows, mut faults } = Rows::of(text);
        let mut all = Self::default();
        for row in rows {
            match row.verifier {
                Ok(verifier) => all.insert(User {
                    name: row.name,
                    verifier,
                    line: row.line,
                }),
                Err(kind) => faults.push(Fault {
                    line: row.line,
                    kind,
                }),
            }
        }
        faults.sort_by_key(|fault| fault.line);
        if faults.is_empty() {
            Ok(all)
        } else {
            Err(faults)
        }
    }

    /// The verifier of the user of exactly this name.
    #[must_use]
    pub fn verifier(&self, name: &[u8]) -> Option<&Verifier> {
        let index = self.by_name.get(name)?;
        self.users.get(*index).map(User::verifier)
    }

    /// The users in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &User> {
        self.users.iter()
    }

    fn insert(&mut self, user: User) {
        self.by_name
            .insert(user.name.clone().into_bytes(), self.users.len());
        self.users.push(user);
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
