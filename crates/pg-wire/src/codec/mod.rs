//! What every message is made of: integers, C strings, counted lists, and the errors in them.

mod error;
mod list;
mod reader;
mod writer;

pub use error::{DecodeError, EncodeError};
pub use list::{Field, Format, Item, Iter, List, Value};

pub(crate) use list::write_list;
pub(crate) use reader::{Reader, empty, whole};
pub(crate) use writer::{
    put_cstr, put_cstr_clipped, put_length, put_small_frame, put_startup_frame, put_tagged_frame,
};
