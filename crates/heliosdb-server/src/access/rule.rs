//! What decides about one connection.

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Not at all.
    Trust,
    /// By a password that neither side tells the other.
    ScramSha256,
}

/// The rule that a connection was judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) method: Method,
}

impl Method {
    /// Its name in `pg_hba.conf`, which the log shows.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::ScramSha256 => "scram-sha-256",
        }
    }
}
