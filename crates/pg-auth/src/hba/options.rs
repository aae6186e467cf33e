//! The options behind the method: `parse_hba_auth_opt` of PostgreSQL's `hba.c`, and ours.

use super::rule::{ClientCert, ClientName, ConnectionKind, Method, Options};
use super::spiffe;
use crate::tokens::{Fault, Token};

/// # Errors
///
/// The first fault, as in PostgreSQL.
pub(super) fn parse(
    tokens: &[&Token],
    kind: ConnectionKind,
    method: Method,
) -> Result<Options, Fault> {
    let mut options = Options::default();
    // Whether a map means something depends on an option that may come later.
    let alternative = tokens
        .iter()
        .any(|token| token.text.starts_with("clientname=SAN:"));
    for token in tokens {
        let (name, value) = token.text.split_once('=').ok_or_else(|| {
            Fault::new(format!(
                "authentication option not in name=value format: {}",
                token.text
            ))
        })?;
        match name {
            "map" if method == Method::Cert || alternative => {
                options.map = Some(value.to_owned()).filter(|map| !map.is_empty());
            }
            "map" => {
                return Err(Fault::new("authentication option \"map\" is only valid for authentication methods ident, peer, gssapi, sspi, cert, and oauth")
                    .hint("Of these this server has cert; with clientname=SAN:… every method may have a map."));
            }
            "clientcert" => options.client_cert = Some(client_cert(value, kind, method)?),
            "clientname" => options.client_name = client_name(value, kind)?,
            "spiffe_trust_domain" => options.trust_domain = Some(trust_domain(value)?),
            _ => {
                return Err(Fault::new(format!(
                    "unrecognized authentication option name: \"{name}\""
                ))
                .hint("Known are clientcert, clientname, map and spiffe_trust_domain."));
            }
        }
    }
    if method == Method::Cert {
        options.client_cert = Some(ClientCert::VerifyFull);
    }
    if options.trust_domain.is_some() && options.client_name != ClientName::SanUri {
        return Err(Fault::new(
            "authentication option \"spiffe_trust_domain\" is only valid with clientname=SAN:URI",
        ));
    }
    // PostgreSQL ignores a clientname that is never compared; for names that only we know, it would
    // be the operator's surprise.
    if alternative && options.client_cert != Some(ClientCert::VerifyFull) {
        return Err(Fault::new(format!(
            "clientname={} is only compared with clientcert=verify-full or the method cert",
            options.client_name
        )));
    }
    Ok(options)
}

fn client_cert(value: &str, kind: ConnectionKind, method: Method) -> Result<ClientCert, Fault> {
    if kind != ConnectionKind::HostSsl {
        return Err(Fault::new(
            "clientcert can only be configured for \"hostssl\" rows",
        ));
    }
    match value {
        "verify-full" => Ok(ClientCert::VerifyFull),
        "verify-ca" if method == Method::Cert => Err(Fault::new(
            "clientcert only accepts \"verify-full\" when using \"cert\" authentication",
        )),
        "verify-ca" => Ok(ClientCert::VerifyCa),
        _ => Err(
            Fault::new(format!("invalid value for clientcert: \"{value}\""))
                .hint("Allowed are verify-ca and verify-full."),
        ),
    }
}

fn client_name(value: &str, kind: ConnectionKind) -> Result<ClientName, Fault> {
    if kind != ConnectionKind::HostSsl {
        return Err(Fault::new(
            "clientname can only be configured for \"hostssl\" rows",
        ));
    }
    ClientName::ALL
        .into_iter()
        .find(|name| name.as_str() == value)
        .ok_or_else(|| {
            Fault::new(format!("invalid value for clientname: \"{value}\""))
                .hint("Allowed are CN, DN, SAN:DNS, SAN:EMAIL and SAN:URI.")
        })
}

fn trust_domain(value: &str) -> Result<String, Fault> {
    if spiffe::is_trust_domain(value) {
        Ok(value.to_owned())
    } else {
        Err(Fault::new(format!(
            "invalid value for spiffe_trust_domain: \"{value}\""
        ))
        .hint("Write the name alone, without spiffe://: lower-case letters, digits, dots, hyphens and underscores."))
    }
}
