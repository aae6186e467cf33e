//! How to connect to a server with its authority's certificate: the same connection in the words of
//! several clients.

use std::path::{Path, PathBuf};

/// A connection that verifies the server fully.
///
/// ```
/// use pg_certs::connect::Connection;
///
/// let connection = Connection::new("db.example", "alice", "/etc/ssl/ca.crt");
/// assert_eq!(
///     connection.libpq(),
///     "host=db.example port=5432 user=alice dbname=postgres sslmode=verify-full sslrootcert=/etc/ssl/ca.crt"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    host: String,
    port: u16,
    user: String,
    database: String,
    root: PathBuf,
}

impl Connection {
    /// To port 5432 and the database `postgres`; `root` is the authority's certificate.
    pub fn new(host: impl Into<String>, user: impl Into<String>, root: impl Into<PathBuf>) -> Self {
        Self {
            host: host.into(),
            port: 5432,
            user: user.into(),
            database: "postgres".to_owned(),
            root: root.into(),
        }
    }

    /// Another port.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Another database.
    #[must_use]
    pub fn with_database(mut self, database: impl Into<String>) -> Self {
        self.database = database.into();
        self
    }

    /// A connection string for everything that stands on libpq: psql, psycopg, ruby-pg, PHP, DBD::Pg.
    #[must_use]
    pub fn libpq(&self) -> String {
        format!(
            "host={} port={} user={} dbname={} sslmode=verify-full sslrootcert={}",
            quoted(&self.host),
            self.port,
            quoted(&self.user),
            quoted(&self.database),
            quoted(&self.root())
        )
    }

    /// A URI, which libpq and most other clients understand.
    #[must_use]
    pub fn uri(&self) -> String {
        format!(
            "postgresql://{}@{}:{}/{}?sslmode=verify-full&sslrootcert={}",
            percent(&self.user),
            self.uri_host(),
            self.port,
            percent(&self.database),
            percent_path(&self.root())
        )
    }

    /// A URL for pgjdbc. A relative path is relative to the program's working directory.
    #[must_use]
    pub fn jdbc(&self) -> String {
        format!(
            "jdbc:postgresql://{}:{}/{}?user={}&sslmode=verify-full&sslrootcert={}",
            self.uri_host(),
            self.port,
            percent(&self.database),
            percent(&self.user),
            percent_path(&self.root())
        )
    }

    /// Each client's name and what to write for it.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, String)> {
        let literal = |text: &str| format!("{text:?}");
        let [host, user, database, root] =
            [&self.host, &self.user, &self.database, &self.root()].map(|text| literal(text));
        let port = self.port;
        vec![
            ("psql", format!("psql {}", shell(&self.libpq()))),
            ("libpq URI", self.uri()),
            ("JDBC", self.jdbc()),
            (
                "psycopg",
                format!("psycopg.connect({})", literal(&self.libpq())),
            ),
            (
                "node-postgres",
                format!(
                    "new pg.Client({{ host: {host}, port: {port}, user: {user}, database: {database}, \
                     ssl: {{ ca: fs.readFileSync({root}) }} }})"
                ),
            ),
            (
                "Go (pgx)",
                format!("pgx.Connect(ctx, {})", literal(&self.uri())),
            ),
            (
                "tokio-postgres",
                format!(
                    "tokio_postgres::connect({}, MakeRustlsConnect::new(config)) // roots of config: {}",
                    literal(&format!(
                        "host={} port={port} user={} dbname={} sslmode=require",
                        quoted(&self.host),
                        quoted(&self.user),
                        quoted(&self.database)
                    )),
                    self.root()
                ),
            ),
        ]
    }

    fn root(&self) -> String {
        self.root.display().to_string()
    }

    /// IPv6 addresses stand in brackets.
    fn uri_host(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => percent(&self.host),
        }
    }
}

/// A file of this name as clients on this machine find it, whatever their working directory.
#[must_use]
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A value of a connection string, quoted where libpq needs it.
fn quoted(value: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && c != '\'' && c != '\\';
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A word of a POSIX shell, in double quotes.
fn shell(text: &str) -> String {
    let mut word = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '$' | '`' | '\\') {
            word.push('\\');
        }
        word.push(c);
    }
    word.push('"');
    word
}

/// Percent-encoding (RFC 3986).
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// In a query, slashes may stay as they are.
fn percent_path(text: &str) -> String {
    percent(text).replace("%2F", "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_stay_plain() {
        let connection = Connection::new("db.example", "alice", "ca.crt");
        let texts: Vec<String> = connection.all().into_iter().map(|(_, text)| text).collect();
        assert_eq!(
            texts,
            [
                "psql \"host=db.example port=5432 user=alice dbname=postgres sslmode=verify-full sslrootcert=ca.crt\"",
                "postgresql://alice@db.example:5432/postgres?sslmode=verify-full&sslrootcert=ca.crt",
                "jdbc:postgresql://db.example:5432/postgres?user=alice&sslmode=verify-full&sslrootcert=ca.crt",
                "psycopg.connect(\"host=db.example port=5432 user=alice dbname=postgres sslmode=verify-full sslrootcert=ca.crt\")",
                "new pg.Client({ host: \"db.example\", port: 5432, user: \"alice\", database: \"postgres\", ssl: { ca: fs.readFileSync(\"ca.crt\") } })",
                "pgx.Connect(ctx, \"postgresql://alice@db.example:5432/postgres?sslmode=verify-full&sslrootcert=ca.crt\")",
                "tokio_postgres::connect(\"host=db.example port=5432 user=alice dbname=postgres sslmode=require\", \
                 MakeRustlsConnect::new(config)) // roots of config: ca.crt",
            ]
        );
    }

    #[test]
    fn strange_values_survive_libpq_shell_and_uri() {
        let connection = Connection::new("::1", "o'Brien $x", "/my dir/c\\a.crt")
            .with_port(1)
            .with_database("a b/c");
        assert_eq!(
            connection.libpq(),
            r"host=::1 port=1 user='o\'Brien $x' dbname='a b/c' sslmode=verify-full sslrootcert='/my dir/c\\a.crt'"
        );
        assert_eq!(
            connection.uri(),
            "postgresql://o%27Brien%20%24x@[::1]:1/a%20b%2Fc?sslmode=verify-full&sslrootcert=/my%20dir/c%5Ca.crt"
        );
        let (_, psql) = connection.all().remove(0);
        assert_eq!(
            psql,
            r#"psql "host=::1 port=1 user='o\\'Brien \$x' dbname='a b/c' sslmode=verify-full sslrootcert='/my dir/c\\\\a.crt'""#
        );
    }
}
