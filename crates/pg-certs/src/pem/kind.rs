//! What the labels of PEM blocks stand for.

use std::fmt;

/// What the label of a PEM block says is inside.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BlockKind {
    /// `CERTIFICATE`, or OpenSSL's old `X509 CERTIFICATE`.
    Certificate,
    /// `CERTIFICATE REQUEST` or `NEW CERTIFICATE REQUEST` (PKCS#10).
    CertificateRequest,
    /// `X509 CRL`.
    CertificateRevocationList,
    /// `DH PARAMETERS` or `X9.42 DH PARAMETERS`.
    DhParameters,
    /// `DSA PRIVATE KEY`; TLS 1.2 and 1.3 with modern libraries have no use for it.
    DsaPrivateKey,
    /// `EC PARAMETERS`: names the curve of the EC key that stands beside it.
    EcParameters,
    /// `EC PRIVATE KEY` (SEC1, RFC 5915).
    EcPrivateKey,
    /// `ENCRYPTED PRIVATE KEY` (PKCS#8 with a passphrase).
    EncryptedPrivateKey,
    /// Any private key with the header `Proc-Type: 4,ENCRYPTED` (OpenSSL's old encryption).
    LegacyEncryptedPrivateKey,
    /// `OPENSSH PRIVATE KEY`.
    OpenSshPrivateKey,
    /// `PKCS7` or `CMS`: a bag of certificates.
    Pkcs7,
    /// `PRIVATE KEY` (PKCS#8).
    PrivateKey,
    /// `PUBLIC KEY` or `RSA PUBLIC KEY`.
    PublicKey,
    /// `RSA PRIVATE KEY` (PKCS#1).
    RsaPrivateKey,
    /// `TRUSTED CERTIFICATE`: OpenSSL's certificate with trust settings behind it.
    TrustedCertificate,
    /// A label unknown here, as it stands in the file.
    Other(String),
}

impl BlockKind {
    pub(super) fn new(label: &[u8], encrypted: bool) -> Self {
        if encrypted {
            return Self::LegacyEncryptedPrivateKey;
        }
        match label {
            b"CERTIFICATE" | b"X509 CERTIFICATE" => Self::Certificate,
            b"CERTIFICATE REQUEST" | b"NEW CERTIFICATE REQUEST" => Self::CertificateRequest,
            b"X509 CRL" => Self::CertificateRevocationList,
            b"DH PARAMETERS" | b"X9.42 DH PARAMETERS" => Self::DhParameters,
            b"DSA PRIVATE KEY" => Self::DsaPrivateKey,
            b"EC PARAMETERS" => Self::EcParameters,
            b"EC PRIVATE KEY" => Self::EcPrivateKey,
            b"ENCRYPTED PRIVATE KEY" => Self::EncryptedPrivateKey,
            b"OPENSSH PRIVATE KEY" => Self::OpenSshPrivateKey,
            b"PKCS7" | b"CMS" => Self::Pkcs7,
            b"PRIVATE KEY" => Self::PrivateKey,
            b"PUBLIC KEY" | b"RSA PUBLIC KEY" => Self::PublicKey,
            b"RSA PRIVATE KEY" => Self::RsaPrivateKey,
            b"TRUSTED CERTIFICATE" => Self::TrustedCertificate,
            other => Self::Other(super::printable(other)),
        }
    }
}

impl fmt::Display for BlockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "a certificate",
            Self::CertificateRequest => "a certificate request (CSR)",
            Self::CertificateRevocationList => "a certificate revocation list",
            Self::DhParameters => "Diffie-Hellman parameters",
            Self::DsaPrivateKey => "a DSA private key",
            Self::EcParameters => "elliptic curve parameters",
            Self::EcPrivateKey => "an EC private key",
            Self::EncryptedPrivateKey => "an encrypted private key",
            Self::LegacyEncryptedPrivateKey => {
                "an encrypted private key (\"Proc-Type: 4,ENCRYPTED\")"
            }
            Self::OpenSshPrivateKey => "an OpenSSH private key",
            Self::Pkcs7 => "a PKCS#7 bundle",
            Self::PrivateKey => "a private key",
            Self::PublicKey => "a public key",
            Self::RsaPrivateKey => "an RSA private key",
            Self::TrustedCertificate => "a certificate in OpenSSL's TRUSTED form",
            Self::Other(label) => return write!(f, "a block named \"{label}\""),
        })
    }
}
