//! Where a configuration comes from when it is read again.

use std::fmt;
use std::path::PathBuf;

use super::error::ConfigurationErrors;
use crate::builder::PgServerBuilder;

/// Reads a server's configuration at every reload, from wherever the program keeps it, such as a
/// configuration file; set with [`PgServerBuilder::config_source`].
///
/// Without one, a reload reads the files that the configuration of the start leads to.
pub trait ConfigSource: fmt::Debug + Send + Sync {
    /// The configuration as it is written now. Called on a thread that may block.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, as
    /// [`ConfigurationError::Source`](super::ConfigurationError::Source); the configuration in use holds on.
    fn read(&self) -> Result<Proposal, ConfigurationErrors>;

    /// The files that [`read`](Self::read) looks at, beside those that the configuration leads to.
    fn files(&self) -> Vec<PathBuf>;
}

/// A configuration that a [`ConfigSource`] has read and nobody has checked yet.
pub struct Proposal {
    pub(super) builder: PgServerBuilder,
    pub(super) adopted: Box<dyn FnOnce() + Send>,
}

impl Proposal {
    /// A configuration. Its addresses are not looked at: other ones need a restart.
    pub fn new(builder: PgServerBuilder) -> Self {
        Self {
            builder,
            adopted: Box::new(|| {}),
        }
    }

    /// What to do when the configuration is in use; not called if it is refused.
    #[must_use]
    pub fn when_adopted(mut self, action: impl FnOnce() + Send + 'static) -> Self {
        self.adopted = Box::new(action);
        self
    }
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proposal")
            .field("builder", &self.builder)
            .finish_non_exhaustive()
    }
}
