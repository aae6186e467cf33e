//! Who may connect to a PostgreSQL server: SCRAM with channel binding, `pg_hba.conf`, `pg_ident.conf`.
//!
//! No sockets and no async runtime: the caller carries bytes and facts, this crate judges them with
//! PostgreSQL's texts and codes.
//!
//! * [`scram`]: passwords without the password: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS.
//! * [`users`]: the file that says who has which SCRAM verifier.
//! * [`hba`] and [`ident`]: `pg_hba.conf` and `pg_ident.conf`.
//! * [`hosts`]: `pg_hosts.conf`, which certificate is served for which name.

#![deny(missing_docs)]

pub mod hba;
pub mod hosts;
pub mod ident;
pub mod scram;
mod tokens;
pub mod users;

pub use self::tokens::{FileError, FileErrors, files_of};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
enum Readme {}
