//! Why there is nothing to report.

use std::net::SocketAddr;

use crate::load::LoadError;

/// Why a server could not be probed at all. Everything that it does wrong once it is connected is part of the
/// [`Report`](super::Report) instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Nobody listens, or nothing comes through.
    #[error("cannot connect to {address}: {reason}; is the server up, and is this its port?")]
    Connect {
        /// The last address tried.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
    /// This build cannot do TLS.
    #[error("this build has no cryptography; enable aws-lc-rs or ring")]
    NoCryptography,
    /// The host has no address.
    #[error("cannot resolve {host}: {reason}; check the name")]
    Resolve {
        /// The host.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// The root certificates do not load.
    #[error(transparent)]
    Roots(#[from] LoadError),
    /// User or database do not fit into a startup packet.
    #[error("user and database do not make a startup packet: {reason}")]
    Startup {
        /// Why.
        reason: String,
    },
}
