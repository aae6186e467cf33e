//! Whether a certificate names the user: `CheckCertAuth` of PostgreSQL's `auth.c`, and ours.

use pg_certs::CertificateInfo;
use pg_certs::info::SubjectAltName;
use pg_wire::SqlState;
use pg_wire::backend::ErrorResponse;

use super::rule::{ClientCert, ClientName, Method, Rule};
use super::spiffe;
use crate::ident::{Mapping, Maps};

/// The names in a client's certificate, which has been verified.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CertificateNames {
    /// The first common name of the subject, in encoding order, as its bytes stand; `None` also if it
    /// is no text that could be compared safely.
    pub common_name: Option<String>,
    /// The subject as RFC 2253 text; empty if the subject is.
    pub distinguished_name: String,
    /// The DNS names, in order.
    pub dns: Vec<String>,
    /// The mail addresses, in order.
    pub emails: Vec<String>,
    /// The URIs, in order.
    pub uris: Vec<String>,
}

impl From<&CertificateInfo> for CertificateNames {
    fn from(info: &CertificateInfo) -> Self {
        let mut names = Self {
            common_name: info.common_name().ok().flatten().map(str::to_owned),
            distinguished_name: info.subject().rfc2253(),
            ..Self::default()
        };
        for name in info.subject_alt_names() {
            match name {
                SubjectAltName::Dns(name) => names.dns.push(name.clone()),
                SubjectAltName::Email(address) => names.emails.push(address.clone()),
                SubjectAltName::Uri(uri) => names.uris.push(uri.clone()),
                _ => {}
            }
        }
        names
    }
}

/// What came of comparing a certificate with a user.
#[derive(Clone, Debug)]
pub struct NameCheck {
    /// Who the client is according to its certificate; only the method `cert` sets an identity. It is
    /// logged (`connection authenticated: identity="…"`) before `log`, also if the user is refused.
    pub identity: Option<String>,
    /// Lines for the log, of level LOG, in order.
    pub log: Vec<String>,
    /// What the client is told, last; `None` if the certificate names the user.
    pub refusal: Option<ErrorResponse>,
}

impl Rule {
    /// Whether the certificate names the user, as the rule says it must: to be asked when the method
    /// was satisfied and before `AuthenticationOk`. Always yes unless
    /// [`client_cert`](Self::client_cert) is [`VerifyFull`](ClientCert::VerifyFull).
    ///
    /// Without a map the name must be the user, byte for byte; with one, the map must let the name act
    /// as the user. Of several alternative names any may do.
    ///
    /// # Security
    ///
    /// `names` must come from a certificate that was verified in this connection's handshake.
    #[must_use]
    pub fn check_certificate(
        &self,
        names: &CertificateNames,
        user: &[u8],
        maps: &Maps,
    ) -> NameCheck {
        let mut check = NameCheck {
            identity: None,
            log: Vec::new(),
            refusal: None,
        };
        if self.client_cert() != Some(ClientCert::VerifyFull) {
            return check;
        }
        let shown = String::from_utf8_lossy(user);
        let candidates = self.candidates(names, &mut check.log);
        if candidates.is_empty() {
            check.log.push(format!(
                "certificate authentication failed for user \"{shown}\": client certificate contains no user name"
            ));
            check.refusal = Some(self.wrong_name(user));
            return check;
        }
        if self.method() == Method::Cert {
            check.identity = Some(self.identity(names, &candidates));
        }
        let mut mismatches = Vec::new();
        for name in candidates {
            match self.compare(name, user, maps) {
                Ok(()) => return check,
                Err(line) => mismatches.push(line),
            }
        }
        check.log.append(&mut mismatches);
        if self.method() != Method::Cert {
            check.log.push(format!(
                "certificate validation (clientcert=verify-full) failed for user \"{shown}\": {} mismatch",
                self.client_name()
            ));
        }
        check.refusal = Some(self.wrong_name(user));
        check
    }

    /// The names that may be the user's; why others may not goes to the log.
    fn candidates<'n>(&self, names: &'n CertificateNames, log: &mut Vec<String>) -> Vec<&'n str> {
        let all: Vec<&str> = match self.client_name() {
            ClientName::CommonName => names.common_name.as_deref().into_iter().collect(),
            ClientName::DistinguishedName => vec![names.distinguished_name.as_str()],
            ClientName::SanDns => names.dns.iter().map(String::as_str).collect(),
            ClientName::SanEmail => names.emails.iter().map(String::as_str).collect(),
            ClientName::SanUri => names.uris.iter().map(String::as_str).collect(),
        };
        if let Some(domain) = self.trust_domain() {
            return self.spiffe_ids(&all, domain, log);
        }
        let mut usable = Vec::new();
        for name in all {
            if name.contains('\0') {
                // A map's regular expression could match the part before it.
                log.push(format!(
                    "SSL certificate's {} contains embedded null",
                    self.client_name()
                ));
            } else if !name.is_empty() {
                usable.push(name);
            }
        }
        usable
    }

    /// The SPIFFE ID, if the certificate is a sound X.509-SVID of the domain. A certificate with several
    /// URIs is not (SPIFFE X509-SVID, section 2).
    fn spiffe_ids<'n>(
        &self,
        uris: &[&'n str],
        domain: &str,
        log: &mut Vec<String>,
    ) -> Vec<&'n str> {
        match uris {
            [] => Vec::new(),
            [uri] if spiffe::is_member(uri, domain) => vec![uri],
            [uri] => {
                log.push(format!(
                    "URI \"{}\" in the client certificate is no SPIFFE ID of the trust domain \"{domain}\"",
                    uri.escape_debug()
                ));
                Vec::new()
            }
            _ => {
                log.push("client certificate is no X.509-SVID: it has several URIs".to_owned());
                Vec::new()
            }
        }
    }

    /// The subject, as in PostgreSQL whatever name is compared; without one, the first alternative
    /// name.
    fn identity(&self, names: &CertificateNames, candidates: &[&str]) -> String {
        match candidates.first() {
            Some(first) if names.distinguished_name.is_empty() => (*first).to_owned(),
            _ => names.distinguished_name.clone(),
        }
    }

    /// `check_usermap` of PostgreSQL's `hba.c`; on a mismatch, the line for the log.
    fn compare(&self, name: &str, user: &[u8], maps: &Maps) -> Result<(), String> {
        let shown = String::from_utf8_lossy(user);
        let Some(map) = self.map() else {
            return if name.as_bytes() == user {
                Ok(())
            } else {
                Err(format!(
                    "provided user name ({shown}) and authenticated user name ({name}) do not match"
                ))
            };
        };
        match maps.check(map, name, user) {
            Mapping::Allowed => Ok(()),
            Mapping::NoMatch => Err(format!(
                "no match in usermap \"{map}\" for user \"{shown}\" authenticated as \"{name}\""
            )),
            Mapping::Failed(line) => Err(line),
        }
    }

    /// The FATAL of specification §4.3; with a password method it says that the password was wrong,
    /// which it was not.
    fn wrong_name(&self, user: &[u8]) -> ErrorResponse {
        let (sqlstate, what) = match self.method() {
            Method::Cert => (
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                "certificate authentication failed for user \"",
            ),
            Method::Trust | Method::Reject => (
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                "\"trust\" authentication failed for user \"",
            ),
            Method::ScramSha256 | Method::Password => (
                SqlState::INVALID_PASSWORD,
                "password authentication failed for user \"",
            ),
        };
        let text = [what.as_bytes(), user, b"\""].concat();
        ErrorResponse::fatal(sqlstate, text)
    }
}
