//! Which versions, suites and groups the server takes: one handshake for each.

use rustls::crypto::SupportedKxGroup;
use rustls::{NamedGroup, ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion};

use super::fault::Fault;
use super::hello::{self, Legacy};
use super::peer::Peer;
use super::report::{Attempt, Group};
use super::tls::Offer;
use crate::provider::every_group;

/// TLS 1.3 alone.
pub(super) const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
/// TLS 1.2 alone.
pub(super) const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// Each version from 1.3 down to 1.0.
pub(super) fn versions(peer: &Peer) -> Vec<Attempt> {
    let current = [("TLSv1.3", TLS13), ("TLSv1.2", TLS12)].map(|(name, versions)| {
        let session = peer.try_offer(Offer::versions(versions));
        attempt(name, session.map(drop))
    });
    let legacy = [Legacy::Tls11, Legacy::Tls10].map(|version| {
        let answer = peer
            .accepted()
            .and_then(|socket| hello::ask(socket, version, &peer.provider));
        attempt(version.name(), answer)
    });
    current.into_iter().chain(legacy).collect()
}

/// Each suite, in a version that the server takes.
pub(super) fn ciphers(peer: &Peer, versions: &[Attempt]) -> Vec<Attempt> {
    let mut suites = peer.provider.cipher_suites.clone();
    suites.retain(|suite| takes(versions, suite.version()));
    let attempts = suites.into_iter().map(|suite| {
        let session = peer.try_offer(Offer {
            suite: Some(suite),
            ..Offer::versions(only(suite.version()))
        });
        attempt(&cipher_name(suite), session.map(drop))
    });
    attempts.collect()
}

/// Each group, in the newest version that the server takes.
pub(super) fn groups(peer: &Peer, versions: &[Attempt]) -> Vec<Group> {
    let Some(version) = [&rustls::version::TLS13, &rustls::version::TLS12]
        .into_iter()
        .find(|version| takes(versions, version))
    else {
        return Vec::new();
    };
    let attempts = every_group()
        .iter()
        .filter(|group| group.usable_for_version(version.version))
        .map(|group| {
            let session = peer.try_offer(Offer {
                groups: Some(vec![*group]),
                ..Offer::versions(only(version))
            });
            Group {
                attempt: attempt(&group_name(*group), session.map(drop)),
                post_quantum: group_name(*group).contains("MLKEM"),
            }
        });
    attempts.collect()
}

/// IANA's name.
pub(super) fn cipher_name(suite: SupportedCipherSuite) -> String {
    let name = format!("{:?}", suite.suite());
    name.replacen("TLS13_", "TLS_", 1)
}

/// OpenSSL's name.
pub(super) fn group_name(group: &dyn SupportedKxGroup) -> String {
    match group.name() {
        NamedGroup::secp256r1 => "prime256v1".to_owned(),
        other => format!("{other:?}"),
    }
}

/// PostgreSQL's name.
pub(super) fn version_name(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What one attempt tells.
pub(super) fn attempt(name: &str, result: Result<(), Fault>) -> Attempt {
    let (accepted, reason) = match result {
        Ok(()) => (Some(true), None),
        Err(fault) => (
            (!fault.is_silence()).then_some(false),
            Some(fault.to_string()),
        ),
    };
    Attempt {
        name: name.to_owned(),
        accepted,
        reason,
    }
}

/// Whether the server takes a version.
fn takes(versions: &[Attempt], version: &SupportedProtocolVersion) -> bool {
    let name = version_name(version.version);
    versions
        .iter()
        .any(|attempt| attempt.name == name && attempt.accepted == Some(true))
}

fn only(version: &SupportedProtocolVersion) -> &'static [&'static SupportedProtocolVersion] {
    match version.version {
        ProtocolVersion::TLSv1_2 => TLS12,
        _ => TLS13,
    }
}
