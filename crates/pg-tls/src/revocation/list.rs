//! Revocation lists as the verifier wants them: of each authority's key the newest.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use pg_certs::CertificateInfo;
use pg_certs::info::{DistinguishedName, RevocationList};
use webpki::{CertRevocationList, OwnedCertRevocationList};

/// A list of an authority, taken apart for looking up serial numbers.
pub(super) struct List {
    pub(super) issuer: DistinguishedName,
    pub(super) next_update: SystemTime,
    this_update: SystemTime,
    authority_key: Option<Vec<u8>>,
    distribution_point: Option<Vec<u8>>,
    pub(super) verifiable: CertRevocationList<'static>,
}

impl List {
    pub(super) fn new(list: &RevocationList) -> Result<Self, webpki::Error> {
        Ok(Self {
            issuer: list.issuer().clone(),
            next_update: list.next_update(),
            this_update: list.this_update(),
            authority_key: list.authority_key_id().map(<[u8]>::to_vec),
            distribution_point: list.distribution_point().map(<[u8]>::to_vec),
            verifiable: OwnedCertRevocationList::from_der(list.der())?.into(),
        })
    }

    /// Whether it is of the certificate's issuer and names the certificate.
    pub(super) fn names(&self, certificate: &CertificateInfo) -> bool {
        self.issuer == *certificate.issuer()
            && matches!(
                self.verifiable.find_serial(certificate.serial_bytes()),
                Ok(Some(_))
            )
    }
}

/// All lists that count, and in which combinations to try them.
#[derive(Default)]
pub(super) struct Lists {
    combinations: Vec<Vec<Arc<List>>>,
}

impl Lists {
    /// Keeps the newest list of each authority, key and part of its certificates.
    ///
    /// The verifier takes the first list that bears the authority's name, where OpenSSL looks for one
    /// of the right key. Two authorities of one name, such as one before and after it got a new key,
    /// would disturb each other. So there is a combination for each choice of one key per name.
    pub(super) fn new(all: impl IntoIterator<Item = Arc<List>>) -> Self {
        let mut all: Vec<Arc<List>> = all.into_iter().collect();
        all.sort_by_key(|list| Reverse((list.this_update, list.next_update)));
        let mut by_name: Vec<(DistinguishedName, Keys)> = Vec::new();
        for list in all {
            let keys = match by_name.iter_mut().find(|(name, _)| *name == list.issuer) {
                Some((_, keys)) => keys,
                None => {
                    by_name.push((list.issuer.clone(), Keys::new()));
                    match by_name.last_mut() {
                        Some((_, keys)) => keys,
                        None => continue,
                    }
                }
            };
            let parts = keys.entry(list.authority_key.clone()).or_default();
            if !parts
                .iter()
                .any(|newer| newer.distribution_point == list.distribution_point)
            {
                parts.push(list);
            }
        }
        Self {
            combinations: combine(by_name.into_iter().map(|(_, keys)| keys)),
        }
    }

    /// Each combination has lists of one key for each name; none if there are no lists.
    pub(super) fn combinations(&self) -> &[Vec<Arc<List>>] {
        &self.combinations
    }

    /// The lists of this authority, whatever their key.
    pub(super) fn of<'a>(
        &'a self,
        issuer: &'a DistinguishedName,
    ) -> impl Iterator<Item = &'a List> {
        self.combinations
            .iter()
            .flatten()
            .map(AsRef::as_ref)
            .filter(move |list| list.issuer == *issuer)
    }
}

/// The lists of one name, by the key that signed them.
type Keys = BTreeMap<Option<Vec<u8>>, Vec<Arc<List>>>;

/// One choice of a key for each name, in every way but for at most [`COMBINATIONS_MAX`].
fn combine(names: impl Iterator<Item = Keys>) -> Vec<Vec<Arc<List>>> {
    let mut combinations: Vec<Vec<Arc<List>>> = Vec::new();
    for keys in names {
        let begun = match combinations.is_empty() {
            true => vec![Vec::new()],
            false => std::mem::take(&mut combinations),
        };
        combinations = begun
            .iter()
            .flat_map(|begun| {
                keys.values()
                    .map(|parts| begun.iter().chain(parts).map(Arc::clone).collect())
            })
            .take(COMBINATIONS_MAX)
            .collect();
    }
    combinations
}

/// Six authorities that got a new key at the same time; each combination costs a verification.
const COMBINATIONS_MAX: usize = 64;
