//! Lists with a 16-bit count in front: checked once, then read in place.

use std::fmt;
use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::writer::{put_cstr, put_length};
use super::{DecodeError, EncodeError};

/// A list of up to 65,535 items inside a message, still in the message's own memory.
///
/// Decoding walks over the items once, so that each is known to lie inside the message; after that
/// [`iter`](Self::iter) cannot fail. No item is copied and nothing is allocated per item.
///
/// ```
/// use pg_wire::{List, Value};
///
/// let row = List::<Value>::new([Some(&b"one"[..]), None])?;
/// assert_eq!(row.len(), 2);
/// assert_eq!(row.iter().collect::<Vec<_>>(), [Some(&b"one"[..]), None]);
/// # Ok::<(), pg_wire::EncodeError>(())
/// ```
pub struct List<T> {
    count: u16,
    items: Bytes,
    item: PhantomData<fn() -> T>,
}

impl<T: Item> List<T> {
    /// Encodes items into a list of their own.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooManyItems`], or what an item itself cannot be.
    pub fn new<'a>(items: impl IntoIterator<Item = T::Ref<'a>>) -> Result<Self, EncodeError> {
        let mut buf = BytesMut::with_capacity(USUAL_LENGTH);
        let count = put_items::<T>(&mut buf, items)?;
        Ok(Self::from_parts(count, buf.freeze()))
    }

    /// The items in order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter {
            left: self.count,
            rest: &self.items,
            item: PhantomData,
        }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Turns a slice that [`iter`](Self::iter) gave into one that owns its memory, without copying.
    ///
    /// A slice from anywhere else is copied.
    pub fn share(&self, part: &[u8]) -> Bytes {
        let all = self.items.as_ptr_range();
        let wanted = part.as_ptr_range();
        if all.start <= wanted.start && wanted.end <= all.end {
            return self.items.slice_ref(part);
        }
        Bytes::copy_from_slice(part)
    }

    /// Takes `count` items off the front of `rest`.
    pub(super) fn take(
        message: &'static str,
        count: u16,
        rest: &mut Bytes,
    ) -> Result<Self, DecodeError> {
        let mut tail: &[u8] = rest;
        for _ in 0..count {
            T::read(message, &mut tail)?;
        }
        let length = rest.len() - tail.len();
        Ok(Self::from_parts(count, rest.split_to(length)))
    }

    /// Appends count and items.
    pub(crate) fn put(&self, buf: &mut BytesMut) {
        buf.put_u16(self.count);
        buf.put_slice(&self.items);
    }

    fn from_parts(count: u16, items: Bytes) -> Self {
        Self {
            count,
            items,
            item: PhantomData,
        }
    }
}

/// Appends count and items without a list in between.
pub(crate) fn write_list<'a, T: Item>(
    buf: &mut BytesMut,
    items: impl IntoIterator<Item = T::Ref<'a>>,
) -> Result<(), EncodeError> {
    let start = buf.len();
    buf.put_u16(0);
    let count = put_items::<T>(buf, items)?;
    let place = buf.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<2>);
    if let Some(place) = place {
        *place = count.to_be_bytes();
    }
    Ok(())
}

fn put_items<'a, T: Item>(
    buf: &mut BytesMut,
    items: impl IntoIterator<Item = T::Ref<'a>>,
) -> Result<u16, EncodeError> {
    let mut count: u16 = 0;
    for item in items {
        count = count
            .checked_add(1)
            .ok_or(EncodeError::TooManyItems { field: T::NAME })?;
        T::write(buf, item)?;
    }
    Ok(count)
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self {
            count: self.count,
            items: self.items.clone(),
            item: PhantomData,
        }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            count: 0,
            items: Bytes::new(),
            item: PhantomData,
        }
    }
}

impl<T> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.items == other.items
    }
}

impl<T> Eq for List<T> {}

impl<T: Item> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.iter().map(|item| Shown::<T>(item));
        f.debug_list().entries(items).finish()
    }
}

/// One item as `Debug` prints it.
struct Shown<'a, T: Item>(T::Ref<'a>);

impl<T: Item> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::show(&self.0, f)
    }
}

/// Bytes that are likely to be text.
struct Escaped<'a>(&'a [u8]);

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

impl<'a, T: Item> IntoIterator for &'a List<T> {
    type Item = T::Ref<'a>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The items of a [`List`].
pub struct Iter<'a, T> {
    left: u16,
    rest: &'a [u8],
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Item> Iterator for Iter<'a, T> {
    type Item = T::Ref<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        T::read("List", &mut self.rest).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl<T: Item> ExactSizeIterator for Iter<'_, T> {}

impl<T: Item> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("left", &self.left).finish()
    }
}

/// What a [`List`] can hold: [`Value`], [`Format`], [`Field`], or `u32` for the OIDs of types.
///
/// Sealed: the protocol has no other lists.
pub trait Item: sealed::Sealed {
    /// What the iterator gives.
    type Ref<'a>: fmt::Debug;

    #[doc(hidden)]
    const NAME: &'static str;

    #[doc(hidden)]
    fn read<'a>(message: &'static str, from: &mut &'a [u8]) -> Result<Self::Ref<'a>, DecodeError>;

    #[doc(hidden)]
    fn write(buf: &mut BytesMut, item: Self::Ref<'_>) -> Result<(), EncodeError>;

    #[doc(hidden)]
    fn show(item: &Self::Ref<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(item, f)
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Sealed {}
    impl Sealed for super::Value {}
    impl Sealed for super::Format {}
    impl Sealed for super::Field<'static> {}
    impl Sealed for u32 {}
}

/// A value of a row, a parameter or an argument: `None` is NULL. Names the list, holds nothing.
#[derive(Clone, Copy, Debug)]
pub enum Value {}

impl Item for Value {
    type Ref<'a> = Option<&'a [u8]>;
    const NAME: &'static str = "values";

    fn read<'a>(message: &'static str, from: &mut &'a [u8]) -> Result<Self::Ref<'a>, DecodeError> {
        let end = DecodeError::UnexpectedEnd { message };
        let length = from.try_get_i32().map_err(|_| end)?;
        if length == -1 {
            return Ok(None);
        }
        let Ok(wanted) = usize::try_from(length) else {
            return Err(DecodeError::NegativeLength { message, length });
        };
        let (value, rest) = from.split_at_checked(wanted).ok_or(end)?;
        *from = rest;
        Ok(Some(value))
    }

    fn write(buf: &mut BytesMut, item: Self::Ref<'_>) -> Result<(), EncodeError> {
        put_length(buf, item)
    }

    fn show(item: &Self::Ref<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&item.map(Escaped), f)
    }
}

/// How a value is represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// 0: as text.
    Text,
    /// 1: in the binary form of its type.
    Binary,
    /// Any other code. It is well-formed, and PostgreSQL refuses it only when it uses it
    /// (`unsupported format code: %d`, 22023).
    Other(i16),
}

impl Format {
    /// The code on the wire.
    pub const fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
            Self::Other(code) => code,
        }
    }

    /// The meaning of a code on the wire.
    pub const fn from_code(code: i16) -> Self {
        match code {
            0 => Self::Text,
            1 => Self::Binary,
            other => Self::Other(other),
        }
    }
}

impl Item for Format {
    type Ref<'a> = Self;
    const NAME: &'static str = "formats";

    fn read(message: &'static str, from: &mut &[u8]) -> Result<Self, DecodeError> {
        let code = from.try_get_i16();
        code.map(Self::from_code)
            .map_err(|_| DecodeError::UnexpectedEnd { message })
    }

    fn write(buf: &mut BytesMut, item: Self) -> Result<(), EncodeError> {
        buf.put_i16(item.code());
        Ok(())
    }
}

impl Item for u32 {
    type Ref<'a> = Self;
    const NAME: &'static str = "type OIDs";

    fn read(message: &'static str, from: &mut &[u8]) -> Result<Self, DecodeError> {
        from.try_get_u32()
            .map_err(|_| DecodeError::UnexpectedEnd { message })
    }

    fn write(buf: &mut BytesMut, item: Self) -> Result<(), EncodeError> {
        buf.put_u32(item);
        Ok(())
    }
}

/// One column of a RowDescription.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name of the column, in the client's encoding.
    pub name: &'a [u8],
    /// OID of the table it comes from, else 0.
    pub table_oid: u32,
    /// Number of the column in that table, else 0.
    pub column: i16,
    /// OID of its type.
    pub type_oid: u32,
    /// Size of the type in bytes; negative for variable sizes.
    pub type_size: i16,
    /// Modifier of the type, -1 for none.
    pub type_modifier: i32,
    /// How its values are represented; always text when only described.
    pub format: Format,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("name", &Escaped(self.name))
            .field("table_oid", &self.table_oid)
            .field("column", &self.column)
            .field("type_oid", &self.type_oid)
            .field("type_size", &self.type_size)
            .field("type_modifier", &self.type_modifier)
            .field("format", &self.format)
            .finish()
    }
}

impl Item for Field<'static> {
    type Ref<'a> = Field<'a>;
    const NAME: &'static str = "fields";

    fn read<'a>(message: &'static str, from: &mut &'a [u8]) -> Result<Self::Ref<'a>, DecodeError> {
        let name = std::ffi::CStr::from_bytes_until_nul(from)
            .map_err(|_| DecodeError::UnterminatedString { message })?
            .to_bytes();
        from.advance(name.len() + 1);
        if from.len() < 18 {
            return Err(DecodeError::UnexpectedEnd { message });
        }
        Ok(Field {
            name,
            table_oid: from.get_u32(),
            column: from.get_i16(),
            type_oid: from.get_u32(),
            type_size: from.get_i16(),
            type_modifier: from.get_i32(),
            format: Format::from_code(from.get_i16()),
        })
    }

    fn write(buf: &mut BytesMut, item: Self::Ref<'_>) -> Result<(), EncodeError> {
        put_cstr(buf, "field name", item.name)?;
        buf.put_u32(item.table_oid);
        buf.put_i16(item.column);
        buf.put_u32(item.type_oid);
        buf.put_i16(item.type_size);
        buf.put_i32(item.type_modifier);
        buf.put_i16(item.format.code());
        Ok(())
    }
}

/// Most lists that are made are shorter, so they are allocated once.
const USUAL_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn take<T: Item>(count: u16, items: &'static [u8]) -> Result<List<T>, DecodeError> {
        List::take("Test", count, &mut Bytes::from_static(items))
    }

    #[test]
    fn a_count_beyond_the_message_is_an_error() {
        let end = DecodeError::UnexpectedEnd { message: "Test" };
        assert_eq!(take::<u32>(2, &[0; 7]), Err(end));
        assert_eq!(take::<Format>(65_535, &[0; 4]), Err(end));
        assert_eq!(take::<Value>(1, &[0, 0, 0, 5, 1, 2, 3, 4]), Err(end));
        assert_eq!(take::<Field<'_>>(1, b"a\0tooshort"), Err(end));
    }

    #[test]
    fn format_codes_keep_what_they_do_not_know() {
        let formats = take::<Format>(3, &[0, 0, 0, 1, 0xff, 0xff]).unwrap();
        assert_eq!(
            formats.iter().collect::<Vec<_>>(),
            [Format::Text, Format::Binary, Format::Other(-1)]
        );
    }

    #[test]
    fn more_than_65535_items_do_not_fit() {
        assert_eq!(
            List::<u32>::new((0..65_535).map(|_| 0)).unwrap().len(),
            65_535
        );
        assert_eq!(
            List::<u32>::new((0..65_536).map(|_| 0)),
            Err(EncodeError::TooManyItems { field: "type OIDs" })
        );
    }

    #[test]
    fn debug_shows_values_as_text() {
        let list = List::<Value>::new([Some(&b"a\xff"[..]), None]).unwrap();
        assert_eq!(format!("{list:?}"), r#"[Some(b"a\xff"), None]"#);
    }

    #[test]
    fn a_shared_value_is_the_same_memory() {
        let list = List::<Value>::new([Some(&b"abc"[..])]).unwrap();
        let value = list.iter().next().unwrap().unwrap();
        assert_eq!(list.share(value).as_ptr(), value.as_ptr());
        assert_eq!(list.share(b"elsewhere"), "elsewhere");
    }
}
