//! What a server is ready to negotiate: versions, cipher suites, groups, session tickets.
//!
//! - [`provider`]: the library that does the cryptography, and all that we take from it;
//! - [`profile`]: named choices from that;
//! - [`cipher_list`], [`groups`]: the languages in which an operator chooses further;
//! - [`policy`]: what profile and settings come to;
//! - [`tickets`]: how a session may be resumed.

mod cipher_list;
mod error;
mod groups;
mod policy;
mod profile;
mod provider;
mod tickets;

#[cfg(test)]
mod tests;

pub use error::CryptoPolicyError;
pub use policy::CryptoPolicy;
pub use profile::{CryptoProfile, ParseCryptoProfileError};
pub use provider::{CryptoProvider, ParseCryptoProviderError};
pub(crate) use tickets::configure as configure_tickets;
