//! The order of the checks.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use pg_wire::startup::SSL_REQUEST;
use rustls_pki_types::CertificateDer;

use super::error::ProbeError;
use super::fault::{Fault, printable};
use super::login::{log_in, startup};
use super::options::Options;
use super::peer::{Peer, request};
use super::report::{EarlyBytes, Login, Negotiation, Report, Resumption, SslAnswer, Timing};
use super::session::First;
use super::transport::{Socket, resolve};
use super::verdict::{self, Facts, Handshake};
use super::{early, findings, negotiation, offers, session};
use crate::info::CertificateInfo;
use crate::load::load_trust_anchors;
use crate::provider::provider;
use crate::verdict::{HostMatch, mismatch_text};

/// Probes a server.
///
/// Takes no longer than thirteen times [`Options::with_timeout`], whatever the server does.
///
/// # Errors
///
/// [`ProbeError`]: nothing is known about the server, since it could not be reached or the options are wrong.
pub fn probe(options: &Options) -> Result<Report, ProbeError> {
    let provider = provider().ok_or(ProbeError::NoCryptography)?;
    let roots = options
        .roots
        .as_deref()
        .map(load_trust_anchors)
        .transpose()?;
    let startup = startup(&options.user, options.database.as_deref()).map_err(|fault| {
        ProbeError::Startup {
            reason: fault.to_string(),
        }
    })?;
    let (address, connected) = find(options)?;
    let host = options.host_names().first().copied().unwrap_or_default();
    let peer = Peer {
        address,
        name: Peer::server_name(host, address),
        provider,
        timeout: options.timeout,
        end: Instant::now() + options.timeout.saturating_mul(CONNECTION_TIMEOUTS),
    };
    Ok(Probe {
        peer,
        options,
        roots,
        startup: &startup,
        now: SystemTime::now(),
    }
    .run(connected))
}

/// The first address that somebody listens on, and how long it took to connect.
fn find(options: &Options) -> Result<(SocketAddr, Duration), ProbeError> {
    let target = &options.target;
    let unresolved = |reason: String| ProbeError::Resolve {
        host: target.host().to_owned(),
        reason,
    };
    let deadline = Instant::now() + options.timeout;
    let addresses = resolve(target.host(), target.port(), options.timeout)
        .map_err(|fault| unresolved(fault.to_string()))?;
    let mut failed = unresolved("it has no address".to_owned());
    for address in addresses {
        let start = Instant::now();
        match Socket::connect(address, deadline) {
            Ok(_) => return Ok((address, start.elapsed())),
            Err(fault) => {
                failed = ProbeError::Connect {
                    address,
                    reason: fault.to_string(),
                };
            }
        }
    }
    Err(failed)
}

struct Probe<'a> {
    peer: Peer,
    options: &'a Options,
    roots: Option<Vec<CertificateDer<'static>>>,
    startup: &'a [u8],
    now: SystemTime,
}

impl Probe<'_> {
    fn run(&self, connected: Duration) -> Report {
        let (ssl_request, answered) = match self.ssl_request() {
            Ok((answer, took)) => (answer, Some(microseconds(took))),
            Err(fault) => {
                let reason = fault.to_string();
                (SslAnswer::None { reason }, None)
            }
        };
        let mut report = self.empty(ssl_request);
        report.timing.connect_us = Some(microseconds(connected));
        report.timing.ssl_request_us = answered;
        report.plaintext = self.plaintext();
        let first = match report.ssl_request {
            SslAnswer::Accepted => Some(self.tls(&mut report)),
            _ => None,
        };
        // A peer that answers nothing at all is not asked in more ways.
        if !matches!(report.ssl_request, SslAnswer::None { .. }) {
            let tls = matches!(first, Some(Ok(_)));
            report.negotiation = negotiation::check(&self.peer, self.startup, tls);
            report.early_bytes = early::check(&self.peer, self.startup);
        }
        self.judge(&mut report, first.as_ref());
        report
    }

    fn ssl_request(&self) -> Result<(SslAnswer, Duration), Fault> {
        let mut socket = self.peer.connect()?;
        let start = Instant::now();
        let answer = request(&mut socket, &SSL_REQUEST)?;
        Ok((answer, start.elapsed()))
    }

    fn plaintext(&self) -> Login {
        match self.peer.connect() {
            Ok(mut socket) => log_in(&mut socket, self.startup),
            Err(fault) => Login::Ended {
                reason: fault.to_string(),
                silent: fault.is_silence(),
            },
        }
    }

    /// All that takes TLS after SSLRequest.
    fn tls(&self, report: &mut Report) -> Result<First, Fault> {
        let (peer, startup) = (&self.peer, self.startup);
        let first = session::first(peer, startup, self.roots.as_deref(), self.now);
        // Who says nothing to the usual ClientHello is not asked for each cipher.
        if first.as_ref().is_err_and(Fault::is_silence) {
            return first;
        }
        report.versions = offers::versions(peer);
        report.ciphers = offers::ciphers(peer, &report.versions);
        report.groups = offers::groups(peer, &report.versions);
        if let Ok(first) = &first {
            let tls12 = report
                .versions
                .iter()
                .any(|attempt| attempt.name == "TLSv1.2" && attempt.accepted == Some(true));
            let (resumption, took) = session::resume(peer, first, startup, tls12);
            report.resumption = resumption;
            report.timing.handshake_us = Some(microseconds(first.took));
            report.timing.resumed_handshake_us = took.map(microseconds);
        }
        first
    }

    fn judge(&self, report: &mut Report, first: Option<&Result<First, Fault>>) {
        let infos = match first {
            Some(Ok(first)) => first.infos.as_slice(),
            _ => &[],
        };
        let undecided = match first {
            Some(Ok(first)) => {
                report.tls = Some(first.tls.clone());
                false
            }
            Some(Err(fault)) => {
                report.tls_fault = Some(fault.to_string());
                fault.is_silence()
                    || *fault == Fault::Alert(rustls::AlertDescription::HandshakeFailure)
            }
            None => false,
        };
        let hosts: Vec<_> = report
            .hosts
            .iter()
            .map(|host| {
                let fits = infos.first().map_or(Ok(()), |leaf| check_host(leaf, host));
                (host.clone(), fits)
            })
            .collect();
        let tls = report.tls.as_ref();
        report.verdicts = verdict::judge(&Facts {
            answer: &report.ssl_request,
            plaintext: &report.plaintext,
            tls: tls.map(|tls| &tls.login).ok_or_else(|| Handshake {
                reason: report.tls_fault.as_deref().unwrap_or_default(),
                undecided,
            }),
            trusted: tls.and_then(|tls| tls.trusted.as_ref()),
            hosts: &hosts,
            issuer: tls
                .and_then(|tls| tls.chain.last())
                .map(|last| last.issuer.as_str()),
            no_binding: infos
                .first()
                .is_some_and(|leaf| leaf.tls_server_end_point().is_none()),
            key_unproven: tls.is_some_and(|tls| tls.key_unproven.is_some()),
            client_authorities: tls
                .map(|tls| tls.client_certificate_authorities.as_slice())
                .unwrap_or_default(),
            client_certificate_requested: tls.is_some_and(|tls| tls.client_certificate_requested),
        });
        report.findings = findings::find(report, infos, self.options);
    }

    fn empty(&self, ssl_request: SslAnswer) -> Report {
        let hosts = self.options.host_names();
        let not_tried = || "not tried".to_owned();
        Report {
            schema: 1,
            target: self.options.target.to_string(),
            address: self.peer.address.to_string(),
            user: self.options.user.clone(),
            hosts: hosts.into_iter().map(str::to_owned).collect(),
            ssl_request,
            plaintext: Login::Ended {
                reason: not_tried(),
                silent: true,
            },
            tls: None,
            tls_fault: None,
            versions: Vec::new(),
            ciphers: Vec::new(),
            groups: Vec::new(),
            negotiation: Negotiation::default(),
            resumption: Resumption::default(),
            early_bytes: EarlyBytes::Unknown {
                reason: not_tried(),
            },
            timing: Timing::default(),
            verdicts: Vec::new(),
            findings: Vec::new(),
        }
    }
}

/// Whether `sslmode=verify-full` takes the certificate for this host; libpq's text if not.
fn check_host(leaf: &CertificateInfo, host: &str) -> Result<(), String> {
    match HostMatch::of(leaf, host).is_match() {
        true => Ok(()),
        false => Err(printable(&mismatch_text(leaf, host))),
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// How many connections may run into their timeout before the whole gives up.
const CONNECTION_TIMEOUTS: u32 = 12;
