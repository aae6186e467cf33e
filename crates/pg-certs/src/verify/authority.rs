//! Judges a chain against authorities, for a purpose, host names and revocation lists.

use std::path::Path;
use std::time::SystemTime;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

use crate::info::{CertificateInfo, RevocationList};
use crate::provider::provider;
use crate::verdict::HostMatch;

/// What a certificate is presented for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// By a client, to a server: `extendedKeyUsage` must allow clientAuth.
    Client,
    /// By a server, to a client: `extendedKeyUsage` must allow serverAuth.
    Server,
}

/// What a chain is judged by.
#[derive(Clone, Copy, Debug)]
pub struct ChainCheck<'a> {
    /// The authorities that are trusted; each may end the chain.
    pub authorities: &'a [CertificateDer<'static>],
    /// What it is for.
    pub purpose: Purpose,
    /// The lists to look it up in; with any, each certificate of the chain must be covered by a list that
    /// has not expired. None: nobody asks.
    pub lists: &'a [RevocationList],
    /// The host names and addresses that it must be for.
    pub hosts: &'a [String],
    /// When.
    pub now: SystemTime,
}

impl ChainCheck<'_> {
    /// Judges a chain, the certificate itself first; returns what is wrong, nothing if it is good.
    #[must_use]
    pub fn judge(&self, chain: &[CertificateDer<'static>]) -> Vec<ChainFault> {
        let mut faults = Vec::new();
        if let Err(reason) = self.path(chain) {
            faults.push(ChainFault::NotTrusted { reason });
        }
        let leaf = chain.first().map(|leaf| CertificateInfo::from_der(leaf));
        let Some(Ok(leaf)) = leaf else {
            return faults;
        };
        for host in self.hosts {
            match HostMatch::of(&leaf, host) {
                HostMatch::None => faults.push(ChainFault::OtherHost { host: host.clone() }),
                other => {
                    if let Some(caution) = other.caution() {
                        faults.push(ChainFault::LibpqOnly {
                            host: host.clone(),
                            caution,
                        });
                    }
                }
            }
        }
        faults
    }

    fn path(&self, chain: &[CertificateDer<'static>]) -> Result<(), String> {
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Err("there is no certificate".to_owned());
        };
        let Some(provider) = provider() else {
            return Err("this build has no cryptography; enable aws-lc-rs or ring".to_owned());
        };
        let anchors = self
            .authorities
            .iter()
            .map(|der| anchor_from_trusted_cert(der))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        let lists = self
            .lists
            .iter()
            .map(|list| Ok(OwnedCertRevocationList::from_der(list.der())?.into()))
            .collect::<Result<Vec<webpki::CertRevocationList<'_>>, webpki::Error>>()
            .map_err(|error| error.to_string())?;
        let lists: Vec<&webpki::CertRevocationList<'_>> = lists.iter().collect();
        let revocation = match lists.as_slice() {
            [] => None,
            lists => RevocationOptionsBuilder::new(lists).ok().map(|builder| {
                builder
                    .with_depth(RevocationCheckDepth::Chain)
                    .with_status_policy(UnknownStatusPolicy::Deny)
                    .with_expiration_policy(ExpirationPolicy::Enforce)
                    .build()
            }),
        };
        let usage = match self.purpose {
            Purpose::Client => KeyUsage::client_auth(),
            Purpose::Server => KeyUsage::server_auth(),
        };
        let since_epoch = self
            .now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        EndEntityCert::try_from(leaf)
            .and_then(|leaf| {
                leaf.verify_for_usage(
                    provider.signature_verification_algorithms.all,
                    &anchors,
                    intermediates,
                    UnixTime::since_unix_epoch(since_epoch),
                    usage,
                    revocation,
                    None,
                )
                .map(drop)
            })
            .map_err(|error| words(&error))
    }
}

/// What a chain fails by.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainFault {
    /// Clients other than libpq refuse the host.
    #[error("for the host \"{host}\" {caution}")]
    LibpqOnly {
        /// The host.
        host: String,
        /// Why.
        caution: &'static str,
    },
    /// No path to the authorities, for this purpose, at this time.
    #[error("it does not verify: {reason}")]
    NotTrusted {
        /// What the verifier says.
        reason: String,
    },
    /// The certificate is for other hosts.
    #[error("it is not for the host \"{host}\"; issue one that is")]
    OtherHost {
        /// The host.
        host: String,
    },
}

/// The verifier's names of faults, with what to do.
fn words(error: &webpki::Error) -> String {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } => "a certificate of the chain has expired; renew it".to_owned(),
        Error::CertNotValidYet { .. } => {
            "a certificate of the chain is not valid yet; check the clock".to_owned()
        }
        Error::CertRevoked => "a certificate of the chain is revoked".to_owned(),
        Error::CrlExpired { .. } => {
            "a revocation list has expired; make the next one: pg-certs crl".to_owned()
        }
        Error::UnknownRevocationStatus => {
            "no revocation list covers a certificate of the chain; name those of all authorities"
                .to_owned()
        }
        Error::UnknownIssuer => {
            "its issuer is neither among the authorities nor in the chain".to_owned()
        }
        Error::CaUsedAsEndEntity => "it is the certificate of an authority".to_owned(),
        Error::RequiredEkuNotFoundContext(_) => {
            "its extendedKeyUsage does not allow the purpose".to_owned()
        }
        other => other.to_string(),
    }
}

/// Reads the lists of several files.
///
/// # Errors
///
/// [`LoadError`](crate::LoadError): one of the files cannot be used.
pub fn load_lists<'a>(
    paths: impl IntoIterator<Item = &'a Path>,
) -> Result<Vec<RevocationList>, crate::LoadError> {
    let lists: Result<Vec<_>, _> = paths
        .into_iter()
        .map(crate::load::load_revocation_lists)
        .collect();
    Ok(lists?.concat())
}
