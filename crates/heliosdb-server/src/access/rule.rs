//! The rule that a connection is judged by, wherever it comes from.

use std::path::Path;

use pg_auth::hba::{self, CertificateNames, ClientCert, Method, NameCheck};
use pg_auth::ident::Maps;
use pg_tls::Refusal;

/// A line of `hba_file`, or the one rule for everybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule<'a> {
    method: Method,
    line: Option<(&'a hba::Rule, &'a Maps)>,
}

impl<'a> Rule<'a> {
    pub(super) const fn for_everybody(method: Method) -> Self {
        Self { method, line: None }
    }

    pub(super) const fn of_file(rule: &'a hba::Rule, maps: &'a Maps) -> Self {
        Self {
            method: rule.method(),
            line: Some((rule, maps)),
        }
    }

    pub(crate) const fn method(&self) -> Method {
        self.method
    }

    /// The file and line, for the log.
    pub(crate) fn place(&self) -> Option<(&'a Path, usize)> {
        self.line.map(|(rule, _)| (rule.file(), rule.line()))
    }

    /// Whether the client must have a certificate, whatever the mode says.
    pub(crate) fn wants_certificate(&self) -> bool {
        self.client_cert().is_some()
    }

    /// Compares the names of the certificate with the user, if the rule wants that.
    pub(crate) fn check_certificate(
        &self,
        names: &CertificateNames,
        user: &[u8],
    ) -> Option<NameCheck> {
        match (self.line, self.client_cert()) {
            (Some((rule, maps)), Some(ClientCert::VerifyFull)) => {
                Some(rule.check_certificate(names, user, maps))
            }
            _ => None,
        }
    }

    /// Adds to the log, not for the client, which line decided.
    pub(crate) fn with_detail(&self, refusal: Refusal) -> Refusal {
        match self.line {
            Some((rule, _)) => refusal.with_log_detail(&rule.log_detail()),
            None => refusal,
        }
    }

    fn client_cert(&self) -> Option<ClientCert> {
        self.line.and_then(|(rule, _)| rule.client_cert())
    }
}
