//! What the server has done so far, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Event counts of one server since it was built. Every event is one relaxed atomic addition.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: Count,
    pub(crate) connections_evicted: Count,
    pub(crate) startup_failures: Count,
    pub(crate) tls_connections: Count,
    pub(crate) refusals: Count,
    pub(crate) sessions: Count,
    pub(crate) cancel_requests: Count,
    pub(crate) cancels_matched: Count,
    /// Traffic of sessions that have ended; live sessions count for themselves.
    pub(crate) ended: Traffic,
}

impl Counters {
    /// The counts at this moment, given the sessions that are live.
    pub(crate) fn snapshot(&self, live: u64, live_traffic: TrafficSnapshot) -> CountersSnapshot {
        CountersSnapshot {
            connections: self.connections.get(),
            connections_evicted: self.connections_evicted.get(),
            startup_failures: self.startup_failures.get(),
            tls_connections: self.tls_connections.get(),
            refusals: self.refusals.get(),
            sessions: self.sessions.get(),
            sessions_live: live,
            cancel_requests: self.cancel_requests.get(),
            cancels_matched: self.cancels_matched.get(),
            traffic: self.ended.snapshot() + live_traffic,
        }
    }
}

/// The counters of a server at one moment; see [`PgServer::counters`](crate::PgServer::counters).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CountersSnapshot {
    /// Connections accepted.
    pub connections: u64,
    /// Connections dropped before login because too many others were waiting there too.
    pub connections_evicted: u64,
    /// Connections that ended in negotiation: malformed packets, failed handshakes, timeouts.
    pub startup_failures: u64,
    /// Connections that reached the end of negotiation inside TLS.
    pub tls_connections: u64,
    /// Connections refused after a complete StartupMessage: by policy, login, limit or shutdown.
    pub refusals: u64,
    /// Sessions that got as far as their first ReadyForQuery.
    pub sessions: u64,
    /// Sessions that are live now.
    pub sessions_live: u64,
    /// CancelRequests received, whatever became of them.
    pub cancel_requests: u64,
    /// CancelRequests whose process id and key were right.
    pub cancels_matched: u64,
    /// Bytes and messages relayed.
    pub traffic: TrafficSnapshot,
}

/// Relayed bytes (inside TLS if there is TLS) and messages, both ways, startup not included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrafficSnapshot {
    /// Bytes from clients to the engine.
    pub bytes_from_clients: u64,
    /// Messages from clients, counted at their header; Terminate is not relayed.
    pub messages_from_clients: u64,
    /// Bytes from the engine to clients.
    pub bytes_to_clients: u64,
    /// Messages to clients, counted at their header.
    pub messages_to_clients: u64,
}

impl std::ops::Add for TrafficSnapshot {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            bytes_from_clients: self.bytes_from_clients + other.bytes_from_clients,
            messages_from_clients: self.messages_from_clients + other.messages_from_clients,
            bytes_to_clients: self.bytes_to_clients + other.bytes_to_clients,
            messages_to_clients: self.messages_to_clients + other.messages_to_clients,
        }
    }
}

/// Live counts of relayed bytes and messages.
///
/// Each session has its own, so that no two cores share a cache line on the way of a query.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) bytes_from_client: Count,
    pub(crate) messages_from_client: Count,
    pub(crate) bytes_to_client: Count,
    pub(crate) messages_to_client: Count,
}

impl Traffic {
    pub(crate) fn snapshot(&self) -> TrafficSnapshot {
        TrafficSnapshot {
            bytes_from_clients: self.bytes_from_client.get(),
            messages_from_clients: self.messages_from_client.get(),
            bytes_to_clients: self.bytes_to_client.get(),
            messages_to_clients: self.messages_to_client.get(),
        }
    }

    pub(crate) fn add(&self, other: TrafficSnapshot) {
        self.bytes_from_client.add(other.bytes_from_clients);
        self.messages_from_client.add(other.messages_from_clients);
        self.bytes_to_client.add(other.bytes_to_clients);
        self.messages_to_client.add(other.messages_to_clients);
    }
}

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn add_length(&self, length: usize) {
        self.add(u64::try_from(length).unwrap_or(u64::MAX));
    }

    pub(crate) fn increment(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
