//! Keys that openssl encrypted, and files that ask for too much.

use std::fs;
use std::path::PathBuf;

use ::pkcs8::der::Encode;
use ::pkcs8::der::asn1::OctetStringRef;
use ::pkcs8::pkcs5::pbes2::{self, Parameters, Pbkdf2Params};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::load::{KeyInFile, load_private_key, read_private_key};
use crate::provider::provider;
use crate::testing::{openssl, text};

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A fresh P-256 key.
    fn plain(&self) -> PathBuf {
        let path = self.path("plain.key");
        let curve = "ec_paramgen_curve:P-256";
        openssl(
            &[
                "genpkey",
                "-quiet",
                "-algorithm",
                "EC",
                "-pkeyopt",
                curve,
                "-out",
                text(&path),
            ],
            b"",
        );
        path
    }

    /// The key encrypted by `openssl pkcs8 -topk8` with these arguments.
    fn encrypted(&self, plain: &Path, passphrase: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path("encrypted.key");
        let pass = format!("pass:{passphrase}");
        let fixed = [
            "pkcs8",
            "-topk8",
            "-in",
            text(plain),
            "-out",
            text(&path),
            "-passout",
            &pass,
        ];
        openssl(&[&fixed, arguments].concat(), b"");
        path
    }
}

#[track_caller]
fn read(path: &Path) -> EncryptedKey {
    match read_private_key(path).unwrap() {
        KeyInFile::Encrypted(key) => key,
        KeyInFile::Plain(_) => panic!("{} is not encrypted", path.display()),
    }
}

#[track_caller]
fn check_error(error: &LoadError, path: &Path, rest: &str) {
    let expected = format!(
        "could not load private key file \"{}\": {rest}",
        path.display()
    );
    assert_eq!(error.to_string(), expected.replace("{path}", text(path)));
}

#[test]
fn c02_keys_encrypted_by_openssl_open() {
    let files = Files::new();
    let plain = files.plain();
    let expected = load_private_key(&plain).unwrap();
    let ways: [&[&str]; 5] = [
        &[],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"],
        &["-v2", "des3", "-iter", "100000"],
        &["-scrypt"],
    ];
    for arguments in ways {
        let path = files.encrypted(&plain, "dUmmyP^#+ü", arguments);
        let key = read(&path).open("dUmmyP^#+ü".as_bytes()).unwrap();
        assert_eq!(key, expected, "{arguments:?}");
        if let Some(provider) = provider() {
            provider.key_provider.load_private_key(key).unwrap();
        }
    }
}

#[test]
fn c02_what_does_not_open_says_why() {
    let files = Files::new();
    let plain = files.plain();
    let path = files.encrypted(&plain, "secret1", &[]);
    let key = read(&path);
    for wrong in ["secret2", "", "secret1\n"] {
        check_error(
            &key.open(wrong.as_bytes()).unwrap_err(),
            &path,
            "line 1: bad decrypt: the passphrase does not open the key; try it: openssl pkey -in \"{path}\" -noout",
        );
    }
    check_error(
        &load_private_key(&path).unwrap_err(),
        &path,
        "line 1: the key is encrypted and there is no passphrase to open it with; give the passphrase \
         (ssl_passphrase_command) or write a copy without one: openssl pkey -in \"{path}\" -out NEW_FILE",
    );
    let shown = format!("{key:?}");
    assert_eq!(shown, format!("EncryptedKey {{ path: {path:?}, .. }}"));
}

#[test]
fn c02_old_encryption_is_refused_with_the_command_that_mends_it() {
    let files = Files::new();
    let plain = files.plain();
    let cure = "which is not supported; encrypt it anew: openssl pkcs8 -topk8 -in \"{path}\" -out NEW_FILE";

    let version_1 = files.encrypted(&plain, "x", &["-v1", "PBE-SHA1-3DES"]);
    check_error(
        &read_private_key(&version_1).unwrap_err(),
        &version_1,
        &format!("line 1: the key is encrypted with the algorithm 1.2.840.113549.1.12.1.3, {cure}"),
    );

    let legacy = files.path("legacy.key");
    let encrypt = ["ec", "-in", text(&plain), "-out", text(&legacy)];
    openssl(
        &[&encrypt[..], &["-aes128", "-passout", "pass:x"]].concat(),
        b"",
    );
    let content = fs::read_to_string(&legacy).unwrap();
    assert!(content.contains("Proc-Type: 4,ENCRYPTED"));
    check_error(
        &read_private_key(&legacy).unwrap_err(),
        &legacy,
        &format!(
            "line 1: the key is encrypted in OpenSSL's old way (\"Proc-Type: 4,ENCRYPTED\"), {cure}"
        ),
    );
    fs::write(&legacy, content.replace('\n', "\r\n")).unwrap();
    assert!(matches!(
        read_private_key(&legacy).unwrap_err().fault(),
        LoadFault::UnsupportedEncryption { .. }
    ));

    // The command that the errors give works.
    let new = files.path("new.key");
    let arguments = ["pkcs8", "-topk8", "-in", text(&legacy), "-out", text(&new)];
    openssl(
        &[&arguments[..], &["-passin", "pass:x", "-passout", "pass:x"]].concat(),
        b"",
    );
    assert_eq!(
        read(&new).open(b"x").unwrap(),
        load_private_key(&plain).unwrap()
    );
}

/// A key with these parameters, and noise for a content.
fn file_with(files: &Files, kdf: Kdf) -> PathBuf {
    let parameters = Parameters {
        kdf,
        encryption: pbes2::EncryptionScheme::Aes256Cbc { iv: [0; 16] },
    };
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: EncryptionScheme::Pbes2(parameters),
        encrypted_data: OctetStringRef::new(&[0; 64]).unwrap(),
    };
    let body = openssl(&["base64"], &info.to_der().unwrap());
    let path = files.path("costly.key");
    let pem = format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}-----END ENCRYPTED PRIVATE KEY-----\n"
    );
    fs::write(&path, pem).unwrap();
    path
}

fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> Kdf {
    Kdf::Scrypt(ScryptParams {
        salt: [0; 16].as_slice().try_into().unwrap(),
        cost_parameter,
        block_size,
        parallelization,
        key_length: None,
    })
}

#[test]
fn keys_that_take_too_long_to_open_are_refused_unopened() {
    let files = Files::new();
    let cure = "encrypt it anew: openssl pkcs8 -topk8 -in \"{path}\" -out NEW_FILE";
    let pbkdf2 = |rounds| Kdf::Pbkdf2(Pbkdf2Params::hmac_sha256(rounds, &[0; 16]).unwrap());
    for (kdf, text) in [
        (
            pbkdf2(5_000_001),
            "5000001 rounds of PBKDF2, more than is allowed (5000000)",
        ),
        (
            scrypt(1 << 17, 8, 1),
            "scrypt with N=131072, r=8, p=1, more than is allowed (64 MiB, and N*r*p of 4194304)",
        ),
        (
            scrypt(1 << 14, 8, 33),
            "scrypt with N=16384, r=8, p=33, more than is allowed (64 MiB, and N*r*p of 4194304)",
        ),
        (
            scrypt(u64::MAX, u16::MAX, u16::MAX),
            "scrypt with N=18446744073709551615, r=65535, p=65535, more than is allowed (64 MiB, and N*r*p of 4194304)",
        ),
    ] {
        let path = file_with(&files, kdf);
        check_error(
            &read_private_key(&path).unwrap_err(),
            &path,
            &format!("line 1: opening the key would take {text}; {cure}"),
        );
    }
    for kdf in [pbkdf2(5_000_000), scrypt(1 << 15, 8, 1)] {
        read(&file_with(&files, kdf));
    }
}

proptest! {
    #[test]
    fn arbitrary_blocks_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = scheme(&bytes);
    }

    /// Costs that the file claims are refused before they are paid, whatever else is wrong with it.
    #[test]
    fn changed_keys_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut der = sample();
        let index = at.index(der.len());
        der[index] = byte;
        if let Ok(key) = EncryptedKey::from_der(Path::new("x"), 1, Zeroizing::new(der)) {
            let info = EncryptedPrivateKeyInfoRef::try_from(key.der.as_slice()).unwrap();
            let kdf = &info.encryption_algorithm.pbes2().unwrap().kdf;
            prop_assert_eq!(excess(kdf), None);
            if matches!(kdf, Kdf::Pbkdf2(parameters) if parameters.iteration_count <= 10_000) {
                let _ = key.open(b"x");
            }
        }
    }
}

/// An encrypted key, made once.
fn sample() -> Vec<u8> {
    static SAMPLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    SAMPLE
        .get_or_init(|| {
            let files = Files::new();
            let path = files.encrypted(&files.plain(), "x", &[]);
            let blocks = crate::pem::blocks(&fs::read(path).unwrap()).unwrap();
            blocks[0].der().unwrap().to_vec()
        })
        .clone()
}
