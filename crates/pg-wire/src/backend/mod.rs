//! Messages from the server to the client.
//!
//! [`BackendMessage`] is the sum of them. [`ErrorResponse`] and [`NegotiateProtocolVersion`] can also be
//! encoded on their own, since a server sends them before there is a session.

mod auth;
mod copy;
mod message;
mod negotiate;
mod report;
mod session;
mod status;

pub use auth::Authentication;
pub use copy::{CopyFormat, CopyResponse};
pub use message::{BackendMessage, put_data_row};
pub use negotiate::NegotiateProtocolVersion;
pub use report::{
    ErrorResponse, IsError, IsNotice, NoticeResponse, Report, ReportField, ReportKind,
};
pub use session::{BackendKeyData, NotificationResponse, ParameterStatus};
pub use status::TransactionStatus;
