//! Protocol version numbers.

use std::fmt;

/// The 32-bit version of a startup packet: 16 bits of major number, 16 bits of minor number.
///
/// ```
/// use pg_wire::ProtocolVersion;
///
/// assert_eq!(ProtocolVersion::from_code(196_608), ProtocolVersion::V3_0);
/// assert_eq!(ProtocolVersion::LATEST.to_string(), "3.2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion {
    major: u16,
    minor: u16,
}

impl ProtocolVersion {
    /// 3.0, spoken by everything since PostgreSQL 7.4; also the earliest that is served.
    pub const V3_0: Self = Self::new(3, 0);

    /// 3.2, new in PostgreSQL 18: cancel keys of up to 256 bytes.
    pub const V3_2: Self = Self::new(3, 2);

    /// The latest version that this crate speaks. 3.1 was never used.
    pub const LATEST: Self = Self::V3_2;

    /// Puts the two numbers together.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Splits the number as it stands in a startup packet (`major << 16 | minor`).
    pub const fn from_code(code: u32) -> Self {
        let [a, b, c, d] = code.to_be_bytes();
        Self {
            major: u16::from_be_bytes([a, b]),
            minor: u16::from_be_bytes([c, d]),
        }
    }

    /// The number as it stands in a startup packet.
    pub const fn code(self) -> u32 {
        let [a, b] = self.major.to_be_bytes();
        let [c, d] = self.minor.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// The major number.
    pub const fn major(self) -> u16 {
        self.major
    }

    /// The minor number.
    pub const fn minor(self) -> u16 {
        self.minor
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_numbers_agree() {
        assert_eq!(ProtocolVersion::V3_2.code(), 0x0003_0002);
        let ssl = ProtocolVersion::from_code(80_877_103);
        assert_eq!((ssl.major(), ssl.minor()), (1234, 5679));
        assert_eq!(ssl.code(), 80_877_103);
        assert_eq!(ssl.to_string(), "1234.5679");
        assert!(ProtocolVersion::V3_0 < ProtocolVersion::V3_2);
    }
}
