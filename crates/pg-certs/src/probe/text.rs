//! The report for people, on one screen.

use std::fmt;

use super::report::{
    Attempt, Completeness, EarlyBytes, Group, Login, Report, Severity, SslAnswer, Stapled, Tls,
    Trust, Verdict,
};

/// Prints a [`Report`] as text, in colour if asked.
///
/// ```no_run
/// # let report: pg_certs::probe::Report = unimplemented!();
/// use std::io::{IsTerminal, stdout};
///
/// println!("{}", pg_certs::probe::Text::new(&report).with_colour(stdout().is_terminal()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    report: &'a Report,
    colour: bool,
}

impl<'a> Text<'a> {
    /// The text without colour.
    pub fn new(report: &'a Report) -> Self {
        Self {
            report,
            colour: false,
        }
    }

    /// With or without the escape sequences of a terminal.
    #[must_use]
    pub fn with_colour(mut self, colour: bool) -> Self {
        self.colour = colour;
        self
    }

    fn paint(&self, colour: &'static str, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{colour}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    fn verdict(&self, verdict: &Verdict, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, colour) = match (verdict.connects, verdict.encrypted) {
            (Some(true), Some(false)) => ("in clear", YELLOW),
            (Some(true), _) => ("TLS", GREEN),
            (Some(false), _) => ("no", RED),
            (None, _) => ("unknown", YELLOW),
        };
        let host = verdict.host.as_deref();
        let host = host
            .map(|host| format!("host={host}: "))
            .unwrap_or_default();
        writeln!(
            f,
            "{:<12} {} {host}{}",
            verdict.sslmode,
            self.paint(colour, &format!("{word:<8}")),
            verdict.reason
        )?;
        if let Some(fix) = &verdict.fix {
            writeln!(f, "{:<21} -> {fix}", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        writeln!(f, "{} ({})\n", report.target, report.address)?;
        for (label, value) in facts(report) {
            writeln!(f, "{label:<15} {value}")?;
        }
        writeln!(
            f,
            "\n{:<12} {:<8} libpq, user={}",
            "sslmode", "connects", report.user
        )?;
        for verdict in &report.verdicts {
            self.verdict(verdict, f)?;
        }
        if !report.findings.is_empty() {
            writeln!(f)?;
        }
        for finding in &report.findings {
            let (word, colour) = match finding.severity {
                Severity::Error => ("error", RED),
                Severity::Warning => ("warning", YELLOW),
            };
            writeln!(f, "{}: {}", self.paint(colour, word), finding.text)?;
        }
        Ok(())
    }
}

type Fact = (&'static str, String);

fn facts(report: &Report) -> Vec<Fact> {
    let mut facts = vec![("SSLRequest", ssl_request(&report.ssl_request))];
    if let Some(fault) = &report.tls_fault {
        facts.push(("handshake", format!("fails: {fault}")));
    }
    if !report.versions.is_empty() {
        facts.push(("versions", attempts(&report.versions)));
        facts.push((
            "ciphers 1.3",
            ciphers(&report.ciphers, "TLS_AES TLS_CHACHA20"),
        ));
        facts.push(("ciphers 1.2", ciphers(&report.ciphers, "TLS_ECDHE")));
        facts.push(("groups", groups(&report.groups)));
    }
    if let Some(tls) = &report.tls {
        session(report, tls, &mut facts);
    }
    let negotiation = &report.negotiation;
    if let Some(direct) = &negotiation.direct {
        let without = negotiation.direct_without_alpn.as_ref();
        let without = without.map(said).unwrap_or_default();
        facts.push((
            "direct TLS",
            format!("{}; without ALPN {without}", said(direct)),
        ));
    }
    facts.push(("in clear", login(&report.plaintext)));
    facts.push(("early bytes", early_bytes(&report.early_bytes)));
    let timing = &report.timing;
    let times = [
        ("connect", timing.connect_us),
        ("SSLRequest", timing.ssl_request_us),
        ("handshake", timing.handshake_us),
        ("resumed", timing.resumed_handshake_us),
    ];
    let times = times
        .iter()
        .filter_map(|(name, time)| Some((name, (*time)?)));
    let times: Vec<String> = times
        .map(|(name, time)| format!("{name} {}", milliseconds(time)))
        .collect();
    facts.push(("time", times.join(", ")));
    facts
}

fn session(report: &Report, tls: &Tls, facts: &mut Vec<Fact>) {
    let mut negotiated = format!("{}, {}", tls.version, tls.cipher);
    if let Some(group) = &tls.group {
        negotiated.push_str(&format!(", {group}"));
    }
    facts.push(("negotiated", negotiated));
    let foreign = report.negotiation.foreign_alpn.as_ref();
    let foreign = foreign.map(said).unwrap_or_default();
    let alpn = tls.alpn.as_deref().unwrap_or("none chosen");
    facts.push(("ALPN", format!("{alpn}; a foreign name {foreign}")));
    if let Some(leaf) = tls.chain.first() {
        facts.push(("certificate", leaf.subject.clone()));
        facts.push(("", format!("names {}", listed(&leaf.names))));
        facts.push(("", format!("issued by {}", leaf.issuer)));
        facts.push((
            "",
            format!("until {} ({} days left)", leaf.not_after, leaf.days_left),
        ));
        facts.push((
            "",
            format!("key {}, signature {}", leaf.key, leaf.signature),
        ));
    }
    facts.push(("chain", chain(tls)));
    facts.push((
        "stapled OCSP",
        match &tls.stapled_ocsp {
            None => "none".to_owned(),
            Some(Stapled::Good { until }) => format!("good until {until}"),
            Some(Stapled::Bad { reason }) => format!("bad: {reason}"),
            Some(Stapled::Unknown) => {
                "not checked: the issuer's certificate is not known".to_owned()
            }
        },
    ));
    facts.push(("resumption", resumption(report)));
    facts.push((
        "client cert",
        match (
            tls.client_certificate_requested,
            tls.client_certificate_authorities.is_empty(),
        ) {
            (false, _) => "not asked for".to_owned(),
            (true, true) => "asked for, from any authority".to_owned(),
            (true, false) => format!(
                "asked for, issued by {}",
                listed(&tls.client_certificate_authorities)
            ),
        },
    ));
    facts.push(("in TLS", login(&tls.login)));
}

fn ssl_request(answer: &SslAnswer) -> String {
    match answer {
        SslAnswer::Accepted => "S: TLS is offered".to_owned(),
        SslAnswer::Refused => "N: no TLS".to_owned(),
        SslAnswer::Error => "E: an error, which clients take for an attack".to_owned(),
        SslAnswer::Unknown { byte } => {
            format!("{:?}: this is no PostgreSQL server", char::from(*byte))
        }
        SslAnswer::None { reason } => format!("none: {reason}"),
    }
}

fn said(attempt: &Attempt) -> String {
    match (attempt.accepted, &attempt.reason) {
        (Some(true), _) => "accepted".to_owned(),
        (Some(false), Some(reason)) => format!("refused ({reason})"),
        (_, Some(reason)) => format!("unknown ({reason})"),
        (_, None) => "unknown".to_owned(),
    }
}

/// Those that are accepted, then the rest with its reason.
fn attempts(all: &[Attempt]) -> String {
    let name = |attempt: &Attempt| match attempt.accepted {
        Some(true) => attempt.name.clone(),
        _ => format!("{} {}", attempt.name, said(attempt)),
    };
    all.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The accepted ones of those whose names begin with one of `prefixes`, without `TLS_`.
fn ciphers(all: &[Attempt], prefixes: &str) -> String {
    let names: Vec<&str> = all
        .iter()
        .filter(|attempt| attempt.accepted == Some(true))
        .map(|attempt| attempt.name.as_str())
        .filter(|name| prefixes.split(' ').any(|prefix| name.starts_with(prefix)))
        .map(|name| name.trim_start_matches("TLS_"))
        .collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(" "),
    }
}

fn groups(all: &[Group]) -> String {
    let accepted: Vec<&Group> = all
        .iter()
        .filter(|group| group.attempt.accepted == Some(true))
        .collect();
    let names: Vec<&str> = accepted
        .iter()
        .map(|group| group.attempt.name.as_str())
        .collect();
    let post_quantum = match (
        accepted.iter().any(|group| group.post_quantum),
        all.iter().any(|group| group.post_quantum),
    ) {
        (true, _) => "post-quantum",
        (false, true) => "no post-quantum one",
        (false, false) => "post-quantum ones not tried",
    };
    match names.is_empty() {
        true => "none".to_owned(),
        false => format!("{} ({post_quantum})", names.join(" ")),
    }
}

fn chain(tls: &Tls) -> String {
    let count = match tls.chain.len() {
        1 => "1 certificate".to_owned(),
        count => format!("{count} certificates"),
    };
    let end = match &tls.completeness {
        Completeness::Complete => "complete".to_owned(),
        Completeness::EndsBelow { issuer } => format!("clients need the root {issuer}"),
        Completeness::Broken { reason } => format!("broken: {reason}"),
    };
    match &tls.trusted {
        None => format!("{count}; {end}"),
        Some(Trust::Trusted) => format!("{count}; {end}; trusted with the root certificates given"),
        Some(Trust::Refused { reason, .. }) => format!("{count}; {end}; not trusted: {reason}"),
        Some(Trust::Unknown { reason }) => format!("{count}; {end}; trust unknown: {reason}"),
    }
}

fn resumption(report: &Report) -> String {
    let resumption = &report.resumption;
    let yes_or_no = |resumed| match resumed {
        true => "resumed",
        false => "not resumed",
    };
    let mut parts = Vec::new();
    if let Some(tickets) = resumption.tls13_tickets {
        let tickets = match tickets {
            0 => "no tickets".to_owned(),
            1 => "1 ticket".to_owned(),
            tickets => format!("{tickets} tickets"),
        };
        let resumed = resumption.tls13_resumed.map(yes_or_no);
        parts.push(format!("1.3: {tickets}, {}", resumed.unwrap_or("unknown")));
    }
    if let Some(resumed) = resumption.tls12_resumed {
        parts.push(format!("1.2: {}", yes_or_no(resumed)));
    }
    parts.join("; ")
}

fn login(login: &Login) -> String {
    match login {
        Login::Admitted => "admitted without a password".to_owned(),
        Login::Asks { methods } => format!("admitted; asks for {}", methods.join(", ")),
        Login::Ended { reason, .. } => format!("ended: {reason}"),
        Login::Refused {
            sqlstate, message, ..
        } => format!(
            "refused: {} {message}",
            sqlstate.as_deref().unwrap_or_default()
        ),
    }
}

fn early_bytes(early: &EarlyBytes) -> String {
    match early {
        EarlyBytes::Executed { answer } => format!("READ IN TLS (CVE-2021-23214): {answer}"),
        EarlyBytes::Ignored => "thrown away".to_owned(),
        EarlyBytes::Refused { reason } => format!("refused: {reason}"),
        EarlyBytes::ServedInClear => "no TLS, so served in clear".to_owned(),
        EarlyBytes::Unknown { reason } => format!("unknown: {reason}"),
    }
}

/// The first few of a list.
fn listed(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(LISTED_MAX).map(String::as_str).collect();
    match names.len().saturating_sub(LISTED_MAX) {
        _ if shown.is_empty() => "none".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn milliseconds(microseconds: u64) -> String {
    let tenths = microseconds.div_ceil(100);
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

/// So that a certificate with many names stays on the screen.
const LISTED_MAX: usize = 6;

const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";
