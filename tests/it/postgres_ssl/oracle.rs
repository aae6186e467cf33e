//! The cases against a real PostgreSQL: what ours is held to must be true there first.
//!
//! `HELIOSDB_TEST_ORACLE=<directory with the binary postgres> cargo test postgres_ssl::oracle -- --ignored` chooses it;
//! PostgreSQL 18 is the reference, and an older one is asked only what was already so in its time. Without the variable
//! the newest PostgreSQL that Debian has installed is asked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use heliosdb_tests::case::{Case, Proof};
use heliosdb_tests::oracle::PostgreSql;

use super::TOPICS;

#[test]
#[ignore = "asks a PostgreSQL server, not ours; takes a minute"]
fn postgresql_itself_passes_every_case() {
    let postgres = PostgreSql::find().expect("no PostgreSQL server found");
    let provable = |case: &&Case| match case.proof {
        Proof::Since(major) => major <= postgres.major(),
        Proof::OursOnly(_) => false,
    };
    let mut left: Vec<&Case> = TOPICS
        .iter()
        .flat_map(|(_, cases)| *cases)
        .filter(provable)
        .collect();
    let mut failed = Vec::new();
    while let Some(config) = left.first().map(|case| case.config) {
        let (now, later): (Vec<_>, _) = left.into_iter().partition(|case| case.config == config);
        left = later;
        let target = postgres.start(config);
        let passes = |run: &dyn Fn()| catch_unwind(AssertUnwindSafe(run)).is_ok();
        failed.extend(
            now.iter()
                .filter(|case| !passes(&|| target.run(case)))
                .map(|case| case.name),
        );
        if catch_unwind(AssertUnwindSafe(|| target.finish())).is_err() {
            failed.push("a log");
        }
    }
    assert!(
        failed.is_empty(),
        "PostgreSQL {} fails {failed:?}",
        postgres.major()
    );
}
