//! `SslMode`: how much encryption and which client certificate the server asks for.

use std::fmt;
use std::str::FromStr;

/// What a server demands of a connection, in the words of libpq's `sslmode`.
///
/// The names are the client's, the meaning is the server's (specification §4.6):
///
/// | mode | `SSLRequest` | plaintext session | client certificate |
/// |---|---|---|---|
/// | [`Disable`](Self::Disable) | `N` | served | never asked for |
/// | [`Allow`](Self::Allow), [`Prefer`](Self::Prefer) | `S` | served | verified if one is sent and a CA is set |
/// | [`Require`](Self::Require) | `S` | refused, 28000 | verified if one is sent and a CA is set |
/// | [`VerifyCA`](Self::VerifyCA) | `S` | refused, 28000 | required |
/// | [`VerifyFull`](Self::VerifyFull) | `S` | refused, 28000 | required, and its name is the user |
///
/// `Allow` and `Prefer` mean the same to a server; both exist because the order in which a *client*
/// tries plaintext and TLS differs. The order of the variants is libpq's: each demands at least
/// what the one before it does.
///
/// # Examples
///
/// ```
/// use pg_tls::SslMode;
///
/// let mode: SslMode = "verify-ca".parse()?;
/// assert_eq!(mode, SslMode::VerifyCA);
/// assert!(mode.is_enabled() && mode.is_required() && mode.requires_client_verification());
/// assert_eq!(SslMode::VerifyFull.to_string(), "verify-full");
/// # Ok::<(), pg_tls::ParseSslModeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SslMode {
    /// No TLS at all: an `SSLRequest` is answered `N`.
    Disable,
    /// TLS if the client asks for it.
    Allow,
    /// TLS if the client asks for it; the same as [`Allow`](Self::Allow) to a server.
    Prefer,
    /// TLS only.
    Require,
    /// TLS only, with a client certificate that chains to the configured CA.
    VerifyCA,
    /// TLS only, with a client certificate that chains to the configured CA and names the user.
    VerifyFull,
}

impl SslMode {
    /// Every mode, in libpq's order.
    pub const ALL: [Self; 6] = [
        Self::Disable,
        Self::Allow,
        Self::Prefer,
        Self::Require,
        Self::VerifyCA,
        Self::VerifyFull,
    ];

    /// Whether the server speaks TLS at all.
    #[must_use]
    pub const fn is_enabled(self) -> bool {
        !matches!(self, Self::Disable)
    }

    /// Whether a plaintext session is refused.
    #[must_use]
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Require | Self::VerifyCA | Self::VerifyFull)
    }

    /// Whether a client must present a certificate.
    #[must_use]
    pub const fn requires_client_verification(self) -> bool {
        matches!(self, Self::VerifyCA | Self::VerifyFull)
    }

    /// The mode as PostgreSQL spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCA => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SslMode {
    type Err = ParseSslModeError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == s)
            .ok_or_else(|| ParseSslModeError(s.to_owned()))
    }
}

/// The text is no `sslmode`; whoever wrote the setting can fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid sslmode value: \"{0}\"; available values: disable, allow, prefer, require, verify-ca, verify-full"
)]
pub struct ParseSslModeError(String);

#[cfg(test)]
mod tests {
    use super::SslMode;

    #[test]
    fn text_form_round_trips() {
        for mode in SslMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
    }

    #[test]
    fn other_spellings_are_refused_with_the_list() {
        for text in ["", "Require", "verify_ca", "VerifyFull", "on", " require"] {
            let error = text.parse::<SslMode>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "invalid sslmode value: \"{text}\"; available values: disable, allow, prefer, require, verify-ca, verify-full"
                )
            );
        }
    }

    #[test]
    fn the_three_questions() {
        let table = [
            (SslMode::Disable, false, false, false),
            (SslMode::Allow, true, false, false),
            (SslMode::Prefer, true, false, false),
            (SslMode::Require, true, true, false),
            (SslMode::VerifyCA, true, true, true),
            (SslMode::VerifyFull, true, true, true),
        ];
        for (mode, enabled, required, verifies) in table {
            assert_eq!(mode.is_enabled(), enabled, "{mode}");
            assert_eq!(mode.is_required(), required, "{mode}");
            assert_eq!(mode.requires_client_verification(), verifies, "{mode}");
        }
    }
}
