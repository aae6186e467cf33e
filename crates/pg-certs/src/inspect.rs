//! What a file holds, whatever it is: certificates, keys, revocation lists, or something else.

use std::path::Path;

use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use crate::info::{CertificateInfo, KeyAlgorithm, RevocationList};
use crate::load::{
    BlockKind, DerKind, FileRole, LoadError, LoadFault, load_private_key, load_revocation_lists,
    parse_certificates, read_blocks, read_file,
};
use crate::provider::provider;

/// One thing in a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// A certificate.
    Certificate(Box<CertificateInfo>),
    /// A private key.
    PrivateKey(KeyInfo),
    /// A certificate revocation list.
    RevocationList(RevocationList),
    /// A PEM block that is none of these: a request, parameters, and so on.
    Other(BlockKind),
}

/// The facts of a private key that are no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// In which form it stands in the file.
    pub form: BlockKind,
    /// Its kind and size; `None` if it is encrypted, or if this build has no cryptography that can tell.
    pub algorithm: Option<KeyAlgorithm>,
}

impl KeyInfo {
    /// Whether a pass phrase protects it.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(
            self.form,
            BlockKind::EncryptedPrivateKey | BlockKind::LegacyEncryptedPrivateKey
        )
    }
}

/// Looks into a file of PEM blocks, or of one certificate or revocation list in binary DER; in the order
/// certificates, keys, lists, others.
///
/// # Errors
///
/// [`LoadError`]: the file cannot be read, is neither, or a part of it is damaged.
pub fn inspect(path: &Path) -> Result<Vec<Item>, LoadError> {
    let fail = |role| move |fault| LoadError::new(path, role, fault);
    let blocks = match read_blocks(path) {
        Ok(blocks) => blocks,
        Err(LoadFault::Der(kind @ (DerKind::Certificate | DerKind::RevocationList))) => {
            return binary(path, kind).map_err(fail(FileRole::Certificate));
        }
        Err(fault) => return Err(fail(FileRole::Certificate)(fault)),
    };
    let has = |kind: &BlockKind| blocks.iter().any(|block| block.kind == *kind);
    let mut items = Vec::new();
    if has(&BlockKind::Certificate) {
        let certificates = parse_certificates(path, FileRole::Certificate)?;
        let infos = certificates.into_iter().map(|parsed| Box::new(parsed.info));
        items.extend(infos.map(Item::Certificate));
    }
    for block in blocks.iter().filter(|block| is_key(&block.kind)) {
        items.push(Item::PrivateKey(key(path, &block.kind)?));
    }
    if has(&BlockKind::CertificateRevocationList) {
        let lists = load_revocation_lists(path)?;
        items.extend(lists.into_iter().map(Item::RevocationList));
    }
    let others = blocks.into_iter().map(|block| block.kind).filter(|kind| {
        !is_key(kind)
            && !matches!(
                kind,
                BlockKind::Certificate | BlockKind::CertificateRevocationList
            )
    });
    items.extend(others.map(Item::Other));
    Ok(items)
}

/// A file of binary DER that is known to hold this.
fn binary(path: &Path, kind: DerKind) -> Result<Vec<Item>, LoadFault> {
    let bytes = read_file(path)?;
    let item = match kind {
        DerKind::Certificate => CertificateInfo::from_der(&bytes)
            .ok()
            .map(|info| Item::Certificate(Box::new(info))),
        _ => RevocationList::from_der(&bytes)
            .ok()
            .map(Item::RevocationList),
    };
    match item {
        Some(item) => Ok(vec![item]),
        None => Err(LoadFault::Der(kind)),
    }
}

fn is_key(kind: &BlockKind) -> bool {
    matches!(
        kind,
        BlockKind::DsaPrivateKey
            | BlockKind::EcPrivateKey
            | BlockKind::EncryptedPrivateKey
            | BlockKind::LegacyEncryptedPrivateKey
            | BlockKind::OpenSshPrivateKey
            | BlockKind::PrivateKey
            | BlockKind::RsaPrivateKey
    )
}

/// The kind of a key is asked of the key itself, which must load; that of an encrypted one is unknown.
fn key(path: &Path, form: &BlockKind) -> Result<KeyInfo, LoadError> {
    let loadable = matches!(
        form,
        BlockKind::EcPrivateKey | BlockKind::PrivateKey | BlockKind::RsaPrivateKey
    );
    Ok(KeyInfo {
        form: form.clone(),
        algorithm: match loadable {
            true => algorithm(path)?,
            false => None,
        },
    })
}

fn algorithm(path: &Path) -> Result<Option<KeyAlgorithm>, LoadError> {
    let key = Zeroizing::new(load_private_key(path)?);
    let public = provider()
        .and_then(|provider| provider.key_provider.load_private_key(key.clone_key()).ok())
        .and_then(|key| key.public_key().map(|key| key.to_vec()));
    Ok(public.and_then(|der| {
        SubjectPublicKeyInfo::from_der(&der)
            .ok()
            .map(|(_, key)| KeyAlgorithm::new(&key))
    }))
}

#[cfg(test)]
#[cfg(feature = "generate")]
mod tests {
    use super::*;
    use crate::CertificateAuthority;
    use crate::generate::{CaSpec, CrlSpec, KeyType, ServerSpec};
    use crate::testing::{openssl, text};

    #[test]
    fn everything_in_a_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("all.pem");
        let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
        let spec = ServerSpec::new(["localhost"]).with_key_type(KeyType::EcdsaP384);
        let server = ca.issue_server(&spec).unwrap();
        let list = ca.sign_crl(&CrlSpec::new()).unwrap();
        let list_pem = list.pem();
        let parameters = openssl(&["ecparam", "-name", "prime256v1"], b"");
        let parts = [
            list_pem.as_str(),
            server.key_pem(),
            parameters.as_str(),
            server.chain_pem(),
        ];
        std::fs::write(&path, parts.concat()).unwrap();
        let items = inspect(&path).unwrap();
        let [
            Item::Certificate(info),
            Item::PrivateKey(key),
            Item::RevocationList(seen),
            Item::Other(other),
        ] = items.as_slice()
        else {
            panic!("{items:?}");
        };
        assert_eq!(**info, *server.info());
        assert_eq!(key.algorithm, Some(KeyAlgorithm::EcdsaP384));
        assert!(!key.is_encrypted() && !format!("{key:?}").contains("BEGIN"));
        assert_eq!((seen, other), (&list, &BlockKind::EcParameters));
    }

    #[test]
    fn binary_and_encrypted_files_are_read_as_far_as_they_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
        std::fs::write(path("ca.key"), ca.key_pem()).unwrap();
        let der = path("ca.der");
        openssl(
            &["x509", "-outform", "DER", "-out", text(&der)],
            ca.certificate_pem().as_bytes(),
        );
        let items = inspect(&der).unwrap();
        assert!(
            matches!(items.as_slice(), [Item::Certificate(info)] if **info == *ca.info()),
            "{items:?}"
        );
        let list = ca.sign_crl(&CrlSpec::new()).unwrap();
        std::fs::write(path("list.der"), list.der()).unwrap();
        let items = inspect(&path("list.der")).unwrap();
        assert!(
            matches!(items.as_slice(), [Item::RevocationList(seen)] if *seen == list),
            "{items:?}"
        );
        let locked = path("locked.key");
        let key = path("ca.key");
        openssl(
            &[
                "pkcs8",
                "-topk8",
                "-in",
                text(&key),
                "-passout",
                "pass:x",
                "-out",
                text(&locked),
            ],
            b"",
        );
        let items = inspect(&locked).unwrap();
        let [Item::PrivateKey(key)] = items.as_slice() else {
            panic!("{items:?}");
        };
        assert!(key.is_encrypted() && key.algorithm.is_none());

        std::fs::write(path("text"), "nothing").unwrap();
        assert!(inspect(&path("text")).is_err());
    }
}
