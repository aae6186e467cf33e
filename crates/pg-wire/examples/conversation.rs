//! A whole session in memory: each side encodes, the other decodes.
//!
//! Run it with `cargo run -p pg-wire --example conversation`.
#![expect(clippy::print_stdout, reason = "the transcript is what it is for")]

use std::error::Error;

use bytes::BytesMut;
use pg_wire::backend::{
    Authentication, BackendKeyData, BackendMessage, ErrorResponse, ParameterStatus,
    TransactionStatus, put_data_row,
};
use pg_wire::frame::{FrameDecoder, Side};
use pg_wire::frontend::{Bind, Execute, FrontendMessage, Parse};
use pg_wire::startup::{
    CancelKey, EncryptionAnswer, SSL_REQUEST, StartupDecoder, StartupMessage, StartupPacket,
};
use pg_wire::{Field, Format, List, ProtocolVersion, SqlState};

fn main() -> Result<(), Box<dyn Error>> {
    let mut to_server = BytesMut::new();
    let mut to_client = BytesMut::new();

    println!("-- startup");
    to_server.extend_from_slice(&SSL_REQUEST);
    StartupMessage::new(ProtocolVersion::V3_2)
        .with_parameter("user", "alice")
        .with_parameter("application_name", "conversation")
        .encode(&mut to_server)?;
    serve_startup(&mut to_server, &mut to_client)?;
    read_answers(&mut to_client)?;

    println!("-- simple query");
    FrontendMessage::Query("select answer from life".into()).encode(&mut to_server)?;
    serve_messages(&mut to_server, &mut to_client)?;
    read_answers(&mut to_client)?;

    println!("-- extended query");
    let select = Parse {
        query: "select $1".into(),
        ..Parse::default()
    };
    let bind = Bind {
        parameters: List::new([Some(&b"42"[..])])?,
        ..Bind::default()
    };
    FrontendMessage::Parse(select).encode(&mut to_server)?;
    FrontendMessage::Bind(bind).encode(&mut to_server)?;
    FrontendMessage::Execute(Execute::default()).encode(&mut to_server)?;
    FrontendMessage::Sync.encode(&mut to_server)?;
    serve_messages(&mut to_server, &mut to_client)?;
    read_answers(&mut to_client)?;

    println!("-- what the server does not do, and the end");
    FrontendMessage::CopyFail("changed my mind".into()).encode(&mut to_server)?;
    FrontendMessage::Terminate.encode(&mut to_server)?;
    serve_messages(&mut to_server, &mut to_client)?;
    read_answers(&mut to_client)
}

/// The server until the session stands. It has no TLS, and lets everybody in.
fn serve_startup(input: &mut BytesMut, output: &mut BytesMut) -> Result<(), Box<dyn Error>> {
    let mut decoder = StartupDecoder::new();
    while let Some(packet) = decoder.decode(input)? {
        match packet {
            StartupPacket::SslRequest | StartupPacket::GssEncRequest => {
                // A real server sends it at once, and refuses what came before it was sent.
                let answer = char::from(EncryptionAnswer::Refuse.as_byte());
                println!("server: {answer} (no encryption)");
            }
            StartupPacket::Startup(startup) => {
                startup.validate()?;
                let (version, negotiation) = startup.negotiate(ProtocolVersion::LATEST);
                println!("server: session of version {version}");
                if let Some(negotiation) = negotiation {
                    negotiation.encode(output);
                }
                welcome(output)?;
            }
            StartupPacket::Cancel(_) | StartupPacket::Unsupported(_) => {
                return Err("the client of this example opens a session".into());
            }
        }
    }
    Ok(())
}

fn welcome(output: &mut BytesMut) -> Result<(), Box<dyn Error>> {
    for message in [
        BackendMessage::Authentication(Authentication::Ok),
        BackendMessage::ParameterStatus(ParameterStatus {
            name: "server_version".into(),
            value: "18.0".into(),
        }),
        BackendMessage::BackendKeyData(BackendKeyData {
            process_id: 1,
            secret_key: CancelKey::new(&[7; 32])?,
        }),
        BackendMessage::ReadyForQuery(TransactionStatus::Idle),
    ] {
        message.encode(output)?;
    }
    Ok(())
}

/// The server in the session: whatever the question, the answer is 42.
fn serve_messages(input: &mut BytesMut, output: &mut BytesMut) -> Result<(), Box<dyn Error>> {
    let decoder = FrameDecoder::new(Side::Frontend);
    while let Some(frame) = decoder.decode(input)? {
        match FrontendMessage::decode(frame)? {
            FrontendMessage::Query(_) => {
                describe_answer()?.encode(output)?;
                answer(output)?;
                ready(output)?;
            }
            FrontendMessage::Parse(_) => BackendMessage::ParseComplete.encode(output)?,
            FrontendMessage::Bind(_) => BackendMessage::BindComplete.encode(output)?,
            FrontendMessage::Execute(_) => answer(output)?,
            FrontendMessage::Sync => ready(output)?,
            FrontendMessage::Terminate => println!("server: the client leaves"),
            other => {
                let text = format!("message type {} is not served here", other.tag());
                ErrorResponse::error(SqlState::FEATURE_NOT_SUPPORTED, text)
                    .with_hint("Send a query.")
                    .encode(output);
            }
        }
    }
    Ok(())
}

fn describe_answer() -> Result<BackendMessage, Box<dyn Error>> {
    let field = Field {
        name: b"answer",
        table_oid: 0,
        column: 0,
        type_oid: 25,
        type_size: -1,
        type_modifier: -1,
        format: Format::Text,
    };
    Ok(BackendMessage::RowDescription(List::new([field])?))
}

fn answer(output: &mut BytesMut) -> Result<(), Box<dyn Error>> {
    put_data_row(output, [Some(&b"42"[..])])?;
    BackendMessage::CommandComplete("SELECT 1".into()).encode(output)?;
    Ok(())
}

fn ready(output: &mut BytesMut) -> Result<(), Box<dyn Error>> {
    BackendMessage::ReadyForQuery(TransactionStatus::Idle).encode(output)?;
    Ok(())
}

/// The client: prints what it hears.
fn read_answers(input: &mut BytesMut) -> Result<(), Box<dyn Error>> {
    let decoder = FrameDecoder::new(Side::Backend);
    while let Some(frame) = decoder.decode(input)? {
        let message = BackendMessage::decode(frame)?;
        println!("client: {} {message:?}", char::from(message.tag()));
    }
    Ok(())
}
