//! What neither pg-certs nor rcgen makes: other forms of a key, other signatures, certificates of version 1.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::certificates::Files;

/// Adds the files that `openssl` makes, some of them from those that are there.
pub(super) fn add(files: &mut Files, client_ca_key: &str) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    for name in ["client.key", "client_ca.crt", "server-cn-only.key"] {
        fs::write(place.join(name), &files[name]).unwrap();
    }
    fs::write(place.join("client_ca.key"), client_ca_key).unwrap();
    forms_of_a_key(place);
    openssl(
        "pkcs8 -topk8 -in server-cn-only.key -passout pass:secret1 -out server-password.key",
        place,
    );
    version_1(place);
    let rsa = "rsa:2048";
    let ecdsa = "ec -pkeyopt ec_paramgen_curve:P-256";
    let pss = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    for (name, key, signature) in [
        ("server-rsapss", rsa, pss),
        ("signed-sha1-rsa", rsa, "-sha1"),
        ("signed-sha256-rsa", rsa, "-sha256"),
        ("signed-sha512-rsa", rsa, "-sha512"),
        ("signed-sha384-ecdsa", ecdsa, "-sha384"),
        ("signed-sha512-ecdsa", ecdsa, "-sha512"),
    ] {
        let files = format!("-keyout {name}.key -out {name}.crt");
        let new = "req -x509 -nodes -days 30 -subj /CN=common-name.pg-ssltest.test -newkey";
        openssl(&format!("{new} {key} {signature} {files}"), place);
    }
    for entry in fs::read_dir(place).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        files.insert(name, fs::read(entry.path()).unwrap());
    }
}

fn forms_of_a_key(place: &Path) {
    let secret = "-passout pass:dUmmyP^#+";
    let convert = "pkcs8 -topk8 -in client.key";
    openssl(
        &format!("{convert} -nocrypt -outform DER -out client-der.key"),
        place,
    );
    openssl(
        &format!("{convert} {secret} -out client-encrypted-pem.key"),
        place,
    );
    // In this form OpenSSL forgets the encryption, and PostgreSQL's own tests with it.
    let der = "-outform DER -out client-encrypted-der.key";
    openssl(&format!("ec -in client.key -aes256 {secret} {der}"), place);
}

/// Without extensions, `openssl x509 -req` makes version 1.
fn version_1(place: &Path) {
    for (name, subject, signer) in [
        (
            "server-cn-only",
            "common-name.pg-ssltest.test",
            "-signkey server-cn-only.key",
        ),
        (
            "client",
            "ssltestuser",
            "-CA client_ca.crt -CAkey client_ca.key -CAcreateserial",
        ),
    ] {
        openssl(
            &format!("req -new -key {name}.key -subj /CN={subject} -out {name}.csr"),
            place,
        );
        let certificate = format!("-out {name}-version-1.crt");
        openssl(
            &format!("x509 -req -in {name}.csr -days 30 {signer} {certificate}"),
            place,
        );
    }
}

/// Runs `openssl` with arguments that have no spaces in them.
pub(super) fn openssl(arguments: &str, directory: &Path) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "openssl {arguments}: {output:?}");
}
