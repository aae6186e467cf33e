//! What each client can do, and in what it differs from libpq: the table that everything else goes by.

use super::cells::{Action, Driver, SslMode};

/// How a driver behaves; the server is not in it.
#[derive(Clone, Copy)]
pub(crate) struct Traits {
    /// The modes that it has not in libpq's meaning, and what it does instead.
    pub(crate) lacks: &'static [(SslMode, &'static str)],
    pub(crate) fallback: Fallback,
    pub(crate) weak_direct: WeakDirect,
    pub(crate) binding: Binding,
    pub(crate) cancel: Cancel,
    /// Why a COPY cannot be asked of it.
    pub(crate) no_copy: Option<&'static str>,
    pub(crate) tells: Tells,
    /// Whether it passes on the server's TLS alert about its certificate, rather than the broken
    /// connection that follows.
    pub(crate) tells_alerts: bool,
    /// Whether it keeps back a certificate whose issuer the server did not name.
    pub(crate) withholds: bool,
    /// Whether it shows its certificate only where it must use TLS.
    pub(crate) no_certificate_in_prefer: bool,
    /// Whether it tries TLS although the server said that there is none.
    pub(crate) deaf_to_refusal: bool,
}

/// When a mode with two transports goes on to the other one, apart from a polite refusal of TLS.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Fallback {
    /// After an ErrorResponse before the session, and after a failed handshake: libpq.
    Always,
    /// After those, and after a connection that broke behind the handshake.
    OnAnything,
    /// After an ErrorResponse with 28000.
    OnRefusal,
    /// After anything but an ErrorResponse.
    OnBreak,
    Never,
}

/// What a driver does with direct TLS in a mode that allows plaintext.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum WeakDirect {
    /// It refuses to connect: libpq.
    Refused,
    /// It refuses to, unless the mode is `disable`, for which it forgets the matter.
    RefusedUnlessDisabled,
    /// It uses direct TLS and falls back to nothing.
    Taken,
}

/// How the driver's user has a say in channel binding.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Binding {
    /// `channel_binding=require`, `disable`.
    LibPq,
    /// It can be asked for, and is not insisted on.
    Preferred,
    /// The driver decides.
    NoChoice,
}

/// On what kind of connection a CancelRequest goes out.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Cancel {
    /// In clear, whatever the session is in.
    InClear,
    /// As the session.
    LikeSession,
    /// As the session; how the statement ended the driver does not tell, only time does.
    LikeSessionSilently,
    /// In clear, and likewise.
    InClearSilently,
    None(&'static str),
}

/// Which of several connections' failures the driver tells.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Tells {
    /// Each, without codes: libpq's text.
    EachText,
    /// Each, and the codes of its ErrorResponses.
    Each,
    /// The first.
    First,
    /// The last.
    Last,
    /// The last, but a wrong password rather than the refusal that followed.
    LastButPassword,
}

/// libpq 15, or psql whose cancel is the old one in any release.
const LIBPQ_15: Traits = Traits {
    lacks: &[],
    fallback: Fallback::Always,
    weak_direct: WeakDirect::Refused,
    binding: Binding::LibPq,
    cancel: Cancel::InClear,
    no_copy: None,
    tells: Tells::EachText,
    tells_alerts: true,
    withholds: false,
    no_certificate_in_prefer: false,
    deaf_to_refusal: false,
};

/// A driver with a protocol of its own, one transport to a mode, and its language's TLS.
const OWN: Traits = Traits {
    fallback: Fallback::Never,
    binding: Binding::NoChoice,
    tells: Tells::Last,
    ..LIBPQ_15
};

const PSYCOPG: Traits = Traits {
    cancel: Cancel::LikeSession,
    tells: Tells::Each,
    ..LIBPQ_15
};

const PSQL_ODBC: Traits = Traits {
    no_copy: Some("ODBC has no COPY"),
    ..LIBPQ_15
};

const PHP_PGSQL: Traits = Traits {
    cancel: Cancel::InClearSilently,
    ..LIBPQ_15
};

const ASYNCPG: Traits = Traits {
    fallback: Fallback::OnAnything,
    cancel: Cancel::LikeSessionSilently,
    tells: Tells::LastButPassword,
    tells_alerts: false,
    ..OWN
};

const PG8000: Traits = Traits {
    lacks: &[(SslMode::Allow, "pg8000 has no sslmode=allow")],
    cancel: Cancel::None("pg8000 has no cancel"),
    no_certificate_in_prefer: true,
    tells_alerts: false,
    ..OWN
};

const NODE_POSTGRES: Traits = Traits {
    lacks: &[
        (SslMode::Allow, "node-postgres has no sslmode=allow"),
        (SslMode::Prefer, "node-postgres has no sslmode=prefer"),
    ],
    binding: Binding::Preferred,
    tells_alerts: false,
    ..OWN
};

const POSTGRES_JS: Traits = Traits {
    lacks: &[(
        SslMode::Allow,
        "postgres.js takes sslmode=allow for require: it never tries plaintext",
    )],
    weak_direct: WeakDirect::Taken,
    cancel: Cancel::LikeSession,
    tells_alerts: false,
    no_certificate_in_prefer: true,
    deaf_to_refusal: true,
    ..OWN
};

const PGJDBC: Traits = Traits {
    fallback: Fallback::OnRefusal,
    tells: Tells::First,
    tells_alerts: false,
    withholds: true,
    ..OWN
};

const PGX: Traits = Traits {
    fallback: Fallback::OnBreak,
    withholds: true,
    ..OWN
};

const LIB_PQ: Traits = Traits {
    lacks: &[
        (SslMode::Allow, "lib/pq has no sslmode=allow"),
        (SslMode::Prefer, "lib/pq has no sslmode=prefer"),
        (
            SslMode::VerifyCa,
            "lib/pq takes sslmode=verify-ca for verify-full",
        ),
    ],
    cancel: Cancel::LikeSession,
    withholds: true,
    ..OWN
};

const TOKIO_POSTGRES: Traits = Traits {
    lacks: &[(SslMode::Allow, "tokio-postgres has no sslmode=allow")],
    weak_direct: WeakDirect::RefusedUnlessDisabled,
    binding: Binding::LibPq,
    cancel: Cancel::LikeSession,
    ..OWN
};

const SQLX: Traits = Traits {
    lacks: &[(
        SslMode::Allow,
        "sqlx takes sslmode=allow for disable: it never tries TLS",
    )],
    cancel: Cancel::None("sqlx has no cancel"),
    ..OWN
};

impl Driver {
    /// Its row of the table.
    pub(crate) const fn traits(self) -> Traits {
        match self {
            Self::Psycopg => PSYCOPG,
            Self::PsqlOdbc => PSQL_ODBC,
            Self::Psql15 | Self::Psql18 | Self::RubyPg | Self::DbdPg => LIBPQ_15,
            Self::PhpPgsql => PHP_PGSQL,
            Self::Asyncpg => ASYNCPG,
            Self::Pg8000 => PG8000,
            Self::NodePostgres => NODE_POSTGRES,
            Self::PostgresJs => POSTGRES_JS,
            Self::PgJdbc => PGJDBC,
            Self::Pgx => PGX,
            Self::LibPq => LIB_PQ,
            Self::TokioPostgres => TOKIO_POSTGRES,
            Self::Sqlx => SQLX,
        }
    }

    /// What the driver does instead of the mode, if it does not implement it in libpq's meaning.
    pub(crate) fn lacks_mode(self, mode: SslMode) -> Option<&'static str> {
        let lacks = self.traits().lacks;
        lacks
            .iter()
            .find(|(lacking, _)| *lacking == mode)
            .map(|(_, why)| *why)
    }

    /// Why the driver cannot do this.
    pub(crate) const fn lacks_action(self, action: Action) -> Option<&'static str> {
        match (action, self.traits().cancel) {
            (Action::Copy, _) => self.traits().no_copy,
            (Action::Cancel, Cancel::None(why)) => Some(why),
            _ => None,
        }
    }
}
