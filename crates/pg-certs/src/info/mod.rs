//! What a certificate says: names, dates, algorithms, usages.

mod algorithm;
mod alt_name;
mod name;
mod revocation;
mod usage;

use std::path::Path;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{AuthorityInfoAccess, GeneralName, ParsedExtension, X509Extension};
use x509_parser::num_bigint::{BigInt, Sign};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

pub use self::algorithm::{EndPointDigest, KeyAlgorithm, SignatureAlgorithm};
pub use self::alt_name::SubjectAltName;
#[cfg(feature = "generate")]
pub(crate) use self::name::Attribute;
pub use self::name::{CommonNameError, DistinguishedName};
pub use self::revocation::{
    RevocationList, RevocationListError, RevocationReason, RevokedCertificate,
    UnknownRevocationReason, Unsupported,
};
pub use self::usage::KeyPurpose;
use crate::der::{self, INTEGER, SEQUENCE};
use crate::load::{FileRole, LoadError, LoadFault, parse_certificates};

/// The facts of one certificate, read once.
///
/// ```
/// # #[cfg(feature = "generate")] {
/// use pg_certs::{CertificateInfo, CertificateManager};
///
/// let dir = tempfile::tempdir().unwrap();
/// let (cert, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
/// CertificateManager::generate_self_signed(&cert, &key, "db.example").unwrap();
///
/// let info = CertificateInfo::from_pem_file(&cert).unwrap();
/// assert_eq!(info.subject().slash(), "/CN=db.example");
/// assert_eq!(info.common_name(), Ok(Some("db.example")));
/// assert!(!info.is_ca());
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateInfo {
    version: u32,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    serial: String,
    serial_bytes: Vec<u8>,
    not_before: ASN1Time,
    not_after: ASN1Time,
    subject_alt_names: Vec<SubjectAltName>,
    key_algorithm: KeyAlgorithm,
    signature_algorithm: SignatureAlgorithm,
    fingerprint: [u8; 32],
    tls_server_end_point: Option<Vec<u8>>,
    ca: bool,
    can_sign_tls: bool,
    extended_key_usage: Option<Vec<KeyPurpose>>,
    subject_key_id: Option<Vec<u8>>,
    ocsp_responders: Vec<String>,
    must_staple: bool,
}

impl CertificateInfo {
    /// Reads the DER of a certificate, as [`load_certificate_chain`](crate::load_certificate_chain) or
    /// a TLS session gives it.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]: the bytes are not one X.509 certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| CertificateError::Damaged {
                reason: match error {
                    x509_parser::nom::Err::Incomplete(_) => "it is cut short".to_owned(),
                    x509_parser::nom::Err::Error(error) | x509_parser::nom::Err::Failure(error) => {
                        error.to_string()
                    }
                },
            })?;
        if !rest.is_empty() {
            return Err(CertificateError::TrailingBytes { count: rest.len() });
        }
        Self::new(der, &certificate)
    }

    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: the file cannot be read, or does not hold a certificate.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let certificates = parse_certificates(path, FileRole::Certificate)?;
        match certificates.into_iter().next() {
            Some(first) => Ok(first.info),
            None => Err(LoadError::new(
                path,
                FileRole::Certificate,
                LoadFault::NotPem,
            )),
        }
    }

    fn new(der: &[u8], certificate: &X509Certificate<'_>) -> Result<Self, CertificateError> {
        let name = |raw| DistinguishedName::from_der(raw).ok_or(CertificateError::DamagedName);
        let signature_algorithm = SignatureAlgorithm::new(&certificate.signature_algorithm);
        let mut info = Self {
            version: certificate.version().0.saturating_add(1),
            subject: name(certificate.subject().as_raw())?,
            issuer: name(certificate.issuer().as_raw())?,
            serial: decimal(certificate.raw_serial()),
            serial_bytes: certificate.raw_serial().to_vec(),
            not_before: certificate.validity().not_before,
            not_after: certificate.validity().not_after,
            subject_alt_names: Vec::new(),
            key_algorithm: KeyAlgorithm::new(certificate.public_key()),
            tls_server_end_point: signature_algorithm.end_point_digest().hash(der),
            signature_algorithm,
            fingerprint: Sha256::digest(der).into(),
            ca: false,
            can_sign_tls: true,
            extended_key_usage: None,
            subject_key_id: None,
            ocsp_responders: Vec::new(),
            must_staple: false,
        };
        for extension in certificate.iter_extensions() {
            info.read_extension(extension)?;
        }
        Ok(info)
    }

    fn read_extension(&mut self, extension: &X509Extension<'_>) -> Result<(), CertificateError> {
        match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => {
                self.ocsp_responders = ocsp_responders(access);
            }
            ParsedExtension::BasicConstraints(constraints) => self.ca = constraints.ca,
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.extended_key_usage = Some(KeyPurpose::list(usage));
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::KeyUsage(usage) => self.can_sign_tls = usage.digital_signature(),
            ParsedExtension::SubjectAlternativeName(names) => {
                self.subject_alt_names = names
                    .general_names
                    .iter()
                    .map(SubjectAltName::new)
                    .collect();
            }
            ParsedExtension::ParseError { error } => {
                return Err(CertificateError::Damaged {
                    reason: format!("an extension: {error}"),
                });
            }
            _ if extension.oid.as_bytes() == TLS_FEATURE => {
                self.must_staple = demands_staple(extension.value);
            }
            _ => {}
        }
        Ok(())
    }

    /// The X.509 version: 1, 2 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whom the certificate is for.
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Who issued it.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Whether subject and issuer are the same name, as in a self-signed certificate.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// The user name that PostgreSQL reads from the subject; see [`DistinguishedName::common_name`].
    ///
    /// # Errors
    ///
    /// [`CommonNameError`]: it cannot be compared with a user name safely.
    pub fn common_name(&self) -> Result<Option<&str>, CommonNameError> {
        self.subject.common_name()
    }

    /// The subject alternative names, in order.
    pub fn subject_alt_names(&self) -> &[SubjectAltName] {
        &self.subject_alt_names
    }

    /// The serial number in decimal, as PostgreSQL prints it.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The serial number as it is encoded: two's complement, big-endian.
    pub fn serial_bytes(&self) -> &[u8] {
        &self.serial_bytes
    }

    /// The identifier of its key (RFC 5280, section 4.2.1.2), if it has one.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.subject_key_id.as_deref()
    }

    /// When it becomes valid.
    pub fn not_before(&self) -> SystemTime {
        system_time(self.not_before)
    }

    /// When it stops being valid.
    pub fn not_after(&self) -> SystemTime {
        system_time(self.not_after)
    }

    /// [`not_before`](Self::not_before) as text: `2026-11-25 03:26:14 UTC`.
    pub fn not_before_text(&self) -> String {
        text(self.not_before)
    }

    /// [`not_after`](Self::not_after) as text: `2027-11-25 03:26:14 UTC`.
    pub fn not_after_text(&self) -> String {
        text(self.not_after)
    }

    /// Whole days from `now` to the end of validity; negative once it has expired.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        let now = match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds)
            }
        };
        self.not_after
            .timestamp()
            .saturating_sub(now)
            .div_euclid(SECONDS_PER_DAY)
    }

    /// The kind of its key.
    pub fn key_algorithm(&self) -> &KeyAlgorithm {
        &self.key_algorithm
    }

    /// How the issuer signed it.
    pub fn signature_algorithm(&self) -> &SignatureAlgorithm {
        &self.signature_algorithm
    }

    /// The `tls-server-end-point` channel binding data (RFC 5929) for a server that sent this
    /// certificate; `None` if the signature algorithm leaves it undefined, and then a server must not
    /// offer channel binding. Source: spec section 6.2.
    pub fn tls_server_end_point(&self) -> Option<&[u8]> {
        self.tls_server_end_point.as_deref()
    }

    /// SHA-256 over the DER.
    pub fn fingerprint_sha256(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The fingerprint as OpenSSL prints it: `AB:CD:…`.
    pub fn fingerprint_text(&self) -> String {
        let pairs: Vec<String> = self
            .fingerprint
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        pairs.join(":")
    }

    /// Whether basicConstraints say CA:TRUE.
    pub fn is_ca(&self) -> bool {
        self.ca
    }

    /// The extended key usages, or `None` if the extension is absent and every use is allowed.
    pub fn extended_key_usage(&self) -> Option<&[KeyPurpose]> {
        self.extended_key_usage.as_deref()
    }

    /// Whether a TLS client may accept it from a server: the extension is absent or names serverAuth.
    pub fn allows_server_auth(&self) -> bool {
        self.allows(&KeyPurpose::ServerAuth)
    }

    /// Whether a TLS server may accept it from a client: the extension is absent or names clientAuth.
    pub fn allows_client_auth(&self) -> bool {
        self.allows(&KeyPurpose::ClientAuth)
    }

    /// `anyExtendedKeyUsage` does not count, as it does not in OpenSSL and rustls.
    fn allows(&self, purpose: &KeyPurpose) -> bool {
        self.extended_key_usage
            .as_ref()
            .is_none_or(|purposes| purposes.contains(purpose))
    }

    /// Where to ask by OCSP whether it is revoked: the URLs of its authorityInfoAccess extension
    /// (RFC 5280 section 4.2.2.1), in order.
    pub fn ocsp_responders(&self) -> &[String] {
        &self.ocsp_responders
    }

    /// Whether it demands a stapled OCSP response ("must-staple", RFC 7633): clients that know the
    /// extension refuse it without one.
    pub fn must_staple(&self) -> bool {
        self.must_staple
    }

    /// Whether keyUsage is absent or allows the signature that a TLS handshake needs.
    pub(crate) fn can_sign_tls(&self) -> bool {
        self.can_sign_tls
    }
}

/// Why bytes are not a certificate. Whoever sent or issued them is at fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not the DER of an X.509 certificate.
    #[error("not a valid X.509 certificate: {reason}")]
    Damaged {
        /// What the parser says.
        reason: String,
    },
    /// Subject or issuer is not a distinguished name.
    #[error("the subject or issuer name is malformed")]
    DamagedName,
    /// More bytes behind the certificate.
    #[error("{count} bytes follow the certificate")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
}

/// A DER INTEGER (two's complement) in decimal.
fn decimal(integer: &[u8]) -> String {
    let magnitude = BigInt::from_bytes_be(Sign::Plus, integer);
    match integer.first() {
        Some(first) if first & 0x80 != 0 => {
            let modulus = BigInt::from(1) << (integer.len() * 8);
            (magnitude - modulus).to_string()
        }
        _ => magnitude.to_string(),
    }
}

fn ocsp_responders(access: &AuthorityInfoAccess<'_>) -> Vec<String> {
    access
        .iter()
        .filter(|description| description.access_method.as_bytes() == ID_AD_OCSP)
        .filter_map(|description| match &description.access_location {
            GeneralName::URI(url) => Some((*url).to_owned()),
            _ => None,
        })
        .collect()
}

/// Whether a TLS feature extension, `SEQUENCE OF INTEGER`, names `status_request` (RFC 7633 section
/// 4.1).
fn demands_staple(value: &[u8]) -> bool {
    let mut features = der::whole(SEQUENCE, value).unwrap_or_default();
    while let Some((feature, rest)) = der::expect(INTEGER, features) {
        if feature == [STATUS_REQUEST] {
            return true;
        }
        features = rest;
    }
    false
}

fn system_time(time: ASN1Time) -> SystemTime {
    let offset = Duration::from_secs(time.timestamp().unsigned_abs());
    let moved = match time.timestamp() {
        0.. => SystemTime::UNIX_EPOCH.checked_add(offset),
        _ => SystemTime::UNIX_EPOCH.checked_sub(offset),
    };
    moved.unwrap_or(SystemTime::UNIX_EPOCH)
}

fn text(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// A time as certificates' times are printed: `2026-11-25 03:26:14 UTC`, in whole seconds.
pub fn time_text(time: SystemTime) -> String {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .and_then(|seconds| ASN1Time::from_timestamp(seconds).ok())
        .map_or_else(|| "an impossible time".to_owned(), text)
}

const SECONDS_PER_DAY: i64 = 86_400;

/// `id-ad-ocsp`, 1.3.6.1.5.5.7.48.1.
pub(crate) const ID_AD_OCSP: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
/// `id-pe-tlsfeature`, 1.3.6.1.5.5.7.1.24.
const TLS_FEATURE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18];
/// The number of the TLS extension by which clients ask for a stapled response (RFC 6066 section 8).
pub(crate) const STATUS_REQUEST: u8 = 5;

#[cfg(test)]
mod tests;
