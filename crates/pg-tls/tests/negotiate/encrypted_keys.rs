//! Encrypted keys: pass phrases that are given, asked for, and not to be had (specification §5.1, §5.3).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use pg_tls::{ConfigError, CryptoProvider, LoadReason, Passphrase, SslConfig, SslMode};

use crate::client_certs::served;
use crate::support::*;

/// A server whose key `openssl pkcs8` has encrypted with `secret1`.
fn encrypted(arguments: &[&str]) -> Pki {
    let pki = Pki::new();
    let (key, plain) = (pki.path("server.key"), pki.path("plain.key"));
    fs::rename(&key, &plain).unwrap();
    let done = Command::new("openssl")
        .args(["pkcs8", "-topk8", "-passout", "pass:secret1", "-in"])
        .arg(&plain)
        .arg("-out")
        .arg(&key)
        .args(arguments)
        .status()
        .unwrap();
    assert!(done.success());
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    pki
}

fn config(pki: &Pki) -> SslConfig {
    pki.config(SslMode::Require)
}

#[tokio::test]
async fn c02_servers_with_encrypted_keys_serve() {
    for arguments in [&["-v2", "aes256"][..], &["-scrypt"]] {
        let pki = encrypted(arguments);
        for &provider in CryptoProvider::AVAILABLE {
            let config = config(&pki).with_crypto_provider(provider);
            for config in [
                config.clone().with_passphrase(Passphrase::new("secret1")),
                config.with_passphrase_command("echo secret1", false),
            ] {
                served(&accept(config), &pki.client(provider)).await;
            }
        }
    }
}

#[track_caller]
fn check(config: &SslConfig, reason: LoadReason, expected: Result<(), &str>) {
    let seen = config.load_for(reason).map(drop);
    let seen = seen.map_err(|error| error.to_string());
    let key = config.key_path.display().to_string();
    assert_eq!(seen, expected.map_err(|text| text.replace("{key}", &key)));
}

#[test]
fn c02_a_key_that_cannot_be_opened_is_told_in_postgresqls_words() {
    use LoadReason::{Reload, Start};
    let pki = encrypted(&[]);
    let with = |command: &str, reload| config(&pki).with_passphrase_command(command, reload);
    let wrong = "could not load private key file \"{key}\": line 1: bad decrypt: the passphrase does not open the key; try it: \
                 openssl pkey -in \"{key}\" -noout";
    let cannot = "private key file \"{key}\" cannot be reloaded because it requires a passphrase; set ssl_passphrase_command \
                  and ssl_passphrase_command_supports_reload, or restart the server";
    check(
        &config(&pki),
        Start,
        Err(
            "could not load private key file \"{key}\": line 1: the key is encrypted and there is no passphrase to open it \
             with; give the passphrase (ssl_passphrase_command) or write a copy without one: openssl pkey -in \"{key}\" -out \
             NEW_FILE",
        ),
    );
    check(&config(&pki), Reload, Err(cannot));
    check(&with("", true), Reload, Err(cannot));
    check(&with("echo wrong", false), Start, Err(wrong));
    check(&with("echo secret1", false), Start, Ok(()));
    check(&with("echo secret1", false), Reload, Err(cannot));
    check(&with("echo secret1", true), Start, Ok(()));
    check(&with("echo secret1", true), Reload, Ok(()));
    check(&with("echo wrong", true), Reload, Err(wrong));
    check(
        &with("echo secret1; exit 2", true),
        Start,
        Err(
            "could not load private key file \"{key}\": command \"echo secret1; exit 2\" failed: child process exited with \
             exit code 2",
        ),
    );
    // What a program gives goes before the command, and is there at a reload.
    let given = with("exit 1", false).with_passphrase(Passphrase::new("secret1"));
    check(&given, Start, Ok(()));
    check(&given, Reload, Ok(()));
    check(
        &config(&pki).with_passphrase(Passphrase::new("wrong")),
        Start,
        Err(wrong),
    );
}

#[test]
fn failures_have_postgresqls_codes() {
    let pki = encrypted(&[]);
    for (command, code) in [
        ("exit 1", "XX000"),
        ("echo %x", "22023"),
        ("echo wrong", "F0000"),
    ] {
        let config = config(&pki).with_passphrase_command(command, false);
        let error = config.validate().unwrap_err();
        assert_eq!(error.sqlstate().as_str(), code, "{error}");
    }
    let error = config(&pki).load_for(LoadReason::Reload).unwrap_err();
    assert!(matches!(error, ConfigError::KeyNeedsPassphrase(_)));
    assert_eq!(error.sqlstate().as_str(), "F0000");
}

#[test]
fn keys_that_are_not_encrypted_need_no_pass_phrase() {
    let pki = Pki::new();
    let config = config(&pki).with_passphrase_command("exit 1", false);
    for reason in [LoadReason::Start, LoadReason::Reload] {
        config.load_for(reason).unwrap();
    }
}

#[test]
fn settings_show_no_pass_phrase() {
    let pki = Pki::new();
    let config = config(&pki).with_passphrase(Passphrase::new("secret1"));
    assert!(!format!("{config:?}").contains("secret1"));
}
