//! The files about access as they were last read, and reading them again.

use std::sync::{Arc, PoisonError, RwLock};

use super::{AccessConfig, AccessErrors, AccessPolicy, Lasting, TlsFacts};
use crate::report;

/// The policy that logins are judged by at this moment.
#[derive(Debug)]
pub(crate) struct CurrentAccess {
    config: AccessConfig,
    tls: TlsFacts,
    lasting: Lasting,
    policy: RwLock<Arc<AccessPolicy>>,
}

impl CurrentAccess {
    pub(crate) fn load(config: AccessConfig, tls: TlsFacts) -> Result<Self, AccessErrors> {
        let lasting = Lasting::new(config.mock_secret()?);
        let policy = config.load(tls, lasting.clone())?;
        Ok(Self {
            config,
            tls,
            lasting,
            policy: RwLock::new(Arc::new(policy)),
        })
    }

    /// For one login from its beginning to its end, whatever is reloaded meanwhile.
    pub(crate) fn get(&self) -> Arc<AccessPolicy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn reload(&self) -> Result<(), AccessErrors> {
        let policy = Arc::new(self.config.load(self.tls, self.lasting.clone())?);
        report::access(&policy);
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
        Ok(())
    }
}

/// Has the files about access read again; from [`PgServer::access_handle`](crate::PgServer::access_handle).
#[derive(Clone, Debug)]
pub struct AccessHandle(pub(crate) Arc<CurrentAccess>);

impl AccessHandle {
    /// Reads `hba_file`, `ident_file` and `users_file` again. New logins are judged by what they say now;
    /// sessions and logins under way are left alone. The log says what holds.
    ///
    /// # Errors
    ///
    /// [`AccessErrors`]: everything that is wrong, in all files. Then all of the old holds on.
    pub fn reload(&self) -> Result<(), AccessErrors> {
        self.0.reload()
    }
}
