//! One line of `pg_hba.conf`, understood.

use std::fmt;
use std::path::Path;

use super::address::AddressRule;
use super::database::DatabaseToken;
use crate::tokens::{self, Place, UserToken};

/// One rule: whom it is about, and how they prove who they are.
///
/// Made by [`Rules::load`](super::Rules::load); a rule that cannot hold (a certificate asked for on a
/// line that is not `hostssl`, a map where no name is compared) does not load.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) place: Place,
    pub(super) raw: String,
    pub(super) kind: ConnectionKind,
    pub(super) databases: Vec<DatabaseToken>,
    pub(super) users: Vec<UserToken>,
    /// `None` for `local`.
    pub(super) address: Option<AddressRule>,
    pub(super) method: Method,
    pub(super) options: Options,
}

/// What follows the method on a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) client_cert: Option<ClientCert>,
    pub(super) client_name: ClientName,
    pub(super) map: Option<String>,
    pub(super) trust_domain: Option<String>,
}

impl Rule {
    /// The file it stands in, which may be an included one.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.place.file
    }

    /// Its line, counted from 1; of a continued line, the first.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.place.line
    }

    /// The line as it stands, continuation lines joined.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Which connections it is about.
    #[must_use]
    pub const fn kind(&self) -> ConnectionKind {
        self.kind
    }

    /// Whether it is about connections from this machine alone: a Unix-domain socket, loopback addresses or
    /// `samehost`.
    #[must_use]
    pub fn is_about_this_host(&self) -> bool {
        self.address.as_ref().is_none_or(AddressRule::is_this_host)
    }

    /// How the client has to prove who it is.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// What is asked of the client's certificate, if anything; always
    /// [`VerifyFull`](ClientCert::VerifyFull) with the method `cert`.
    #[must_use]
    pub const fn client_cert(&self) -> Option<ClientCert> {
        self.options.client_cert
    }

    /// Which name of the certificate is compared with the user.
    #[must_use]
    pub const fn client_name(&self) -> ClientName {
        self.options.client_name
    }

    /// The identity map through which names are compared.
    #[must_use]
    pub fn map(&self) -> Option<&str> {
        self.options.map.as_deref()
    }

    /// The SPIFFE trust domain that a certificate's URI must belong to.
    #[must_use]
    pub fn trust_domain(&self) -> Option<&str> {
        self.options.trust_domain.as_deref()
    }

    /// The CONTEXT that PostgreSQL logs with what it says of a rule: `line %d of configuration file "%s"`.
    #[must_use]
    pub fn context(&self) -> String {
        tokens::context(self.file(), self.line())
    }

    /// The DETAIL that PostgreSQL logs with a failed authentication, for the log only:
    /// `Connection matched file "%s" line %d: "%s"`.
    #[must_use]
    pub fn log_detail(&self) -> String {
        format!(
            "Connection matched file \"{}\" line {}: \"{}\"",
            self.file().display(),
            self.line(),
            self.raw
        )
    }
}

/// The first word of a line.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ConnectionKind {
    /// `local`: a Unix-domain socket.
    Local,
    /// `host`: TCP, encrypted or not.
    Host,
    /// `hostssl`: TCP inside TLS.
    HostSsl,
    /// `hostnossl`: TCP in clear.
    HostNoSsl,
    /// `hostgssenc`: TCP with GSS encryption, which this server never has: such a rule never matches.
    HostGssEnc,
    /// `hostnogssenc`: TCP without GSS encryption, which is all TCP here.
    HostNoGssEnc,
}

impl ConnectionKind {
    /// Each kind, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Local,
        Self::Host,
        Self::HostSsl,
        Self::HostNoSsl,
        Self::HostGssEnc,
        Self::HostNoGssEnc,
    ];

    /// The word as it stands in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Host => "host",
            Self::HostSsl => "hostssl",
            Self::HostNoSsl => "hostnossl",
            Self::HostGssEnc => "hostgssenc",
            Self::HostNoGssEnc => "hostnogssenc",
        }
    }
}

/// The word as it stands in the file.
impl fmt::Display for ConnectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the client has to prove who it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Method {
    /// `trust`: not at all.
    Trust,
    /// `reject`: it cannot.
    Reject,
    /// `scram-sha-256`: by a SCRAM exchange.
    ScramSha256,
    /// `password`: by its password in clear.
    Password,
    /// `cert`: by its certificate alone.
    Cert,
}

impl Method {
    /// Each method.
    pub const ALL: [Self; 5] = [
        Self::Trust,
        Self::Reject,
        Self::ScramSha256,
        Self::Password,
        Self::Cert,
    ];

    /// The word as it stands in the file and in `system_user`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Reject => "reject",
            Self::ScramSha256 => "scram-sha-256",
            Self::Password => "password",
            Self::Cert => "cert",
        }
    }
}

/// The word as it stands in the file.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `clientcert=`: what is asked of the client's certificate besides the method.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ClientCert {
    /// `verify-ca`: there must be one (that it is from the CA has been verified in the handshake).
    VerifyCa,
    /// `verify-full`: and it must name the user.
    VerifyFull,
}

/// `clientname=`: which name of the certificate is compared with the user.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ClientName {
    /// `CN`: the first common name of the subject.
    #[default]
    CommonName,
    /// `DN`: the subject as RFC 2253 text.
    DistinguishedName,
    /// `SAN:DNS`: a DNS name. Not in PostgreSQL.
    SanDns,
    /// `SAN:EMAIL`: a mail address. Not in PostgreSQL.
    SanEmail,
    /// `SAN:URI`: a URI, e.g. a SPIFFE ID. Not in PostgreSQL.
    SanUri,
}

impl ClientName {
    /// Each choice, PostgreSQL's first.
    pub const ALL: [Self; 5] = [
        Self::CommonName,
        Self::DistinguishedName,
        Self::SanDns,
        Self::SanEmail,
        Self::SanUri,
    ];

    /// The value as it stands in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommonName => "CN",
            Self::DistinguishedName => "DN",
            Self::SanDns => "SAN:DNS",
            Self::SanEmail => "SAN:EMAIL",
            Self::SanUri => "SAN:URI",
        }
    }

    /// Whether it is one of the subject alternative names, which PostgreSQL does not look at.
    #[must_use]
    pub const fn is_alternative(self) -> bool {
        matches!(self, Self::SanDns | Self::SanEmail | Self::SanUri)
    }
}

/// The value as it stands in the file.
impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
