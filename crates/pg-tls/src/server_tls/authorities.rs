//! A CA file: whose client certificates are accepted.

use std::path::Path;
use std::sync::Arc;

use pg_certs::CertificateInfo;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{DistinguishedName, RootCertStore};

use crate::client_verifier::ClientVerifier;
use crate::config::SslConfig;
use crate::config_error::ConfigError;
use crate::revocation::Revocation;

/// Loads a CA file: that of the configuration, or of a host.
pub(super) fn load(
    path: &Path,
    config: &SslConfig,
    revocation: impl FnOnce() -> Result<Option<Arc<Revocation>>, ConfigError>,
    provider: &Arc<CryptoProvider>,
) -> Result<ClientVerifier, ConfigError> {
    let certificates = pg_certs::load_trust_anchors(path).map_err(ConfigError::CaFile)?;
    let mut authorities = Authorities {
        roots: Vec::new(),
        intermediates: Vec::new(),
        hints: Vec::new(),
    };
    for certificate in certificates {
        authorities
            .add(certificate, config.partial_chains)
            .map_err(|reason| unusable(path, &reason))?;
    }
    if authorities.roots.is_empty() {
        tracing::warn!(
            path = %path.display(),
            "the CA file holds no self-signed certificate: no client certificate will verify"
        );
    }
    let Authorities {
        roots,
        intermediates,
        hints,
    } = authorities;
    ClientVerifier::new(roots, intermediates, hints, revocation()?, provider)
        .map_err(|error| unusable(path, &error.to_string()))
}

/// The certificates of the CA file, each where it belongs.
struct Authorities {
    /// Where a chain may end.
    roots: Vec<CertificateDer<'static>>,
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
            self.roots.push(certificate);
        } else {
            self.intermediates.push(certificate);
        }
        Ok(())
    }
}

fn unusable(path: &Path, reason: &str) -> ConfigError {
    ConfigError::CaUnusable {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}
