//! Certificates for PostgreSQL servers and clients: generate, load, inspect, verify, renew.
//!
//! - **Make** certificates with [`CertificateManager`] (one call) or [`CertificateAuthority`] (an
//!   authority of your own, certificates for servers and for clients whose name is the PostgreSQL user).
//! - **Load** what operators have: [`load_certificate_chain`], [`load_private_key`],
//!   [`load_trust_anchors`],
//!   [`load_revocation_lists`], and [`check_key_file_permissions`] by PostgreSQL's rule. Each failure names
//!   the file, says what was found in it and what to do.
//! - **Examine** everything that a server is going to use with [`doctor::Doctor`], and look into any file
//!   with [`inspect::inspect`].
//! - **Inspect** with [`CertificateInfo`]: names as PostgreSQL prints them, dates, algorithms, the hash
//!   for SCRAM channel binding.
//! - **Verify** a pair of files with [`CertificateManager::verify_cert_files`], which gives a
//!   [`VerifyReport`] for people.
//! - **Foretell** with [`verdict`] whether a client of libpq will connect, by `sslmode` and host name, and
//!   if not, why and what to change.
//! - **Write** with [`files`]: keys owner-only from their first instant, pairs replaced so that a crash
//!   or a full disk loses nothing.
//!
//! No subprocess, no async runtime, no `unsafe`. Unix only: the rule for key files is about owners and
//! modes.
//!
//! # Features
//!
//! | feature | default | effect |
//! |---|---|---|
//! | `generate` | yes | making certificates, by rcgen |
//! | `ocsp` | no | asking by OCSP whether a certificate is revoked, and judging the answer |
//! | `aws-lc-rs` | yes | cryptography by aws-lc-rs; every [`KeyType`](generate::KeyType) |
//! | `cli` | no | the program `pg-certs` |
//! | `ring` | no | cryptography by ring; no RSA generation. With both, aws-lc-rs is used |
//! | `probe` | no | [`probe`]: looks at a running server from outside |
//!
//! Without either library, loading and inspecting work, but nothing can tell whether a key belongs to
//! a certificate.
//!
//! # Examples
//!
//! ```
//! # #[cfg(feature = "generate")] {
//! use pg_certs::{CertificateManager, load_certificate_chain, load_private_key};
//!
//! let dir = tempfile::tempdir()?;
//! let (cert, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
//! CertificateManager::generate_self_signed(&cert, &key, "localhost")?;
//!
//! let report = CertificateManager::verify_cert_files(&cert, &key)?;
//! assert!(report.is_ok(), "{report}");
//! let chain = load_certificate_chain(&cert)?;
//! let key = load_private_key(&key)?;
//! # let _ = (chain, key);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]
#![cfg_attr(
    not(feature = "generate"),
    expect(
        rustdoc::broken_intra_doc_links,
        reason = "the documents of the whole name what a part lacks"
    )
)]

#[cfg(all(
    feature = "generate",
    not(any(feature = "aws-lc-rs", feature = "ring"))
))]
compile_error!("the feature \"generate\" needs cryptography: enable \"aws-lc-rs\" or \"ring\"");

pub mod connect;
mod der;
#[cfg(feature = "generate")]
mod development;
pub mod doctor;
pub mod files;
#[cfg(feature = "generate")]
pub mod generate;
pub mod info;
pub mod inspect;
mod key_file;
pub mod load;
mod manager;
#[cfg(feature = "ocsp")]
pub mod ocsp;
pub mod os_error;
mod pem;
#[cfg(feature = "probe")]
pub mod probe;
mod provider;
#[cfg(test)]
mod testing;
pub mod verdict;
pub mod verify;

#[cfg(feature = "generate")]
pub use self::development::CERTS_DIR_VARIABLE;
#[cfg(feature = "generate")]
pub use self::generate::CertificateAuthority;
pub use self::info::CertificateInfo;
pub use self::key_file::{KeyFileError, check_key_file_permissions};
pub use self::load::{
    LoadError, load_certificate_chain, load_private_key, load_revocation_lists, load_trust_anchors,
    read_private_key,
};
pub use self::manager::CertificateManager;
pub use self::verify::VerifyReport;

#[cfg(all(doctest, feature = "generate"))]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
