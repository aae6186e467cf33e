//! Random messages of every kind.

use bytes::Bytes;
use pg_wire::backend::{
    Authentication, BackendKeyData, BackendMessage, CopyFormat, CopyResponse, ErrorResponse,
    NegotiateProtocolVersion, NoticeResponse, NotificationResponse, ParameterStatus, Report,
    ReportField, ReportKind, TransactionStatus,
};
use pg_wire::frontend::{
    Bind, Execute, FrontendMessage, FunctionCall, Parse, Password, SaslInitialResponse, Target,
};
use pg_wire::startup::{CancelKey, CancelRequest, StartupMessage};
use pg_wire::{Field, Format, List, ProtocolVersion, Severity, SqlState, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A string of the wire: anything but NUL.
pub(crate) fn text() -> impl Strategy<Value = Bytes> {
    vec(1..=u8::MAX, 0..20).prop_map(Bytes::from)
}

pub(crate) fn name() -> impl Strategy<Value = Bytes> {
    vec(1..=u8::MAX, 1..20).prop_map(Bytes::from)
}

fn data() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn format() -> impl Strategy<Value = Format> {
    any::<i16>().prop_map(Format::from_code)
}

fn formats() -> impl Strategy<Value = List<Format>> {
    vec(format(), 0..4).prop_map(|items| List::new(items).unwrap())
}

fn oids() -> impl Strategy<Value = List<u32>> {
    vec(any::<u32>(), 0..4).prop_map(|items| List::new(items).unwrap())
}

fn values() -> impl Strategy<Value = List<Value>> {
    vec(option::of(data()), 0..4)
        .prop_map(|items| List::new(items.iter().map(Option::as_deref)).unwrap())
}

fn fields() -> impl Strategy<Value = List<Field<'static>>> {
    let numbers = (
        any::<u32>(),
        any::<i16>(),
        any::<u32>(),
        any::<i16>(),
        any::<i32>(),
    );
    vec((text(), numbers, format()), 0..4).prop_map(|columns| {
        let fields = columns.iter().map(|(name, numbers, format)| Field {
            name,
            table_oid: numbers.0,
            column: numbers.1,
            type_oid: numbers.2,
            type_size: numbers.3,
            type_modifier: numbers.4,
            format: *format,
        });
        List::new(fields).unwrap()
    })
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        text().prop_map(Target::Statement),
        text().prop_map(Target::Portal),
    ]
}

/// Every kind but `p`, which is legal in another phase.
pub(crate) fn session_message() -> impl Strategy<Value = FrontendMessage> {
    prop_oneof![
        (text(), text(), formats(), values(), formats()).prop_map(|parts| {
            FrontendMessage::Bind(Bind {
                portal: parts.0,
                statement: parts.1,
                parameter_formats: parts.2,
                parameters: parts.3,
                result_formats: parts.4,
            })
        }),
        target().prop_map(FrontendMessage::Close),
        data().prop_map(FrontendMessage::CopyData),
        Just(FrontendMessage::CopyDone),
        text().prop_map(FrontendMessage::CopyFail),
        target().prop_map(FrontendMessage::Describe),
        (text(), any::<i32>()).prop_map(|(portal, max_rows)| {
            FrontendMessage::Execute(Execute { portal, max_rows })
        }),
        Just(FrontendMessage::Flush),
        (any::<u32>(), formats(), values(), format()).prop_map(|parts| {
            FrontendMessage::FunctionCall(FunctionCall {
                function: parts.0,
                argument_formats: parts.1,
                arguments: parts.2,
                result_format: parts.3,
            })
        }),
        (text(), text(), oids()).prop_map(|(statement, query, parameter_types)| {
            FrontendMessage::Parse(Parse {
                statement,
                query,
                parameter_types,
            })
        }),
        text().prop_map(FrontendMessage::Query),
        Just(FrontendMessage::Sync),
        Just(FrontendMessage::Terminate),
    ]
}

pub(crate) fn password() -> impl Strategy<Value = Password> {
    data().prop_map(Password::new)
}

pub(crate) fn sasl_initial_response() -> impl Strategy<Value = SaslInitialResponse> {
    (text(), option::of(data()))
        .prop_map(|(mechanism, data)| SaslInitialResponse { mechanism, data })
}

fn authentication() -> impl Strategy<Value = Authentication> {
    prop_oneof![
        Just(Authentication::Ok),
        Just(Authentication::KerberosV5),
        Just(Authentication::CleartextPassword),
        any::<[u8; 4]>().prop_map(|salt| Authentication::Md5Password { salt }),
        Just(Authentication::Gss),
        data().prop_map(Authentication::GssContinue),
        Just(Authentication::Sspi),
        vec(name(), 0..3).prop_map(Authentication::Sasl),
        data().prop_map(Authentication::SaslContinue),
        data().prop_map(Authentication::SaslFinal),
    ]
}

fn copy_response() -> impl Strategy<Value = CopyResponse> {
    let format = prop_oneof![Just(CopyFormat::Text), Just(CopyFormat::Binary)];
    (format, formats()).prop_map(|(format, columns)| CopyResponse { format, columns })
}

/// Every field that PostgreSQL knows, each with a chance of one half.
fn with_fields<Kind: ReportKind>(report: Report<Kind>, values: Vec<Option<Bytes>>) -> Report<Kind> {
    let fields = [
        ReportField::Detail,
        ReportField::Hint,
        ReportField::Position,
        ReportField::InternalPosition,
        ReportField::InternalQuery,
        ReportField::Where,
        ReportField::Schema,
        ReportField::Table,
        ReportField::Column,
        ReportField::DataType,
        ReportField::Constraint,
        ReportField::File,
        ReportField::Line,
        ReportField::Routine,
    ];
    fields
        .into_iter()
        .zip(values)
        .fold(report, |report, (field, value)| match value {
            Some(value) => report.with_field(field, value),
            None => report,
        })
}

fn error_response() -> impl Strategy<Value = ErrorResponse> {
    (text(), vec(option::of(text()), 14)).prop_map(|(message, values)| {
        with_fields(
            ErrorResponse::error(SqlState::SYNTAX_ERROR, message),
            values,
        )
    })
}

fn notice_response() -> impl Strategy<Value = NoticeResponse> {
    (text(), vec(option::of(text()), 14)).prop_map(|(message, values)| {
        let notice = NoticeResponse::new(Severity::Warning, SqlState::WARNING, message);
        with_fields(notice, values)
    })
}

pub(crate) fn version() -> impl Strategy<Value = ProtocolVersion> {
    any::<u32>().prop_map(ProtocolVersion::from_code)
}

fn negotiate_protocol_version() -> impl Strategy<Value = NegotiateProtocolVersion> {
    (version(), vec(text(), 0..3))
        .prop_map(|(version, options)| NegotiateProtocolVersion { version, options })
}

pub(crate) fn cancel_key() -> impl Strategy<Value = CancelKey> {
    vec(any::<u8>(), 1..=256).prop_map(|key| CancelKey::new(&key).unwrap())
}

pub(crate) fn cancel_request() -> impl Strategy<Value = CancelRequest> {
    (any::<i32>(), cancel_key()).prop_map(|(process_id, secret_key)| CancelRequest {
        process_id,
        secret_key,
    })
}

fn status() -> impl Strategy<Value = TransactionStatus> {
    prop_oneof![
        Just(TransactionStatus::Idle),
        Just(TransactionStatus::InTransaction),
        Just(TransactionStatus::Failed),
    ]
}

pub(crate) fn backend_message() -> impl Strategy<Value = BackendMessage> {
    prop_oneof![start_message(), result_message(), empty_message()]
}

fn start_message() -> impl Strategy<Value = BackendMessage> {
    prop_oneof![
        authentication().prop_map(BackendMessage::Authentication),
        (any::<i32>(), cancel_key()).prop_map(|(process_id, secret_key)| {
            BackendMessage::BackendKeyData(BackendKeyData {
                process_id,
                secret_key,
            })
        }),
        negotiate_protocol_version().prop_map(BackendMessage::NegotiateProtocolVersion),
        (text(), text()).prop_map(|(name, value)| {
            BackendMessage::ParameterStatus(ParameterStatus { name, value })
        }),
        status().prop_map(BackendMessage::ReadyForQuery),
    ]
}

fn result_message() -> impl Strategy<Value = BackendMessage> {
    prop_oneof![
        text().prop_map(BackendMessage::CommandComplete),
        copy_response().prop_map(BackendMessage::CopyBothResponse),
        copy_response().prop_map(BackendMessage::CopyInResponse),
        copy_response().prop_map(BackendMessage::CopyOutResponse),
        data().prop_map(BackendMessage::CopyData),
        values().prop_map(BackendMessage::DataRow),
        error_response().prop_map(BackendMessage::ErrorResponse),
        option::of(data()).prop_map(BackendMessage::FunctionCallResponse),
        notice_response().prop_map(BackendMessage::NoticeResponse),
        (any::<i32>(), text(), text()).prop_map(|(process_id, channel, payload)| {
            BackendMessage::NotificationResponse(NotificationResponse {
                process_id,
                channel,
                payload,
            })
        }),
        oids().prop_map(BackendMessage::ParameterDescription),
        fields().prop_map(BackendMessage::RowDescription),
    ]
}

fn empty_message() -> impl Strategy<Value = BackendMessage> {
    prop_oneof![
        Just(BackendMessage::BindComplete),
        Just(BackendMessage::CloseComplete),
        Just(BackendMessage::CopyDone),
        Just(BackendMessage::EmptyQueryResponse),
        Just(BackendMessage::NoData),
        Just(BackendMessage::ParseComplete),
        Just(BackendMessage::PortalSuspended),
    ]
}

pub(crate) fn startup_message() -> impl Strategy<Value = StartupMessage> {
    // `replication` has values of its own, so names are given a prefix.
    let parameter = (text(), text()).prop_map(|(name, value)| {
        let name = [b"x", name.as_ref()].concat();
        (name, value)
    });
    (any::<u16>(), vec(parameter, 0..6)).prop_map(|(minor, parameters)| {
        let empty = StartupMessage::new(ProtocolVersion::new(3, minor));
        parameters
            .into_iter()
            .fold(empty, |message, (name, value)| {
                message.with_parameter(name, value)
            })
    })
}

/// Where a stream is cut: any number of places.
pub(crate) fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    vec(any::<prop::sample::Index>(), 0..8)
}

/// The stream in pieces.
pub(crate) fn cut(stream: &[u8], cuts: &[prop::sample::Index]) -> Vec<Bytes> {
    let mut offsets: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    offsets.extend([0, stream.len()]);
    offsets.sort_unstable();
    offsets
        .windows(2)
        .map(|pair| Bytes::copy_from_slice(&stream[pair[0]..pair[1]]))
        .collect()
}
