//! A certificate of the server with its key, and what goes with it.

use std::path::Path;
#[cfg(feature = "ocsp")]
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pg_certs::CertificateInfo;
use pg_certs::load::KeyInFile;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SignatureAlgorithm, SignatureScheme};

use super::served::{Served, Staple};
use super::shared::Shared;
use crate::client_verifier::ClientVerifier;
use crate::config_error::ConfigError;
use crate::passphrase::PassphraseSource;
use crate::policy::ClientCa;

/// A certificate that the server presents, its key, and the authorities whose client certificates are
/// accepted along with it. All but the OCSP response stays as it was loaded.
#[derive(Debug)]
pub struct Identity {
    served: Arc<Served>,
    certificate: Bytes,
    end_point: Option<Bytes>,
    client_ca: ClientCa,
    rustls: Arc<ServerConfig>,
    /// The CA file, which may hold the certificate's issuer.
    #[cfg(feature = "ocsp")]
    authorities: Option<PathBuf>,
}

impl Identity {
    /// Joins a key with its client authorities and the settings of the server.
    pub(super) fn new(
        key: CertifiedKey,
        verifier: Option<Arc<ClientVerifier>>,
        shared: &Shared,
    ) -> Result<Self, rustls::Error> {
        let certificate = key
            .cert
            .first()
            .map(|leaf| Bytes::copy_from_slice(leaf))
            .unwrap_or_default();
        let end_point = CertificateInfo::from_der(&certificate)
            .ok()
            .and_then(|info| info.tls_server_end_point().map(Bytes::copy_from_slice));
        let client_ca = if verifier.is_some() {
            ClientCa::Loaded
        } else {
            ClientCa::NotLoaded
        };
        let served = Arc::new(Served::new(key));
        let rustls = shared.server_config(verifier, served.clone())?;
        Ok(Self {
            served,
            certificate,
            end_point,
            client_ca,
            rustls: Arc::new(rustls),
            #[cfg(feature = "ocsp")]
            authorities: None,
        })
    }

    #[cfg(feature = "ocsp")]
    pub(super) fn with_authorities(mut self, path: Option<&Path>) -> Self {
        self.authorities = path.map(Path::to_owned);
        self
    }

    /// What asks about this certificate by OCSP, and judges the answers. The issuer's certificate is looked
    /// for behind the certificate in its file, then in the CA file, which is read for it.
    ///
    /// # Errors
    ///
    /// [`InquiryError`](pg_certs::ocsp::InquiryError): the issuer's certificate is in neither file.
    #[cfg(feature = "ocsp")]
    pub fn inquiry(&self) -> Result<pg_certs::ocsp::Inquiry, pg_certs::ocsp::InquiryError> {
        let mut candidates = self.chain().split_off(1);
        if let Some(path) = &self.authorities {
            candidates.extend(pg_certs::load_trust_anchors(path).unwrap_or_default());
        }
        pg_certs::ocsp::Inquiry::new(&self.certificate, &candidates)
    }

    /// rustls' view: a configuration that serves this certificate and no other.
    #[must_use]
    pub const fn server_config(&self) -> &Arc<ServerConfig> {
        &self.rustls
    }

    /// The certificate in DER.
    #[must_use]
    pub const fn certificate(&self) -> &Bytes {
        &self.certificate
    }

    /// The certificate and the intermediates that are sent with it, in DER.
    #[must_use]
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.served.plain().cert.clone()
    }

    /// The data of `tls-server-end-point` channel binding (RFC 5929 section 4): the hash of the
    /// certificate, or `None` where no hash is defined for it, such as for Ed25519.
    #[must_use]
    pub const fn tls_server_end_point(&self) -> Option<&Bytes> {
        self.end_point.as_ref()
    }

    pub(super) fn key_algorithm(&self) -> SignatureAlgorithm {
        self.served.plain().key.algorithm()
    }

    pub(super) fn is_rsa(&self) -> bool {
        self.key_algorithm() == SignatureAlgorithm::RSA
    }

    /// Whether the key can make one of these signatures.
    pub(super) fn can_sign(&self, schemes: &[SignatureScheme]) -> bool {
        self.served.plain().key.choose_scheme(schemes).is_some()
    }

    /// Whether client certificates are asked for.
    #[must_use]
    pub const fn client_ca(&self) -> ClientCa {
        self.client_ca
    }

    /// Sets what is stapled to handshakes from now on, until it expires (RFC 6066 section 8, RFC 8446
    /// section 4.4.2.1); `None` staples nothing. Handshakes that have begun are not affected.
    pub fn set_staple(&self, staple: Option<Staple>) {
        self.served.set_staple(staple);
    }

    /// What is stapled at the moment.
    #[must_use]
    pub fn staple(&self) -> Option<Staple> {
        self.served.staple()
    }
}

/// Loads a certificate chain and its key, and checks that they belong together.
pub(super) fn load_key(
    cert_path: &Path,
    key_path: &Path,
    passphrase: PassphraseSource<'_>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, ConfigError> {
    // A crash between the two renames of a renewal leaves a pair that does not match.
    pg_certs::files::finish_interrupted(cert_path, key_path).map_err(ConfigError::Interrupted)?;
    let chain = pg_certs::load_certificate_chain(cert_path).map_err(ConfigError::CertFile)?;
    pg_certs::check_key_file_permissions(key_path).map_err(ConfigError::KeyAccess)?;
    let key = match pg_certs::read_private_key(key_path).map_err(ConfigError::KeyFile)? {
        KeyInFile::Plain(key) => key,
        KeyInFile::Encrypted(key) => passphrase.open(&key)?,
    };
    CertifiedKey::from_der(chain, key, provider).map_err(|source| {
        let (cert_path, key_path) = (cert_path.to_owned(), key_path.to_owned());
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
    })
}
