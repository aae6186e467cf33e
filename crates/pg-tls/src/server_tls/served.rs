//! What rustls is given for every handshake: certificate, key, and an OCSP response while it is valid.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use pg_certs::info::time_text;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// An OCSP response to be stapled, and its end.
///
/// It is sent as it is: that it is about the certificate, and says "good", is the caller's to check
/// (`pg_certs::ocsp` does).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Staple {
    /// In DER.
    pub response: Vec<u8>,
    /// From when on it is not stapled any more.
    pub valid_until: SystemTime,
}

impl Staple {
    /// A response, and from when on it is not stapled any more.
    #[must_use]
    pub const fn new(response: Vec<u8>, valid_until: SystemTime) -> Self {
        Self {
            response,
            valid_until,
        }
    }
}

#[cfg(feature = "ocsp")]
impl From<&pg_certs::ocsp::Staple> for Staple {
    fn from(verified: &pg_certs::ocsp::Staple) -> Self {
        Self::new(verified.response().to_vec(), verified.valid_until())
    }
}

/// A certificate with its key, and at times a staple.
pub(super) struct Served {
    plain: Arc<CertifiedKey>,
    stapled: RwLock<Option<Stapled>>,
}

struct Stapled {
    key: Arc<CertifiedKey>,
    valid_until: SystemTime,
}

impl Served {
    pub(super) fn new(key: CertifiedKey) -> Self {
        Self {
            plain: Arc::new(key),
            stapled: RwLock::new(None),
        }
    }

    /// Without a staple.
    pub(super) const fn plain(&self) -> &Arc<CertifiedKey> {
        &self.plain
    }

    pub(super) fn set_staple(&self, staple: Option<Staple>) {
        let stapled = staple.map(|staple| {
            let mut key = CertifiedKey::clone(&self.plain);
            key.ocsp = Some(staple.response);
            Stapled {
                key: Arc::new(key),
                valid_until: staple.valid_until,
            }
        });
        *self.stapled.write().unwrap_or_else(PoisonError::into_inner) = stapled;
    }

    pub(super) fn staple(&self) -> Option<Staple> {
        let now = SystemTime::now();
        let stapled = self.stapled.read().unwrap_or_else(PoisonError::into_inner);
        let stapled = stapled.as_ref().filter(|it| now < it.valid_until)?;
        Some(Staple::new(stapled.key.ocsp.clone()?, stapled.valid_until))
    }

    /// What is served now. The clock is looked at every time, so that nothing expired is served even if
    /// nobody takes it away.
    fn current(&self) -> Arc<CertifiedKey> {
        let now = SystemTime::now();
        match &*self.stapled.read().unwrap_or_else(PoisonError::into_inner) {
            None => return Arc::clone(&self.plain),
            Some(stapled) if now < stapled.valid_until => return Arc::clone(&stapled.key),
            Some(_) => {}
        }
        self.drop_expired(now);
        Arc::clone(&self.plain)
    }

    fn drop_expired(&self, now: SystemTime) {
        let mut current = self.stapled.write().unwrap_or_else(PoisonError::into_inner);
        // Another handshake may have been here, or a new staple come.
        if let Some(stapled) = &*current
            && stapled.valid_until <= now
        {
            tracing::warn!(
                "OCSP staple dropped: it expired at {}, and there is no newer one",
                time_text(stapled.valid_until)
            );
            *current = None;
        }
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// Names what is inside without showing it, because a key is.
impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("certificates", &self.plain.cert.len())
            .field("key", &self.plain.key.algorithm())
            .field("stapled", &self.staple().is_some())
            .finish()
    }
}
