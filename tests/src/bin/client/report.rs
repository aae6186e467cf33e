//! The answer of a client program: one line of JSON.

use serde_json::json;

use crate::client::Failure;

/// Prints the one line that `cargo xtask test-ssl` reads.
#[expect(clippy::print_stdout, reason = "the answer is the program's purpose")]
pub(crate) fn report(result: Result<bool, Failure>) {
    let line = match result {
        Ok(tls) => json!({ "outcome": "connected", "tls": tls }),
        Err(Failure { sqlstate, text }) => {
            json!({ "outcome": "failed", "sqlstate": sqlstate, "text": text })
        }
    };
    println!("{line}");
}
