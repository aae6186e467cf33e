//! Makes certificates: an authority, servers, clients. Everything by rcgen, in this process.
//!
//! All certificates are X.509 version 3 with a random serial number, subject and authority key
//! identifiers, explicit basic constraints, and dates a little in the past. Server certificates carry
//! subject alternative names and serverAuth, client certificates clientAuth.

mod authority;
mod crl;
mod error;
mod extensions;
mod host;
mod index;
mod issued;
mod key_type;
mod params;
mod renew;
mod spec;
mod validity;

pub use self::authority::CertificateAuthority;
pub(crate) use self::authority::self_signed;
pub use self::crl::CrlSpec;
pub use self::error::GenerateError;
pub(crate) use self::host::server_names;
pub use self::index::{Index, IndexError};
pub use self::issued::IssuedCertificate;
pub use self::key_type::{KeyType, UnknownKeyType};
pub use self::renew::{Renewal, RenewalKey, is_renewal_due, until_renewal};
pub use self::spec::{CaSpec, ClientSpec, ServerSpec};
pub use self::validity::Validity;

#[cfg(test)]
mod tests;
