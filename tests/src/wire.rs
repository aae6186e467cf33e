//! The protocol's bytes, written by hand: the tests must not learn them from the crate under test.

use std::collections::BTreeMap;

/// `SSLRequest`, whole packet.
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];
/// `GSSENCRequest`, whole packet.
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x30];
/// Code of a `CancelRequest`.
pub const CANCEL_CODE: [u8; 4] = [0x04, 0xD2, 0x16, 0x2E];
/// Protocol 3.0 as a startup code.
pub const V3_0: [u8; 4] = [0, 3, 0, 0];
/// Protocol 3.1, which no server ever spoke.
pub const V3_1: [u8; 4] = [0, 3, 0, 1];
/// Protocol 3.2.
pub const V3_2: [u8; 4] = [0, 3, 0, 2];
/// Protocol 3.9999, the version that newer libpq asks for to keep servers honest.
pub const V3_9999: [u8; 4] = [0, 3, 0x27, 0x0F];
/// `AuthenticationOk`, whole message.
pub const AUTHENTICATION_OK: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 0];
/// `ReadyForQuery` outside a transaction, whole message.
pub const READY_IDLE: [u8; 6] = [b'Z', 0, 0, 0, 5, b'I'];
/// `Sync`, whole message.
pub const SYNC: [u8; 5] = [b'S', 0, 0, 0, 4];
/// `Flush`, whole message.
pub const FLUSH: [u8; 5] = [b'H', 0, 0, 0, 4];
/// `Terminate`, whole message.
pub const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];

/// A packet of the startup phase: length word, code, body as it is.
#[must_use]
pub fn packet(code: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + body.len()).unwrap();
    [&length.to_be_bytes()[..], &code, body].concat()
}

/// Parameters as they stand in a `StartupMessage`: name and value, each with its NUL, then the terminator.
#[must_use]
pub fn parameters(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in parameters {
        for text in [name, value] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
    }
    body.push(0);
    body
}

/// A well-formed `StartupMessage`.
#[must_use]
pub fn startup(version: [u8; 4], list: &[(&str, &str)]) -> Vec<u8> {
    packet(version, &parameters(list))
}

/// The `StartupMessage` most cases use: protocol 3.0, user `alice`, database `postgres`.
#[must_use]
pub fn startup_alice() -> Vec<u8> {
    startup(V3_0, &[("user", "alice"), ("database", "postgres")])
}

/// A `CancelRequest` with a key of any length.
#[must_use]
pub fn cancel_request(process_id: i32, key: &[u8]) -> Vec<u8> {
    packet(CANCEL_CODE, &[&process_id.to_be_bytes()[..], key].concat())
}

/// A message of the session phase.
#[must_use]
pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(4 + body.len()).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// `SASLInitialResponse`; `None` sends no data yet.
#[must_use]
pub fn sasl_initial(mechanism: &str, data: Option<&[u8]>) -> Vec<u8> {
    let length = data.map_or(-1, |data| i32::try_from(data.len()).unwrap());
    let name = [mechanism.as_bytes(), &[0], &length.to_be_bytes()].concat();
    message(b'p', &[&name, data.unwrap_or_default()].concat())
}

/// `SASLResponse`.
#[must_use]
pub fn sasl_response(data: &[u8]) -> Vec<u8> {
    message(b'p', data)
}

/// `AuthenticationSASL` with these mechanisms.
#[must_use]
pub fn authentication_sasl(mechanisms: &[&str]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 10];
    for name in mechanisms {
        body.extend_from_slice(name.as_bytes());
        body.push(0);
    }
    body.push(0);
    message(b'R', &body)
}

/// FATAL 28P01.
#[must_use]
pub fn password_failed(user: &str) -> Report {
    let text = format!("password authentication failed for user \"{user}\"");
    Report::fatal("28P01", text)
}

/// Only the head of a message, with whatever length word is asked for.
#[must_use]
pub fn head(tag: u8, length: u32) -> Vec<u8> {
    [&[tag][..], &length.to_be_bytes()].concat()
}

/// A simple `Query`.
#[must_use]
pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &[sql.as_bytes(), &[0]].concat())
}

/// `Parse` of an unnamed statement without parameter types.
#[must_use]
pub fn parse(sql: &str) -> Vec<u8> {
    message(b'P', &[&[0][..], sql.as_bytes(), &[0, 0, 0]].concat())
}

/// `Bind` of the unnamed statement to the unnamed portal, without parameters, text results.
#[must_use]
pub fn bind() -> Vec<u8> {
    message(b'B', &[0, 0, 0, 0, 0, 0, 0, 0])
}

/// `Execute` of the unnamed portal, all rows.
#[must_use]
pub fn execute() -> Vec<u8> {
    message(b'E', &[0, 0, 0, 0, 0])
}

/// `NegotiateProtocolVersion`, whole message.
#[must_use]
pub fn negotiate_protocol_version(version: [u8; 4], options: &[&str]) -> Vec<u8> {
    let count = u32::try_from(options.len()).unwrap();
    let mut body = [version, count.to_be_bytes()].concat();
    for option in options {
        body.extend_from_slice(option.as_bytes());
        body.push(0);
    }
    message(b'v', &body)
}

/// What an `ErrorResponse` or `NoticeResponse` must say; everything not named here must be absent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Fields S and V.
    pub severity: String,
    /// Field C.
    pub sqlstate: String,
    /// Field M.
    pub message: String,
    /// Field D.
    pub detail: Option<String>,
    /// Field H.
    pub hint: Option<String>,
}

impl Report {
    /// A FATAL without detail and hint.
    #[must_use]
    pub fn fatal(sqlstate: &str, message: impl Into<String>) -> Self {
        Self {
            severity: "FATAL".into(),
            sqlstate: sqlstate.into(),
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// Adds field D.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    /// Adds field H.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The whole `ErrorResponse` as a server sends it that tells no source file, line and routine.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut field = |code: u8, text: &str| {
            body.push(code);
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        };
        field(b'S', &self.severity);
        field(b'V', &self.severity);
        field(b'C', &self.sqlstate);
        field(b'M', &self.message);
        if let Some(detail) = &self.detail {
            field(b'D', detail);
        }
        if let Some(hint) = &self.hint {
            field(b'H', hint);
        }
        body.push(0);
        message(b'E', &body)
    }

    /// Reads the body of an `ErrorResponse`. PostgreSQL's source position (F, L, R) is dropped; any other field,
    /// a doubled field or an S that differs from V panics.
    #[must_use]
    #[track_caller]
    pub fn parse(body: &[u8]) -> Self {
        let (report, mut others) = Self::parse_fields(body);
        assert_eq!(
            others.remove(&b'V').as_ref(),
            Some(&report.severity),
            "fields S and V"
        );
        assert!(others.is_empty(), "unexpected fields {others:?}");
        report
    }

    /// Like `parse`, for errors of an engine, which may say more (a position, a table) than this type holds, and less:
    /// Nano's have no field V.
    #[must_use]
    #[track_caller]
    pub fn parse_head(body: &[u8]) -> Self {
        Self::parse_fields(body).0
    }

    #[track_caller]
    fn parse_fields(body: &[u8]) -> (Self, BTreeMap<u8, String>) {
        let mut fields = BTreeMap::new();
        let mut rest = body;
        while let Some((&code, after)) = rest.split_first().filter(|(code, _)| **code != 0) {
            let end = after
                .iter()
                .position(|&byte| byte == 0)
                .expect("field without its NUL");
            let text = String::from_utf8(after[..end].to_vec()).expect("field is not UTF-8");
            assert!(
                fields.insert(code, text).is_none(),
                "field {:?} twice",
                char::from(code)
            );
            rest = &after[end + 1..];
        }
        assert_eq!(rest, [0], "an ErrorResponse ends with one NUL");
        for position in [b'F', b'L', b'R'] {
            fields.remove(&position);
        }
        let mut take = |code: u8| fields.remove(&code);
        let report = Self {
            severity: take(b'S').expect("no field S"),
            sqlstate: take(b'C').expect("no field C"),
            message: take(b'M').expect("no field M"),
            detail: take(b'D'),
            hint: take(b'H'),
        };
        (report, fields)
    }
}

/// FATAL 0A000 for a protocol this server does not speak, as PostgreSQL `latest` ("3.0" or "3.2") words it.
#[must_use]
pub fn unsupported_protocol(version: &str, latest: &str) -> Report {
    Report::fatal(
        "0A000",
        format!("unsupported frontend protocol {version}: server supports 3.0 to {latest}"),
    )
}

/// FATAL 28000 for a packet that names no user.
#[must_use]
pub fn no_user() -> Report {
    Report::fatal(
        "28000",
        "no PostgreSQL user name specified in startup packet",
    )
}

/// FATAL 28000 for a client in clear where the rules want TLS.
#[must_use]
pub fn plaintext_refused(user: &str, database: &str) -> Report {
    let text = format!(
        "no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"{database}\", \
         no encryption"
    );
    Report::fatal("28000", text)
}

/// FATAL 53300.
#[must_use]
pub fn too_many_clients() -> Report {
    Report::fatal("53300", "sorry, too many clients already")
}

/// FATAL 57P01.
#[must_use]
pub fn terminated() -> Report {
    Report::fatal(
        "57P01",
        "terminating connection due to administrator command",
    )
}

/// FATAL 08P01 for bytes that came before the encryption they belong behind.
#[must_use]
pub fn unencrypted_data_after(request: &str) -> Report {
    Report::fatal("08P01", format!("received unencrypted data after {request} request")).detail(
        "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.",
    )
}

/// Puts another `server_name` extension into a `ClientHello` record (or takes it away), lengths corrected.
///
/// The handshake cannot be finished with the result, since the client hashed the original: it is for cases that look
/// at the first flight of the server only.
#[must_use]
pub fn with_server_name(client_hello_record: &[u8], name: Option<&[u8]>) -> Vec<u8> {
    let (header, handshake) = client_hello_record.split_at(5);
    let body = &handshake[4..];
    let mut at = 2 + 32; // legacy_version, random
    at += 1 + usize::from(body[at]); // session id
    at += 2 + usize::from(u16::from_be_bytes([body[at], body[at + 1]])); // cipher suites
    at += 1 + usize::from(body[at]); // compression methods
    let mut extensions = Vec::new();
    if let Some(name) = name {
        let length = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
        let list = [&[0][..], &length(name.len()), name].concat();
        let extension = [&length(list.len())[..], &list].concat();
        extensions.extend([&[0, 0][..], &length(extension.len()), &extension].concat());
    }
    let mut rest = &body[at + 2..];
    while !rest.is_empty() {
        let length = 4 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let (extension, after) = rest.split_at(length);
        if extension[..2] != [0, 0] {
            extensions.extend_from_slice(extension);
        }
        rest = after;
    }
    let body = [
        &body[..at],
        &u16::try_from(extensions.len()).unwrap().to_be_bytes(),
        &extensions,
    ]
    .concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let handshake = [&handshake[..1], &length[1..], &body].concat();
    let length = u16::try_from(handshake.len()).unwrap().to_be_bytes();
    [&header[..3], &length, &handshake].concat()
}
