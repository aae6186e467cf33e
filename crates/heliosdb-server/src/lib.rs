//! A PostgreSQL server with a correct TLS front door, over the embedded HeliosDB Nano engine or any
//! other source of PostgreSQL sessions.
//!
//! ```no_run
//! # #[cfg(feature = "nano")] mod quick_start {
//! use std::sync::Arc;
//! use heliosdb_server::{EmbeddedDatabase, PgServerBuilder, Result, SslConfig, SslMode};
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let db = Arc::new(EmbeddedDatabase::new_in_memory()?);
//!     let ssl = SslConfig::new(SslMode::Require, "certs/server.crt", "certs/server.key");
//!     PgServerBuilder::new().address("127.0.0.1:5432".parse()?).ssl_config(ssl).build(db)?.serve().await
//! }
//! # }
//! ```
//!
//! ```text
//! client ══ TLS ══ Acceptor ── PgConnectionHandler ── relay ── Engine (nano, or yours)
//!                  (pg-tls)    admission, login       message
//!                                                     boundaries
//! ```
//!
//! # What it does
//!
//! - [`PgServerBuilder`] → [`PgServer`]: listeners that survive lack of descriptors, a budget for
//!   connections before login, `max_connections`, `authentication_timeout`, keepalive.
//! - [`AccessConfig`]: who may connect. A users file alone demands passwords by SCRAM-SHA-256; rules in
//!   the form of `pg_hba.conf` decide line by line; without either, clients on this host are trusted.
//! - [`PgConnectionHandler`]: policy by [`SslMode`] and rules, login, then a session of the
//!   [`Engine`](engine::Engine), opened no earlier.
//! - A relay that knows message boundaries and no SQL: it ends sessions on Terminate, answers protocol
//!   violations, gives each session a BackendKeyData of the server's own, counts, and tells clients
//!   57P01 at shutdown where they can read it.
//! - [`ReloadHandle`]: certificates, rules and limits are read again, all or nothing, while sessions go on.
//! - [`ShutdownHandle`]: stop accepting, let sessions finish, end them, return.
//!
//! # Cancel requests
//!
//! A CancelRequest finds its session by process id and key, in clear, inside TLS, and whatever the
//! policy. What happens then is the engine's business: [`Backend`](engine::Backend) may carry a way to
//! interrupt. The embedded engine has none — no statement of HeliosDB Nano 4.41 can be interrupted from
//! outside, only bounded beforehand with `SET statement_timeout` — so the log says that the request had
//! no effect, and the statement runs to its end.
//!
//! # Features
//!
//! - `nano` (default): the embedded engine; its build needs libclang.
//! - `aws-lc-rs` (default), `ring`: the cryptography.
//! - `ocsp` (default): OCSP stapling, `ssl_ocsp_file` and `ssl_ocsp_fetch`.
//! - `auto-renew` (default): `PgServerBuilder::ssl_auto_renew`.
//! - `dev-certs` (default): `PgServerBuilder::ssl_test`.
//! - `cli` (default): what the binary needs.

#![deny(missing_docs)]

mod access;
mod auth;
mod budget;
mod builder;
mod cancel;
mod connection;
mod context;
mod counters;
pub mod engine;
mod error;
mod handler;
mod hosts;
mod listen;
mod occasion;
mod opening;
mod parameters;
mod relay;
pub mod reload;
#[cfg(feature = "auto-renew")]
mod renewal;
mod report;
mod server;
mod sessions;
#[cfg(feature = "cli")]
pub mod settings;
mod shutdown;
mod slots;
#[cfg(feature = "ocsp")]
mod stapling;
#[cfg(test)]
mod testing;

#[cfg(feature = "nano")]
pub use heliosdb_nano::EmbeddedDatabase;
pub use ipnet::IpNet;
pub use pg_tls::{HostConfig, SslConfig, SslMode};

pub use self::access::{AccessConfig, AccessError, AccessErrors, Place, SystemLookups};
pub use self::builder::PgServerBuilder;
pub use self::counters::{CountersSnapshot, TrafficSnapshot};
#[cfg(feature = "nano")]
pub use self::engine::NanoEngine;
pub use self::error::{BuildError, Error, OpenToAll, Result, ServeError, SessionError};
pub use self::handler::PgConnectionHandler;
pub use self::hosts::load_hosts;
pub use self::reload::{ConfigurationError, ConfigurationErrors, ReloadHandle};
#[cfg(feature = "auto-renew")]
pub use self::renewal::AutoRenewal;
pub use self::server::{BoundServer, PgServer};
pub use self::shutdown::ShutdownHandle;

/// The examples of the README compile.
#[cfg(all(doctest, feature = "nano"))]
#[doc = include_str!("../README.md")]
struct Readme;
