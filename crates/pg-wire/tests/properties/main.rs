//! Properties that hold for all messages and all byte streams, checked on random ones.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a panic points at the line"
)]

mod any_bytes;
mod frames;
mod messages;
mod startup;
mod strategies;
