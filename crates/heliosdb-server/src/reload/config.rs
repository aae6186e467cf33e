//! The part of a server's configuration that can change while it serves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pg_tls::{Acceptor, LoadReason, SslConfig};

use super::error::{ConfigurationError, ConfigurationErrors};
use super::generation::Generation;
use crate::access::{AccessConfig, AccessPolicy, Lasting, TlsFacts};
use crate::budget::LoginLimits;
use crate::listen::Keepalive;
#[cfg(feature = "auto-renew")]
use crate::renewal::{AutoRenewal, OwnCertificate};

/// As written; [`load`](Self::load) turns it into what connections use.
#[derive(Clone, Debug)]
pub(crate) struct LiveConfig {
    pub(crate) tls: Tls,
    #[cfg(feature = "auto-renew")]
    pub(crate) renewal: Option<AutoRenewal>,
    pub(crate) access: AccessConfig,
    pub(crate) max_connections: usize,
    pub(crate) logins: LoginLimits,
    pub(crate) authentication_timeout: Duration,
    pub(crate) keepalive: Keepalive,
    #[cfg(feature = "ocsp")]
    pub(crate) ocsp_fetch: bool,
    pub(crate) reload_on_change: bool,
}

/// Where the TLS settings come from.
#[derive(Clone, Debug)]
pub(crate) enum Tls {
    Settings(Box<SslConfig>),
    #[cfg(feature = "dev-certs")]
    TestCertificates,
}

impl LiveConfig {
    /// The certificate that the server is to renew, if it is to.
    #[cfg(feature = "auto-renew")]
    pub(crate) fn own_certificate(&self) -> Option<OwnCertificate> {
        match (&self.renewal, &self.tls) {
            (Some(renewal), Tls::Settings(tls)) => renewal.of(tls),
            _ => None,
        }
    }

    /// Reads all files and checks everything, for a server that listens on these addresses.
    pub(super) fn load(
        &self,
        old: Option<&Generation>,
        addresses: &[SocketAddr],
    ) -> Result<Generation, ConfigurationErrors> {
        let ssl = self.tls.settings()?;
        let limits = self.check_limits();
        let access = self.load_access(&ssl, old, addresses);
        let reason = match old {
            Some(_) => LoadReason::Reload,
            None => LoadReason::Start,
        };
        let tls = ssl
            .load_for(reason)
            .map_err(|error| ConfigurationError::from(error).into());
        match (limits, access, tls) {
            (Ok(()), Ok(access), Ok(tls)) => Ok(Generation {
                number: old.map_or(1, |old| old.number.saturating_add(1)),
                acceptor: Acceptor::new(tls),
                certificate_files: certificate_files(ssl),
                access,
                max_connections: self.max_connections,
                logins: self.logins.clone(),
                authentication_timeout: self.authentication_timeout,
                keepalive: self.keepalive,
                #[cfg(feature = "ocsp")]
                ocsp_fetch: self.ocsp_fetch,
                reload_on_change: self.reload_on_change,
            }),
            (limits, access, tls) => {
                let faults = [limits.err(), access.err(), tls.err()];
                let faults = faults.into_iter().flatten().flat_map(|it| it.0);
                Err(ConfigurationErrors(faults.collect()))
            }
        }
    }

    /// Every file that [`load`](Self::load) reads: a change of one of them is a change of what it gives.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let of_tls = match &self.tls {
            Tls::Settings(ssl) => ssl.files(),
            // Made anew only by a reload itself.
            #[cfg(feature = "dev-certs")]
            Tls::TestCertificates => Vec::new(),
        };
        [of_tls, self.access.files()].concat()
    }

    fn check_limits(&self) -> Result<(), ConfigurationErrors> {
        for (setting, is_zero) in [
            ("max_connections", self.max_connections == 0),
            ("max_pending_logins", self.logins.total == 0),
            (
                "max_pending_logins_per_address",
                self.logins.per_source == 0,
            ),
            (
                "authentication_timeout",
                self.authentication_timeout.is_zero(),
            ),
        ] {
            if is_zero {
                return Err(ConfigurationError::Zero { setting }.into());
            }
        }
        Ok(())
    }

    fn load_access(
        &self,
        ssl: &SslConfig,
        old: Option<&Generation>,
        addresses: &[SocketAddr],
    ) -> Result<AccessPolicy, ConfigurationErrors> {
        let facts = TlsFacts {
            mode: ssl.mode,
            client_ca: ssl.has_client_ca(),
        };
        let lasting = match old {
            Some(old) => old.access.lasting().followed_by(&self.access)?,
            None => Lasting::new(&self.access)?,
        };
        let access = self.access.load(facts, lasting)?;
        for &address in addresses {
            access
                .check_address(address)
                .map_err(ConfigurationError::from)?;
        }
        Ok(access)
    }
}

fn certificate_files(ssl: SslConfig) -> Vec<PathBuf> {
    let hosts = ssl.hosts.into_iter();
    let of_hosts = hosts.flat_map(|host| {
        let second = host.second.map(|(certificate, _)| certificate);
        [Some(host.cert_path), second].into_iter().flatten()
    });
    [ssl.cert_path].into_iter().chain(of_hosts).collect()
}

impl Tls {
    fn settings(&self) -> Result<SslConfig, ConfigurationError> {
        match self {
            Self::Settings(config) => Ok(SslConfig::clone(config)),
            #[cfg(feature = "dev-certs")]
            Self::TestCertificates => {
                let (cert, key) = pg_certs::CertificateManager::setup_test_certs()
                    .map_err(|error| ConfigurationError::TestCertificates(error.into()))?;
                Ok(SslConfig::new(pg_tls::SslMode::Prefer, cert, key))
            }
        }
    }
}
