//! What all certificates of a server have in common: cryptography, versions, record size, resumption.

use std::sync::Arc;

use rustls::crypto::CryptoProvider as RustlsProvider;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::Identity;
use crate::client_verifier::ClientVerifier;
use crate::config::SslConfig;
use crate::config_error::ConfigError;
use crate::provider::CryptoProvider;
use crate::version::TlsVersion;

/// The settings that do not depend on the certificate; each certificate's own rustls configuration is
/// made of them.
#[derive(Debug)]
pub(crate) struct Shared {
    provider: Arc<RustlsProvider>,
    versions: (TlsVersion, TlsVersion),
    protocol_versions: Vec<&'static SupportedProtocolVersion>,
    prefer_server_ciphers: bool,
    max_fragment_size: Option<usize>,
}

/// The cryptography that the configuration asks for.
fn provider(config: &SslConfig) -> Result<Arc<RustlsProvider>, ConfigError> {
    config
        .crypto_provider
        .or_else(|| CryptoProvider::AVAILABLE.first().copied())
        .and_then(CryptoProvider::to_rustls)
        .ok_or(ConfigError::ProviderNotBuilt(config.crypto_provider))
}

impl Shared {
    pub(super) fn new(config: &SslConfig) -> Result<Self, ConfigError> {
        let versions = version_range(config)?;
        Ok(Self {
            provider: provider(config)?,
            versions,
            protocol_versions: protocol_versions(versions),
            prefer_server_ciphers: config.prefer_server_ciphers,
            max_fragment_size: record_size(config)?,
        })
    }

    pub(super) const fn provider(&self) -> &Arc<RustlsProvider> {
        &self.provider
    }

    /// The oldest and the newest version that is spoken.
    pub(super) const fn versions(&self) -> (TlsVersion, TlsVersion) {
        self.versions
    }

    /// Whether a client can use a certificate's key: with a version and a suite that both sides have, and
    /// a signature that the client takes. Cf. RFC 8446 section 4.4.2.2 and RFC 5246 section 7.4.2.
    pub(super) fn can_use(&self, hello: &ClientHello<'_>, identity: &Identity) -> bool {
        let suites = self.provider.cipher_suites.iter();
        let algorithm = identity.key_algorithm();
        let suite = suites
            .filter(|suite| hello.cipher_suites().contains(&suite.suite()))
            .filter(|suite| self.protocol_versions.contains(&suite.version()))
            .any(|suite| suite.usable_for_signature_algorithm(algorithm));
        suite && identity.can_sign(hello.signature_schemes())
    }

    /// A rustls configuration with these settings, for what `resolver` serves and `verifier` admits;
    /// without a verifier no client certificate is asked for.
    pub(super) fn server_config(
        &self,
        verifier: Option<Arc<ClientVerifier>>,
        resolver: Arc<dyn ResolvesServerCert>,
    ) -> Result<ServerConfig, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&self.protocol_versions)?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut rustls = builder.with_cert_resolver(resolver);
        rustls.alpn_protocols = vec![ALPN.to_vec()];
        rustls.ignore_client_order = self.prefer_server_ciphers;
        rustls.max_fragment_size = self.max_fragment_size;
        // No resumption of any kind, as in PostgreSQL: a session that is resumed would skip the
        // client certificate check of the current configuration.
        rustls.session_storage = Arc::new(NoServerSessionStorage {});
        rustls.send_tls13_tickets = 0;
        Ok(rustls)
    }
}

/// The oldest and the newest version that is spoken.
fn version_range(config: &SslConfig) -> Result<(TlsVersion, TlsVersion), ConfigError> {
    let min = config.min_protocol_version;
    let max = config.max_protocol_version.unwrap_or(TlsVersion::Tls13);
    if min > max {
        return Err(ConfigError::VersionRange { min, max });
    }
    Ok((min, max))
}

/// The versions from the minimum to the maximum, newest first.
fn protocol_versions(
    (min, max): (TlsVersion, TlsVersion),
) -> Vec<&'static SupportedProtocolVersion> {
    [
        (TlsVersion::Tls13, &rustls::version::TLS13),
        (TlsVersion::Tls12, &rustls::version::TLS12),
    ]
    .into_iter()
    .filter(|(version, _)| (min..=max).contains(version))
    .map(|(_, version)| version)
    .collect()
}

/// rustls counts the record's header in.
fn record_size(config: &SslConfig) -> Result<Option<usize>, ConfigError> {
    const HEADER: usize = 5;
    match config.max_record_size {
        Some(size)
            if !(SslConfig::MIN_RECORD_SIZE..=SslConfig::MAX_RECORD_SIZE).contains(&size) =>
        {
            Err(ConfigError::RecordSize(size))
        }
        size => Ok(size.map(|size| size + HEADER)),
    }
}

/// The protocol name registered for PostgreSQL.
const ALPN: &[u8] = b"postgresql";
