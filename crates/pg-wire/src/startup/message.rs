//! StartupMessage.

use bytes::{BufMut, Bytes, BytesMut};

use super::{MAX_STARTUP_PACKET_LENGTH, Replication, StartupError};
use crate::ProtocolVersion;
use crate::backend::NegotiateProtocolVersion;
use crate::codec::{EncodeError, put_cstr, put_startup_frame};

/// The packet that opens a session: a version and parameters in the order sent.
///
/// Names and values are bytes: no encoding is agreed on yet. All that is here is what the client
/// *says*; [`validate`](Self::validate) tells whether PostgreSQL would go on.
///
/// ```
/// use bytes::BytesMut;
/// use pg_wire::ProtocolVersion;
/// use pg_wire::startup::StartupMessage;
///
/// let message = StartupMessage::new(ProtocolVersion::V3_0).with_parameter("user", "alice");
/// assert_eq!(message.database(), Some(&b"alice"[..]));
///
/// let mut buf = BytesMut::new();
/// message.encode(&mut buf)?;
/// assert_eq!(&buf[..], b"\x00\x00\x00\x14\x00\x03\x00\x00user\0alice\0\0");
/// # Ok::<(), pg_wire::EncodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartupMessage {
    version: ProtocolVersion,
    parameters: Vec<(Bytes, Bytes)>,
}

impl StartupMessage {
    /// A message without parameters.
    pub const fn new(version: ProtocolVersion) -> Self {
        Self {
            version,
            parameters: Vec::new(),
        }
    }

    /// Appends a parameter. Of two with the same name the last one counts, as in PostgreSQL.
    #[must_use]
    pub fn with_parameter(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.parameters.push((
            Bytes::copy_from_slice(name.as_ref()),
            Bytes::copy_from_slice(value.as_ref()),
        ));
        self
    }

    pub(super) fn from_parts(version: ProtocolVersion, parameters: Vec<(Bytes, Bytes)>) -> Self {
        Self {
            version,
            parameters,
        }
    }

    /// The version that the client asks for.
    pub const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The user, cut to 63 bytes as PostgreSQL does; `None` if absent or empty.
    pub fn user(&self) -> Option<&[u8]> {
        let user = self.parameter("user").map(truncate_identifier)?;
        (!user.is_empty()).then_some(user)
    }

    /// The database, cut to 63 bytes; absent or empty, it is the user.
    pub fn database(&self) -> Option<&[u8]> {
        match self.parameter("database").map(truncate_identifier) {
            Some(database) if !database.is_empty() => Some(database),
            _ => self.user(),
        }
    }

    /// The `application_name`, whole.
    pub fn application_name(&self) -> Option<&[u8]> {
        self.parameter("application_name")
    }

    /// The `options`: command-line arguments for the session.
    pub fn options(&self) -> Option<&[u8]> {
        self.parameter("options")
    }

    /// What `replication` asks for.
    ///
    /// # Errors
    ///
    /// [`StartupError::InvalidReplication`].
    pub fn replication(&self) -> Result<Replication, StartupError> {
        match self.last("replication") {
            Some(value) => parse_replication(value),
            None => Ok(Replication::Off),
        }
    }

    /// The value of a parameter; of several, the last.
    pub fn parameter(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.last(name.as_ref()).map(Bytes::as_ref)
    }

    fn last(&self, name: impl AsRef<[u8]>) -> Option<&Bytes> {
        let name = name.as_ref();
        let mut latest_first = self.parameters.iter().rev();
        let found = latest_first.find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// All parameters as sent, duplicates and protocol options too.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = (&Bytes, &Bytes)> {
        self.parameters.iter().map(|(name, value)| (name, value))
    }

    /// The parameters whose names start with `_pq_.`: extensions of the protocol rather than settings.
    pub fn protocol_options(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.parameters()
            .filter(|(name, _)| name.starts_with(PROTOCOL_OPTION_PREFIX))
    }

    /// The version of the session on a server whose latest version is `latest`, and the message that
    /// tells the client, if there is something to tell (spec §1.5).
    ///
    /// No protocol option is known, so every one is listed, in the order sent. 3.1 is taken as it is.
    ///
    /// ```
    /// use pg_wire::ProtocolVersion;
    /// use pg_wire::startup::StartupMessage;
    ///
    /// let grease = StartupMessage::new(ProtocolVersion::new(3, 9999));
    /// let (version, message) = grease.negotiate(ProtocolVersion::LATEST);
    /// assert_eq!(version, ProtocolVersion::V3_2);
    /// assert_eq!(message.unwrap().version, ProtocolVersion::V3_2);
    /// ```
    pub fn negotiate(
        &self,
        latest: ProtocolVersion,
    ) -> (ProtocolVersion, Option<NegotiateProtocolVersion>) {
        let version = self.version.min(latest);
        let options: Vec<Bytes> = self
            .protocol_options()
            .map(|(name, _)| name.clone())
            .collect();
        let message = (version < self.version || !options.is_empty())
            .then_some(NegotiateProtocolVersion { version, options });
        (version, message)
    }

    /// Checks what PostgreSQL checks before it looks at its access rules: the value of `replication`,
    /// then that there is a user.
    ///
    /// A decoded message has passed the first. The second comes *after* NegotiateProtocolVersion is
    /// queued, which is why the decoder leaves it to the caller.
    ///
    /// # Errors
    ///
    /// [`StartupError::InvalidReplication`] or [`StartupError::MissingUser`].
    pub fn validate(&self) -> Result<(), StartupError> {
        self.replication()?;
        match self.user() {
            Some(_) => Ok(()),
            None => Err(StartupError::MissingUser),
        }
    }

    /// Appends the whole packet.
    ///
    /// # Errors
    ///
    /// [`EncodeError::EmptyName`] or [`EncodeError::EmbeddedNul`] for a parameter that would be read as
    /// something else, [`EncodeError::TooLong`] beyond 10,004 bytes. Nothing is appended then.
    pub fn encode(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        put_startup_frame(buf, MAX_STARTUP_PACKET_LENGTH + 4, |buf| {
            buf.put_u32(self.version.code());
            for (name, value) in &self.parameters {
                if name.is_empty() {
                    return Err(EncodeError::EmptyName {
                        field: "parameter name",
                    });
                }
                put_cstr(buf, "parameter name", name)?;
                put_cstr(buf, "parameter value", value)?;
            }
            buf.put_u8(0);
            Ok(())
        })
    }
}

pub(super) fn parse_replication(value: &Bytes) -> Result<Replication, StartupError> {
    Replication::parse(value).ok_or_else(|| StartupError::InvalidReplication {
        value: value.clone(),
    })
}

/// Cuts at 63 bytes, in the middle of a character if need be: PostgreSQL does not know the encoding yet.
fn truncate_identifier(name: &[u8]) -> &[u8] {
    name.get(..MAX_IDENTIFIER_LENGTH).unwrap_or(name)
}

/// PostgreSQL's `NAMEDATALEN` less the NUL.
const MAX_IDENTIFIER_LENGTH: usize = 63;

const PROTOCOL_OPTION_PREFIX: &[u8] = b"_pq_.";

#[cfg(test)]
mod tests {
    use super::*;

    fn message(version: ProtocolVersion, parameters: &[(&str, &str)]) -> StartupMessage {
        let empty = StartupMessage::new(version);
        parameters.iter().fold(empty, |message, (name, value)| {
            message.with_parameter(name, value)
        })
    }

    #[track_caller]
    fn check_negotiation(
        asked: (u16, u16),
        options: &[&str],
        latest: ProtocolVersion,
        expected: Option<(u16, u16)>,
    ) {
        let options: Vec<_> = options.iter().map(|name| (*name, "x")).collect();
        let message = message(ProtocolVersion::new(asked.0, asked.1), &options);
        let (version, answer) = message.negotiate(latest);
        let expected = expected.map(|(major, minor)| ProtocolVersion::new(major, minor));
        assert_eq!(answer.as_ref().map(|answer| answer.version), expected);
        assert_eq!(version, message.version().min(latest));
        let listed = answer.map(|answer| answer.options.len());
        assert_eq!(listed.unwrap_or_default(), options.len());
    }

    #[test]
    fn negotiation_as_postgresql_18() {
        check_negotiation((3, 0), &[], ProtocolVersion::V3_2, None);
        check_negotiation((3, 1), &[], ProtocolVersion::V3_2, None);
        check_negotiation((3, 2), &[], ProtocolVersion::V3_2, None);
        check_negotiation((3, 3), &[], ProtocolVersion::V3_2, Some((3, 2)));
        check_negotiation(
            (3, 9999),
            &["_pq_.a", "_pq_.b"],
            ProtocolVersion::V3_2,
            Some((3, 2)),
        );
        check_negotiation((3, 0), &["_pq_.a"], ProtocolVersion::V3_2, Some((3, 0)));
    }

    #[test]
    fn negotiation_as_postgresql_17() {
        check_negotiation((3, 0), &[], ProtocolVersion::V3_0, None);
        check_negotiation((3, 1), &[], ProtocolVersion::V3_0, Some((3, 0)));
        check_negotiation((3, 2), &["_pq_.a"], ProtocolVersion::V3_0, Some((3, 0)));
    }

    #[test]
    fn options_are_listed_with_prefix_and_in_order() {
        let message = message(
            ProtocolVersion::V3_0,
            &[
                ("_pq_.z", "1"),
                ("user", "a"),
                ("_pq_.", "2"),
                ("_pq.x", "3"),
            ],
        );
        let (_, answer) = message.negotiate(ProtocolVersion::LATEST);
        assert_eq!(answer.unwrap().options, ["_pq_.z", "_pq_."]);
    }

    #[test]
    fn the_last_duplicate_wins() {
        let message = message(
            ProtocolVersion::V3_0,
            &[("user", "first"), ("user", "last"), ("database", "db")],
        );
        assert_eq!(message.user(), Some(&b"last"[..]));
        assert_eq!(message.database(), Some(&b"db"[..]));
        assert_eq!(message.parameters().len(), 3);
    }

    #[test]
    fn user_and_database_end_after_63_bytes() {
        let long = "ü".repeat(40);
        let message = message(ProtocolVersion::V3_0, &[("user", &long)]);
        assert_eq!(message.user(), Some(&long.as_bytes()[..63]));
        assert_eq!(message.database(), Some(&long.as_bytes()[..63]));
        assert_eq!(message.parameter("user"), Some(long.as_bytes()));
    }

    #[test]
    fn an_empty_database_is_the_user() {
        let message = message(ProtocolVersion::V3_0, &[("user", "a"), ("database", "")]);
        assert_eq!(message.database(), Some(&b"a"[..]));
    }

    #[test]
    fn validation_wants_a_user() {
        let none = message(ProtocolVersion::V3_0, &[("database", "db")]);
        assert_eq!(none.validate(), Err(StartupError::MissingUser));
        let empty = message(ProtocolVersion::V3_0, &[("user", "a"), ("user", "")]);
        assert_eq!(empty.validate(), Err(StartupError::MissingUser));
        let good = message(ProtocolVersion::V3_0, &[("user", "a")]);
        assert_eq!(good.validate(), Ok(()));
    }

    #[test]
    fn replication_is_checked_before_the_user() {
        let wrong = message(ProtocolVersion::V3_0, &[("replication", "maybe")]);
        let value = Bytes::from("maybe");
        assert_eq!(
            wrong.validate(),
            Err(StartupError::InvalidReplication { value })
        );
        let right = message(
            ProtocolVersion::V3_0,
            &[("user", "a"), ("replication", "database")],
        );
        assert_eq!(right.replication(), Ok(Replication::Database));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_whole() {
        let mut buf = BytesMut::new();
        let mut check = |message: StartupMessage, error: EncodeError| {
            assert_eq!(message.encode(&mut buf), Err(error));
            assert!(buf.is_empty());
        };
        check(
            message(ProtocolVersion::V3_0, &[("", "x")]),
            EncodeError::EmptyName {
                field: "parameter name",
            },
        );
        check(
            message(ProtocolVersion::V3_0, &[("user", "a\0b")]),
            EncodeError::EmbeddedNul {
                field: "parameter value",
            },
        );
        // 4 + 4 + 5 + value + 1 + 1: one byte over.
        check(
            message(ProtocolVersion::V3_0, &[("user", &"a".repeat(9_990))]),
            EncodeError::TooLong {
                length: 10_005,
                limit: 10_004,
            },
        );
    }
}
