//! Which rule matches.

use std::cell::Cell;
use std::net::IpAddr;

use super::super::*;
use super::load;

fn tls(address: &str) -> Peer {
    Peer::Tls(address.parse().unwrap())
}

fn plain(address: &str) -> Peer {
    Peer::Plain(address.parse().unwrap())
}

fn connection<'a>(peer: Peer, user: &'a str, database: &'a str) -> Connection<'a> {
    Connection {
        peer,
        user: user.as_bytes(),
        database: database.as_bytes(),
        physical_replication: false,
    }
}

/// The line of the rule that matches.
fn line(rules: &Rules, connection: &Connection<'_>) -> Option<usize> {
    match rules.decide(connection, &Known::default()) {
        Verdict::Rule(rule) => Some(rule.line()),
        Verdict::NoRule => None,
        Verdict::Unknown(question) => panic!("{question:?}"),
    }
}

#[test]
fn types_are_about_the_way_of_the_connection() {
    #[track_caller]
    fn check(kind: &str, [local, in_clear, in_tls]: [bool; 3]) {
        let address = if kind == "local" { "" } else { "all" };
        let rules = load(&format!("{kind} all all {address} trust")).unwrap();
        let matches = |peer| line(&rules, &connection(peer, "u", "d")).is_some();
        assert_eq!(
            [
                matches(Peer::Local),
                matches(plain("192.0.2.1")),
                matches(tls("::1"))
            ],
            [local, in_clear, in_tls],
            "{kind}"
        );
    }
    check("local", [true, false, false]);
    check("host", [false, true, true]);
    check("hostssl", [false, false, true]);
    check("hostnossl", [false, true, false]);
    check("hostgssenc", [false, false, false]);
    check("hostnogssenc", [false, true, true]);
}

#[test]
fn databases() {
    #[track_caller]
    fn check(column: &str, user: &str, database: &str, expected: bool) {
        let rules = load(&format!("local {column} all trust")).unwrap();
        let matches = line(&rules, &connection(Peer::Local, user, database)).is_some();
        assert_eq!(matches, expected, "{column} {user} {database}");
    }
    check("all", "u", "d", true);
    check("\"all\"", "u", "d", false);
    check("\"all\"", "u", "all", true);
    check("sameuser", "u", "u", true);
    check("sameuser", "u", "d", false);
    check("\"sameuser\"", "u", "u", false);
    check("replication", "u", "replication", false);
    check("\"replication\"", "u", "replication", true);
    check("a,b", "u", "b", true);
    check("a,b", "u", "c", false);
    check("shop", "u", "Shop", false);
    check("Shop", "u", "Shop", true);
    check("/^db[0-9]+$", "u", "db12", true);
    check("/^db[0-9]+$", "u", "db", false);
    check("\"/^a,b$\"", "u", "a,b", true);
    check("+x", "u", "+x", true);
    check("\"my db\"", "u", "my db", true);
    check("\"\"", "u", "d", false);
}

#[test]
fn users() {
    #[track_caller]
    fn check(column: &str, user: &str, expected: bool) {
        let rules = load(&format!("local all {column} trust")).unwrap();
        let matches = line(&rules, &connection(Peer::Local, user, "d")).is_some();
        assert_eq!(matches, expected, "{column} {user}");
    }
    check("all", "u", true);
    check("\"all\"", "u", false);
    check("\"all\"", "all", true);
    check("alice,bob", "bob", true);
    check("alice,bob", "Bob", false);
    check("/^app_", "app_rw", true);
    check("/^app_", "my_app_rw", false);
    check("\"/^app_\"", "app_rw", true);
    check("\"+x\"", "+x", true);
    check("sameuser", "d", false);
}

#[test]
fn addresses() {
    #[track_caller]
    fn check(columns: &str, address: &str, expected: bool) {
        let rules = load(&format!("host all all {columns} trust")).unwrap();
        let matches = line(&rules, &connection(plain(address), "u", "d")).is_some();
        assert_eq!(matches, expected, "{columns} {address}");
    }
    check("all", "2001:db8::1", true);
    check("192.0.2.0/24", "192.0.2.255", true);
    check("192.0.2.0/24", "192.0.3.0", false);
    check("192.0.2.7/24", "192.0.2.1", true);
    check("192.0.2.7/32", "192.0.2.6", false);
    check("0.0.0.0/0", "203.0.113.9", true);
    check("0.0.0.0/0", "::1", false);
    check("::/0", "::1", true);
    check("::/0", "127.0.0.1", false);
    check("2001:db8::/32", "2001:db8:ffff::1", true);
    check("2001:db8::/32", "2001:db9::1", false);
    check("192.0.2.0 255.255.255.0", "192.0.2.9", true);
    check("192.0.2.0 255.255.255.0", "192.0.3.9", false);
    // A mask with holes is taken as it is.
    check("10.0.0.5 255.0.0.255", "10.9.9.5", true);
    check("10.0.0.5 255.0.0.255", "10.9.9.6", false);
    check("::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1", true);
    // A dual-stack socket shows IPv4 clients so; PostgreSQL never sees it.
    check("127.0.0.0/8", "::ffff:127.0.0.1", true);
    check("::/0", "::ffff:127.0.0.1", false);
    check("::ffff:127.0.0.1/128", "127.0.0.1", false);
}

#[test]
fn the_first_match_decides() {
    let rules = load(
        "hostssl shop   alice 192.0.2.0/24 cert\n\
         host    shop   all   192.0.2.0/24 reject\n\
         host    shop   alice all          trust\n",
    )
    .unwrap();
    let alice = connection(tls("192.0.2.1"), "alice", "shop");
    assert_eq!(line(&rules, &alice), Some(1));
    let in_clear = Connection {
        peer: plain("192.0.2.1"),
        ..alice
    };
    assert_eq!(line(&rules, &in_clear), Some(2));
    assert_eq!(
        line(
            &rules,
            &Connection {
                peer: plain("192.0.3.1"),
                ..alice
            }
        ),
        Some(3)
    );
    assert_eq!(
        line(
            &rules,
            &Connection {
                database: b"other",
                ..alice
            }
        ),
        None
    );
    for (connection, mismatch) in [
        (in_clear, Mismatch::Kind),
        (
            Connection {
                peer: tls("192.0.3.1"),
                ..alice
            },
            Mismatch::Address,
        ),
        (
            Connection {
                database: b"x",
                ..alice
            },
            Mismatch::Database,
        ),
        (
            Connection {
                user: b"x",
                ..alice
            },
            Mismatch::User,
        ),
    ] {
        let judged = rules.rules[0].judge(&connection, &Known::default());
        assert_eq!(judged, Match::No(mismatch));
    }
}

#[test]
fn physical_replication_is_only_for_rules_that_say_so() {
    let rules = load("local all,sameuser,/. all trust\nlocal replication all trust\n").unwrap();
    let replication = Connection {
        physical_replication: true,
        ..connection(Peer::Local, "u", "u")
    };
    assert_eq!(line(&rules, &replication), Some(2));
}

#[test]
fn names_that_are_no_text_are_compared_by_bytes() {
    let rules = load("local /^.$ all trust\nlocal all /a trust\n").unwrap();
    let odd = Connection {
        user: b"\xffa",
        database: b"\xff",
        ..connection(Peer::Local, "", "")
    };
    assert_eq!(line(&rules, &odd), Some(2));
}

/// A small DNS.
struct Table {
    name: Result<&'static str, &'static str>,
    addresses: Result<&'static [&'static str], &'static str>,
    asked: Cell<usize>,
}

impl Table {
    const fn new(
        name: Result<&'static str, &'static str>,
        addresses: Result<&'static [&'static str], &'static str>,
    ) -> Self {
        Self {
            name,
            addresses,
            asked: Cell::new(0),
        }
    }
}

impl Lookups for Table {
    fn name_of(&self, _: IpAddr) -> Result<String, String> {
        self.asked.set(self.asked.get() + 1);
        self.name.map(str::to_owned).map_err(str::to_owned)
    }

    fn addresses_of(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        self.asked.set(self.asked.get() + 1);
        assert_eq!(self.name, Ok(name));
        self.addresses
            .map(|list| {
                list.iter()
                    .map(|address| address.parse().unwrap())
                    .collect()
            })
            .map_err(str::to_owned)
    }

    fn networks(&self) -> Vec<Network> {
        self.asked.set(self.asked.get() + 1);
        vec![Network {
            address: "192.0.2.10".parse().unwrap(),
            mask: "255.255.255.0".parse().unwrap(),
        }]
    }
}

#[test]
fn host_names_have_to_agree_both_ways() {
    #[track_caller]
    fn check(column: &str, table: &Table, expected: bool, detail: &str) {
        let rules = load(&format!(
            "host all all {column} trust\nhost all all {column} reject"
        ))
        .unwrap();
        assert!(rules.needs_lookups());
        let (rule, known) =
            rules.decide_with(&connection(plain("::ffff:192.0.2.1"), "u", "d"), table);
        assert_eq!(rule.map(Rule::line), expected.then_some(1), "{column}");
        assert_eq!(known.log_detail().as_deref(), Some(detail), "{column}");
        assert!(table.asked.take() <= 2, "an answer is not asked for twice");
    }
    let good = Table::new(Ok("app1.Example.org"), Ok(&["2001:db8::1", "192.0.2.1"]));
    let matches = "Client IP address resolved to \"app1.Example.org\", forward lookup matches.";
    check("app1.example.org", &good, true, matches);
    check(".example.ORG", &good, true, matches);
    check(".org", &good, true, matches);
    let unchecked =
        "Client IP address resolved to \"app1.Example.org\", forward lookup not checked.";
    check("example.org", &good, false, unchecked);
    check(".app1.example.org", &good, false, unchecked);
    check("app2.example.org", &good, false, unchecked);
    check(
        ".example.org",
        &Table::new(Ok("liar.example.org"), Ok(&["192.0.2.99"])),
        false,
        "Client IP address resolved to \"liar.example.org\", forward lookup does not match.",
    );
    check(
        ".example.org",
        &Table::new(Ok("gone.example.org"), Err("Name or service not known")),
        false,
        "Could not translate client host name \"gone.example.org\" to IP address: Name or service not known.",
    );
    check(
        ".example.org",
        &Table::new(Err("Name or service not known"), Ok(&[])),
        false,
        "Could not resolve client IP address to a host name: Name or service not known.",
    );
}

#[test]
fn dns_is_asked_only_if_everything_else_matches() {
    let table = Table::new(Err("never"), Ok(&[]));
    let rules = load("hostssl all all x.example trust\nhost d2 all x.example trust\nhost all u2 samenet trust\nhost all all all reject\n").unwrap();
    let (rule, known) = rules.decide_with(&connection(plain("192.0.2.1"), "u", "d"), &table);
    assert_eq!(rule.map(Rule::line), Some(4));
    assert_eq!((table.asked.get(), known.log_detail()), (0, None));
    assert!(!load("host all all all trust").unwrap().needs_lookups());
}

#[test]
fn the_machines_own_networks() {
    #[track_caller]
    fn check(column: &str, address: &str, expected: bool) {
        let rules = load(&format!("host all all {column} trust")).unwrap();
        let table = Table::new(Err(""), Ok(&[]));
        let (rule, _) = rules.decide_with(&connection(plain(address), "u", "d"), &table);
        assert_eq!(rule.is_some(), expected, "{column} {address}");
    }
    check("samehost", "192.0.2.10", true);
    check("samehost", "::ffff:192.0.2.10", true);
    check("samehost", "192.0.2.11", false);
    check("samenet", "192.0.2.11", true);
    check("samenet", "192.0.3.10", false);
    check("samenet", "::1", false);
    let quoted = load("host all all \"samenet\" trust").unwrap();
    let verdict = quoted.decide(&connection(plain("192.0.2.1"), "u", "d"), &Known::default());
    assert!(
        matches!(verdict, Verdict::Unknown(Question::NameOf(_))),
        "in quotes it is a host name: {verdict:?}"
    );
}

#[test]
fn who_is_turned_away_reads_postgresqls_words() {
    #[track_caller]
    fn check(connection: &Connection<'_>, no_entry: &str, rejected: &str) {
        for (response, expected) in [
            (connection.no_entry(), no_entry),
            (connection.rejected(), rejected),
        ] {
            assert_eq!(response.message(), expected);
            assert_eq!(response.code().unwrap().as_str(), "28000");
        }
    }
    let clear = connection(plain("::ffff:192.0.2.1"), "alice", "shop");
    check(
        &clear,
        "no pg_hba.conf entry for host \"192.0.2.1\", user \"alice\", database \"shop\", no encryption",
        "pg_hba.conf rejects connection for host \"192.0.2.1\", user \"alice\", database \"shop\", no encryption",
    );
    check(
        &Connection {
            peer: tls("2001:db8::1"),
            ..clear
        },
        "no pg_hba.conf entry for host \"2001:db8::1\", user \"alice\", database \"shop\", SSL encryption",
        "pg_hba.conf rejects connection for host \"2001:db8::1\", user \"alice\", database \"shop\", SSL encryption",
    );
    check(
        &Connection {
            peer: Peer::Local,
            physical_replication: true,
            ..clear
        },
        "no pg_hba.conf entry for replication connection from host \"[local]\", user \"alice\", no encryption",
        "pg_hba.conf rejects replication connection for host \"[local]\", user \"alice\", no encryption",
    );
}
