//! The acceptance table as `docs/CONFORMANCE.md` has it.

use std::fmt::Write as _;

use super::TABLES;
use super::negotiation::{COLUMNS, ELSEWHERE, ROWS};

const HEAD: &str = "
## PostgreSQL's own tests

Every case of PostgreSQL's `src/test/ssl` and `005_negotiate_encryption` (specification, section 9). The tests \
`postgres_ssl::acceptance` set a server up as PostgreSQL's tests do, with the same certificates (version 3 where \
PostgreSQL's are version 1: see C04 below), and connect with psql 15 and psql 18, which carry libpq of these releases. \
They fail if anything comes out otherwise than this table says; the column PostgreSQL is proven on PostgreSQL 15 and 18 \
(`HELIOSDB_TEST_ORACLE=<bin> cargo test acceptance -- --ignored`). Text in `code` is a part of what psql said.

| case | what | PostgreSQL | here, libpq 15 | here, libpq 18 | verdict |
|---|---|---|---|---|---|
";

const NEGOTIATION: &str = "
### Negotiation of encryption

What a client does on each connection: C connects, R connects again, S+ and S- SSLRequest accepted or refused, D+ and \
D- TLS from the first byte, ok logged in, x refused by the access rules; then what the session is. A recording proxy \
saw the requests, the server's log tells ok and x. The lists are the same on PostgreSQL and here (verdict of every row: \
same). libpq 15 does not know the last column. For every row, disable, allow and prefer with direct TLS end in the \
client without a connection.

";

/// All sections.
pub(in super::super) fn tables() -> String {
    let mut text = HEAD.to_owned();
    for row in TABLES.into_iter().flatten() {
        let cells = row.cells().map(|cell| cell.replace('|', "\\|")).join(" | ");
        writeln!(text, "| {} | {} | {cells} |", row.id, row.about).unwrap();
    }
    text.push_str(NEGOTIATION);
    writeln!(
        text,
        "| case | TLS | user | gssencmode | {} |",
        COLUMNS.join(" | ")
    )
    .unwrap();
    text.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for row in ROWS {
        let mut columns = row.columns.map(String::from);
        for (column, events) in row.older {
            write!(columns[*column], "; libpq 15: {events}").unwrap();
        }
        let tls = if row.has_tls() { "on" } else { "off" };
        let columns = columns.join(" | ");
        writeln!(
            text,
            "| {} | {tls} | {} | {} | {columns} |",
            row.id, row.user, row.gssencmode
        )
        .unwrap();
    }
    text.push_str("\nThe others:\n\n| case | what | verdict |\n|---|---|---|\n");
    for (ids, about, verdict) in ELSEWHERE {
        for id in ids.split(", ") {
            writeln!(text, "| {id} | {about} | {verdict} |").unwrap();
        }
    }
    text
}
