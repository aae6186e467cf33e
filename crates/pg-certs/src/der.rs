//! Just enough DER to look at the outside of a key or a signature algorithm, and to wrap a key.

/// One tag-length-value, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tlv<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
}

/// Reads the TLV at the start of `input`; returns it with what follows, or `None` if it is not whole.
///
/// Only single-byte tags and definite lengths occur in the structures read here.
pub(crate) fn read(input: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (len_bytes, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            let len = len_bytes.iter().try_fold(0usize, |len, &byte| {
                len.checked_mul(256)?.checked_add(byte.into())
            })?;
            (len, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((Tlv { tag, content }, rest))
}

/// Reads the content of the TLV at the start of `input`, which must carry `tag`.
pub(crate) fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tlv, rest) = read(input)?;
    (tlv.tag == tag).then_some((tlv.content, rest))
}

/// Splits the TLV at the start of `input`, tag and length included, from what follows it.
pub(crate) fn split(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = read(input)?;
    input.split_at_checked(input.len().checked_sub(rest.len())?)
}

/// Reads `input` as exactly one TLV with `tag`, nothing behind it.
pub(crate) fn whole(tag: u8, input: &[u8]) -> Option<&[u8]> {
    let (content, rest) = expect(tag, input)?;
    rest.is_empty().then_some(content)
}

/// Reads the TLV at the start of `input`, which must carry `tag`; returns all of its bytes, tag and
/// length among them.
#[cfg(feature = "ocsp")]
pub(crate) fn bytes(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = expect(tag, input)?;
    input.split_at_checked(input.len().checked_sub(rest.len())?)
}

/// Appends one TLV to `out`.
pub(crate) fn write(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    let len = content.len().to_be_bytes();
    let significant = len.iter().skip_while(|&&byte| byte == 0).copied();
    match u8::try_from(content.len()) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let count = u8::try_from(significant.clone().count()).unwrap_or(u8::MAX);
            out.push(0x80 | count);
            out.extend(significant);
        }
    }
    out.extend_from_slice(content);
}

/// Prints the content of an OBJECT IDENTIFIER with dots; `None` if it is not well formed.
pub(crate) fn dotted(oid: &[u8]) -> Option<String> {
    let mut arcs = Vec::new();
    let mut arc: u128 = 0;
    let mut open = true;
    for &byte in oid {
        arc = arc.checked_mul(128)?.checked_add(u128::from(byte & 0x7f))?;
        open = byte & 0x80 != 0;
        if !open {
            arcs.push(arc);
            arc = 0;
        }
    }
    let (&first, rest) = arcs.split_first()?;
    if open {
        return None;
    }
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for arc in rest {
        text.push('.');
        text.push_str(&arc.to_string());
    }
    Some(text)
}

pub(crate) const INTEGER: u8 = 0x02;
#[cfg(feature = "ocsp")]
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for len in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![0xab; len];
            let mut out = Vec::new();
            write(OCTET_STRING, &content, &mut out);
            assert_eq!(whole(OCTET_STRING, &out), Some(content.as_slice()), "{len}");
            assert_eq!(
                read(&out[..out.len() - 1]).map(|(tlv, _)| tlv.content.len()),
                None
            );
        }
    }

    #[test]
    fn object_identifiers_are_dotted() {
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]).as_deref(),
            Some("1.2.840.10045.2.1")
        );
        assert_eq!(dotted(&[0x55, 0x04, 0x03]).as_deref(), Some("2.5.4.3"));
        assert_eq!(dotted(&[0x88, 0x37]).as_deref(), Some("2.999"));
        assert_eq!(dotted(&[0x2a, 0x86]), None);
        assert_eq!(dotted(&[]), None);
    }
}
