//! Which tags exist, and how long their messages may be.

use super::FrameError;

/// Who sends the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The client.
    Frontend,
    /// The server.
    Backend,
}

/// What a client may send at the moment. A server sends the same kinds throughout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A `p` message with a password or a GSSAPI token.
    Password,
    /// A `p` message of a SASL exchange.
    Sasl,
    /// Any message but `p`.
    #[default]
    Session,
}

/// The most that the length word of a short kind may say; PostgreSQL's `PQ_SMALL_MESSAGE_LIMIT`.
pub const SMALL_MESSAGE_LIMIT: u32 = 10_000;

/// The most that the length word of a long kind may say; PostgreSQL's `PQ_LARGE_MESSAGE_LIMIT`, which
/// is `MaxAllocSize - 1`.
pub const LARGE_MESSAGE_LIMIT: u32 = 0x3fff_fffe;

/// The most that the length word of a password or GSSAPI message may say; PostgreSQL's
/// `PG_MAX_AUTH_TOKEN_LENGTH`.
pub const PASSWORD_MESSAGE_LIMIT: u32 = 65_535;

/// The most that the length word of a SASL message may say; PostgreSQL's `PG_MAX_SASL_MESSAGE_LENGTH`.
pub const SASL_MESSAGE_LIMIT: u32 = 1_024;

/// The most that the length word of a server's short kind may say: libpq takes more for a loss of
/// synchronization (`VALID_LONG_MESSAGE_TYPE` in `fe-protocol3.c`).
pub const BACKEND_SMALL_MESSAGE_LIMIT: u32 = 30_000;

/// The limits of one side in one phase.
pub(super) struct Limits {
    /// By tag: the first body length that is too long, so 0 for what is no tag.
    bounds: [u32; 256],
    unknown_tag: fn(u8) -> FrameError,
}

impl Limits {
    pub(super) const fn of(side: Side, phase: Phase) -> &'static Self {
        match (side, phase) {
            (Side::Frontend, Phase::Session) => &FRONTEND_SESSION,
            (Side::Frontend, Phase::Password) => &FRONTEND_PASSWORD,
            (Side::Frontend, Phase::Sasl) => &FRONTEND_SASL,
            (Side::Backend, _) => &BACKEND,
        }
    }

    /// The length of the body that a header announces.
    #[inline]
    pub(super) fn check(&self, header: [u8; 5]) -> Result<u32, FrameError> {
        let [tag, length @ ..] = header;
        let length = u32::from_be_bytes(length);
        // A length below 4 wraps around and fails too.
        let body = length.wrapping_sub(4);
        if body < self.bound(tag) {
            return Ok(body);
        }
        Err(self.refuse(tag, length))
    }

    /// Checks a tag whose length is not there yet.
    pub(super) fn check_tag(&self, tag: u8) -> Result<(), FrameError> {
        match self.bound(tag) {
            0 => Err((self.unknown_tag)(tag)),
            _ => Ok(()),
        }
    }

    #[inline]
    fn bound(&self, tag: u8) -> u32 {
        self.bounds
            .get(usize::from(tag))
            .copied()
            .unwrap_or_default()
    }

    #[cold]
    fn refuse(&self, tag: u8, length: u32) -> FrameError {
        match self.bound(tag) {
            0 => (self.unknown_tag)(tag),
            bound => FrameError::InvalidLength {
                tag,
                length,
                limit: bound + 3,
            },
        }
    }

    const fn new(unknown_tag: fn(u8) -> FrameError) -> Self {
        Self {
            bounds: [0; 256],
            unknown_tag,
        }
    }

    #[expect(
        clippy::indexing_slicing,
        clippy::as_conversions,
        reason = "evaluated at compile time; a tag is below 256"
    )]
    const fn with(mut self, tags: &[u8], limit: u32) -> Self {
        let mut rest = tags;
        while let [tag, tail @ ..] = rest {
            self.bounds[*tag as usize] = limit - 3;
            rest = tail;
        }
        self
    }
}

/// What the length word of ReadyForQuery says; so tight because the scanner reads its one byte.
pub(super) const READY_FOR_QUERY_LENGTH: u32 = 5;

/// A checked length fits wherever a gibibyte of memory does.
#[inline]
pub(super) fn to_usize(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// As `SocketBackend` in `postgres.c`.
static FRONTEND_SESSION: Limits = Limits::new(|tag| FrameError::InvalidFrontendType { tag })
    .with(b"QFBPd", LARGE_MESSAGE_LIMIT)
    .with(b"XEDCHScf", SMALL_MESSAGE_LIMIT);

static FRONTEND_PASSWORD: Limits =
    Limits::new(|tag| FrameError::ExpectedPassword { tag }).with(b"p", PASSWORD_MESSAGE_LIMIT);

static FRONTEND_SASL: Limits =
    Limits::new(|tag| FrameError::ExpectedSasl { tag }).with(b"p", SASL_MESSAGE_LIMIT);

/// As libpq, but for `t`: 65,535 parameters are legal and make 262,150 bytes.
static BACKEND: Limits = Limits::new(|tag| FrameError::InvalidBackendType { tag })
    .with(b"TDdVENAt", LARGE_MESSAGE_LIMIT)
    .with(b"RKSCIvGHWc123ns", BACKEND_SMALL_MESSAGE_LIMIT)
    .with(b"Z", READY_FOR_QUERY_LENGTH);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_limit(side: Side, phase: Phase, tags: &[u8], limit: u32) {
        let limits = Limits::of(side, phase);
        let header = |tag, length: u32| {
            let [a, b, c, d] = length.to_be_bytes();
            [tag, a, b, c, d]
        };
        for &tag in tags {
            assert_eq!(limits.check(header(tag, 4)), Ok(0));
            assert_eq!(limits.check(header(tag, limit)), Ok(limit - 4));
            for length in [0, 1, 3, limit + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
                assert_eq!(
                    limits.check(header(tag, length)),
                    Err(FrameError::InvalidLength { tag, length, limit })
                );
            }
        }
    }

    #[test]
    fn every_kind_has_its_limit() {
        check_limit(Side::Frontend, Phase::Session, b"QFBPd", 0x3fff_fffe);
        check_limit(Side::Frontend, Phase::Session, b"XEDCHScf", 10_000);
        check_limit(Side::Frontend, Phase::Password, b"p", 65_535);
        check_limit(Side::Frontend, Phase::Sasl, b"p", 1_024);
        check_limit(Side::Backend, Phase::Session, b"TDdVENAt", 0x3fff_fffe);
        check_limit(Side::Backend, Phase::Session, b"RKSCIvGHWc123ns", 30_000);
        check_limit(Side::Backend, Phase::Session, b"Z", 5);
    }

    #[test]
    fn everything_else_is_no_tag() {
        for (side, phase, known) in [
            (Side::Frontend, Phase::Session, 13),
            (Side::Frontend, Phase::Password, 1),
            (Side::Frontend, Phase::Sasl, 1),
            (Side::Backend, Phase::Session, 24),
        ] {
            let limits = Limits::of(side, phase);
            let good = (0..=255).filter(|tag| limits.check_tag(*tag).is_ok());
            assert_eq!(good.count(), known);
        }
    }
}
