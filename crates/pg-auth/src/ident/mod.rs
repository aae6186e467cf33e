//! Identity maps: `pg_ident.conf` as PostgreSQL 16 and later read it.
//!
//! A line says that in a map, a name of the outside (here: a name in a certificate) may act as a user:
//!
//! ```text
//! # MAP   SYSTEM-USER                    PG-USER
//! people  "CN=Bob Smith,O=Example"       bob
//! people  /^(.*)@example\.com$           \1
//! admins  carol@example.com              all
//! ```
//!
//! ```
//! use pg_auth::ident::{Mapping, Maps};
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("pg_ident.conf");
//! std::fs::write(&path, "people /^(.*)@example\\.com$ \\1\n")?;
//! let maps = Maps::load(&path)?;
//! assert_eq!(maps.check("people", "bob@example.com", b"bob"), Mapping::Allowed);
//! assert_eq!(maps.check("people", "bob@example.com", b"alice"), Mapping::NoMatch);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::path::Path;

use crate::tokens::{self, Fault, FileErrors, Line, Pattern, Token, UserToken};

/// The lines of a file and of the files it includes, in order. [`Default`]: none, so that no map lets
/// anybody in.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    map: String,
    system_user: SystemUser,
    pg_user: UserToken,
}

#[derive(Clone, Debug)]
enum SystemUser {
    Pattern(Pattern),
    Name(String),
}

/// Whether a map lets a name act as a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mapping {
    /// It does.
    Allowed,
    /// No line of the map is about the two.
    NoMatch,
    /// A line cannot be applied, and lines behind it are not looked at; the line for the log.
    Failed(String),
}

impl Maps {
    /// Reads a file, whole or not at all. It may be empty.
    ///
    /// # Errors
    ///
    /// [`FileErrors`]: everything that is wrong in this file and the files it includes, with
    /// PostgreSQL's texts.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, FileErrors> {
        let entries = tokens::load(path.as_ref(), Entry::new)?;
        Ok(Self { entries })
    }

    /// Whether `map` lets `system_user` act as `user`: the first line about both decides. Case matters
    /// everywhere.
    ///
    /// A map that has no line, because it is misspelt for instance, lets nobody in; see
    /// [`contains`](Self::contains).
    #[must_use]
    pub fn check(&self, map: &str, system_user: &str, user: &[u8]) -> Mapping {
        let entries = self.entries.iter().filter(|entry| entry.map == map);
        for entry in entries {
            match entry.check(system_user, user) {
                Mapping::NoMatch => {}
                decided => return decided,
            }
        }
        Mapping::NoMatch
    }

    /// Whether there is a line for this map.
    #[must_use]
    pub fn contains(&self, map: &str) -> bool {
        self.entries.iter().any(|entry| entry.map == map)
    }
}

impl Entry {
    /// `parse_ident_line` of PostgreSQL's `hba.c`. As there, fields behind the third are ignored.
    fn new(line: &Line) -> Result<Self, Fault> {
        let mut fields = line.fields.iter();
        let mut next = || match fields.next().map(Vec::as_slice) {
            None => Err(Fault::new("missing entry at end of line")),
            Some([token]) => Ok(token),
            Some(_) => Err(Fault::new("multiple values in ident field")),
        };
        let map = next()?;
        let system_user: &Token = next()?;
        let pg_user = next()?;
        Ok(Self {
            map: map.text.clone(),
            system_user: match system_user.pattern() {
                Some(pattern) => SystemUser::Pattern(Pattern::new(pattern)?),
                None => SystemUser::Name(system_user.text.clone()),
            },
            pg_user: UserToken::new(pg_user)?,
        })
    }

    /// `check_ident_usermap` of PostgreSQL's `hba.c`.
    fn check(&self, system_user: &str, user: &[u8]) -> Mapping {
        let allowed = match (&self.system_user, &self.pg_user) {
            (SystemUser::Name(name), pg_user) => name == system_user && pg_user.matches(user),
            (SystemUser::Pattern(pattern), pg_user) => {
                let Some(group) = pattern.first_group(system_user.as_bytes()) else {
                    return Mapping::NoMatch;
                };
                match pg_user {
                    UserToken::Name(template) if template.contains(BACKREFERENCE) => {
                        let Some(group) = group else {
                            return Mapping::Failed(format!(
                                "regular expression \"{}\" has no subexpressions as requested by backreference in \"{template}\"",
                                pattern.source()
                            ));
                        };
                        expand(template, group) == user
                    }
                    _ => pg_user.matches(user),
                }
            }
        };
        if allowed {
            Mapping::Allowed
        } else {
            Mapping::NoMatch
        }
    }
}

/// Puts the group in the place of the first `\1`; the result is a name, never a keyword.
fn expand(template: &str, group: &[u8]) -> Vec<u8> {
    let (before, behind) = template.split_once(BACKREFERENCE).unwrap_or((template, ""));
    [before.as_bytes(), group, behind.as_bytes()].concat()
}

const BACKREFERENCE: &str = "\\1";

#[cfg(test)]
mod tests;
