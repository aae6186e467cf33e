//! Staples from a file, and certificates that demand one.

use std::path::Path;
use std::time::SystemTime;

use pg_certs::CertificateInfo;
use pg_certs::ocsp::load_response;

use super::ServerTls;
use super::identity::Identity;
use super::served::Staple;
use crate::config_error::ConfigError;

/// Loads `ssl_ocsp_file` and staples what is in it, if that is valid now; else says why it is not.
///
/// A file that holds no response at all is an error, as with every file of the configuration. A response
/// that has expired, or that is about the certificate of yesterday, is none: without it the server serves
/// as well as one that does not staple, and a certificate is often renewed before there is a response
/// about it.
pub(super) fn load(path: &Path, identity: &Identity) -> Result<Option<String>, ConfigError> {
    let response = load_response(path).map_err(ConfigError::OcspFile)?;
    let inquiry = identity
        .inquiry()
        .map_err(|source| ConfigError::OcspIssuer {
            path: path.to_owned(),
            source,
        })?;
    match inquiry.verify(&response, SystemTime::now()) {
        Ok(staple) => {
            identity.set_staple(Some(Staple::from(&staple)));
            Ok(None)
        }
        Err(error) => Ok(Some(format!(
            "nothing is stapled from ssl_ocsp_file \"{}\": {error}",
            path.display()
        ))),
    }
}

impl ServerTls {
    /// Warnings about certificates that demand a stapled OCSP response (must-staple, RFC 7633) and have
    /// none; those that name a responder are passed over if responses are `fetched`.
    #[must_use]
    pub fn staple_demands(&self, fetched: bool) -> Vec<String> {
        self.identities()
            .filter(|identity| identity.staple().is_none())
            .filter_map(|identity| CertificateInfo::from_der(identity.certificate()).ok())
            .filter_map(|info| demand(&info, fetched))
            .collect()
    }
}

fn demand(certificate: &CertificateInfo, fetched: bool) -> Option<String> {
    let cure = match certificate.ocsp_responders() {
        [] => "set ssl_ocsp_file, since it names no OCSP responder",
        _ if fetched => return None,
        _ => "set ssl_ocsp_fetch, or ssl_ocsp_file",
    };
    let subject = certificate.subject().rfc2253();
    certificate.must_staple().then(|| {
        format!(
            "the certificate \"{subject}\" demands a stapled OCSP response (must-staple) and has none, so some \
             clients will refuse it; {cure}"
        )
    })
}
