//! Revocation of client certificates: `ssl_crl_file` and `ssl_crl_dir`.
//!
//! The whole chain is checked, as PostgreSQL has OpenSSL do it (`X509_V_FLAG_CRL_CHECK_ALL`): each
//! certificate's issuer must have a list that has not expired and does not name it. The checking itself
//! is webpki's; here the lists are chosen, kept up to date, and the certificate at fault is found for
//! the log.

mod directory;
mod list;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use pg_certs::CertificateInfo;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use rustls::{CertRevocationListError, CertificateError, OtherError};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationOptions,
    RevocationOptionsBuilder, VerifiedPath,
};

use self::directory::Directory;
use self::list::{List, Lists};
use crate::client_verifier::RejectedCertificate;
use crate::config_error::ConfigError;

/// The lists of `ssl_crl_file`, as they were loaded, and of `ssl_crl_dir`, as they are now.
pub(crate) struct Revocation {
    file: Vec<Arc<List>>,
    directory: Option<Directory>,
    current: RwLock<Arc<Lists>>,
}

/// A chain that verified but for its revocation.
pub(crate) struct Chain<'a> {
    pub(crate) end_entity: &'a CertificateDer<'a>,
    pub(crate) intermediates: &'a [CertificateDer<'a>],
    pub(crate) anchors: &'a [TrustAnchor<'static>],
    /// The certificates of `anchors`, in the same order.
    pub(crate) roots: &'a [CertificateDer<'static>],
    pub(crate) algorithms: &'a WebPkiSupportedAlgorithms,
    pub(crate) now: UnixTime,
}

impl Revocation {
    /// Reads what is configured; `None` if nothing is, and then nothing is checked.
    pub(crate) fn load(
        file: Option<&Path>,
        directory: Option<&Path>,
    ) -> Result<Option<Arc<Self>>, ConfigError> {
        if file.is_none() && directory.is_none() {
            return Ok(None);
        }
        let file = match file {
            Some(path) => read(path).map_err(ConfigError::CrlFile)?,
            None => Vec::new(),
        };
        let directory = directory.map(Directory::load).transpose()?;
        let revocation = Self {
            file,
            directory,
            current: RwLock::default(),
        };
        let of_directory = revocation.directory.as_ref().map(Directory::lists);
        revocation.publish(of_directory.unwrap_or_default());
        Ok(Some(Arc::new(revocation)))
    }

    /// Refuses a chain with a certificate that is revoked, or of which nobody can say whether it is.
    pub(crate) fn check(self: &Arc<Self>, chain: &Chain<'_>) -> Result<(), RejectedCertificate> {
        let lists = self.current();
        let mut verdict = Err(webpki::Error::UnknownRevocationStatus);
        for combination in lists.combinations() {
            match chain.verify(combination) {
                // Whichever key the others are of: this one knows the certificate.
                Err(webpki::Error::CertRevoked) => {
                    verdict = Err(webpki::Error::CertRevoked);
                    break;
                }
                Ok(()) => verdict = Ok(()),
                Err(error) if verdict == Err(webpki::Error::UnknownRevocationStatus) => {
                    verdict = Err(error);
                }
                Err(_) => {}
            }
        }
        verdict.map_err(|error| chain.rejected(&error, &lists))
    }

    /// The lists of this moment: those of the directory are read again if it has changed.
    fn current(self: &Arc<Self>) -> Arc<Lists> {
        if let Some(directory) = &self.directory {
            directory.refresh(self);
        }
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the directory, however long it takes.
    fn read_directory(&self) {
        if let Some(directory) = &self.directory {
            self.publish(directory.read_changes());
        }
    }

    /// Makes the lists of the file and these the current ones.
    fn publish(&self, of_directory: Vec<Arc<List>>) {
        let lists = Lists::new(self.file.iter().cloned().chain(of_directory));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
    }
}

impl std::fmt::Debug for Revocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revocation").finish_non_exhaustive()
    }
}

impl Chain<'_> {
    fn verify(&self, lists: &[Arc<List>]) -> Result<(), webpki::Error> {
        let verifiable: Vec<&CertRevocationList<'_>> =
            lists.iter().map(|list| &list.verifiable).collect();
        let options = RevocationOptionsBuilder::new(&verifiable)
            .map_err(|_no_lists| webpki::Error::UnknownRevocationStatus)?
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build();
        let end_entity = EndEntityCert::try_from(self.end_entity)?;
        let path = self.path(&end_entity, Some(options))?;
        // webpki trusts an anchor whatever its own list says; OpenSSL does not.
        match self.root(&path).map(|root| CertificateInfo::from_der(root)) {
            Some(Ok(root))
                if root.is_self_issued() && lists.iter().any(|list| list.names(&root)) =>
            {
                Err(webpki::Error::CertRevoked)
            }
            _ => Ok(()),
        }
    }

    fn path<'p>(
        &'p self,
        end_entity: &'p EndEntityCert<'p>,
        revocation: Option<RevocationOptions<'_>>,
    ) -> Result<VerifiedPath<'p>, webpki::Error> {
        end_entity.verify_for_usage(
            self.algorithms.all,
            self.anchors,
            self.intermediates,
            self.now,
            KeyUsage::client_auth(),
            revocation,
            None,
        )
    }

    /// The certificate that a chain ends in.
    fn root(&self, path: &VerifiedPath<'_>) -> Option<&CertificateDer<'static>> {
        let at = self
            .anchors
            .iter()
            .position(|anchor| std::ptr::eq(anchor, path.anchor()))?;
        self.roots.get(at)
    }

    /// Finds the certificate that `error` is about, the client's own if that cannot be told.
    fn rejected(&self, error: &webpki::Error, lists: &Lists) -> RejectedCertificate {
        let chain = self.certificates().unwrap_or_default();
        let found = chain
            .into_iter()
            .enumerate()
            .find(|(_, der)| self.is_about(error, der, lists));
        let (depth, der) = found.unwrap_or_else(|| (0, self.end_entity.clone().into_owned()));
        RejectedCertificate {
            der,
            depth,
            error: to_rustls(error),
        }
    }

    /// The chain from the client's certificate to the root.
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, webpki::Error> {
        let end_entity = EndEntityCert::try_from(self.end_entity)?;
        let path = self.path(&end_entity, None)?;
        let intermediates = path
            .intermediate_certificates()
            .map(|certificate| certificate.der().into_owned());
        Ok(std::iter::once(self.end_entity.clone().into_owned())
            .chain(intermediates)
            .chain(self.root(&path).cloned())
            .collect())
    }

    fn is_about(&self, error: &webpki::Error, der: &CertificateDer<'_>, lists: &Lists) -> bool {
        let Ok(info) = CertificateInfo::from_der(der) else {
            return false;
        };
        let mut lists = lists.of(info.issuer());
        match error {
            webpki::Error::CertRevoked => lists.any(|list| list.names(&info)),
            webpki::Error::UnknownRevocationStatus => lists.next().is_none(),
            webpki::Error::CrlExpired { .. } => {
                let now = SystemTime::UNIX_EPOCH
                    .checked_add(Duration::from_secs(self.now.as_secs()))
                    .unwrap_or(SystemTime::UNIX_EPOCH);
                lists.any(|list| list.next_update <= now)
            }
            _ => false,
        }
    }
}

/// Reads a file of lists.
fn read(path: &Path) -> Result<Vec<Arc<List>>, pg_certs::LoadError> {
    let lists = pg_certs::load_revocation_lists(path)?;
    // Those that load have been parsed by the same parser already.
    Ok(lists
        .iter()
        .filter_map(|list| List::new(list).ok())
        .map(Arc::new)
        .collect())
}

/// rustls' name for what webpki says about lists.
fn to_rustls(error: &webpki::Error) -> rustls::Error {
    match error {
        webpki::Error::CertRevoked => CertificateError::Revoked.into(),
        webpki::Error::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus.into(),
        webpki::Error::CrlExpired { time, next_update } => {
            CertificateError::ExpiredRevocationListContext {
                time: *time,
                next_update: *next_update,
            }
            .into()
        }
        webpki::Error::InvalidCrlSignatureForPublicKey => {
            CertRevocationListError::BadSignature.into()
        }
        webpki::Error::IssuerNotCrlSigner => CertRevocationListError::IssuerInvalidForCrl.into(),
        other => CertRevocationListError::Other(OtherError(Arc::new(other.clone()))).into(),
    }
}
