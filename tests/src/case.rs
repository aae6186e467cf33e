//! A case: what is done to a server and what must come of it, whoever wrote the server.

use crate::config::Config;
use crate::target::Target;

/// Where a case's expectation can be proven.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// On every PostgreSQL from this major version on.
    Since(u32),
    /// On none, for this reason.
    OursOnly(&'static str),
}

/// One row of a table of cases.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Name of the test.
    pub name: &'static str,
    /// The server.
    pub config: Config,
    /// Where the expectation can be proven.
    pub proof: Proof,
    /// Rows of the specification and numbers of bug reports it covers.
    pub rows: &'static [&'static str],
    /// What is done and expected on the wire; `Target::expect_log` adds the log.
    pub run: fn(&Target),
}

impl Case {
    /// Runs the case on a server of its own and compares the log.
    pub fn check(&self, target: Target) {
        target.run(self);
        target.finish();
    }
}

/// Makes a table `CASES` and one `#[test]` per row that runs it against our server.
///
/// A row is `function, configuration, proof, [rows of the specification];` where the function takes `&Target`.
#[macro_export]
macro_rules! cases {
    ($($name:ident, $config:expr, $proof:expr, [$($row:literal),* $(,)?];)+) => {
        /// The cases of this module.
        pub(crate) const CASES: &[$crate::case::Case] = &[$(
            $crate::case::Case {
                name: stringify!($name),
                config: $config,
                proof: $proof,
                rows: &[$($row),*],
                run: $name,
            },
        )+];

        mod case {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let case = super::CASES.iter().find(|case| case.name == stringify!($name)).unwrap();
                    case.check($crate::server::start(case.config));
                }
            )+
        }
    };
}
