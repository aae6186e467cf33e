//! Why a certificate or key file cannot be used: which file, what was found in it, what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::info::{RevocationListError, Unsupported};
use crate::os_error;
use crate::pem::{BlockKind, PemFault};

/// A certificate or key file that cannot be loaded.
///
/// The text is PostgreSQL's (`could not load server certificate file "…": …`, spec section 5.4),
/// followed by what was found and what to do about it, on one line.
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    role: FileRole,
    fault: Box<LoadFault>,
}

impl LoadError {
    pub(crate) fn new(path: &Path, role: FileRole, fault: LoadFault) -> Self {
        Self {
            path: path.to_owned(),
            role,
            fault: Box::new(fault),
        }
    }

    /// The file, as the caller named it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file was to be used as.
    pub fn role(&self) -> FileRole {
        self.role
    }

    /// What is wrong with it.
    pub fn fault(&self) -> &LoadFault {
        &self.fault
    }

    /// What the operator can do about it; a shell command where one helps.
    pub fn cure(&self) -> String {
        let path = self.path.display();
        // openssl's command for this kind of file.
        let command = match self.role {
            FileRole::PrivateKey => "pkey",
            FileRole::RevocationList => "crl",
            FileRole::Certificate | FileRole::RootCertificate | FileRole::ServerCertificate => {
                "x509"
            }
        };
        match &*self.fault {
            LoadFault::Io(_) | LoadFault::NotRegularFile => {
                "check the path and that this user may read it".to_owned()
            }
            LoadFault::TooLarge { .. } | LoadFault::Empty | LoadFault::NotPem => {
                format!("name the PEM file that holds the {}", self.wanted())
            }
            LoadFault::Utf16 => "save the file as plain ASCII or UTF-8".to_owned(),
            LoadFault::Pem(_) => "copy the file again from where it was issued".to_owned(),
            LoadFault::Der(_) => {
                format!("convert it to PEM: openssl {command} -inform DER -in \"{path}\" -out NEW_FILE")
            }
            LoadFault::Pkcs12 => match self.role {
                FileRole::PrivateKey => {
                    format!("take the key out: openssl pkcs12 -in \"{path}\" -nocerts -nodes -out NEW_FILE")
                }
                FileRole::RevocationList => format!("name the PEM file that holds the {}", self.wanted()),
                FileRole::Certificate | FileRole::RootCertificate | FileRole::ServerCertificate => {
                    format!("take the certificates out: openssl pkcs12 -in \"{path}\" -nokeys -out NEW_FILE")
                }
            },
            LoadFault::WrongBlock { found, .. } => self.cure_for_block(found),
            LoadFault::EncryptedKey { .. } => format!(
                "give the passphrase (ssl_passphrase_command) or write a copy without one: openssl pkey -in \
                 \"{path}\" -out NEW_FILE"
            ),
            LoadFault::WrongPassphrase { .. } => {
                format!("try it: openssl pkey -in \"{path}\" -noout")
            }
            LoadFault::UnsupportedEncryption { .. } | LoadFault::CostlyKey { .. } => {
                format!("encrypt it anew: openssl pkcs8 -topk8 -in \"{path}\" -out NEW_FILE")
            }
            LoadFault::DamagedKey { .. } | LoadFault::DamagedCertificate { .. } => {
                format!("see what openssl says: openssl {command} -in \"{path}\" -noout -text")
            }
            LoadFault::RevocationList { error, .. } => self.cure_for_list(error),
            LoadFault::UnknownCurve { .. } => "put the \"EC PARAMETERS\" block that openssl ecparam -genkey \
                 wrote back into the file, or make a new key: openssl genpkey -algorithm EC \
                 -pkeyopt ec_paramgen_curve:P-256 -out NEW_FILE"
                .to_owned(),
            LoadFault::UnsupportedKey { .. } => {
                "use an ECDSA key on P-256, P-384 or P-521, an RSA key of 2048 bits or more, or an Ed25519 key"
                    .to_owned()
            }
            LoadFault::Version1 { .. } => {
                "reissue it as version 3 with subjectAltName (with openssl x509 -req: give -extfile)".to_owned()
            }
        }
    }

    fn wanted(&self) -> &'static str {
        match self.role {
            FileRole::Certificate => "certificate",
            FileRole::PrivateKey => "private key",
            FileRole::RevocationList => "certificate revocation list",
            FileRole::RootCertificate => "certificates of the authorities to trust",
            FileRole::ServerCertificate => "server certificate, followed by its intermediates",
        }
    }

    fn cure_for_list(&self, error: &RevocationListError) -> String {
        match error {
            RevocationListError::Damaged { .. } => format!(
                "see what openssl says: openssl crl -in \"{}\" -noout -text",
                self.path.display()
            ),
            RevocationListError::Unsupported(Unsupported::Version1) => {
                "have it issued as version 2 (openssl ca: set crlnumber, and crl_extensions to a section with \
                 authorityKeyIdentifier = keyid)"
                    .to_owned()
            }
            RevocationListError::Unsupported(Unsupported::NoNextUpdate) => {
                "have it issued with a time of expiry (openssl ca -gencrl -crldays N)".to_owned()
            }
            RevocationListError::Unsupported(_) => {
                "have the authority issue a complete list of its own certificates".to_owned()
            }
        }
    }

    fn cure_for_block(&self, found: &BlockKind) -> String {
        let path = self.path.display();
        match (found, self.role == FileRole::PrivateKey) {
            (BlockKind::OpenSshPrivateKey, true) => {
                format!("convert a copy in place: ssh-keygen -p -m PEM -f \"{path}\"")
            }
            (BlockKind::TrustedCertificate, false) => {
                format!("convert it: openssl x509 -in \"{path}\" -out NEW_FILE")
            }
            (BlockKind::Pkcs7, false) => {
                format!(
                    "take the certificates out: openssl pkcs7 -in \"{path}\" -print_certs -out NEW_FILE"
                )
            }
            (BlockKind::CertificateRequest, false) => {
                "have the request signed by an authority and use the certificate that it returns"
                    .to_owned()
            }
            (BlockKind::PublicKey, true) => {
                "use the private key file from which the public key was made".to_owned()
            }
            (BlockKind::DsaPrivateKey, true) => {
                "make an ECDSA, Ed25519 or RSA key and a certificate for it".to_owned()
            }
            _ => format!("name the file that holds the {}", self.wanted()),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "could not load {} file \"{}\": {}; {}",
            self.role,
            self.path.display(),
            self.fault,
            self.cure()
        )
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.fault {
            LoadFault::Io(source) => Some(source),
            _ => None,
        }
    }
}

/// What a file is loaded as; printed the way PostgreSQL's messages name the file.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FileRole {
    /// Some certificate to look at.
    Certificate,
    /// `ssl_key_file`.
    PrivateKey,
    /// `ssl_crl_file`, or a file in `ssl_crl_dir`.
    RevocationList,
    /// `ssl_ca_file`.
    RootCertificate,
    /// `ssl_cert_file`.
    ServerCertificate,
}

impl fmt::Display for FileRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::PrivateKey => "private key",
            Self::RevocationList => "SSL certificate revocation list",
            Self::RootCertificate => "root certificate",
            Self::ServerCertificate => "server certificate",
        })
    }
}

/// What is wrong with a certificate or key file. The operator mends all of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadFault {
    /// The file cannot be read.
    #[error("{}", os_error::text(.0))]
    Io(io::Error),
    /// A directory, a pipe, a device or a socket; reading it might never end.
    #[error("it is not a regular file")]
    NotRegularFile,
    /// Larger than any certificate bundle in use.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// UTF-16 text, as `>` of Windows PowerShell writes it.
    #[error("it is UTF-16 text")]
    Utf16,
    /// Text or bytes without any PEM block.
    #[error("no start line: it holds no PEM block (\"-----BEGIN …-----\")")]
    NotPem,
    /// A PEM block is damaged.
    #[error(transparent)]
    Pem(PemFault),
    /// Binary DER instead of PEM.
    #[error("it is {0} in binary DER, not PEM")]
    Der(DerKind),
    /// A PKCS#12 container (`.p12`, `.pfx`).
    #[error("it is a PKCS#12 container, not PEM")]
    Pkcs12,
    /// PEM, but none of the blocks is what was looked for; this is the first.
    #[error("it holds {found}, not {wanted}")]
    WrongBlock {
        /// The first block of the file.
        found: BlockKind,
        /// What was looked for.
        wanted: BlockKind,
    },
    /// The key is protected by a passphrase.
    #[error("line {line}: the key is encrypted and there is no passphrase to open it with")]
    EncryptedKey {
        /// Line of the BEGIN marker.
        line: usize,
    },
    /// The passphrase does not open the key.
    #[error("line {line}: bad decrypt: the passphrase does not open the key")]
    WrongPassphrase {
        /// Line of the BEGIN marker.
        line: usize,
    },
    /// The key is encrypted in another way than PBES2 of PKCS#8 (RFC 8018), or with ciphers unknown
    /// here.
    #[error("line {line}: the key is encrypted {how}, which is not supported")]
    UnsupportedEncryption {
        /// Line of the BEGIN marker.
        line: usize,
        /// How it is.
        how: String,
    },
    /// The file asks for so much work to open the key that the server would stand still.
    #[error("line {line}: opening the key would take {cost}, more than is allowed ({limit})")]
    CostlyKey {
        /// Line of the BEGIN marker.
        line: usize,
        /// What the file asks for.
        cost: String,
        /// What is allowed.
        limit: &'static str,
    },
    /// The block decodes, but what it holds is not the key that its label says.
    #[error("line {line}: the block is labelled as {kind} but does not hold one")]
    DamagedKey {
        /// Line of the BEGIN marker.
        line: usize,
        /// What the label says.
        kind: BlockKind,
    },
    /// A SEC1 key that does not say on which curve it is.
    #[error(
        "line {line}: the \"EC PRIVATE KEY\" block does not name its curve and no \"EC PARAMETERS\" block does"
    )]
    UnknownCurve {
        /// Line of the BEGIN marker.
        line: usize,
    },
    /// A well-formed key that TLS here cannot sign with.
    #[error("line {line}: {algorithm} keys are not supported")]
    UnsupportedKey {
        /// Line of the BEGIN marker.
        line: usize,
        /// The algorithm, by name or dotted object identifier.
        algorithm: String,
    },
    /// A certificate that cannot be parsed.
    #[error("line {line}: certificate {number} of the file cannot be parsed: {reason}")]
    DamagedCertificate {
        /// Line of the BEGIN marker.
        line: usize,
        /// Which certificate of the file, counted from 1.
        number: usize,
        /// What the parser says.
        reason: String,
    },
    /// A revocation list that cannot be parsed or used.
    #[error("line {line}: revocation list {number} of the file cannot be used: {error}")]
    RevocationList {
        /// Line of the BEGIN marker.
        line: usize,
        /// Which list of the file, counted from 1.
        number: usize,
        /// What is wrong with it.
        error: RevocationListError,
    },
    /// An X.509 version 1 or 2 certificate, which rustls refuses (spec section 11, item 1).
    #[error(
        "line {line}: certificate {number} of the file is an X.509 version {version} certificate (\"{subject}\")"
    )]
    Version1 {
        /// Line of the BEGIN marker.
        line: usize,
        /// Which certificate of the file, counted from 1.
        number: usize,
        /// 1 or 2.
        version: u32,
        /// Its subject in RFC 2253 form.
        subject: String,
    },
}

/// The kind of object in a binary DER file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DerKind {
    /// An X.509 certificate.
    Certificate,
    /// A private key in PKCS#8, PKCS#1 or SEC1.
    PrivateKey,
    /// A certificate revocation list.
    RevocationList,
    /// Some other ASN.1 object.
    Other,
}

impl fmt::Display for DerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "a certificate",
            Self::PrivateKey => "a private key",
            Self::RevocationList => "a certificate revocation list",
            Self::Other => "an ASN.1 object",
        })
    }
}
