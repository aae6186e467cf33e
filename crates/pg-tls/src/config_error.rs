//! `ConfigError`: settings that cannot work, told before the first connection.

use std::io;
use std::path::PathBuf;

use pg_certs::files::WriteError;
use pg_certs::{KeyFileError, LoadError, os_error};
use pg_wire::SqlState;

use crate::config::SslConfig;
use crate::crypto::CryptoPolicyError;
use crate::mode::SslMode;
use crate::passphrase::PassphraseError;

/// Why an [`SslConfig`] cannot be used. The operator mends all of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The CA file cannot be loaded.
    #[error(transparent)]
    CaFile(LoadError),
    /// A certificate of the CA file is readable, but cannot be trusted by rustls.
    #[error("could not load root certificate file \"{}\": {reason}", path.display())]
    CaUnusable {
        /// The CA file.
        path: PathBuf,
        /// What rustls says.
        reason: String,
    },
    /// The certificate file cannot be loaded.
    #[error(transparent)]
    CertFile(LoadError),
    /// The file of revocation lists cannot be loaded.
    #[error(transparent)]
    CrlFile(LoadError),
    /// A file in `ssl_crl_dir` cannot be loaded.
    #[error(transparent)]
    CrlInDirectory(LoadError),
    /// `ssl_crl_dir` cannot be read.
    #[error(
        "could not load SSL certificate revocation list directory \"{}\": {}; check the path and that this user may read it",
        path.display(),
        os_error::text(source)
    )]
    CrlDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The mode demands client certificates, and there is nothing to verify them with.
    #[error(
        "sslmode \"{mode}\" needs client certificates, so ssl_ca_file must name the authorities that issue them"
    )]
    CaMissing {
        /// The mode.
        mode: SslMode,
    },
    /// Profile, versions, ciphers and groups do not go together.
    #[error(transparent)]
    Crypto(#[from] CryptoPolicyError),
    /// A host's files cannot be used.
    #[error("{context}: {source}")]
    Host {
        /// Where the host was written, or its name.
        context: String,
        /// What is wrong.
        source: Box<Self>,
    },
    /// A mode demands client certificates, and the host has nothing to verify them with.
    #[error(
        "{context}: sslmode \"{mode}\" needs client certificates, so the host must name the authorities that issue them"
    )]
    HostCaMissing {
        /// Where the host was written, or its name.
        context: String,
        /// The mode.
        mode: SslMode,
    },
    /// The second certificate of a host serves nobody, because its key is of the same type.
    #[error("{context}: the two certificates have keys of the same type")]
    HostKeysAlike {
        /// Where the host was written, or its name.
        context: String,
    },
    /// A host demands less than the server, which any client could profit from.
    #[error(
        "{context}: sslmode \"{mode}\" is weaker than the server's, \"{server}\", and which host to ask for is the client's choice"
    )]
    HostModeWeaker {
        /// Where the host was written, or its name.
        context: String,
        /// The host's mode.
        mode: SslMode,
        /// The server's mode.
        server: SslMode,
    },
    /// A name has two hosts.
    #[error("{context}: multiple entries for host \"{name}\" specified")]
    HostTwice {
        /// Where the second host was written, or its name.
        context: String,
        /// The name.
        name: String,
    },
    /// A replacement of certificate and key was cut off by a crash, and cannot be finished.
    #[error("could not finish the interrupted replacement of certificate and key: {0}")]
    Interrupted(WriteError),
    /// The key file may not be used because of its owner or mode.
    #[error("{0}{detail}", detail = key_rule(.0))]
    KeyAccess(KeyFileError),
    /// The key file cannot be loaded.
    #[error(transparent)]
    KeyFile(LoadError),
    /// The key is encrypted, and its pass phrase may not be asked for again.
    #[error(
        "private key file \"{}\" cannot be reloaded because it requires a passphrase; set \
         ssl_passphrase_command and ssl_passphrase_command_supports_reload, or restart the server",
        .0.display()
    )]
    KeyNeedsPassphrase(PathBuf),
    /// The key is encrypted, and the command for its pass phrase gave none.
    #[error("could not load private key file \"{}\": {error}", path.display())]
    Passphrase {
        /// The key file.
        path: PathBuf,
        /// What came of the command.
        error: PassphraseError,
    },
    /// The key is not the certificate's.
    #[error(
        "check of private key failed: key values mismatch: \"{}\" is not the key of the certificate in \"{}\"",
        key_path.display(),
        cert_path.display()
    )]
    KeyMismatch {
        /// The certificate file.
        cert_path: PathBuf,
        /// The key file.
        key_path: PathBuf,
    },
    /// Certificate and key are readable, but rustls cannot serve them.
    #[error(
        "could not load server certificate file \"{}\" with private key file \"{}\"",
        cert_path.display(),
        key_path.display()
    )]
    Unusable {
        /// The certificate file.
        cert_path: PathBuf,
        /// The key file.
        key_path: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
    /// `ssl_ocsp_file` cannot be loaded.
    #[cfg(feature = "ocsp")]
    #[error(transparent)]
    OcspFile(pg_certs::ocsp::ResponseFileError),
    /// The response in `ssl_ocsp_file` cannot be verified.
    #[cfg(feature = "ocsp")]
    #[error("could not verify OCSP response file \"{}\": {source}", path.display())]
    OcspIssuer {
        /// The file.
        path: PathBuf,
        /// What is missing.
        source: pg_certs::ocsp::InquiryError,
    },
    /// The record size is out of range.
    #[error(
        "max_record_size {0} is outside the valid range ({min} .. {max})",
        min = SslConfig::MIN_RECORD_SIZE,
        max = SslConfig::MAX_RECORD_SIZE
    )]
    RecordSize(usize),
    /// The settings leave rustls nothing that it could negotiate.
    #[error(
        "could not set up TLS: the versions, ciphers and groups that are allowed do not go together: {0}"
    )]
    Settings(rustls::Error),
}

impl ConfigError {
    /// How to mend it, where the text does not say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Crypto(error) => Some(error.hint()),
            Self::Host { source, .. } => source.hint(),
            _ => None,
        }
    }

    /// The SQLSTATE PostgreSQL gives the log line: `F0000`, or that of the failed file access.
    #[must_use]
    pub fn sqlstate(&self) -> SqlState {
        match self {
            Self::Host { source, .. } => source.sqlstate(),
            Self::KeyAccess(error) => <[u8; 5]>::try_from(error.sqlstate().as_bytes())
                .ok()
                .and_then(SqlState::new)
                .unwrap_or(SqlState::CONFIG_FILE_ERROR),
            Self::Passphrase {
                error: PassphraseError::Placeholder { .. },
                ..
            } => SqlState::INVALID_PARAMETER_VALUE,
            Self::Passphrase { .. } => SqlState::INTERNAL_ERROR,
            Self::CaFile(_)
            | Self::CaMissing { .. }
            | Self::CaUnusable { .. }
            | Self::CertFile(_)
            | Self::Crypto(_)
            | Self::CrlDirectory { .. }
            | Self::CrlFile(_)
            | Self::CrlInDirectory(_)
            | Self::HostCaMissing { .. }
            | Self::HostKeysAlike { .. }
            | Self::HostModeWeaker { .. }
            | Self::HostTwice { .. }
            | Self::Interrupted(_)
            | Self::KeyFile(_)
            | Self::KeyMismatch { .. }
            | Self::KeyNeedsPassphrase(_)
            | Self::RecordSize(_)
            | Self::Settings(_)
            | Self::Unusable { .. } => SqlState::CONFIG_FILE_ERROR,
            #[cfg(feature = "ocsp")]
            Self::OcspFile(_) | Self::OcspIssuer { .. } => SqlState::CONFIG_FILE_ERROR,
        }
    }
}

/// PostgreSQL's DETAIL, on the same line: what owner and mode the file may have.
fn key_rule(error: &KeyFileError) -> String {
    error
        .detail()
        .map(|detail| format!("; {detail}"))
        .unwrap_or_default()
}
