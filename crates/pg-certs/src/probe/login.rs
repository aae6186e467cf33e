//! A StartupMessage and what comes of it, up to the point where a secret would be needed.

use std::io::{Read, Write};

use bytes::BytesMut;
use pg_wire::ProtocolVersion;
use pg_wire::backend::{Authentication, BackendMessage, ErrorResponse};
use pg_wire::frame::{FrameDecoder, Side};
use pg_wire::startup::StartupMessage;

use super::fault::{Fault, printable};
use super::report::Login;

/// The packet for this user and database.
pub(super) fn startup(user: &str, database: Option<&str>) -> Result<BytesMut, Fault> {
    let mut message = StartupMessage::new(ProtocolVersion::V3_0).with_parameter("user", user);
    if let Some(database) = database {
        message = message.with_parameter("database", database);
    }
    let message = message.with_parameter("application_name", "pg-certs probe");
    let mut packet = BytesMut::new();
    message
        .encode(&mut packet)
        .map_err(|error| Fault::Protocol(error.to_string()))?;
    Ok(packet)
}

/// Sends the packet and reads on until the server asks for proof, lets the user in, or ends it.
pub(super) fn log_in(stream: &mut (impl Read + Write), startup: &[u8]) -> Login {
    match stream.write_all(startup).and_then(|()| stream.flush()) {
        Ok(()) => outcome(stream),
        // What the server said before it closed is still to be read.
        Err(error) => match outcome(stream) {
            Login::Ended { .. } => ended(&error.into()),
            said => said,
        },
    }
}

/// Reads what the server has to say to a startup packet.
pub(super) fn outcome(stream: &mut (impl Read + Write)) -> Login {
    let mut buffer = BytesMut::new();
    let mut authenticated = false;
    for number in 0..MESSAGES_MAX {
        let message = match next(stream, &mut buffer) {
            Ok(message) => message,
            Err(fault) => return ended(&fault),
        };
        match message {
            BackendMessage::Authentication(Authentication::Ok) => authenticated = true,
            BackendMessage::Authentication(request) if !authenticated => {
                return Login::Asks {
                    methods: methods(&request),
                };
            }
            BackendMessage::ErrorResponse(report) => return refused(&report, authenticated),
            BackendMessage::ReadyForQuery(_) if authenticated => {
                // The server ends the session either way.
                let _ = stream.write_all(TERMINATE).and_then(|()| stream.flush());
                return Login::Admitted;
            }
            BackendMessage::NoticeResponse(_)
            | BackendMessage::NegotiateProtocolVersion(_)
            | BackendMessage::ParameterStatus(_)
            | BackendMessage::BackendKeyData(_)
                if authenticated || number < NOTICES_MAX => {}
            other => {
                let tag = char::from(other.tag());
                return ended(&Fault::Protocol(format!(
                    "expected authentication request from server, but received {tag}"
                )));
            }
        }
    }
    ended(&Fault::Flood)
}

fn next(stream: &mut impl Read, buffer: &mut BytesMut) -> Result<BackendMessage, Fault> {
    let decoder = FrameDecoder::new(Side::Backend);
    loop {
        let wrong = |error: &dyn std::fmt::Display| {
            Fault::Protocol(printable(&format!("not PostgreSQL's protocol: {error}")))
        };
        if let Some(frame) = decoder.decode(buffer).map_err(|error| wrong(&error))? {
            return BackendMessage::decode(frame).map_err(|error| wrong(&error));
        }
        let missing = decoder.needed(buffer).map_err(|error| wrong(&error))?;
        if buffer.len().saturating_add(missing) > MESSAGE_MAX {
            return Err(wrong(&format_args!("a message of {missing} bytes")));
        }
        let mut chunk = [0; 1024];
        let part = chunk.get_mut(..missing.min(1024)).unwrap_or_default();
        match stream.read(part)? {
            0 => return Err(Fault::Closed),
            count => buffer.extend_from_slice(part.get(..count).unwrap_or_default()),
        }
    }
}

fn methods(request: &Authentication) -> Vec<String> {
    let name = match request {
        Authentication::Sasl(mechanisms) => {
            return mechanisms
                .iter()
                .map(|name| printable(&String::from_utf8_lossy(name)))
                .collect();
        }
        Authentication::Ok => "trust",
        Authentication::KerberosV5 => "krb5",
        Authentication::CleartextPassword => "password",
        Authentication::Md5Password { .. } => "md5",
        Authentication::Gss | Authentication::GssContinue(_) => "gss",
        Authentication::Sspi => "sspi",
        Authentication::SaslContinue(_) | Authentication::SaslFinal(_) => "sasl",
    };
    vec![name.to_owned()]
}

fn refused(report: &ErrorResponse, authenticated: bool) -> Login {
    Login::Refused {
        sqlstate: report.code().map(|code| code.to_string()),
        message: printable(&report.message()),
        authenticated,
    }
}

fn ended(fault: &Fault) -> Login {
    Login::Ended {
        reason: fault.to_string(),
        silent: fault.is_silence(),
    }
}

/// A whole Terminate message.
const TERMINATE: &[u8] = b"X\0\0\0\x04";

/// More than a server says between a startup packet and its first ReadyForQuery.
const MESSAGES_MAX: usize = 200;

/// Before authentication only an extension of the protocol and a warning have their place.
const NOTICES_MAX: usize = 8;

/// The longest message that is taken in, in bytes; libpq's own limit for errors is 30,000.
const MESSAGE_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};

    use super::*;

    /// A peer that says this whatever it hears.
    struct Script(Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Script {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.1.write(buffer)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn answer(bytes: &[u8]) -> (Login, Vec<u8>) {
        let mut script = Script(Cursor::new(bytes.to_vec()), Vec::new());
        let login = log_in(&mut script, b"startup");
        (login, script.1)
    }

    #[track_caller]
    fn ends(bytes: &[u8], why: &str) {
        let (login, _) = answer(bytes);
        let Login::Ended { reason, silent } = login else {
            panic!("{login:?}");
        };
        assert_eq!((reason.as_str(), silent), (why, false));
    }

    #[test]
    fn methods_have_the_names_of_access_rules() {
        for (body, methods) in [
            (&b"\0\0\0\x03"[..], &["password"][..]),
            (b"\0\0\0\x05salt", &["md5"]),
            (b"\0\0\0\x07", &["gss"]),
            (
                b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
                &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
            ),
        ] {
            let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
            let (login, sent) = answer(&[b"R", &length[..], body].concat());
            let methods = methods.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(login, Login::Asks { methods });
            assert_eq!(sent, b"startup", "nothing else may be sent");
        }
    }

    #[test]
    fn an_admitted_user_takes_leave() {
        let (login, sent) = answer(b"R\0\0\0\x08\0\0\0\0S\0\0\0\x08a\0b\0Z\0\0\0\x05I");
        assert_eq!(login, Login::Admitted);
        assert_eq!(sent, b"startupX\0\0\0\x04");
    }

    #[test]
    fn a_refusal_keeps_its_code() {
        let error = ErrorResponse::fatal(pg_wire::SqlState::INVALID_PASSWORD, "no\x1b");
        let (login, _) = answer(&error.to_bytes());
        let refused = |authenticated| Login::Refused {
            sqlstate: Some("28P01".to_owned()),
            message: "no?".to_owned(),
            authenticated,
        };
        assert_eq!(login, refused(false));
        let (login, _) = answer(&[&b"R\0\0\0\x08\0\0\0\0"[..], &error.to_bytes()].concat());
        assert_eq!(login, refused(true));
    }

    #[test]
    fn what_is_no_postgresql_is_named() {
        ends(b"", "closed without a word");
        ends(b"R\0\0", "closed without a word");
        ends(
            b"Z\0\0\0\x05I",
            "expected authentication request from server, but received Z",
        );
        for garbage in [
            &b"HTTP/1.1 400"[..],
            b"R\0\0\0\0",
            b"R\xff\xff\xff\xff",
            b"\0",
        ] {
            let (login, _) = answer(garbage);
            let Login::Ended { reason, .. } = login else {
                panic!("{login:?}");
            };
            assert!(
                reason.starts_with("not PostgreSQL's protocol: "),
                "{reason}"
            );
        }
    }

    #[test]
    fn a_promise_of_a_gibibyte_is_not_waited_for() {
        let (login, _) = answer(b"E\x3f\xff\xff\xf0");
        let Login::Ended { reason, .. } = login else {
            panic!("{login:?}");
        };
        assert_eq!(
            reason,
            "not PostgreSQL's protocol: a message of 1073741804 bytes"
        );
    }

    #[test]
    fn messages_without_end_are_cut_off() {
        let notices = b"N\0\0\0\x05\0".repeat(10_000);
        ends(
            &notices,
            "expected authentication request from server, but received N",
        );
        let statuses = [
            &b"R\0\0\0\x08\0\0\0\0"[..],
            &b"S\0\0\0\x08a\0b\0".repeat(10_000),
        ]
        .concat();
        ends(&statuses, "sent without end");
    }
}
