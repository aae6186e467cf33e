//! The server's settings: what they are called, where they come from, what they may be.
//!
//! [`table`] holds the one definition of every setting, under PostgreSQL's name where
//! PostgreSQL has one. Everything else is derived from it: the flag (`--ssl-mode`), the
//! environment variable (`HELIOSDB_SSL_MODE`), the key in the TOML file (`ssl_mode`), `--help`,
//! the table in the guide, and the typed [`Settings`] that the binary works with.
//!
//! A flag beats the environment, which beats the file, which beats the default; [`Loaded`]
//! remembers which of them won. [`load`] reads every source to its end and reports everything
//! that is wrong in any of them at once, in PostgreSQL's words where it has them.
//!
//! ```
//! use heliosdb_server::settings;
//!
//! let flags = clap::Command::new("demo").args(settings::flags::args());
//! let flags = flags.get_matches_from(["demo", "--authentication-timeout", "2min"]);
//! let environment = [("HELIOSDB_MAX_CONNECTIONS".into(), "7".into())];
//! let loaded = settings::load(&flags, environment)?;
//! let settings = loaded.settings().expect("nothing is wrong");
//! assert_eq!(settings.authentication_timeout.as_secs(), 120);
//! assert_eq!(settings.max_connections, 7);
//! assert_eq!(loaded.origin("max_connections").to_string(), "environment HELIOSDB_MAX_CONNECTIONS");
//! # Ok::<(), settings::SettingsError>(())
//! ```

mod address;
mod changes;
mod choice;
mod definition;
mod environment;
mod error;
mod file;
pub mod flags;
mod kind;
mod load;
mod number;
mod reference;
mod rules;
mod suggest;
pub mod table;

pub use address::ListenAddress;
pub use changes::Difference;
pub use choice::LogFormat;
pub use definition::{Change, Group, Place, Setting};
pub use error::{Origin, Problem, Problems, SettingsError};
pub use kind::{Kind, Unit, Value};
pub use load::{Effective, Loaded, load};
pub use reference::reference_table;
pub use table::{SETTINGS, Settings};
