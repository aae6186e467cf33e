//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS as PostgreSQL's server does them: RFC 5802, RFC 7677, and
//! `auth-scram.c`, whose checks, order of checks, codes and texts are kept.
//!
//! ```text
//!  users file ──▶ Verifier ─┐
//!                           ├──▶ Credential ──▶ Exchange ◀──▶ client
//!  MockSecret, user name ───┘        │             ▲
//!                                    ▼             └── ChannelBinding
//!                            password_matches
//! ```
//!
//! * [`Verifier`]: what is stored in place of a password, in PostgreSQL's form.
//! * [`Credential`]: what one login is judged by. For a user without a verifier it is a made-up one that
//!   nothing satisfies, so that a client cannot tell who exists.
//! * [`Exchange`]: the conversation; messages in, messages or a [`ScramError`] out. The caller carries
//!   the bytes.
//!
//! # Examples
//!
//! ```
//! use pg_auth::scram::{ChannelBinding, Credential, Exchange, Iterations, MockSecret, Reply, Verifier};
//! use pg_wire::frontend::SaslInitialResponse;
//!
//! let verifier = Verifier::from_password(b"pencil", Iterations::DEFAULT)?;
//! let mock = MockSecret::random()?; // better one that lasts: MockSecret::load_or_create
//!
//! // A client without TLS asks to be alice.
//! let credential = Credential::new(b"alice", Some(&verifier), &mock, Iterations::DEFAULT);
//! let mut exchange = Exchange::new(credential, ChannelBinding::NoTls)?;
//! assert_eq!(exchange.mechanisms(), ["SCRAM-SHA-256"]);
//!
//! let first = SaslInitialResponse {
//!     mechanism: "SCRAM-SHA-256".into(),
//!     data: Some("n,,n=,r=fyko+d2lbbFgONRv9qkxdawL".into()),
//! };
//! let Reply::Continue(challenge) = exchange.receive(&first.to_password()?)? else {
//!     unreachable!("the client has proved nothing yet");
//! };
//! assert!(challenge.starts_with(b"r=fyko+d2lbbFgONRv9qkxdawL"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod credential;
mod error;
mod exchange;
mod keys;
mod message;
mod mock_file;
mod saslprep;
mod verifier;

pub use self::credential::{Credential, MockSecret};
pub use self::error::{Malformed, RandomError, ScramError};
pub use self::exchange::{
    ChannelBinding, Exchange, Nonce, Reply, SCRAM_SHA_256, SCRAM_SHA_256_PLUS,
};
pub use self::mock_file::MockSecretError;
pub use self::verifier::{Iterations, IterationsError, PasswordError, Verifier, VerifierError};

#[cfg(test)]
mod tests;
