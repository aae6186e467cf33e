//! What a certificate shall say.

use super::key_type::KeyType;
use super::validity::Validity;

/// A server certificate to be made.
#[derive(Clone, Debug)]
pub struct ServerSpec {
    pub(super) common_name: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) key_type: KeyType,
    pub(super) validity: Validity,
    pub(super) ocsp_responder: Option<String>,
    pub(super) must_staple: bool,
}

impl ServerSpec {
    /// A certificate for a server that is reached by these host names and IP addresses, at least one.
    ///
    /// They become subject alternative names: addresses as addresses, names as names, `localhost` with
    /// 127.0.0.1 and ::1. The first is the common name too. They are checked when the certificate is
    /// made.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self {
            common_name: None,
            names: names.into_iter().map(Into::into).collect(),
            key_type: KeyType::default(),
            validity: Validity::days(LEAF_DAYS),
            ocsp_responder: None,
            must_staple: false,
        }
    }

    /// Another common name than the first of the names; any text.
    #[must_use]
    pub fn with_common_name(mut self, common_name: impl Into<String>) -> Self {
        self.common_name = Some(common_name.into());
        self
    }

    /// The kind of key; ECDSA P-256 unless said otherwise.
    #[must_use]
    pub fn with_key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// The validity; 365 days unless said otherwise.
    #[must_use]
    pub fn with_validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// Where to ask by OCSP whether the certificate is revoked, such as `http://ocsp.example/`: an
    /// authorityInfoAccess extension (RFC 5280 section 4.2.2.1). None unless said otherwise.
    #[must_use]
    pub fn with_ocsp_responder(mut self, url: impl Into<String>) -> Self {
        self.ocsp_responder = Some(url.into());
        self
    }

    /// Demands of every server that presents the certificate a stapled OCSP response ("must-staple",
    /// RFC 7633): clients that know the extension refuse the certificate without one.
    #[must_use]
    pub const fn with_must_staple(mut self) -> Self {
        self.must_staple = true;
        self
    }
}

/// A client certificate to be made.
#[derive(Clone, Debug)]
pub struct ClientSpec {
    pub(super) user: String,
    pub(super) organization: Option<String>,
    pub(super) organizational_unit: Option<String>,
    pub(super) key_type: KeyType,
    pub(super) validity: Validity,
}

impl ClientSpec {
    /// A certificate for the PostgreSQL user of this name, which becomes the common name as it is.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            organization: None,
            organizational_unit: None,
            key_type: KeyType::default(),
            validity: Validity::days(LEAF_DAYS),
        }
    }

    /// An organization in front of the common name: `CN=bob,O=Org`.
    #[must_use]
    pub fn with_organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = Some(organization.into());
        self
    }

    /// An organizational unit between organization and common name: `CN=bob,OU=Unit,O=Org`.
    #[must_use]
    pub fn with_organizational_unit(mut self, unit: impl Into<String>) -> Self {
        self.organizational_unit = Some(unit.into());
        self
    }

    /// The kind of key; ECDSA P-256 unless said otherwise.
    #[must_use]
    pub fn with_key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// The validity; 365 days unless said otherwise.
    #[must_use]
    pub fn with_validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }
}

/// A certificate authority to be made.
#[derive(Clone, Debug)]
pub struct CaSpec {
    pub(super) common_name: String,
    pub(super) key_type: KeyType,
    pub(super) validity: Validity,
}

impl CaSpec {
    /// An authority of this name; any text.
    pub fn new(common_name: impl Into<String>) -> Self {
        Self {
            common_name: common_name.into(),
            key_type: KeyType::default(),
            validity: Validity::days(AUTHORITY_DAYS),
        }
    }

    /// The kind of key; ECDSA P-256 unless said otherwise.
    #[must_use]
    pub fn with_key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// The validity; 3650 days unless said otherwise.
    #[must_use]
    pub fn with_validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }
}

/// Clients of some platforms refuse server certificates that are valid much longer.
const LEAF_DAYS: u32 = 365;
const AUTHORITY_DAYS: u32 = 3650;
