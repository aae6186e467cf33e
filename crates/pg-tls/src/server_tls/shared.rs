//! What all certificates of a server have in common: cryptography, versions, record size, resumption.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider as RustlsProvider;
use rustls::server::{ClientHello, ResolvesServerCert};

use super::Identity;
use crate::client_verifier::ClientVerifier;
use crate::config::SslConfig;
use crate::config_error::ConfigError;
use crate::crypto::{self, CryptoPolicy};

/// The settings that do not depend on the certificate; each certificate's own rustls configuration is
/// made of them.
#[derive(Debug)]
pub(crate) struct Shared {
    policy: CryptoPolicy,
    max_fragment_size: Option<usize>,
}

impl Shared {
    pub(super) fn new(config: &SslConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            policy: config.crypto_policy()?,
            max_fragment_size: record_size(config)?,
        })
    }

    /// What is negotiated.
    pub(super) const fn policy(&self) -> &CryptoPolicy {
        &self.policy
    }

    pub(super) const fn provider(&self) -> &Arc<RustlsProvider> {
        self.policy.rustls()
    }

    /// Whether a client can use a certificate's key: with a version and a suite that both sides have, and
    /// a signature that the client takes. Cf. RFC 8446 section 4.4.2.2 and RFC 5246 section 7.4.2.
    pub(super) fn can_use(&self, hello: &ClientHello<'_>, identity: &Identity) -> bool {
        let suites = self.provider().cipher_suites.iter();
        let algorithm = identity.key_algorithm();
        let suite = suites
            .filter(|suite| hello.cipher_suites().contains(&suite.suite()))
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
        let asks_for_certificate = verifier.is_some();
        let policy = &self.policy;
        let builder = ServerConfig::builder_with_provider(Arc::clone(policy.rustls()))
            .with_protocol_versions(&policy.protocol_versions())?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut rustls = builder.with_cert_resolver(resolver);
        rustls.alpn_protocols = vec![ALPN.to_vec()];
        rustls.ignore_client_order = policy.prefers_server_ciphers();
        rustls.max_fragment_size = self.max_fragment_size;
        let tickets = policy.session_tickets() && !asks_for_certificate;
        crypto::configure_tickets(&mut rustls, tickets.then_some(policy.provider()))?;
        Ok(rustls)
    }
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
