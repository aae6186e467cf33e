//! PostgreSQL's own tests of TLS, held against our server: `src/test/ssl` and `005_negotiate_encryption` with the
//! servers they start, the certificates they use and the options they give to libpq (spec 9).
//!
//! Every row runs with libpq 15 and libpq 18 where they are installed. What is expected is what PostgreSQL does: the
//! ignored test asks one, as in `oracle`. The rows are written down in `docs/CONFORMANCE.md`.

/// libpq's options that every case of `src/test/ssl` begins with.
macro_rules! inv {
    () => {
        "user=ssltestuser dbname=trustdb sslkey=invalid sslcert=invalid sslrootcert=invalid sslcrl=invalid sslcrldir=invalid"
    };
}

mod certificates;
mod channel_binding;
mod client_certificates;
pub(super) mod document;
mod foreign_certificates;
mod hosts;
mod negotiation;
mod other;
mod revocation;
mod row;
mod scram;
mod server;
mod server_certificates;

use super::TOPICS;
use row::Row;
use server::{Oracle, Software};

/// The tables, in the specification's order.
const TABLES: [&[Row]; 8] = [
    other::SETTINGS,
    server_certificates::ROWS,
    client_certificates::ROWS,
    scram::ROWS,
    other::SSLINFO,
    hosts::ROWS,
    other::NEIGHBOURS,
    other::VERSION_1,
];

#[test]
fn cases_that_are_said_to_cover_a_row_exist() {
    for row in TABLES.into_iter().flatten() {
        if let Some(case) = row.covered_by() {
            let known = TOPICS.iter().any(|(topic, cases)| {
                cases
                    .iter()
                    .any(|it| format!("{topic}::{}", it.name) == case)
            });
            assert!(known, "{}: no case {case}", row.id);
        }
    }
}

#[test]
fn settings_as_in_001_ssltests() {
    row::run(Software::Ours, other::SETTINGS);
}

#[test]
fn server_certificates_as_in_001_ssltests() {
    row::run(Software::Ours, server_certificates::ROWS);
}

#[test]
fn client_certificates_as_in_001_ssltests() {
    row::run(Software::Ours, client_certificates::ROWS);
}

#[test]
fn scram_as_in_002_scram() {
    row::run(Software::Ours, scram::ROWS);
}

#[test]
fn hosts_as_in_004_sni() {
    row::run(Software::Ours, hosts::ROWS);
}

#[test]
fn c04_certificates_of_version_1_are_refused_in_words() {
    row::run(Software::Ours, other::VERSION_1);
}

#[test]
fn e01_channel_binding_hashes_as_the_signature_says() {
    row::run(Software::Ours, channel_binding::HASHES);
}

#[test]
fn e02_without_a_hash_channel_binding_is_not_offered() {
    row::run(Software::Ours, channel_binding::NO_HASH);
}

#[test]
fn revocation_is_checked_for_the_whole_chain() {
    row::run(Software::Ours, revocation::ROWS);
}

#[test]
fn encryption_is_negotiated_as_in_005_negotiate_encryption() {
    negotiation::run(Software::Ours);
}

#[test]
#[ignore = "asks a PostgreSQL server, not ours"]
fn postgresql_itself_passes_every_case_of_its_own() {
    let oracle = Oracle::find().expect("no PostgreSQL server found");
    let software = Software::PostgreSql(&oracle);
    for rows in TABLES {
        row::run(software, rows);
    }
    row::run(software, revocation::ROWS);
    row::run(software, channel_binding::HASHES);
    row::run(software, channel_binding::NO_HASH);
    negotiation::run(software);
}
