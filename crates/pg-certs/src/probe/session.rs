//! What one session of TLS shows, and whether a second one resumes it.

use std::time::{Duration, SystemTime};

use rustls::HandshakeKind;
use rustls_pki_types::CertificateDer;

use super::certificate::{completeness, describe, read, stapled, trust};
use super::fault::{Fault, printable};
use super::login::log_in;
use super::offers::{TLS12, cipher_name, group_name, version_name};
use super::peer::Peer;
use super::report::{Resumption, Tls};
use super::tls::{Client, Offer, Session};
use crate::info::{CertificateInfo, DistinguishedName};

/// The first session, with what later steps need of it.
pub(super) struct First {
    pub(super) tls: Tls,
    pub(super) infos: Vec<CertificateInfo>,
    pub(super) took: Duration,
    pub(super) tickets: u32,
    client: Client,
    is_tls13: bool,
}

/// Shakes hands as a current libpq and logs in.
pub(super) fn first(
    peer: &Peer,
    startup: &[u8],
    roots: Option<&[CertificateDer<'static>]>,
    now: SystemTime,
) -> Result<First, Fault> {
    let client = peer.client(Offer {
        sessions: Some(store()),
        ..Offer::usual()
    })?;
    let mut session = peer.tls(&client)?;
    // Tickets come with the first answer.
    let login = log_in(&mut session.stream, startup);
    let seen = client.seen();
    let infos = read(&seen.chain);
    let trusted = roots.map(|roots| trust(&seen.chain, roots, now));
    let authorities = seen.client_authorities.as_deref().unwrap_or_default();
    let connection = &session.stream.conn;
    let tls = Tls {
        version: connection
            .protocol_version()
            .map(version_name)
            .unwrap_or_default(),
        cipher: connection
            .negotiated_cipher_suite()
            .map(cipher_name)
            .unwrap_or_default(),
        group: connection.negotiated_key_exchange_group().map(group_name),
        alpn: connection
            .alpn_protocol()
            .map(|name| printable(&String::from_utf8_lossy(name))),
        chain: infos.iter().map(|info| describe(info, now)).collect(),
        completeness: completeness(&infos, trusted.as_ref()),
        trusted,
        key_unproven: seen.unproven,
        stapled_ocsp: stapled(&seen.chain, &seen.ocsp, roots, now),
        client_certificate_requested: seen.client_authorities.is_some(),
        client_certificate_authorities: authorities
            .iter()
            .take(AUTHORITIES_MAX)
            .map(|der| {
                let name = DistinguishedName::from_der(der);
                name.map_or_else(|| "?".to_owned(), |name| printable(&name.rfc2253()))
            })
            .collect(),
        login,
    };
    Ok(First {
        is_tls13: tls.version == "TLSv1.3",
        tls,
        infos,
        took: session.took,
        tickets: connection.tls13_tickets_received(),
        client,
    })
}

/// Comes again with what the first session left, and in TLS 1.2 with sessions of its own; gives the time of
/// a resumed handshake.
pub(super) fn resume(
    peer: &Peer,
    first: &First,
    startup: &[u8],
    tls12: bool,
) -> (Resumption, Option<Duration>) {
    let mut resumption = Resumption::default();
    let mut took = None;
    if first.is_tls13 {
        resumption.tls13_tickets = Some(first.tickets);
        // Without a ticket there is nothing to offer.
        resumption.tls13_resumed = match first.tickets {
            0 => Some(false),
            _ => again(peer, &first.client, &mut took),
        };
    }
    if tls12 {
        let client = peer.client(Offer {
            sessions: Some(store()),
            ..Offer::versions(TLS12)
        });
        resumption.tls12_resumed = client.ok().and_then(|client| {
            let mut session = peer.tls(&client).ok()?;
            log_in(&mut session.stream, startup);
            again(peer, &client, &mut took)
        });
    }
    (resumption, took)
}

fn again(peer: &Peer, client: &Client, took: &mut Option<Duration>) -> Option<bool> {
    let Session {
        stream,
        took: second,
    } = peer.tls(client).ok()?;
    let resumed = stream.conn.handshake_kind()? == HandshakeKind::Resumed;
    if resumed {
        took.get_or_insert(second);
    }
    Some(resumed)
}

fn store() -> rustls::client::Resumption {
    rustls::client::Resumption::in_memory_sessions(SESSIONS_MAX)
}

/// More than one server's sessions are never kept.
const SESSIONS_MAX: usize = 4;

/// Names of authorities that are told.
const AUTHORITIES_MAX: usize = 50;
