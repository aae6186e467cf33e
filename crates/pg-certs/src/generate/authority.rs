//! A certificate authority.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::crl::CrlSpec;
use super::error::GenerateError;
use super::issued::IssuedCertificate;
use super::key_type::key_pem;
use super::params;
use super::spec::{CaSpec, ClientSpec, ServerSpec};
use super::validity::{LEAF_BACKDATING, Validity};
use crate::files::{Existing, WriteError, write_certificate, write_pair};
use crate::info::{CertificateInfo, RevocationList};
use crate::load::{FileRole, load_private_key, parse_certificates};
use crate::pem::{encode_certificate, encode_key};
use crate::verify::{KeyMatch, key_match};

/// A certificate authority: its certificate and its key, able to issue certificates.
///
/// ```
/// use pg_certs::{CertificateAuthority, generate::{CaSpec, ClientSpec, ServerSpec}};
///
/// let ca = CertificateAuthority::create(&CaSpec::new("Example CA"))?;
/// let server = ca.issue_server(&ServerSpec::new(["db.example", "localhost"]))?;
/// let alice = ca.issue_client(&ClientSpec::new("alice"))?;
/// assert_eq!(alice.info().issuer().rfc2253(), "CN=Example CA");
/// assert!(server.chain_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok::<(), pg_certs::generate::GenerateError>(())
/// ```
pub struct CertificateAuthority {
    info: CertificateInfo,
    /// Its own certificate, then those of its issuers, as far as they are known.
    chain: Vec<CertificateDer<'static>>,
    issuer: Issuer<'static, KeyPair>,
    key_pem: Zeroizing<String>,
}

impl CertificateAuthority {
    /// Makes a root authority, in memory.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: the name, the dates or the kind of key are not possible.
    pub fn create(spec: &CaSpec) -> Result<Self, GenerateError> {
        let key = spec.key_type.generate()?;
        let params = params::authority(spec, None)?;
        let certificate = params.self_signed(&key)?;
        Self::new(certificate.der().clone(), Vec::new(), params, key)
    }

    /// Loads an authority from the files that [`write`](Self::write) or another tool has written. In
    /// the file of an intermediate authority its issuers may follow.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: a file cannot be loaded, the certificate is no authority, or the key is not
    /// its key. With the feature `ring`, keys in other forms than PKCS#8 are refused.
    pub fn load(
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, GenerateError> {
        let mut parsed =
            parse_certificates(certificate.as_ref(), FileRole::Certificate)?.into_iter();
        let key_der = Zeroizing::new(load_private_key(key.as_ref())?);
        let Some(own) = parsed.next() else {
            return Err(GenerateError::NotAnAuthority {
                subject: String::new(),
            });
        };
        let subject = || own.info.subject().rfc2253();
        if !own.info.is_ca() {
            return Err(GenerateError::NotAnAuthority { subject: subject() });
        }
        if key_match(&own.der, &key_der) != KeyMatch::Same {
            return Err(GenerateError::KeyMismatch { subject: subject() });
        }
        let key_pem = encode_key(&key_der);
        let key = KeyPair::try_from(&*key_der)?;
        let issuer = Issuer::from_ca_cert_der(&own.der, key)?;
        let mut chain = vec![own.der.clone()];
        chain.extend(parsed.map(|issuer| issuer.der));
        Ok(Self {
            info: own.info,
            chain,
            issuer,
            key_pem,
        })
    }

    fn new(
        own: CertificateDer<'static>,
        issuers: Vec<CertificateDer<'static>>,
        params: CertificateParams,
        key: KeyPair,
    ) -> Result<Self, GenerateError> {
        let mut chain = vec![own];
        chain.extend(issuers);
        let own = chain.first().map(AsRef::as_ref).unwrap_or_default();
        Ok(Self {
            info: CertificateInfo::from_der(own)
                .map_err(|error| GenerateError::Crypto(Box::new(error)))?,
            chain,
            key_pem: key_pem(&key),
            issuer: Issuer::new(params, key),
        })
    }

    /// Issues an authority below this root: its certificates carry it along in their chain.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: this is no root itself, or the name, the dates or the kind of key are not
    /// possible.
    pub fn issue_intermediate(&self, spec: &CaSpec) -> Result<Self, GenerateError> {
        if !self.info.is_self_issued() {
            return Err(GenerateError::NotARoot {
                subject: self.info.subject().rfc2253(),
            });
        }
        let key = spec.key_type.generate()?;
        let params = params::authority(spec, Some(&self.info))?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        self.check_issuer_name(certificate.der())?;
        Self::new(certificate.der().clone(), self.chain.clone(), params, key)
    }

    /// Issues a certificate for a server.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: a name, the dates or the kind of key are not possible.
    pub fn issue_server(&self, spec: &ServerSpec) -> Result<IssuedCertificate, GenerateError> {
        let key = spec.key_type.generate()?;
        let mut params = params::server(spec)?;
        params.key_usages = params::leaf_key_usages(spec.key_type);
        self.issue(params, spec.validity, key)
    }

    /// Issues a certificate for a client; its common name is the PostgreSQL user.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: the user name, the dates or the kind of key are not possible.
    pub fn issue_client(&self, spec: &ClientSpec) -> Result<IssuedCertificate, GenerateError> {
        let key = spec.key_type.generate()?;
        let mut params = params::leaf(
            params::client_subject(spec)?,
            vec![ExtendedKeyUsagePurpose::ClientAuth],
        )?;
        params.key_usages = params::leaf_key_usages(spec.key_type);
        self.issue(params, spec.validity, key)
    }

    /// Makes and signs a certificate revocation list; see [`CrlSpec`].
    ///
    /// ```
    /// use pg_certs::generate::{CaSpec, ClientSpec, CrlSpec};
    /// use pg_certs::info::RevocationReason;
    /// # use pg_certs::CertificateAuthority;
    /// let ca = CertificateAuthority::create(&CaSpec::new("Example CA"))?;
    /// let first = ca.sign_crl(&CrlSpec::new())?;
    ///
    /// let alice = ca.issue_client(&ClientSpec::new("alice"))?;
    /// let next = CrlSpec::after(&first).revoke(alice.info(), RevocationReason::Superseded);
    /// let second = ca.sign_crl(&next)?;
    /// assert_eq!(second.revoked().len(), 1);
    /// assert!(second.pem().starts_with("-----BEGIN X509 CRL-----"));
    /// # Ok::<(), pg_certs::generate::GenerateError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: a certificate of another authority, impossible dates, or an authority that
    /// may not sign lists or whose name cannot be repeated.
    pub fn sign_crl(&self, spec: &CrlSpec) -> Result<RevocationList, GenerateError> {
        let list = spec.params(&self.info)?.signed_by(&self.issuer)?;
        let list = RevocationList::from_der(list.der())
            .map_err(|error| GenerateError::Crypto(Box::new(error)))?;
        if list.issuer() == self.info.subject() {
            Ok(list)
        } else {
            Err(GenerateError::UnsupportedIssuerName {
                subject: self.info.subject().rfc2253(),
            })
        }
    }

    pub(super) fn issue(
        &self,
        mut params: CertificateParams,
        validity: Validity,
        key: KeyPair,
    ) -> Result<IssuedCertificate, GenerateError> {
        let (not_before, not_after) =
            validity.resolve(SystemTime::now(), LEAF_BACKDATING, Some(&self.info))?;
        params.not_before = not_before;
        params.not_after = not_after;
        let certificate = params.signed_by(&key, &self.issuer)?;
        self.check_issuer_name(certificate.der())?;
        let intermediates: Vec<_> = self
            .chain
            .iter()
            .filter(|der| CertificateInfo::from_der(der).is_ok_and(|info| !info.is_self_issued()))
            .cloned()
            .collect();
        IssuedCertificate::new(certificate.der(), &intermediates, key)
    }

    /// A foreign authority may have a subject that the generator cannot repeat (two units, several
    /// attributes in one RDN); its certificates would belong to nobody.
    fn check_issuer_name(&self, issued: &[u8]) -> Result<(), GenerateError> {
        match CertificateInfo::from_der(issued) {
            Ok(info) if info.issuer() == self.info.subject() => Ok(()),
            Ok(_) => Err(GenerateError::UnsupportedIssuerName {
                subject: self.info.subject().rfc2253(),
            }),
            Err(error) => Err(GenerateError::Crypto(Box::new(error))),
        }
    }

    /// What its certificate says.
    pub fn info(&self) -> &CertificateInfo {
        &self.info
    }

    /// Its certificate, PEM: for a root, what clients trust (`sslrootcert`, `ssl_ca_file`).
    pub fn certificate_pem(&self) -> String {
        self.chain
            .first()
            .map(|der| encode_certificate(der))
            .unwrap_or_default()
    }

    /// Its private key, PEM. A secret.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Writes its certificate, followed by its issuers if it is an intermediate (0644), and its key
    /// (0600), as [`files`](crate::files) describes.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: one of the files exists and is to be kept, or the system refused.
    pub fn write(
        &self,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
        existing: Existing,
    ) -> Result<(), WriteError> {
        let chain: String = self
            .chain
            .iter()
            .map(|der| encode_certificate(der))
            .collect();
        write_pair(
            (certificate.as_ref(), &chain),
            (key.as_ref(), &self.key_pem),
            existing,
        )
    }

    /// Writes its certificate alone (0644), for those who are to trust it.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the file exists and is to be kept, or the system refused.
    pub fn write_certificate(
        &self,
        path: impl AsRef<Path>,
        existing: Existing,
    ) -> Result<(), WriteError> {
        write_certificate(path.as_ref(), &self.certificate_pem(), existing)
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// Makes a server certificate that is its own issuer.
pub(crate) fn self_signed(spec: &ServerSpec) -> Result<IssuedCertificate, GenerateError> {
    let key = spec.key_type.generate()?;
    let mut params = params::server(spec)?;
    let (not_before, not_after) =
        spec.validity
            .resolve(SystemTime::now(), LEAF_BACKDATING, None)?;
    params.not_before = not_before;
    params.not_after = not_after;
    let certificate = params.self_signed(&key)?;
    IssuedCertificate::new(certificate.der(), &[], key)
}
