//! PEM (RFC 7468): finds every block of a file, or says which one is damaged.
//!
//! The base64 is decoded by `rustls-pemfile`, which is named in this module alone. The boundaries
//! are found here, because that crate skips what it does not understand: blocks glued together,
//! blocks with unknown labels, blocks without an end. Here each BEGIN line yields a block or an error.

#[cfg(feature = "generate")]
mod encode;
mod kind;

use std::fmt;

use zeroize::Zeroizing;

#[cfg(feature = "generate")]
pub(crate) use self::encode::{encode_certificate, encode_key, encode_revocation_list};
pub use self::kind::BlockKind;

/// One block of a PEM file, still in base64.
pub(crate) struct Block {
    pub(crate) kind: BlockKind,
    /// Line of the BEGIN marker, counted from 1.
    pub(crate) line: usize,
    body: Zeroizing<Vec<u8>>,
}

impl Block {
    /// Decodes the base64.
    pub(crate) fn der(&self) -> Result<Zeroizing<Vec<u8>>, PemFault> {
        let damaged = || PemFault::Base64 {
            line: self.line,
            kind: self.kind.clone(),
        };
        if !is_padded(&self.body) {
            return Err(damaged());
        }
        // One label for all: it only chooses the type of the result, and this one makes the decoder
        // run in constant time.
        let mut text = Zeroizing::new(Vec::with_capacity(self.body.len() + 64));
        text.extend_from_slice(b"-----BEGIN PRIVATE KEY-----\n");
        text.extend_from_slice(&self.body);
        text.extend_from_slice(b"\n-----END PRIVATE KEY-----\n");
        match rustls_pemfile::read_one_from_slice(&text) {
            Ok(Some((rustls_pemfile::Item::Pkcs8Key(der), _))) => {
                let mut der = Zeroizing::new(der);
                let bytes = Zeroizing::new(der.secret_pkcs8_der().to_vec());
                zeroize::Zeroize::zeroize(&mut *der);
                if bytes.is_empty() {
                    Err(damaged())
                } else {
                    Ok(bytes)
                }
            }
            _ => Err(damaged()),
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("kind", &self.kind)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// Why a PEM file cannot be taken apart. Line numbers count from 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PemFault {
    /// The text between the markers is not base64, or there is none.
    #[error("line {line}: the base64 of {kind} is damaged or empty")]
    Base64 {
        /// Line of the BEGIN marker.
        line: usize,
        /// What the block should have been.
        kind: BlockKind,
    },
    /// A BEGIN or END marker whose closing dashes are missing.
    #[error("line {line}: a BEGIN or END marker does not close with five dashes")]
    BadMarker {
        /// Line of the marker.
        line: usize,
    },
    /// A BEGIN marker behind other text on its line; skipping it would lose a block in silence.
    #[error("line {line}: a BEGIN marker stands behind other text; put it on a line of its own")]
    BeginInsideLine {
        /// Line of the marker.
        line: usize,
    },
    /// A block that ends in another label than it began with.
    #[error(
        "line {line}: the block begins as \"{began}\" but ends as \"{ended}\" on line {end_line}"
    )]
    MismatchedEnd {
        /// Line of the BEGIN marker.
        line: usize,
        /// Label of the BEGIN marker.
        began: String,
        /// Label of the END marker.
        ended: String,
        /// Line of the END marker.
        end_line: usize,
    },
    /// A block without its END marker: the file is cut short, or the next block begins inside.
    #[error(
        "line {line}: the block \"{label}\" has no END marker; the file is cut short or damaged"
    )]
    MissingEnd {
        /// Line of the BEGIN marker.
        line: usize,
        /// Label of the BEGIN marker.
        label: String,
    },
    /// An END marker without a BEGIN marker: the beginning of the file is lost.
    #[error(
        "line {line}: an END marker without a BEGIN marker; the beginning of the block is lost"
    )]
    StrayEnd {
        /// Line of the marker.
        line: usize,
    },
}

/// Finds all blocks of a PEM file, in order.
///
/// Accepted: LF, CRLF and CR line ends, also mixed; a UTF-8 byte order mark; text before, between and
/// after blocks; indented blocks; an END marker and the next BEGIN marker on one line; RFC 1421
/// headers. Lines that begin with `#` are comments outside a block. Everything else that looks like
/// a marker but yields no block is an error.
pub(crate) fn blocks(file: &[u8]) -> Result<Vec<Block>, PemFault> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut scanner = Scanner {
        blocks: Vec::new(),
        open: None,
    };
    for (index, line) in Lines(Some(file)).enumerate() {
        scanner.line(line.trim_ascii(), index + 1)?;
    }
    match scanner.open {
        Some(open) => Err(open.missing_end()),
        None => Ok(scanner.blocks),
    }
}

/// A block whose END marker has not come yet.
struct Open<'a> {
    label: &'a [u8],
    line: usize,
    headers: Headers,
    encrypted: bool,
    body: Zeroizing<Vec<u8>>,
}

impl Open<'_> {
    fn missing_end(&self) -> PemFault {
        PemFault::MissingEnd {
            line: self.line,
            label: printable(self.label),
        }
    }
}

/// Where a block stands with its RFC 1421 headers, which an empty line ends.
#[derive(PartialEq)]
enum Headers {
    Perhaps,
    Inside,
    Over,
}

struct Scanner<'a> {
    blocks: Vec<Block>,
    open: Option<Open<'a>>,
}

impl<'a> Scanner<'a> {
    /// Takes one line, which may hold the end of one block and the beginning of the next.
    fn line(&mut self, line: &'a [u8], number: usize) -> Result<(), PemFault> {
        let mut rest = line;
        loop {
            rest = match self.open.take() {
                Some(open) => self.inside(open, rest, number)?,
                None => self.outside(rest, number)?,
            };
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Returns what is left of the line.
    fn outside(&mut self, line: &'a [u8], number: usize) -> Result<&'a [u8], PemFault> {
        let Some(marker) = line.strip_prefix(BEGIN) else {
            return match () {
                () if line.starts_with(b"#") => Ok(&[]),
                () if line.starts_with(END) => Err(PemFault::StrayEnd { line: number }),
                () if find(line, BEGIN).is_some() => {
                    Err(PemFault::BeginInsideLine { line: number })
                }
                () => Ok(&[]),
            };
        };
        let (label, rest) = split_label(marker).ok_or(PemFault::BadMarker { line: number })?;
        self.open = Some(Open {
            label,
            line: number,
            headers: Headers::Perhaps,
            encrypted: false,
            body: Zeroizing::default(),
        });
        Ok(rest)
    }

    /// Returns what is left of the line.
    fn inside(
        &mut self,
        mut open: Open<'a>,
        line: &'a [u8],
        number: usize,
    ) -> Result<&'a [u8], PemFault> {
        let (content, end) = match find(line, END) {
            Some(at) => line.split_at(at),
            None => (line, [].as_slice()),
        };
        if find(content, BEGIN).is_some() {
            return Err(open.missing_end());
        }
        open.content(content);
        let Some(marker) = end.strip_prefix(END) else {
            self.open = Some(open);
            return Ok(&[]);
        };
        let (label, rest) = split_label(marker).ok_or(PemFault::BadMarker { line: number })?;
        if label != open.label {
            return Err(PemFault::MismatchedEnd {
                line: open.line,
                began: printable(open.label),
                ended: printable(label),
                end_line: number,
            });
        }
        self.blocks.push(Block {
            kind: BlockKind::new(open.label, open.encrypted),
            line: open.line,
            body: open.body,
        });
        Ok(rest.trim_ascii_start())
    }
}

impl Open<'_> {
    fn content(&mut self, line: &[u8]) {
        if self.headers == Headers::Perhaps && line.contains(&b':') {
            self.headers = Headers::Inside;
        }
        match (&self.headers, line.is_empty()) {
            (Headers::Inside, true) => self.headers = Headers::Over,
            (Headers::Inside, false) => {
                self.encrypted |=
                    line.starts_with(b"Proc-Type:") && find(line, b"ENCRYPTED").is_some();
            }
            (Headers::Perhaps | Headers::Over, true) => {}
            (Headers::Perhaps | Headers::Over, false) => {
                self.headers = Headers::Over;
                self.body
                    .extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
            }
        }
    }
}

/// Splits a text at LF, CRLF or CR.
struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0.take()?;
        let Some(at) = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            return Some(text);
        };
        let (line, rest) = text.split_at_checked(at)?;
        self.0 = match rest {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => Some(rest),
            [] => None,
        };
        Some(line)
    }
}

/// Splits `CERTIFICATE-----rest` into label and rest.
fn split_label(marker: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = find(marker, DASHES)?;
    let (label, rest) = marker.split_at_checked(at)?;
    Some((label, rest.strip_prefix(DASHES)?))
}

/// Whether base64 text comes in fours with padding at its end only; the decoder does not ask.
fn is_padded(base64: &[u8]) -> bool {
    let digits = base64
        .strip_suffix(b"==")
        .or_else(|| base64.strip_suffix(b"="))
        .unwrap_or(base64);
    base64.len().is_multiple_of(4) && !digits.contains(&b'=')
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// A piece of the file for an error text: short, and safe to print.
fn printable(bytes: &[u8]) -> String {
    let mut text: String = String::from_utf8_lossy(bytes)
        .chars()
        .take(PRINTED_MAX)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if bytes.len() > PRINTED_MAX {
        text.push('…');
    }
    text
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Longest piece of a file that an error repeats.
const PRINTED_MAX: usize = 40;

#[cfg(test)]
mod tests;
