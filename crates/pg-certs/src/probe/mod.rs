//! Looks at any server of PostgreSQL's protocol from outside and says what its clients will meet.
//!
//! [`probe`] makes some thirty connections, one after the other, and gives a [`Report`]: the answer to
//! SSLRequest, direct TLS and ALPN, versions, suites and groups, the chain of certificates, stapling,
//! resumption, the request for a client certificate, authentication methods, the policy for plaintext, what
//! becomes of bytes before the handshake, times; and for each `sslmode` whether libpq will connect, and if
//! not, why and what to change.
//!
//! Nothing secret is sent: no password, no client certificate. No wait is without a deadline, and no server
//! can make it take in more than 256 KiB in one connection.
//!
//! ```no_run
//! use pg_certs::probe::{Options, probe};
//!
//! let options = Options::new("db.example:5432".parse()?).with_root_certificates("ca.crt");
//! let report = probe(&options)?;
//! for verdict in &report.verdicts {
//!     println!("{}: {:?}, {}", verdict.sslmode, verdict.connects, verdict.reason);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod certificate;
mod early;
mod error;
mod fault;
mod findings;
mod hello;
mod login;
mod negotiation;
mod offers;
mod options;
mod peer;
mod report;
mod run;
mod session;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod transport;
mod verdict;

pub use self::error::ProbeError;
pub use self::options::Options;
pub use self::report::{
    Attempt, Certificate, Completeness, EarlyBytes, Finding, Group, Login, Negotiation, Report,
    Resumption, Severity, SslAnswer, Stapled, Timing, Tls, Trust, Verdict,
};
pub use self::run::probe;
pub use self::target::{Target, TargetError};
pub use self::text::Text;
