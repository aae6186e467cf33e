//! TLS for any PostgreSQL-wire server: from the first byte of a connection to a session that names a
//! user, exactly as PostgreSQL 17 and later do it, on rustls.
//!
//! ```text
//! SslConfig ──load──▶ ServerTls ──▶ Acceptor::negotiate(stream, peer, deadline)
//! what the            proof that        │
//! operator wrote      it works          ├─▶ Negotiated::Session { stream, startup, tls, … }
//!                                       │       └─ admit(mode), check_client_name(mode, method)
//!                                       ├─▶ Negotiated::Cancel { request, stream, … }
//!                                       ├─▶ Negotiated::Closed
//!                                       └─▶ NegotiateError: already told to the client, to be logged
//! ```
//!
//! The crate reads `SSLRequest`, `GSSENCRequest`, `CancelRequest`, `StartupMessage` and direct TLS, does
//! the handshake, verifies client certificates, applies an [`SslMode`] and ends connections properly.
//! It authenticates nobody, opens no socket, spawns no task and writes no log but `tracing` events of
//! level debug and trace (and warnings about files that hold something else than they should).
//!
//! # Examples
//!
//! ```no_run
//! use std::time::Duration;
//! use pg_tls::{Acceptor, Negotiated, Peer, SslConfig, SslMode};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let acceptor = Acceptor::new(SslConfig::new(SslMode::Require, "server.crt", "server.key").load()?);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:5432").await?;
//! loop {
//!     let (stream, address) = listener.accept().await?;
//!     let acceptor = acceptor.clone();
//!     tokio::spawn(async move {
//!         match acceptor.negotiate(stream, Peer::Tcp(address), Duration::from_secs(60)).await {
//!             Ok(Negotiated::Session(session)) => match session.admit(SslMode::Require) {
//!                 Ok(()) => { /* authenticate and serve on session.stream */ }
//!                 Err(refusal) => { /* send refusal.response(), log refusal.log_lines() */ }
//!             },
//!             Ok(_) => {}
//!             Err(error) => error.log_line().iter().for_each(|line| eprintln!("{line}")),
//!         }
//!     });
//! }
//! # }
//! ```
//!
//! # Features
//!
//! * `aws-lc-rs` (default): the cryptography of aws-lc-rs, with X25519MLKEM768.
//! * `ring`: the cryptography of ring. Both may be on; [`SslConfig::with_crypto_provider`] chooses.
//! * `ocsp`: `SslConfig::with_ocsp_file` and `Identity::inquiry`, for stapled OCSP responses.
//! * `fips`: [`CryptoProfile::Fips`], with the validated module of aws-lc. The build needs CMake and Go.
//!
//! # Where this differs from PostgreSQL with OpenSSL
//!
//! * TLS 1.0 and 1.1, finite-field Diffie-Hellman and suites without forward secrecy or authenticated
//!   encryption do not exist in rustls. Lists of ciphers are written as for OpenSSL.
//! * Session tickets can be switched on; PostgreSQL has none.
//! * AES-128-GCM is preferred to AES-256-GCM; see [`SslConfig::with_prefer_server_ciphers`].
//! * X.509 version 1 certificates are refused as server and client certificates (rustls), and the log
//!   says so in words; OpenSSL accepts them.
//! * A server name (SNI) that is no host name ends the handshake with an alert, where PostgreSQL up to
//!   18 ignores it: rustls 0.23.46 takes IP addresses, underscores, upper case and a trailing dot, and
//!   refuses the empty name, names longer than 253 bytes, white space and `[::1]` with brackets.
//! * The alert to a client that offers TLS 1.1 and nothing later is `handshake_failure`, OpenSSL's is
//!   `protocol_version`: rustls misses signature algorithms before it looks at the version.
//! * The alert after bytes that are no TLS is `decode_error`, OpenSSL's is `protocol_version` or none.
//! * The DETAIL about a client certificate that does not verify is about the client's own certificate
//!   (depth 0), because webpki does not say where in the chain it stopped; but for revocation, where
//!   it names the certificate at fault.
//! * Revocation lists must be of version 2 and say when they expire, and cover all certificates of
//!   their authority or name those they cover; OpenSSL takes version 1 too.

#![deny(missing_docs)]

mod acceptor;
mod client_verifier;
mod close;
mod config;
mod config_error;
mod crypto;
mod handshake;
mod handshake_error;
mod host;
mod log_line;
mod mode;
mod names;
mod negotiate_error;
mod negotiation;
mod passphrase;
pub mod policy;
mod refusal;
mod revocation;
mod server_tls;
mod session;
mod startup_io;
mod stream;
mod tls_info;
mod version;

pub use acceptor::Acceptor;
pub use close::{FAREWELL_LIMIT, close};
pub use config::SslConfig;
pub use config_error::ConfigError;
pub use crypto::{
    CryptoPolicy, CryptoPolicyError, CryptoProfile, CryptoProvider, ParseCryptoProfileError,
    ParseCryptoProviderError,
};
pub use handshake_error::HandshakeError;
pub use host::HostConfig;
pub use log_line::LogLine;
pub use mode::{ParseSslModeError, SslMode};
pub use negotiate_error::NegotiateError;
pub use passphrase::{LoadReason, Passphrase, PassphraseError};
pub use refusal::{AuthMethod, Refusal};
pub use server_tls::{Identity, ServerTls, Staple};
pub use session::{Cancellation, ClientCertificate, Negotiated, Peer, Session, TlsInfo};
pub use stream::SecureConnection;
pub use version::{ParseTlsVersionError, TlsVersion};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
