//! OpenSSL's language for lists of cipher suites, as `ssl_ciphers` and `ssl_tls13_ciphers` are written.
//!
//! Pure functions on the suites that the provider has. The rules are those of `openssl-ciphers(1)`: a
//! word may be the name of a suite or a property of several, unknown words are passed over, and what
//! counts is what remains.

use std::cmp::Reverse;

use rustls::CipherSuite;

use crate::names;

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CipherListError {
    /// Nothing of the list is available, or it is no list.
    NoneAvailable,
    /// A security level that asks for more than suites: of keys and signatures, too.
    SecurityLevel(String),
}

/// The suites of TLS 1.2 that `list` chooses from `available`, best first.
///
/// Properties add suites in the order of `available`.
pub(crate) fn tls12(
    list: &str,
    available: &[CipherSuite],
) -> Result<Vec<CipherSuite>, CipherListError> {
    let mut order = Order::new(available);
    let mut rest = list;
    // OpenSSL knows this word at the very beginning only.
    if let Some(after) = list.strip_prefix("DEFAULT") {
        order.apply(Operator::Add, &|_| true);
        rest = after;
    }
    for rule in rest.split(SEPARATORS).filter(|rule| !rule.is_empty()) {
        match rule.strip_prefix('@') {
            Some(command) => order.command(command)?,
            None => order.rule(rule)?,
        }
    }
    let chosen = order.into_active();
    if chosen.is_empty() {
        return Err(CipherListError::NoneAvailable);
    }
    Ok(chosen)
}

/// The suites of TLS 1.3 that `list` names, in its order: names between colons, nothing else.
pub(crate) fn tls13(
    list: &str,
    available: &[CipherSuite],
) -> Result<Vec<CipherSuite>, CipherListError> {
    let mut chosen = Vec::new();
    for name in list.split(':').map(str::trim) {
        let suite = available
            .iter()
            .find(|suite| names::cipher(**suite).name == name);
        if let Some(suite) = suite.filter(|suite| !chosen.contains(*suite)) {
            chosen.push(*suite);
        }
    }
    if chosen.is_empty() {
        return Err(CipherListError::NoneAvailable);
    }
    Ok(chosen)
}

/// What a rule does with the suites that match it.
#[derive(Clone, Copy)]
enum Operator {
    /// Adds those that are not chosen to the end.
    Add,
    /// `+`: moves those that are chosen to the end.
    MoveToEnd,
    /// `-`: takes them out; a later rule may add them again.
    Remove,
    /// `!`: takes them out for good.
    Forbid,
}

/// The suites in their present order, chosen or not.
///
/// OpenSSL keeps those not chosen in the same list, which decides where they come back.
struct Order(Vec<Entry>);

struct Entry {
    suite: CipherSuite,
    active: bool,
}

impl Order {
    fn new(available: &[CipherSuite]) -> Self {
        let entry = |suite: &CipherSuite| Entry {
            suite: *suite,
            active: false,
        };
        Self(available.iter().map(entry).collect())
    }

    /// One or more words joined by `+`, all of which a suite must match, behind an operator or none.
    fn rule(&mut self, rule: &str) -> Result<(), CipherListError> {
        let (operator, words) = match rule.split_at_checked(1) {
            Some(("!", words)) => (Operator::Forbid, words),
            Some(("-", words)) => (Operator::Remove, words),
            Some(("+", words)) => (Operator::MoveToEnd, words),
            _ => (Operator::Add, rule),
        };
        let words: Vec<&str> = words.split('+').collect();
        if !words.iter().all(|word| is_word(word)) {
            return Err(CipherListError::NoneAvailable);
        }
        self.apply(operator, &|suite| {
            words.iter().all(|word| matches(word, suite))
        });
        Ok(())
    }

    /// `@STRENGTH` or `@SECLEVEL=n`, whatever is joined to it by `+`.
    fn command(&mut self, command: &str) -> Result<(), CipherListError> {
        let command = command.split('+').next().unwrap_or_default();
        match command.strip_prefix("SECLEVEL=") {
            // Up to level 2 rustls has nothing that OpenSSL would take away.
            Some("0" | "1" | "2") => Ok(()),
            Some("3" | "4" | "5") => Err(CipherListError::SecurityLevel(format!("@{command}"))),
            None if command == "STRENGTH" => {
                self.sort_by_strength();
                Ok(())
            }
            _ => Err(CipherListError::NoneAvailable),
        }
    }

    fn apply(&mut self, operator: Operator, matches: &dyn Fn(CipherSuite) -> bool) {
        let affects = |entry: &Entry| {
            matches(entry.suite)
                && match operator {
                    Operator::Add => !entry.active,
                    Operator::MoveToEnd | Operator::Remove => entry.active,
                    Operator::Forbid => true,
                }
        };
        let (mut affected, rest): (Vec<Entry>, Vec<Entry>) =
            self.0.drain(..).partition(|entry| affects(entry));
        affected
            .iter_mut()
            .for_each(|entry| entry.active = !matches!(operator, Operator::Remove));
        self.0 = match operator {
            Operator::Add | Operator::MoveToEnd => rest.into_iter().chain(affected).collect(),
            Operator::Remove => affected.into_iter().chain(rest).collect(),
            Operator::Forbid => rest,
        };
    }

    /// Longest keys first among the chosen; of equals the order stays.
    fn sort_by_strength(&mut self) {
        self.0.sort_by_key(|entry| {
            let bits = names::cipher(entry.suite).bits;
            (entry.active, entry.active.then_some(Reverse(bits)))
        });
    }

    fn into_active(self) -> Vec<CipherSuite> {
        let active = self.0.into_iter().filter(|entry| entry.active);
        active.map(|entry| entry.suite).collect()
    }
}

/// Whether OpenSSL would read this as one word.
fn is_word(word: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
    !word.is_empty() && word.bytes().all(is_part)
}

/// Whether a word of OpenSSL's language is about this suite of TLS 1.2.
///
/// All that rustls has are ECDHE with an AEAD, so words about anything else match none: `RSA` and
/// `kRSA` (key exchange), `SHA256` and `SHA384` (HMAC), `MEDIUM`, `3DES`, `aNULL`.
fn matches(word: &str, suite: CipherSuite) -> bool {
    let name = names::cipher(suite).name;
    match word {
        "ALL" | "HIGH" | "TLSv1.2" | "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" | "ECDH" => true,
        "ECDSA" | "aECDSA" => name.contains("-ECDSA-"),
        "aRSA" => name.contains("-RSA-"),
        // All of AES are GCM, and approved by FIPS 140.
        "AES" | "AESGCM" | "FIPS" => name.contains("-AES"),
        "AES128" => name.contains("-AES128-"),
        "AES256" => name.contains("-AES256-"),
        "CHACHA20" => name.contains("-CHACHA20-"),
        _ => word == name,
    }
}

/// What stands between rules.
const SEPARATORS: [char; 4] = [':', ' ', ';', ','];

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustls::CipherSuite;

    use super::{CipherListError, tls12, tls13};
    use crate::names;

    /// OpenSSL's own order, so that its results can be compared with ours to the letter.
    const OPENSSL: [CipherSuite; 6] = [
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ];

    const TLS13: [CipherSuite; 3] = [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ];

    fn names(suites: &[CipherSuite]) -> Vec<&'static str> {
        let suites = suites.iter();
        suites.map(|suite| names::cipher(*suite).name).collect()
    }

    /// What OpenSSL makes of a list, of the suites that we have.
    fn openssl(list: &str) -> Vec<String> {
        let output = Command::new("openssl")
            .args(["ciphers", "-s", "-tls1_2", list])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let ours = names(&OPENSSL);
        let known = text.trim().split(':').filter(|name| ours.contains(name));
        known.map(str::to_owned).collect()
    }

    #[track_caller]
    fn same_as_openssl(list: &str) {
        let ours = tls12(list, &OPENSSL).unwrap_or_default();
        assert_eq!(names(&ours), openssl(list), "{list}");
    }

    #[test]
    fn lists_mean_what_they_mean_to_openssl() {
        for list in [
            "HIGH:MEDIUM:+3DES:!aNULL",
            "DEFAULT",
            "DEFAULT:-ECDSA",
            "ECDSA:DEFAULT",
            "ALL:COMPLEMENTOFDEFAULT",
            "ALL",
            "MEDIUM",
            "LOW",
            "high",
            "",
            " ",
            ":",
            "ALL::",
            "ALL:unknown",
            "HIGH+unknown",
            "HIGH*",
            "ALL:!",
            "ALL:+",
            "ALL:@UNKNOWN",
            "ALL:@SECLEVEL=2",
            "@STRENGTH",
            "ECDHE+AESGCM:+AES256",
            "aECDSA+CHACHA20,AESGCM;AES128 ALL",
            "ALL:-AES256:AES256",
            "ALL:-AESGCM:ALL",
            "ALL:!AESGCM:ALL",
            "CHACHA20:AES128:@STRENGTH:ALL",
            "AES128:CHACHA20:@STRENGTH:AES256",
            "ECDHE-RSA-AES128-GCM-SHA256+AESGCM",
            "ECDHE-RSA-AES128-GCM-SHA256+CHACHA20",
            "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256",
            "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384:AES256-SHA",
            "TLS_AES_128_GCM_SHA256",
            "SHA256:SHA384:RSA:kRSA:TLSv1:EDH:PSK:SHA1:DES",
            "EECDH+AESGCM:EDH+AESGCM",
            "FIPS:-kEECDH+AES256:+ECDH+aRSA:kECDHE",
        ] {
            same_as_openssl(list);
        }
    }

    #[test]
    fn operators_mean_what_they_mean_to_openssl_one_after_the_other() {
        let rules = [
            "AES128",
            "+ECDSA",
            "-AESGCM",
            "!AES256",
            "ALL",
            "@STRENGTH",
            "+aRSA+CHACHA20",
        ];
        for first in rules {
            for second in rules {
                for third in ["ALL", "-AES128:FIPS"] {
                    same_as_openssl(&format!("CHACHA20:{first}:{second}:{third}"));
                }
            }
        }
    }

    #[test]
    fn properties_keep_the_servers_order() {
        let mut ours = OPENSSL;
        ours.reverse();
        assert_eq!(tls12("HIGH:MEDIUM:+3DES:!aNULL", &ours).unwrap(), ours);
    }

    #[test]
    fn what_is_not_available_is_not_chosen() {
        let available = &OPENSSL[..2];
        assert_eq!(tls12("CHACHA20:aRSA", available).unwrap(), [OPENSSL[1]]);
        assert_eq!(
            tls12("CHACHA20", available),
            Err(CipherListError::NoneAvailable)
        );
    }

    #[test]
    fn levels_that_are_about_keys_too_are_refused() {
        assert_eq!(
            tls12("ALL:@SECLEVEL=3", &OPENSSL),
            Err(CipherListError::SecurityLevel("@SECLEVEL=3".to_owned()))
        );
        for list in ["ALL:@SECLEVEL=9", "ALL:@SECLEVEL=", "ALL:@SECLEVEL=10"] {
            assert_eq!(
                tls12(list, &OPENSSL),
                Err(CipherListError::NoneAvailable),
                "{list}"
            );
        }
    }

    #[test]
    fn names_of_tls13() {
        let cases: [(&str, &[CipherSuite]); 8] = [
            ("TLS_AES_128_GCM_SHA256", &TLS13[..1]),
            ("TLS_AES_128_GCM_SHA256:unknown", &TLS13[..1]),
            (
                "TLS_CHACHA20_POLY1305_SHA256: TLS_AES_128_GCM_SHA256 :TLS_CHACHA20_POLY1305_SHA256",
                &[TLS13[2], TLS13[0]],
            ),
            ("", &[]),
            (":", &[]),
            ("tls_aes_128_gcm_sha256", &[]),
            // As OpenSSL has it, only colons separate these.
            ("TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384", &[]),
            ("TLS_AES_128_CCM_SHA256:ALL", &[]),
        ];
        for (list, expected) in cases {
            let chosen = tls13(list, &TLS13).unwrap_or_default();
            assert_eq!(chosen, expected, "{list}");
        }
    }
}
