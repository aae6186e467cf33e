//! Messages from the client to the server.
//!
//! [`FrontendMessage`] is the sum of them.

mod extended;
mod function;
mod message;
mod password;

pub use extended::{Bind, Execute, Parse, Target};
pub use function::FunctionCall;
pub use message::FrontendMessage;
pub use password::{Password, SaslInitialResponse};
