//! The users file: who has which SCRAM verifier.
//!
//! The format is that of PgBouncer's `userlist.txt`, and PgBouncer can read the file. Each line is
//! empty, a comment that begins with `;`, or a user:
//!
//! ```text
//! ; application
//! "alice" "SCRAM-SHA-256$4096:…:…"
//! "O""Brien, d." "SCRAM-SHA-256$4096:…:…"   ; a quote in a name is doubled
//! ```
//!
//! A name is any text of 1 to 63 bytes of UTF-8 without line breaks; it is compared byte for byte. No
//! name stands there twice. The second field is a verifier as in PostgreSQL's `pg_authid.rolpassword`;
//! MD5 hashes and passwords in clear text are refused.
//!
//! The file is read only if it is kept like a private key
//! ([`pg_certs::check_key_file_permissions`]): it is nearly as good as the passwords.
//!
//! # Examples
//!
//! ```
//! use pg_auth::scram::{Iterations, Verifier};
//! use pg_auth::users::{self, Users};
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("users");
//! users::add(&path, "alice", &Verifier::from_password(b"pencil", Iterations::DEFAULT)?)?;
//!
//! let users = Users::load(&path)?;
//! assert!(users.verifier(b"alice").unwrap().password_matches(b"pencil"));
//! assert!(users.verifier(b"Alice").is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod edit;
mod error;
mod file;
mod parse;
mod rows;

pub use self::edit::{add, list, remove, set_verifier};
pub use self::error::{EditError, Fault, FaultKind, NameError, UsersError};
pub use self::file::{User, Users};
pub use self::parse::check_name;

#[cfg(test)]
mod tests;
