//! Harness of the end-to-end tests: real sockets, exact bytes, and a real PostgreSQL to prove the expectations on.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, at the line that `track_caller` names"
)]

pub mod case;
pub mod client;
pub mod collector;
pub mod config;
pub mod engine;
pub mod libpq;
pub mod log;
pub mod oracle;
pub mod pki;
pub mod program;
pub mod recorder;
pub mod rotation;
pub mod server;
pub mod sql_client;
pub mod target;
pub mod tls;
pub mod wire;

/// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
