//! ErrorResponse and NoticeResponse: one layout, two tags.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::{DecodeError, Reader, put_cstr_clipped, put_small_frame};
use crate::{Severity, SqlState};

/// An error report (`E`): what the peer hears when something went wrong.
///
/// ```
/// use bytes::BytesMut;
/// use pg_wire::SqlState;
/// use pg_wire::backend::ErrorResponse;
///
/// let mut buf = BytesMut::new();
/// ErrorResponse::fatal(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already").encode(&mut buf);
/// assert_eq!(&buf[..], b"E\x00\x00\x00\x3bSFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0");
/// ```
pub type ErrorResponse = Report<IsError>;

/// A notice (`N`): the same fields, but nothing went wrong.
pub type NoticeResponse = Report<IsNotice>;

/// The fields of an [`ErrorResponse`] or a [`NoticeResponse`], in the order of the wire.
///
/// Values are bytes in the client's encoding. A value that is set here ends at its first NUL, as a C
/// string would, and after 1 MiB; so [`encode`](Self::encode) cannot fail.
pub struct Report<Kind> {
    fields: Vec<(u8, Bytes)>,
    kind: PhantomData<fn() -> Kind>,
}

/// Marks the report as an [`ErrorResponse`].
#[derive(Clone, Copy, Debug)]
pub enum IsError {}

/// Marks the report as a [`NoticeResponse`].
#[derive(Clone, Copy, Debug)]
pub enum IsNotice {}

/// The two kinds of [`Report`]; sealed.
pub trait ReportKind: sealed::Sealed {
    #[doc(hidden)]
    const TAG: u8;
    #[doc(hidden)]
    const NAME: &'static str;
}

impl ReportKind for IsError {
    const TAG: u8 = b'E';
    const NAME: &'static str = "ErrorResponse";
}

impl ReportKind for IsNotice {
    const TAG: u8 = b'N';
    const NAME: &'static str = "NoticeResponse";
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Sealed {}
    impl Sealed for super::IsError {}
    impl Sealed for super::IsNotice {}
}

impl Report<IsError> {
    /// The session ends with this.
    pub fn fatal(code: SqlState, message: impl AsRef<[u8]>) -> Self {
        Self::with_severity(Severity::Fatal, code, message)
    }

    /// The statement ends with this.
    pub fn error(code: SqlState, message: impl AsRef<[u8]>) -> Self {
        Self::with_severity(Severity::Error, code, message)
    }

    /// A notice; same as [`NoticeResponse::new`] with [`Severity::Notice`].
    pub fn notice(code: SqlState, message: impl AsRef<[u8]>) -> NoticeResponse {
        NoticeResponse::new(Severity::Notice, code, message)
    }
}

impl Report<IsNotice> {
    /// A notice of any severity, such as [`Severity::Warning`].
    pub fn new(severity: Severity, code: SqlState, message: impl AsRef<[u8]>) -> Self {
        Self::with_severity(severity, code, message)
    }
}

impl<Kind: ReportKind> Report<Kind> {
    /// The four fields that every report has. The severity goes to both `S` and `V`: we do not translate.
    fn with_severity(severity: Severity, code: SqlState, message: impl AsRef<[u8]>) -> Self {
        Self::empty()
            .with_field(ReportField::Severity, severity.as_str())
            .with_field(ReportField::SeverityNonLocalized, severity.as_str())
            .with_field(ReportField::Code, code.as_str())
            .with_field(ReportField::Message, message)
    }

    fn empty() -> Self {
        Self {
            fields: Vec::with_capacity(6),
            kind: PhantomData,
        }
    }

    /// Adds or replaces a field, at its place in PostgreSQL's order.
    #[must_use]
    pub fn with_field(mut self, field: ReportField, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        let value = Bytes::copy_from_slice(value.get(..MAX_FIELD_LENGTH).unwrap_or(value));
        let tag = field.as_byte();
        if let Some((_, old)) = self.fields.iter_mut().find(|(known, _)| *known == tag) {
            *old = value;
            return self;
        }
        let place = self
            .fields
            .iter()
            .position(|(other, _)| rank(*other) > rank(tag))
            .unwrap_or(self.fields.len());
        self.fields.insert(place, (tag, value));
        self
    }

    /// Adds a second sentence about the problem.
    #[must_use]
    pub fn with_detail(self, detail: impl AsRef<[u8]>) -> Self {
        self.with_field(ReportField::Detail, detail)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl AsRef<[u8]>) -> Self {
        self.with_field(ReportField::Hint, hint)
    }

    /// Adds where in the query text it is, in characters from 1.
    #[must_use]
    pub fn with_position(self, position: u32) -> Self {
        self.with_field(ReportField::Position, position.to_string())
    }

    /// Adds where in the execution it happened (`CONTEXT` in psql).
    #[must_use]
    pub fn with_context(self, context: impl AsRef<[u8]>) -> Self {
        self.with_field(ReportField::Where, context)
    }

    /// The raw value of a field, if it was sent.
    pub fn field(&self, field: ReportField) -> Option<&Bytes> {
        let tag = field.as_byte();
        let found = self.fields.iter().find(|(known, _)| *known == tag);
        found.map(|(_, value)| value)
    }

    /// All fields as sent, unknown ones too.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (u8, &Bytes)> {
        self.fields.iter().map(|(tag, value)| (*tag, value))
    }

    /// The severity, from the untranslated field `V` if there is one (PostgreSQL 9.6 and later).
    pub fn severity(&self) -> Option<Severity> {
        let word = self
            .field(ReportField::SeverityNonLocalized)
            .or_else(|| self.field(ReportField::Severity))?;
        Severity::from_wire(word)
    }

    /// The SQLSTATE.
    pub fn code(&self) -> Option<SqlState> {
        let code = self.field(ReportField::Code)?;
        SqlState::new(<[u8; 5]>::try_from(code.as_ref()).ok()?)
    }

    /// The text, with what is not UTF-8 replaced; empty if there is none.
    pub fn message(&self) -> Cow<'_, str> {
        self.text(ReportField::Message).unwrap_or_default()
    }

    /// The detail, with what is not UTF-8 replaced.
    pub fn detail(&self) -> Option<Cow<'_, str>> {
        self.text(ReportField::Detail)
    }

    /// The hint, with what is not UTF-8 replaced.
    pub fn hint(&self) -> Option<Cow<'_, str>> {
        self.text(ReportField::Hint)
    }

    fn text(&self, field: ReportField) -> Option<Cow<'_, str>> {
        let value = self.field(field)?;
        Some(String::from_utf8_lossy(value))
    }

    /// Appends the whole message.
    pub fn encode(&self, buf: &mut BytesMut) {
        // A received report is below 2^30 and at most 256 kinds of field of 1 MiB are added to it.
        put_small_frame(buf, Kind::TAG, |buf| {
            for (tag, value) in &self.fields {
                buf.put_u8(*tag);
                put_cstr_clipped(buf, value);
            }
            buf.put_u8(0);
        });
    }

    /// The whole message in memory of its own.
    pub fn to_bytes(&self) -> Bytes {
        let mut buf = BytesMut::new();
        self.encode(&mut buf);
        buf.freeze()
    }

    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(Kind::NAME, body);
        let mut report = Self::empty();
        loop {
            match reader.u8()? {
                0 => break,
                tag => report.fields.push((tag, reader.cstr()?)),
            }
        }
        reader.finish()?;
        Ok(report)
    }
}

impl<Kind> Clone for Report<Kind> {
    fn clone(&self) -> Self {
        Self {
            fields: self.fields.clone(),
            kind: PhantomData,
        }
    }
}

impl<Kind> PartialEq for Report<Kind> {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl<Kind> Eq for Report<Kind> {}

impl<Kind: ReportKind> fmt::Debug for Report<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (tag, value) in self.fields() {
            map.entry(&char::from(tag), value);
        }
        map.finish()
    }
}

/// `SEVERITY:  message`, as a line of PostgreSQL's log.
impl<Kind: ReportKind> fmt::Display for Report<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.text(ReportField::Severity).unwrap_or_default();
        write!(f, "{severity}:  {}", self.message())
    }
}

/// The fields of a report, by the chapter "Error and Notice Message Fields" of the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportField {
    /// `S`: the severity, possibly translated.
    Severity,
    /// `V`: the severity, never translated.
    SeverityNonLocalized,
    /// `C`: the SQLSTATE.
    Code,
    /// `M`: the text.
    Message,
    /// `D`: a second sentence.
    Detail,
    /// `H`: what to do.
    Hint,
    /// `P`: position in the query, in characters from 1.
    Position,
    /// `p`: position in a query that the server made itself.
    InternalPosition,
    /// `q`: that query.
    InternalQuery,
    /// `W`: the context, one call per line.
    Where,
    /// `s`: name of the schema.
    Schema,
    /// `t`: name of the table.
    Table,
    /// `c`: name of the column.
    Column,
    /// `d`: name of the data type.
    DataType,
    /// `n`: name of the constraint.
    Constraint,
    /// `F`: file of the server's source.
    File,
    /// `L`: line in that file.
    Line,
    /// `R`: routine in that file.
    Routine,
}

impl ReportField {
    /// The letter on the wire.
    pub const fn as_byte(self) -> u8 {
        match self {
            Self::Severity => b'S',
            Self::SeverityNonLocalized => b'V',
            Self::Code => b'C',
            Self::Message => b'M',
            Self::Detail => b'D',
            Self::Hint => b'H',
            Self::Position => b'P',
            Self::InternalPosition => b'p',
            Self::InternalQuery => b'q',
            Self::Where => b'W',
            Self::Schema => b's',
            Self::Table => b't',
            Self::Column => b'c',
            Self::DataType => b'd',
            Self::Constraint => b'n',
            Self::File => b'F',
            Self::Line => b'L',
            Self::Routine => b'R',
        }
    }
}

/// Where PostgreSQL puts a field; what it does not know goes last.
fn rank(tag: u8) -> usize {
    let order = b"SVCMDHWstcdnPpqFLR";
    order
        .iter()
        .position(|known| *known == tag)
        .unwrap_or(order.len())
}

/// Far beyond any sensible text, and small enough that a report stays below the limit of a message.
const MAX_FIELD_LENGTH: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &'static [u8]) -> Result<ErrorResponse, DecodeError> {
        ErrorResponse::decode(Bytes::from_static(body))
    }

    #[test]
    fn fields_stand_in_postgresql_order_whatever_the_builder_did() {
        let report = ErrorResponse::error(SqlState::SYNTAX_ERROR, "syntax error")
            .with_field(ReportField::Routine, "scanner_yyerror")
            .with_position(8)
            .with_context("ctx")
            .with_hint("hint")
            .with_detail("detail");
        assert_eq!(
            report.to_bytes(),
            b"E\0\0\0\x4fSERROR\0VERROR\0C42601\0Msyntax error\0Ddetail\0Hhint\0Wctx\0P8\0Rscanner_yyerror\0\0"
                .as_slice()
        );
    }

    #[test]
    fn a_notice_has_its_own_tag() {
        let notice = ErrorResponse::notice(SqlState::SUCCESSFUL_COMPLETION, "hello");
        assert_eq!(
            notice.to_bytes(),
            b"N\0\0\0\x23SNOTICE\0VNOTICE\0C00000\0Mhello\0\0".as_slice()
        );
        assert_eq!(notice.to_string(), "NOTICE:  hello");
    }

    #[test]
    fn setting_a_field_twice_replaces_it() {
        let report = ErrorResponse::fatal(SqlState::INTERNAL_ERROR, "m")
            .with_detail("first")
            .with_detail("second");
        assert_eq!(report.detail().unwrap(), "second");
        assert_eq!(report.fields().len(), 5);
    }

    #[test]
    fn text_ends_at_nul_and_at_one_mebibyte() {
        let report = ErrorResponse::fatal(SqlState::INTERNAL_ERROR, "a\0Vx");
        assert!(report.to_bytes().ends_with(b"Ma\0\0"));
        let long = ErrorResponse::fatal(SqlState::INTERNAL_ERROR, vec![b'a'; (1 << 20) + 1]);
        assert_eq!(long.message().len(), 1 << 20);
    }

    #[test]
    fn decoding_keeps_unknown_fields_and_order() {
        let report = decode(b"MEin Fehler\0SFEHLER\0VERROR\0zwhat\0C42601\0\0").unwrap();
        assert_eq!(report.severity(), Some(Severity::Error));
        assert_eq!(report.code(), Some(SqlState::SYNTAX_ERROR));
        assert_eq!(report.message(), "Ein Fehler");
        let tags: Vec<u8> = report.fields().map(|(tag, _)| tag).collect();
        assert_eq!(tags, b"MSVzC");
    }

    #[test]
    fn malformed_bodies_are_told_apart() {
        let message = "ErrorResponse";
        assert_eq!(decode(b""), Err(DecodeError::UnexpectedEnd { message }));
        assert_eq!(
            decode(b"Mabc"),
            Err(DecodeError::UnterminatedString { message })
        );
        assert_eq!(
            decode(b"Mabc\0"),
            Err(DecodeError::UnexpectedEnd { message })
        );
        assert_eq!(
            decode(b"\0x"),
            Err(DecodeError::TrailingBytes { message, count: 1 })
        );
    }
}
