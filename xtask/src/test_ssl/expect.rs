//! What each cell should give, by rule: PostgreSQL's documentation of `sslmode` and `pg_hba.conf`.
//!
//! Nothing here was copied from a run: the server's side is the meaning of `SslMode` (the table in
//! `docs/`), the client's side is what libpq's manual says of each `sslmode`.

use super::cells::{
    Cell, ClientCertificate, Driver, ServerCertificate, ServerMode, SslMode, Style,
};
use super::outcome::{Expected, Failure, Outcome};

/// One connection's fate.
enum Attempt {
    Session(Outcome),
    /// The server refused TLS politely: this connection may go on in clear.
    TlsRefused,
    /// The handshake failed before the client took it for finished.
    HandshakeFailed(Failure),
    /// An ErrorResponse instead of a session.
    Refused(Failure),
    /// The connection broke after the handshake, in a way that is no reason to try another one.
    Broken(Failure),
}

/// The rule's answer for a cell.
pub(crate) fn expect(cell: &Cell) -> Expected {
    if cell.client.driver.lacks(cell.sslmode).is_some() {
        return Expected {
            outcome: Outcome::NotApplicable,
            sqlstates: Vec::new(),
        };
    }
    let mut failures = Vec::new();
    let outcome = connect(cell, &mut failures);
    Expected {
        sqlstates: failures.iter().filter_map(Failure::sqlstate).collect(),
        outcome: outcome.unwrap_or(Outcome::Failed(failures)),
    }
}

/// The client's side: which connections it makes, in order, until one is a session.
fn connect(cell: &Cell, failures: &mut Vec<Failure>) -> Option<Outcome> {
    let weak = matches!(
        cell.sslmode,
        SslMode::Disable | SslMode::Allow | SslMode::Prefer
    );
    if cell.client.style == Style::Direct && weak && refuses_weak_direct(cell) {
        failures.push(Failure::WeakMode);
        return None;
    }
    match cell.sslmode {
        SslMode::Disable => take(in_clear(cell), failures),
        SslMode::Allow => take(in_clear(cell), failures).or_else(|| {
            // Only an ErrorResponse makes the client try TLS, and in clear there is nothing else.
            required(cell, failures)
        }),
        SslMode::Prefer => match in_tls(cell) {
            Attempt::TlsRefused => take(in_clear(cell), failures),
            Attempt::HandshakeFailed(failure) | Attempt::Refused(failure) => {
                failures.push(failure);
                if falls_back(cell.client.driver) {
                    take(in_clear(cell), failures)
                } else {
                    None
                }
            }
            other => take(other, failures),
        },
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => required(cell, failures),
    }
}

fn required(cell: &Cell, failures: &mut Vec<Failure>) -> Option<Outcome> {
    take(in_tls(cell), failures)
}

/// Only libpq tries again in clear when TLS did not give a session.
const fn falls_back(driver: Driver) -> bool {
    matches!(driver, Driver::Psql15 | Driver::Psql18 | Driver::Psycopg)
}

/// libpq calls all three modes weak; tokio-postgres looks at the matter only where it would use
/// TLS.
fn refuses_weak_direct(cell: &Cell) -> bool {
    cell.client.driver != Driver::TokioPostgres || cell.sslmode != SslMode::Disable
}

fn take(attempt: Attempt, failures: &mut Vec<Failure>) -> Option<Outcome> {
    match attempt {
        Attempt::Session(outcome) => return Some(outcome),
        Attempt::TlsRefused => failures.push(Failure::NoTls),
        Attempt::HandshakeFailed(failure)
        | Attempt::Refused(failure)
        | Attempt::Broken(failure) => failures.push(failure),
    }
    None
}

/// The server's side of a StartupMessage in clear.
fn in_clear(cell: &Cell) -> Attempt {
    match cell.setup.mode {
        ServerMode::Disable | ServerMode::Allow | ServerMode::Prefer => {
            Attempt::Session(Outcome::Plain)
        }
        ServerMode::Require | ServerMode::VerifyCa | ServerMode::VerifyFull => {
            Attempt::Refused(Failure::NoEncryption)
        }
    }
}

/// Both sides of TLS: the request, each other's certificate, then the policy.
fn in_tls(cell: &Cell) -> Attempt {
    if cell.setup.mode == ServerMode::Disable {
        return match cell.client.style {
            Style::Direct => Attempt::HandshakeFailed(Failure::Closed),
            Style::Negotiated | Style::Tls12 => Attempt::TlsRefused,
        };
    }
    if let Some(failure) = server_certificate_fault(cell) {
        return Attempt::HandshakeFailed(failure);
    }
    // Every mode but Disable has an authority configured, and a certificate shown is verified even
    // where none is asked for.
    let bad = match cell.certificate {
        ClientCertificate::WrongCa => Some(Failure::AlertUnknownCa),
        ClientCertificate::Expired => Some(Failure::AlertExpired),
        ClientCertificate::NotYetValid => Some(Failure::AlertBadCertificate),
        ClientCertificate::None | ClientCertificate::Good | ClientCertificate::OtherUser => None,
    };
    if let Some(failure) = bad {
        // A TLS 1.3 client has finished its handshake by the time the server judges it.
        return match cell.client.style {
            Style::Tls12 => Attempt::HandshakeFailed(failure),
            Style::Negotiated | Style::Direct => Attempt::Broken(failure),
        };
    }
    match (cell.setup.mode, cell.certificate) {
        (ServerMode::VerifyCa | ServerMode::VerifyFull, ClientCertificate::None) => {
            Attempt::Refused(Failure::CertificateRequired)
        }
        (ServerMode::VerifyFull, ClientCertificate::OtherUser) => {
            Attempt::Refused(Failure::OtherName)
        }
        _ => Attempt::Session(Outcome::Tls),
    }
}

/// The client's judgement of the server; below verify-ca it has no authority to judge by.
const fn server_certificate_fault(cell: &Cell) -> Option<Failure> {
    let (chain, name) = match cell.sslmode {
        SslMode::VerifyCa => (true, false),
        SslMode::VerifyFull => (true, true),
        SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => (false, false),
    };
    match cell.setup.certificate {
        ServerCertificate::WrongCa
        | ServerCertificate::Expired
        | ServerCertificate::NotYetValid
            if chain =>
        {
            Some(Failure::Untrusted)
        }
        ServerCertificate::WrongHost if name => Some(Failure::WrongHost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cells::cells;
    use super::expect;

    #[track_caller]
    fn check(cell: &str, outcome: &str, sqlstates: &[&str]) {
        let filters: Vec<String> = cell.split(' ').map(|part| format!("{part} ")).collect();
        let all: Vec<_> = cells(&[])
            .into_iter()
            .filter(|cell| {
                let text = format!("{cell} ");
                filters.iter().all(|filter| text.contains(filter))
            })
            .collect();
        assert_eq!(all.len(), 1, "{cell} names one cell");
        let expected = expect(&all[0]);
        assert_eq!(expected.outcome.to_string(), outcome, "{cell}");
        assert_eq!(expected.sqlstates, sqlstates, "{cell}");
    }

    #[test]
    fn allow_tries_again_in_tls_after_the_refusal() {
        let cell = "client=psql-18 server=require client-cert=none sslmode=allow";
        check(cell, "TLS", &["28000"]);
    }

    #[test]
    fn prefer_ends_with_the_refusal_in_clear() {
        let cell = "client=psycopg server=verify-ca client-cert=none sslmode=prefer";
        check(cell, "no-cert+no-enc", &["28000", "28000"]);
    }

    #[test]
    fn a_bad_certificate_leads_to_plaintext_in_tls_1_2_alone() {
        let cell = "server=allow server-cert=good client-cert=wrong-ca sslmode=prefer";
        check(&format!("client=psql-15/tls1.2 {cell}"), "plain", &[]);
        check(&format!("client=psql-15 {cell}"), "unknown-ca", &[]);
    }
}
