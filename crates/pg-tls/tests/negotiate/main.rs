//! Whole negotiations against the public API: what the client sees, byte for byte, and what the
//! server reports.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic in a test points at the line"
)]

mod client_certs;
mod closing;
mod config;
mod crypto_policy;
mod deadline;
mod direct;
mod early_data;
mod encrypted_keys;
mod handshake;
mod hosts;
mod identity;
mod modes;
#[cfg(feature = "ocsp")]
mod ocsp_file;
mod revocation;
mod sequences;
mod sockets;
mod startup;
mod support;
mod tickets;
mod trusting;
