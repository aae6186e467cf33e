//! `heliosdb-server hba check`: which line of the access rules decides about a connection, and why.

mod explain;

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use heliosdb_server::SystemLookups;
use pg_auth::FileErrors;
use pg_auth::hba::{CertificateNames, Connection, ConnectionKind, Peer, Rules};
use pg_auth::ident::Maps;
use pg_certs::CertificateInfo;

use self::explain::Question;
use super::exit::Exit;
use super::report::{self, Complaint};

/// The name of the subcommand.
pub(super) const NAME: &str = "hba";

/// What the command line of `hba` looks like.
pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Look into the access rules")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("check")
                .about("Say which line decides about a connection, and why")
                .arg(
                    text(TYPE, "TYPE", "How the client connects")
                        .value_parser(PossibleValuesParser::new(
                            [LOCAL, SSL, NO_SSL].map(ConnectionKind::as_str),
                        ))
                        .required(true),
                )
                .arg(text(USER, "NAME", "The user it asks for").required(true))
                .arg(text(
                    DATABASE,
                    "NAME",
                    "The database it asks for [default: the user's name]",
                ))
                .arg(
                    text(ADDRESS, "IP", "The address it comes from")
                        .value_parser(value_parser!(IpAddr))
                        .required_if_eq_any([(TYPE, SSL.as_str()), (TYPE, NO_SSL.as_str())]),
                )
                .arg(
                    Arg::new(REPLICATION)
                        .long(REPLICATION)
                        .action(ArgAction::SetTrue)
                        .help("It asks for physical replication"),
                )
                .arg(file(CERT, "The certificate it presents, PEM"))
                .arg(
                    file(HBA_FILE, "The access rules")
                        .env("HELIOSDB_HBA_FILE")
                        .required(true),
                )
                .arg(file(IDENT_FILE, "The identity maps").env("HELIOSDB_IDENT_FILE"))
                .after_help(AFTER_HELP),
        )
}

/// Does what the command line says.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let Some((_, matches)) = matches.subcommand() else {
        return Exit::Success;
    };
    let (rules, maps, certificate) = match load(matches) {
        Ok(loaded) => loaded,
        Err(complaints) => {
            report::errors(&complaints);
            return Exit::Configuration;
        }
    };
    let user = string(matches, USER).unwrap_or_default();
    let connection = Connection {
        peer: peer(matches),
        user: user.as_bytes(),
        database: string(matches, DATABASE).unwrap_or(user).as_bytes(),
        physical_replication: matches.get_flag(REPLICATION),
    };
    let question = Question {
        connection,
        certificate: certificate.as_ref(),
        maps: &maps,
    };
    let answer = question.answer(&rules, &SystemLookups);
    match io::stdout().write_all(answer.as_bytes()) {
        Ok(()) => Exit::Success,
        Err(error) => {
            report::failure(&Complaint::because(
                "could not write to standard output",
                error,
            ));
            Exit::Runtime
        }
    }
}

type Loaded = (Rules, Maps, Option<CertificateNames>);

/// Reads the files, or says everything that is wrong in all of them.
fn load(matches: &ArgMatches) -> Result<Loaded, Vec<Complaint>> {
    let mut complaints = Vec::new();
    let path = |name: &str| matches.get_one::<PathBuf>(name);
    let rules = path(HBA_FILE).map(Rules::load).transpose();
    let maps = path(IDENT_FILE).map(Maps::load).transpose();
    let certificate = path(CERT).map(CertificateInfo::from_pem_file).transpose();
    if let Err(errors) = &rules {
        complaints.extend(each(errors));
    }
    if let Err(errors) = &maps {
        complaints.extend(each(errors));
    }
    match (rules, maps, certificate) {
        (Ok(Some(rules)), Ok(maps), Ok(info)) => Ok((
            rules,
            maps.unwrap_or_default(),
            info.as_ref().map(CertificateNames::from),
        )),
        (_, _, certificate) => {
            complaints.extend(certificate.err().map(Complaint::new));
            Err(complaints)
        }
    }
}

fn each(errors: &FileErrors) -> impl Iterator<Item = Complaint> {
    errors.iter().cloned().map(Complaint::new)
}

/// Clap has seen to it that there is an address where one is needed.
fn peer(matches: &ArgMatches) -> Peer {
    let kind = string(matches, TYPE);
    match matches.get_one::<IpAddr>(ADDRESS) {
        Some(address) if kind == Some(SSL.as_str()) => Peer::Tls(*address),
        Some(address) if kind == Some(NO_SSL.as_str()) => Peer::Plain(*address),
        _ => Peer::Local,
    }
}

fn string<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn file(name: &'static str, help: &'static str) -> Arg {
    text(name, "FILE", help).value_parser(value_parser!(PathBuf))
}

const LOCAL: ConnectionKind = ConnectionKind::Local;
const SSL: ConnectionKind = ConnectionKind::HostSsl;
const NO_SSL: ConnectionKind = ConnectionKind::HostNoSsl;

const TYPE: &str = "type";
const USER: &str = "user";
const DATABASE: &str = "database";
const ADDRESS: &str = "address";
const REPLICATION: &str = "replication";
const CERT: &str = "cert";
const HBA_FILE: &str = "hba-file";
const IDENT_FILE: &str = "ident-file";

const AFTER_HELP: &str = "\
    Host names are looked up as the server would. Not looked at: whether a CA signed the certificate, \
    passwords, and what \"ssl_mode\" demands besides.\n\n\
    Exit codes: 0 answered, whether or not the client would be let in, 1 something has to be mended \
    first, 2 wrong usage, 3 the system refused.";

#[cfg(test)]
mod tests;
