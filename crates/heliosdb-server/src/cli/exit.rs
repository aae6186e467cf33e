//! How the program ends.

use std::process::ExitCode;

/// The outcome, as the caller of the program sees it; documented in the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Stopped as asked, or the configuration is right.
    Success,
    /// Something in the configuration has to be mended first.
    Configuration,
    /// The system did not give what is needed: an address in use, a database that does not open.
    Runtime,
    /// Ended without waiting for sessions, by a second signal of this number.
    Signal(u8),
}

impl Exit {
    /// The exit code; 2 is clap's, for wrong usage.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Configuration => 1,
            Self::Runtime => 3,
            Self::Signal(number) => 128_u8.saturating_add(number),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
