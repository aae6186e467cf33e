//! The program `pg-certs` as a process: what it leaves behind, what it says, how it ends.
#![cfg(all(feature = "cli", feature = "aws-lc-rs"))]
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and helpers of tests are part of them"
)]

mod acceptance;
mod doctor;
mod export_ca;
mod inspect;
mod making;
mod place;
mod probe;
mod renew;
mod revoke;
mod verify;
