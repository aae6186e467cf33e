//! `ServerTls`: the proof that a configuration loads, ready to accept connections.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use pg_certs::CertificateInfo;
use rustls::pki_types::CertificateDer;
use rustls::server::NoServerSessionStorage;
use rustls::{DistinguishedName, RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::client_verifier::ClientVerifier;
use crate::config::SslConfig;
use crate::config_error::ConfigError;
use crate::mode::SslMode;
use crate::policy::ClientCa;
use crate::provider::CryptoProvider;
use crate::version::TlsVersion;

/// A loaded [`SslConfig`]: one that exists works. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerTls {
    mode: SslMode,
    loaded: Option<Loaded>,
}

/// What there is unless TLS is disabled.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) rustls: Arc<ServerConfig>,
    pub(crate) certificate: Bytes,
    /// Its hash for channel binding, where one is defined.
    pub(crate) end_point: Option<Bytes>,
    pub(crate) client_ca: ClientCa,
    /// The oldest and the newest version that is spoken, for the HINT of version errors.
    pub(crate) versions: (TlsVersion, TlsVersion),
}

impl ServerTls {
    /// Loads the files and settings; the order of checks is PostgreSQL's (specification §5.4).
    pub(crate) fn load(config: &SslConfig) -> Result<Self, ConfigError> {
        let loaded = config
            .mode
            .is_enabled()
            .then(|| Loaded::new(config))
            .transpose()?;
        Ok(Self {
            mode: config.mode,
            loaded,
        })
    }

    /// What is demanded of a connection.
    #[must_use]
    pub const fn mode(&self) -> SslMode {
        self.mode
    }

    /// rustls' view, or `None` if TLS is disabled.
    #[must_use]
    pub fn server_config(&self) -> Option<Arc<ServerConfig>> {
        self.loaded().map(|loaded| Arc::clone(&loaded.rustls))
    }

    /// The server's own certificate in DER, or `None` if TLS is disabled. The hash of
    /// `tls-server-end-point` channel binding is made of it (RFC 5929 section 4).
    #[must_use]
    pub fn certificate(&self) -> Option<&Bytes> {
        self.loaded().map(|loaded| &loaded.certificate)
    }

    /// Whether client certificates are asked for.
    #[must_use]
    pub fn client_ca(&self) -> ClientCa {
        self.loaded()
            .map_or(ClientCa::NotLoaded, |loaded| loaded.client_ca)
    }

    pub(crate) const fn loaded(&self) -> Option<&Loaded> {
        self.loaded.as_ref()
    }
}

impl Loaded {
    fn new(config: &SslConfig) -> Result<Self, ConfigError> {
        let provider = config
            .crypto_provider
            .or_else(|| CryptoProvider::AVAILABLE.first().copied())
            .and_then(CryptoProvider::to_rustls)
            .ok_or(ConfigError::ProviderNotBuilt(config.crypto_provider))?;
        // A crash between the two renames of a renewal leaves a pair that does not match.
        pg_certs::files::finish_interrupted(&config.cert_path, &config.key_path)
            .map_err(ConfigError::Interrupted)?;
        let chain =
            pg_certs::load_certificate_chain(&config.cert_path).map_err(ConfigError::CertFile)?;
        pg_certs::check_key_file_permissions(&config.key_path).map_err(ConfigError::KeyAccess)?;
        let key = pg_certs::load_private_key(&config.key_path).map_err(ConfigError::KeyFile)?;
        let certificate = chain
            .first()
            .map(|leaf| Bytes::copy_from_slice(leaf))
            .unwrap_or_default();

        // One that cannot be parsed is refused below, in rustls' words.
        let end_point = CertificateInfo::from_der(&certificate)
            .ok()
            .and_then(|info| info.tls_server_end_point().map(Bytes::copy_from_slice));

        let (versions, protocol_versions) = version_range(config)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&protocol_versions)
            .map_err(|source| unusable(config, source))?;
        let verifier = client_verifier(config, &provider)?;
        let client_ca = if verifier.is_some() {
            ClientCa::Loaded
        } else {
            ClientCa::NotLoaded
        };
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut rustls = builder
            .with_single_cert(chain, key)
            .map_err(|source| unusable(config, source))?;

        rustls.alpn_protocols = vec![ALPN.to_vec()];
        rustls.ignore_client_order = config.prefer_server_ciphers;
        rustls.max_fragment_size = record_size(config)?;
        // No resumption of any kind, as in PostgreSQL: a session that is resumed would skip the
        // client certificate check of the current configuration.
        rustls.session_storage = Arc::new(NoServerSessionStorage {});
        rustls.send_tls13_tickets = 0;

        Ok(Self {
            rustls: Arc::new(rustls),
            certificate,
            end_point,
            client_ca,
            versions,
        })
    }
}

fn unusable(config: &SslConfig, source: rustls::Error) -> ConfigError {
    let cert_path = config.cert_path.clone();
    let key_path = config.key_path.clone();
    match source {
        rustls::Error::InconsistentKeys(_) => ConfigError::KeyMismatch {
            cert_path,
            key_path,
        },
        source => ConfigError::Unusable {
            cert_path,
            key_path,
            source,
        },
    }
}

type Versions = (
    (TlsVersion, TlsVersion),
    Vec<&'static SupportedProtocolVersion>,
);

/// The versions from the minimum to the maximum, newest first.
fn version_range(config: &SslConfig) -> Result<Versions, ConfigError> {
    let min = config.min_protocol_version;
    let max = config.max_protocol_version.unwrap_or(TlsVersion::Tls13);
    if min > max {
        return Err(ConfigError::VersionRange { min, max });
    }
    let versions = [
        (TlsVersion::Tls13, &rustls::version::TLS13),
        (TlsVersion::Tls12, &rustls::version::TLS12),
    ]
    .into_iter()
    .filter(|(version, _)| (min..=max).contains(version))
    .map(|(_, version)| version)
    .collect();
    Ok(((min, max), versions))
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

/// Loads the CA file, if one is set or the mode needs one.
fn client_verifier(
    config: &SslConfig,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Option<ClientVerifier>, ConfigError> {
    let Some(path) = &config.ca_path else {
        return if config.mode.requires_client_verification() {
            Err(ConfigError::CaMissing { mode: config.mode })
        } else {
            Ok(None)
        };
    };
    let certificates = pg_certs::load_trust_anchors(path).map_err(ConfigError::CaFile)?;
    let mut authorities = Authorities {
        roots: RootCertStore::empty(),
        intermediates: Vec::new(),
        hints: Vec::new(),
    };
    for certificate in certificates {
        authorities
            .add(certificate, config.partial_chains)
            .map_err(|reason| ca_unusable(path, &reason))?;
    }
    if authorities.roots.is_empty() {
        tracing::warn!(
            path = %path.display(),
            "ssl_ca_file holds no self-signed certificate: no client certificate will verify"
        );
    }
    let Authorities {
        roots,
        intermediates,
        hints,
    } = authorities;
    ClientVerifier::new(roots, intermediates, hints, provider)
        .map(Some)
        .map_err(|error| ca_unusable(path, &error.to_string()))
}

/// The certificates of the CA file, each where it belongs.
struct Authorities {
    /// Where a chain may end.
    roots: RootCertStore,
    /// What may help to get there.
    intermediates: Vec<CertificateDer<'static>>,
    /// The names of all, for the CertificateRequest.
    hints: Vec<DistinguishedName>,
}

impl Authorities {
    /// A certificate is a root if it is its own issuer, or if any may end a chain.
    fn add(
        &mut self,
        certificate: CertificateDer<'static>,
        partial_chains: bool,
    ) -> Result<(), String> {
        let info = CertificateInfo::from_der(&certificate).map_err(|error| error.to_string())?;
        let mut anchor = RootCertStore::empty();
        anchor
            .add(certificate.clone())
            .map_err(|error| error.to_string())?;
        self.hints.extend(anchor.subjects());
        if partial_chains || info.is_self_issued() {
            self.roots.roots.extend(anchor.roots);
        } else {
            self.intermediates.push(certificate);
        }
        Ok(())
    }
}

fn ca_unusable(path: &Path, reason: &str) -> ConfigError {
    ConfigError::CaUnusable {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// The protocol name registered for PostgreSQL.
pub(crate) const ALPN: &[u8] = b"postgresql";
