//! End-to-end tests of the server.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and helpers of tests are part of them"
)]

mod binary;
mod flood;
mod hba;
mod key_files;
mod logins;
mod pg_certs;
mod postgres_ssl;
mod probe;
mod renewal;
mod sql;
mod stapling;
mod user;
