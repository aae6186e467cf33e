//! The answer, in words.

use std::fmt::Write as _;

use pg_auth::hba::{
    CertificateNames, ClientCert, Connection, Lookups, Match, Method, Mismatch, Rule, Rules,
};
use pg_auth::ident::Maps;
use pg_wire::backend::ErrorResponse;

/// A connection, with all that the rules need to know about it.
pub(super) struct Question<'a> {
    pub(super) connection: Connection<'a>,
    /// What the client presents.
    pub(super) certificate: Option<&'a CertificateNames>,
    pub(super) maps: &'a Maps,
}

impl Question<'_> {
    /// Which rule decides, why those before it do not, and what comes of it.
    pub(super) fn answer(&self, rules: &Rules, lookups: &impl Lookups) -> String {
        let mut answer = String::new();
        let (decided, known) = rules.decide_with(&self.connection, lookups);
        for rule in rules {
            let reason = match rule.judge(&self.connection, &known) {
                Match::Yes => break,
                Match::No(mismatch) => reason(mismatch),
                // The rules before the one that decides have no question left.
                Match::Unknown(_) => break,
            };
            line(&mut answer, &format!("{}: {reason}", place(rule)));
        }
        if let Some(detail) = known.log_detail() {
            line(&mut answer, &detail);
        }
        match decided {
            None => {
                line(&mut answer, "no line matches");
                refusal(&mut answer, &self.connection.no_entry());
            }
            Some(rule) => {
                line(
                    &mut answer,
                    &format!("{} decides: {}", place(rule), rule.raw().trim()),
                );
                self.consequences(rule, &mut answer);
            }
        }
        answer
    }

    fn consequences(&self, rule: &Rule, answer: &mut String) {
        if rule.method() == Method::Reject {
            return refusal(answer, &self.connection.rejected());
        }
        line(answer, &format!("method: {}", rule.method()));
        match (rule.client_cert(), self.certificate) {
            (None, None) => {}
            (None, Some(_)) => line(answer, "certificate: not asked for by this line"),
            (Some(ClientCert::VerifyCa), None) => {
                line(answer, "certificate: one from the CA has to be presented");
            }
            (Some(ClientCert::VerifyCa), Some(_)) => {
                line(
                    answer,
                    "certificate: any from the CA will do, whatever it names",
                );
            }
            (Some(ClientCert::VerifyFull), None) => line(
                answer,
                &format!(
                    "certificate: one from the CA has to be presented whose {} names the user; --cert checks it",
                    rule.client_name()
                ),
            ),
            (Some(ClientCert::VerifyFull), Some(names)) => self.compare(rule, names, answer),
        }
    }

    fn compare(&self, rule: &Rule, names: &CertificateNames, answer: &mut String) {
        let check = rule.check_certificate(names, self.connection.user, self.maps);
        for log in &check.log {
            line(answer, &format!("certificate: {log}"));
        }
        match &check.refusal {
            Some(response) => refusal(answer, response),
            None => line(
                answer,
                &format!("certificate: its {} names the user", rule.client_name()),
            ),
        }
    }
}

const fn reason(mismatch: Mismatch) -> &'static str {
    match mismatch {
        Mismatch::Kind => "not about this type of connection",
        Mismatch::Address => "not about this address",
        Mismatch::Database => "not about this database",
        Mismatch::User => "not about this user",
    }
}

fn place(rule: &Rule) -> String {
    format!("{}:{}", rule.file().display(), rule.line())
}

fn refusal(answer: &mut String, response: &ErrorResponse) {
    let code = response.code().map(|code| format!(" {code}"));
    line(
        answer,
        &format!(
            "the client is told: FATAL{}: {}",
            code.unwrap_or_default(),
            response.message()
        ),
    );
}

/// Every line stays one, whatever is in it.
fn line(answer: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() {
            // Writing to a `String` does not fail.
            let _ = write!(answer, "{}", c.escape_default());
        } else {
            answer.push(c);
        }
    }
    answer.push('\n');
}
