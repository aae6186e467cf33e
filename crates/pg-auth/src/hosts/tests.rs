use std::fs;

use super::*;
use crate::tokens::FileError;

/// Loads a file `pg_hosts.conf` beside other files.
fn load(text: &str, others: &[(&str, &str)]) -> (tempfile::TempDir, Result<Hosts, FileErrors>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in others.iter().copied().chain([("pg_hosts.conf", text)]) {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let hosts = Hosts::load(dir.path().join("pg_hosts.conf"));
    (dir, hosts)
}

/// `line: message` of every error.
fn errors(text: &str) -> Vec<String> {
    let (_dir, hosts) = load(text, &[]);
    let shown = |error: &FileError| format!("{}: {}", error.line().unwrap(), error.message());
    hosts.unwrap_err().iter().map(shown).collect()
}

/// Each line of the file in a form of its own; paths without the directory.
fn show(text: &str, others: &[(&str, &str)]) -> Vec<String> {
    let (dir, hosts) = load(text, others);
    let path = |path: &PathBuf| {
        let relative = path.strip_prefix(dir.path()).unwrap_or(path);
        relative.display().to_string()
    };
    let shown = |host: &Host| {
        let mut text = host.names.join("|");
        text.push_str(&format!(" {} {}", path(&host.certificate), path(&host.key)));
        if let Some(ca) = &host.client_ca {
            text.push_str(&format!(" ca={}", path(ca)));
        }
        if let Some(command) = &host.passphrase_command {
            let reload = host.passphrase_command_supports_reload;
            text.push_str(&format!(" command={command} reload={reload}"));
        }
        if let Some((certificate, key)) = &host.second {
            text.push_str(&format!(" second={},{}", path(certificate), path(key)));
        }
        if let Some(mode) = host.ssl_mode {
            text.push_str(&format!(" mode={mode:?}"));
        }
        text
    };
    hosts.unwrap().iter().map(shown).collect()
}

#[test]
fn lines_that_do_not_load() {
    const MISSING: &str = "missing entry at end of line";
    const MIXED: &str = "default and non-SNI entries cannot be mixed with other entries";
    const EXTRA: &str = "extra fields at end of line";
    const BOOLEAN: &str = "incorrect syntax for boolean value SSL_passphrase_cmd_reload";
    let cases = [
        ("a", MISSING),
        ("a c", MISSING),
        ("a ssl_mode=require", MISSING),
        ("a,* c k", MIXED),
        ("*,a c k", MIXED),
        ("a,/no_sni/ c k", MIXED),
        ("*,/no_sni/ c k", MIXED),
        ("a c,d k", "multiple values specified for SSL certificate"),
        ("a c k,l", "multiple values specified for SSL key"),
        ("a c k x,y", "multiple values specified for SSL CA"),
        (
            "a c k ca x,y",
            "multiple values specified for SSL passphrase command",
        ),
        ("a c k ca cmd on more", EXTRA),
        ("a c k ca cmd maybe more", EXTRA),
        ("a c k ca cmd on ssl_mode=require more", EXTRA),
        ("a c k ca cmd on \"ssl_mode=require\"", EXTRA),
        ("a c k ca cmd maybe", BOOLEAN),
        ("a c k ca cmd o", BOOLEAN),
        ("a c k ca cmd \"\"", BOOLEAN),
        ("a c k ca cmd on,off", BOOLEAN),
        ("a,A c k", "multiple entries for host \"A\" specified"),
        ("x*.a c k", "invalid wildcard in host name \"x*.a\""),
        ("*.*.a c k", "invalid wildcard in host name \"*.*.a\""),
        ("*. c k", "invalid wildcard in host name \"*.\""),
        ("**,a c k", "invalid wildcard in host name \"**\""),
        (
            "a c k ssl_mode=prefer",
            "invalid value for ssl_mode: \"prefer\"",
        ),
        ("a c k ssl_mode=", "invalid value for ssl_mode: \"\""),
        (
            "a c k ssl_mode=require ssl_mode=require",
            "multiple values specified for ssl_mode",
        ),
        ("a c k cert2=x", "cert2 and key2 must be specified together"),
        ("a c k key2=x", "cert2 and key2 must be specified together"),
        ("a c k key2=x cert2=", "no value specified for cert2"),
        (
            "a c k cert2=x cert2=y key2=z",
            "multiple values specified for cert2",
        ),
    ];
    for (line, message) in cases {
        assert_eq!(errors(line), [format!("1: {message}")], "{line}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_and_where() {
    let text = "\
        * c k\n\
        a c k\n\
        \n\
        b\n\
        * c k\n\
        /no_sni/ c k\n\
        /No_SNI/ c k\n\
        /no_sni/ c k\n\
        b,c,EXAMPLE.org c k\n\
        x,Example.ORG c k\n";
    assert_eq!(
        errors(text),
        [
            "4: missing entry at end of line",
            "5: multiple default hosts specified",
            "7: multiple entries for host \"/No_SNI/\" specified",
            "8: multiple no_sni hosts specified",
            "10: multiple entries for host \"Example.ORG\" specified",
        ]
    );
    let (dir, hosts) = load("a\n", &[]);
    assert_eq!(
        hosts.unwrap_err().to_string(),
        format!(
            "line 1 of configuration file \"{}\": missing entry at end of line",
            dir.path().join("pg_hosts.conf").display()
        )
    );
}

#[test]
fn lines_that_load() {
    let text = "\
        # comment\n\
        Example.org  a.crt a.key\n\
        a,b, c.d  /etc/x.crt ./sub/x.key  ca.crt\n\
        d c k \"\" \"echo secret word\" on\n\
        e c k \"\" cmd\n\
        f c k ca \"\" off\n\
        \"*\" c k\n\
        /no_sni/ c k\n\
        *.example.org c k ssl_mode=verify-full\n\
        g c k ca cmd TRUE cert2=\"my cert\" key2=sub/k ssl_mode=verify-ca\n\
        h c k \"cert2=x\" key2=y cert2=z\n";
    assert_eq!(
        show(text, &[]),
        [
            "Example.org a.crt a.key",
            "a|b|c.d /etc/x.crt sub/x.key ca=ca.crt",
            "d c k command=echo secret word reload=true",
            "e c k command=cmd reload=false",
            "f c k ca=ca",
            "* c k",
            "/no_sni/ c k",
            "*.example.org c k mode=VerifyFull",
            "g c k ca=ca command=cmd reload=true second=my cert,sub/k mode=VerifyCa",
            "h c k ca=cert2=x second=z,y",
        ]
    );
}

#[test]
fn names_and_lines_come_from_other_files_too() {
    let others = [
        ("hostnames.txt", "example.com\nexample.net # both\n"),
        ("more.conf", "d c k\n"),
    ];
    let text = "example.org,@hostnames.txt c k\ninclude more.conf\ninclude_if_exists none.conf\n";
    assert_eq!(
        show(text, &others),
        ["example.org|example.com|example.net c k", "d c k"]
    );
}

#[test]
fn a_file_that_is_not_there_has_no_lines_and_one_that_cannot_be_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Hosts::load(dir.path().join("none")).unwrap().is_empty());
    assert!(load("# nothing\n", &[]).1.unwrap().is_empty());
    let errors = Hosts::load(dir.path()).unwrap_err();
    let path = dir.path().display();
    assert_eq!(
        errors.to_string(),
        format!("could not load \"{path}\": could not read file \"{path}\": Is a directory")
    );
    // A file that is included must be there.
    let (dir, hosts) = load("include none\n", &[]);
    let path = dir.path().display();
    assert_eq!(
        hosts.unwrap_err().to_string(),
        format!(
            "line 1 of configuration file \"{path}/pg_hosts.conf\": could not open file \"{path}/none\": \
             No such file or directory"
        )
    );
}

#[test]
fn booleans_are_postgresqls() {
    for text in ["t", "TRUE", "y", "yes", "on", "On", "1"] {
        assert_eq!(parse::boolean(text), Some(true), "{text}");
    }
    for text in ["f", "fals", "n", "NO", "of", "off", "0"] {
        assert_eq!(parse::boolean(text), Some(false), "{text}");
    }
    for text in ["", "o", "truex", "10", "maybe"] {
        assert_eq!(parse::boolean(text), None, "{text}");
    }
}
