//! From the fields of a line to a [`Rule`]: `parse_hba_line` of PostgreSQL's `hba.c`.

use super::address::{AddressRule, FirstColumn};
use super::database::DatabaseToken;
use super::options;
use super::rule::{ConnectionKind, Method, Rule};
use crate::tokens::{Fault, Line, Token, UserToken};

/// # Errors
///
/// The first fault of the line, as in PostgreSQL.
pub(super) fn rule(line: &Line) -> Result<Rule, Fault> {
    let mut fields = line.fields.iter().map(Vec::as_slice);
    let kind = connection_kind(single(
        fields.next().unwrap_or_default(),
        "multiple values specified for connection type",
        Some("Specify exactly one connection type per line."),
    )?)?;
    let databases = fields
        .next()
        .ok_or_else(|| Fault::new("end-of-line before database specification"))?
        .iter()
        .map(DatabaseToken::new)
        .collect::<Result<_, _>>()?;
    let users = fields
        .next()
        .ok_or_else(|| Fault::new("end-of-line before role specification"))?
        .iter()
        .map(UserToken::new)
        .collect::<Result<_, _>>()?;
    let address = match kind {
        ConnectionKind::Local => None,
        _ => Some(address(&mut fields)?),
    };
    let method = method(single(
        fields
            .next()
            .ok_or_else(|| Fault::new("end-of-line before authentication method"))?,
        "multiple values specified for authentication type",
        Some("Specify exactly one authentication type per line."),
    )?)?;
    if method == Method::Cert && kind != ConnectionKind::HostSsl {
        return Err(Fault::new(
            "cert authentication is only supported on hostssl connections",
        ));
    }
    let tokens: Vec<&Token> = fields.flatten().collect();
    let options = options::parse(&tokens, kind, method)?;
    Ok(Rule {
        place: line.place.clone(),
        raw: line.raw.clone(),
        kind,
        databases,
        users,
        address,
        method,
        options,
    })
}

/// The only token of a field.
fn single<'a>(
    field: &'a [Token],
    several: &'static str,
    hint: Option<&'static str>,
) -> Result<&'a Token, Fault> {
    match field {
        [token] => Ok(token),
        _ => Err(Fault {
            message: several.to_owned(),
            hint,
        }),
    }
}

fn connection_kind(token: &Token) -> Result<ConnectionKind, Fault> {
    // As in PostgreSQL, quotes change nothing here.
    ConnectionKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == token.text)
        .ok_or_else(|| Fault::new(format!("invalid connection type \"{}\"", token.text)))
}

fn address<'a>(fields: &mut impl Iterator<Item = &'a [Token]>) -> Result<AddressRule, Fault> {
    let first = single(
        fields
            .next()
            .ok_or_else(|| Fault::new("end-of-line before IP address specification"))?,
        "multiple values specified for host address",
        Some("Specify one address range per line."),
    )?;
    let address = match FirstColumn::new(first)? {
        FirstColumn::Complete(rule) => return Ok(rule),
        FirstColumn::NeedsMask(address) => address,
    };
    let mask = single(
        fields.next().ok_or_else(|| {
            Fault::new("end-of-line before netmask specification")
                .hint("Specify an address range in CIDR notation, or provide a separate netmask.")
        })?,
        "multiple values specified for netmask",
        None,
    )?;
    AddressRule::masked(address, &mask.text)
}

fn method(token: &Token) -> Result<Method, Fault> {
    let name = token.text.as_str();
    if let Some(method) = Method::ALL
        .into_iter()
        .find(|method| method.as_str() == name)
    {
        return Ok(method);
    }
    let fault = |reason: &str| {
        Fault::new(format!("invalid authentication method \"{name}\"{reason}")).hint(SUPPORTED)
    };
    Err(match name {
        "md5" => Fault::new(
            "invalid authentication method \"md5\": whoever reads an MD5 verifier can log in with it",
        )
        .hint("Use scram-sha-256, and give the users SCRAM verifiers."),
        _ if UNSUPPORTED.contains(&name) => fault(": not supported by this build"),
        _ => fault(""),
    })
}

/// PostgreSQL's other methods, up to 18.
const UNSUPPORTED: [&str; 9] = [
    "bsd", "gss", "ident", "ldap", "oauth", "pam", "peer", "radius", "sspi",
];

const SUPPORTED: &str = "Supported are scram-sha-256, cert, password, trust and reject.";
