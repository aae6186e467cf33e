//! What each cell should give, by rule: PostgreSQL's documentation of `sslmode` and `pg_hba.conf`.
//!
//! Nothing here was copied from a run: the server's side is the meaning of `SslMode` (the table in
//! `docs/`), the client's side is what libpq's manual says of each `sslmode`.

use super::cells::{
    Action, Cell, ClientCertificate, Driver, Login, Rules, ServerCertificate, ServerMode, SslMode,
    Style,
};
use super::drivers::{Binding, Cancel, Fallback, Tells, WeakDirect};
use super::failure::Failure;
use super::outcome::{CancelOn, Expected, Outcome};
use super::servers::Kind;

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

/// The rule's answer for a cell at a server of this kind.
pub(crate) fn expect(cell: &Cell, kind: Kind) -> Expected {
    if cell.lacks().is_some() {
        return Expected::of(Outcome::NotApplicable);
    }
    let traits = cell.client.driver.traits();
    let mut failures = Vec::new();
    let session = connect(cell, &mut failures);
    if !traits.tells_alerts {
        failures = failures.into_iter().map(Failure::without_alert).collect();
    }
    if session.is_none() {
        failures = told(traits.tells, failures);
    }
    let mut expected = Expected {
        sqlstates: failures.iter().filter_map(Failure::sqlstate).collect(),
        ..Expected::of(session.clone().unwrap_or(Outcome::Failed(failures)))
    };
    if let Some(session) = session {
        if cell.action == Action::Cancel {
            expected.cancel = cancel_on(traits.cancel, &session);
        }
        if let (Kind::Nano, Some((outcome, because))) = (kind, engine_difference(cell, &session)) {
            expected.outcome = outcome;
            expected.because = Some(because);
        }
    }
    expected
}

/// What the embedded engine does otherwise than PostgreSQL; each is a row of
/// `docs/guides/ENGINE_LIMITS.md`.
fn engine_difference(cell: &Cell, session: &Outcome) -> Option<(Outcome, &'static str)> {
    match (cell.action, cell.client.driver) {
        (Action::Cancel, driver) => match driver.traits().cancel {
            Cancel::InClear | Cancel::LikeSession => Some((
                Outcome::Uninterrupted,
                "the engine cannot interrupt a statement: the CancelRequest was taken where it \
                 belongs, the statement ended by itself, and the session went on",
            )),
            Cancel::InClearSilently | Cancel::LikeSessionSilently => Some((
                session.clone(),
                "the engine cannot interrupt a statement, and the driver does not tell that it was \
                 not: the CancelRequest was taken where it belongs, and the session went on",
            )),
            Cancel::None(_) => None,
        },
        (Action::Prepared, Driver::Psql15) => Some((
            Outcome::Failed(vec![Failure::Code("XX000".to_owned())]),
            "the engine has no PREPARE in SQL, and psql 15 no other",
        )),
        (Action::Copy, Driver::Pg8000 | Driver::TokioPostgres) => Some((
            Outcome::Failed(vec![Failure::Code("42601".to_owned())]),
            "the engine has no COPY in the extended protocol",
        )),
        _ => None,
    }
}

/// On what the CancelRequest of such a session must have come.
fn cancel_on(cancel: Cancel, session: &Outcome) -> Option<CancelOn> {
    match cancel {
        Cancel::None(_) => None,
        Cancel::InClear | Cancel::InClearSilently => Some(CancelOn::Clear),
        Cancel::LikeSession | Cancel::LikeSessionSilently => Some(match session {
            Outcome::Tls => CancelOn::Tls,
            _ => CancelOn::Clear,
        }),
    }
}

/// Which of the failures the driver tells.
fn told(tells: Tells, mut failures: Vec<Failure>) -> Vec<Failure> {
    let first = failures.first().cloned();
    let keeps_first = match tells {
        Tells::Each | Tells::EachText => return failures,
        Tells::First => true,
        Tells::Last => false,
        Tells::LastButPassword => {
            first == Some(Failure::WrongPassword)
                && failures.last() != Some(&Failure::WrongPassword)
        }
    };
    let last = failures.pop();
    let one = if keeps_first { first } else { last };
    one.into_iter().collect()
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
    let fallback = cell.client.driver.traits().fallback;
    match cell.sslmode {
        SslMode::Disable => take(in_clear(cell), failures),
        SslMode::Allow => match in_clear(cell) {
            Attempt::Refused(failure) => {
                let goes_on = follows_refusal(fallback, &failure);
                failures.push(failure);
                if goes_on {
                    required(cell, failures)
                } else {
                    None
                }
            }
            other => take(other, failures),
        },
        SslMode::Prefer => {
            let attempt = in_tls(cell);
            let goes_on = match &attempt {
                Attempt::Session(_) => false,
                Attempt::TlsRefused => return take(in_clear(cell), failures),
                Attempt::HandshakeFailed(_) => matches!(
                    fallback,
                    Fallback::Always | Fallback::OnAnything | Fallback::OnBreak
                ),
                Attempt::Refused(failure) => follows_refusal(fallback, failure),
                Attempt::Broken(_) => {
                    matches!(fallback, Fallback::OnAnything | Fallback::OnBreak)
                }
            };
            let session = take(attempt, failures);
            if goes_on {
                take(in_clear(cell), failures)
            } else {
                session
            }
        }
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => required(cell, failures),
    }
}

/// Whether an ErrorResponse makes the driver try the other transport.
fn follows_refusal(fallback: Fallback, failure: &Failure) -> bool {
    match fallback {
        Fallback::Always | Fallback::OnAnything => true,
        Fallback::OnRefusal => failure.sqlstate() == Some("28000"),
        Fallback::OnBreak | Fallback::Never => false,
    }
}

/// TLS and nothing else.
fn required(cell: &Cell, failures: &mut Vec<Failure>) -> Option<Outcome> {
    match in_tls(cell) {
        // Its ClientHello is no message for a server that waits for one in clear.
        Attempt::TlsRefused if cell.client.driver.traits().deaf_to_refusal => {
            take(Attempt::Broken(Failure::Closed), failures)
        }
        other => take(other, failures),
    }
}

fn refuses_weak_direct(cell: &Cell) -> bool {
    match cell.client.driver.traits().weak_direct {
        WeakDirect::Refused => true,
        WeakDirect::RefusedUnlessDisabled => cell.sslmode != SslMode::Disable,
        WeakDirect::Taken => false,
    }
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
    match (cell.setup.rules, cell.setup.mode) {
        (Rules::File, _) if cell.login.only_in_tls() => Attempt::Refused(Failure::NoEncryption),
        (Rules::File, _) => authenticate(cell, &Outcome::Plain),
        (Rules::Mode, ServerMode::Disable | ServerMode::Allow | ServerMode::Prefer) => {
            Attempt::Session(Outcome::Plain)
        }
        (Rules::Mode, ServerMode::Require | ServerMode::VerifyCa | ServerMode::VerifyFull) => {
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
    let bad = match shown(cell) {
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
    if cell.setup.rules == Rules::File {
        return authenticate(cell, &Outcome::Tls);
    }
    match (cell.setup.mode, shown(cell)) {
        (ServerMode::VerifyCa | ServerMode::VerifyFull, ClientCertificate::None) => {
            Attempt::Refused(Failure::CertificateRequired)
        }
        (ServerMode::VerifyFull, ClientCertificate::OtherUser) => {
            Attempt::Refused(Failure::OtherName)
        }
        _ => Attempt::Session(Outcome::Tls),
    }
}

/// The certificate that the server is shown.
fn shown(cell: &Cell) -> ClientCertificate {
    let traits = cell.client.driver.traits();
    let kept_back = (traits.withholds && cell.certificate == ClientCertificate::WrongCa)
        || (traits.no_certificate_in_prefer && cell.sslmode == SslMode::Prefer);
    if kept_back {
        ClientCertificate::None
    } else {
        cell.certificate
    }
}

/// The rule for the user, once one was found that allows this transport.
fn authenticate(cell: &Cell, transport: &Outcome) -> Attempt {
    let binding = cell.client.driver.traits().binding;
    match (cell.login, shown(cell)) {
        (Login::Reject, _) => Attempt::Refused(Failure::Rejected),
        (Login::ScramWrong | Login::ScramUnknown | Login::PasswordWrong, _) => {
            Attempt::Refused(Failure::WrongPassword)
        }
        (Login::Cert | Login::ScramCert, ClientCertificate::None) => {
            Attempt::Refused(Failure::CertificateRequired)
        }
        (Login::Cert, ClientCertificate::OtherUser) => Attempt::Refused(Failure::OtherName),
        // PostgreSQL compares the name last, and says then what it says of a wrong password.
        (Login::ScramCert, ClientCertificate::OtherUser) => {
            Attempt::Refused(Failure::WrongPassword)
        }
        (Login::ScramBound, _) if binding == Binding::LibPq && *transport == Outcome::Plain => {
            Attempt::Broken(Failure::NothingToBind)
        }
        _ => Attempt::Session(transport.clone()),
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
    use super::super::servers::Kind;
    use super::expect;

    #[track_caller]
    fn check(cell: &str, kind: Kind, outcome: &str, sqlstates: &[&str]) {
        let filters: Vec<String> = cell.split(' ').map(|part| format!("{part} ")).collect();
        let all: Vec<_> = cells(&[])
            .into_iter()
            .filter(|cell| {
                let text = format!("{cell} ");
                filters.iter().all(|filter| text.contains(filter))
            })
            .collect();
        assert_eq!(all.len(), 1, "{cell} names one cell");
        let expected = expect(&all[0], kind);
        assert_eq!(expected.outcome.to_string(), outcome, "{cell}");
        assert_eq!(expected.sqlstates, sqlstates, "{cell}");
    }

    #[track_caller]
    fn check_mode(cell: &str, outcome: &str, sqlstates: &[&str]) {
        check(
            &format!("rules=mode {cell}"),
            Kind::Nano,
            outcome,
            sqlstates,
        );
    }

    #[test]
    fn allow_tries_again_in_tls_after_the_refusal() {
        let cell = "client=psql-18 server=require client-cert=none sslmode=allow";
        check_mode(cell, "TLS", &["28000"]);
    }

    #[test]
    fn prefer_ends_with_the_refusal_in_clear() {
        let cell = "client=psycopg server=verify-ca client-cert=none sslmode=prefer";
        check_mode(cell, "no-cert+no-enc", &["28000", "28000"]);
    }

    #[test]
    fn a_bad_certificate_leads_to_plaintext_in_tls_1_2_alone() {
        let cell = "server=allow server-cert=good client-cert=wrong-ca sslmode=prefer";
        check_mode(&format!("client=psql-15/tls1.2 {cell}"), "plain", &[]);
        check_mode(&format!("client=psql-15 {cell}"), "unknown-ca", &[]);
    }

    #[test]
    fn drivers_tell_one_of_two_failures() {
        let cell = "rules=hba login=password-wrong sslmode=prefer";
        for (client, outcome, codes) in [
            ("psycopg", "wrong-pw+no-enc", &["28P01", "28000"][..]),
            ("asyncpg", "wrong-pw", &["28P01"]),
            ("pgx", "wrong-pw", &["28P01"]),
        ] {
            check(
                &format!("client={client} {cell}"),
                Kind::Nano,
                outcome,
                codes,
            );
        }
    }

    #[test]
    fn the_engine_interrupts_nothing() {
        let cell = "client=pgx rules=hba do=cancel sslmode=verify-full";
        check(cell, Kind::PostgreSql, "TLS", &[]);
        check(cell, Kind::Nano, "ran-on", &[]);
    }
}
