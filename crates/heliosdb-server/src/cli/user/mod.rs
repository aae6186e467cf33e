//! `heliosdb-server user`: who is in the users file, and with which password.

mod password;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use pg_auth::scram::{Iterations, IterationsError, PasswordError, Verifier};
use pg_auth::users::{self, EditError, UsersError};
use thiserror::Error;

use super::exit::Exit;
use super::report::{self, Complaint};

/// The name of the subcommand.
pub(super) const NAME: &str = "user";

/// What the command line of `user` looks like.
pub(super) fn command() -> Command {
    let named = |name: &'static str, about: &'static str| {
        Command::new(name)
            .about(about)
            .arg(
                Arg::new(USER)
                    .required(true)
                    .value_name("NAME")
                    .help("Name of the user, compared byte for byte"),
            )
            .arg(file())
    };
    Command::new(NAME)
        .about("Change the users file, which the server checks passwords with")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            named(ADD, "Add a user; a users file that does not exist is made")
                .arg(iterations())
                .after_help(PASSWORD_HELP),
        )
        .subcommand(
            named(PASSWD, "Change the password of a user")
                .arg(iterations())
                .after_help(PASSWORD_HELP),
        )
        .subcommand(named(REMOVE, "Remove a user"))
        .subcommand(
            Command::new(LIST)
                .about("Print the names of the users, one on each line")
                .arg(file()),
        )
        .after_help(FILE_HELP)
}

/// Does what the command line says.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    match act(matches) {
        Ok(()) => Exit::Success,
        Err(failure) => {
            let (exit, hint) = (failure.exit(), failure.hint());
            report::failure(&Complaint::new(failure).hint_if_any(hint));
            exit
        }
    }
}

fn act(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((action, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let file: &Path = matches
        .get_one::<PathBuf>(FILE)
        .map_or_else(|| Path::new(""), PathBuf::as_path);
    if action == LIST {
        return list(file);
    }
    let user = matches.get_one::<String>(USER).map_or("", |it| it);
    let told = match action {
        ADD => {
            add(file, user, matches)?;
            "is now in"
        }
        PASSWD => {
            change_password(file, user, matches)?;
            "has a new password in"
        }
        _ => {
            users::remove(file, user)?;
            "is no longer in"
        }
    };
    report::done(&format!(
        "user \"{user}\" {told} users file \"{}\"",
        file.display()
    ));
    Ok(())
}

fn add(file: &Path, user: &str, matches: &ArgMatches) -> Result<(), Failure> {
    // Here too, so that nobody types a password for nothing.
    users::check_name(user).map_err(EditError::from)?;
    if file.exists() && is_known(file, user)? {
        return Err(Failure::Edit(EditError::Exists {
            user: user.to_owned(),
            path: file.to_owned(),
        }));
    }
    Ok(users::add(file, user, &new_verifier(user, matches)?)?)
}

fn change_password(file: &Path, user: &str, matches: &ArgMatches) -> Result<(), Failure> {
    if !is_known(file, user)? {
        return Err(Failure::Edit(EditError::Unknown {
            user: user.to_owned(),
            path: file.to_owned(),
        }));
    }
    Ok(users::set_verifier(
        file,
        user,
        &new_verifier(user, matches)?,
    )?)
}

fn is_known(file: &Path, user: &str) -> Result<bool, Failure> {
    Ok(users::list(file)?.iter().any(|name| name == user))
}

fn new_verifier(user: &str, matches: &ArgMatches) -> Result<Verifier, Failure> {
    let iterations = match matches.get_one::<u32>(ITERATIONS) {
        Some(count) => Iterations::try_from(*count)?,
        None => Iterations::DEFAULT,
    };
    Ok(Verifier::from_password(&password::get(user)?, iterations)?)
}

fn list(file: &Path) -> Result<(), Failure> {
    let text: String = users::list(file)?
        .iter()
        .flat_map(|name| [name, "\n"])
        .collect();
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(Failure::Output)
}

/// Why nothing was changed.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Iterations(#[from] IterationsError),
    #[error("could not write to standard output")]
    Output(#[source] io::Error),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Prompt(#[from] password::PromptError),
    #[error(transparent)]
    Users(#[from] UsersError),
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Edit(EditError::Write(_))
            | Self::Output(_)
            | Self::Password(PasswordError::Random(_)) => Exit::Runtime,
            _ => Exit::Configuration,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Edit(EditError::Users(error)) | Self::Users(error) => error.hint(),
            _ => None,
        }
    }
}

fn file() -> Arg {
    Arg::new(FILE)
        .long("users-file")
        .env("HELIOSDB_USERS_FILE")
        .required(true)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("The users file")
}

fn iterations() -> Arg {
    Arg::new(ITERATIONS)
        .long("iterations")
        .env("HELIOSDB_SCRAM_ITERATIONS")
        .value_name("N")
        .value_parser(value_parser!(u32))
        .help("How often the password is hashed, for this user [default: 4096]")
}

const ADD: &str = "add";
const PASSWD: &str = "passwd";
const REMOVE: &str = "remove";
const LIST: &str = "list";
const USER: &str = "name";
const FILE: &str = "users-file";
const ITERATIONS: &str = "iterations";

const PASSWORD_HELP: &str = "\
    The password is taken from the environment variable HELIOSDB_PASSWORD, or else asked for twice on \
    the terminal, or else read as one line from standard input. Only a SCRAM verifier of it is stored.";

const FILE_HELP: &str = "\
    The file has the form of PgBouncer's userlist.txt, with SCRAM verifiers as PostgreSQL keeps them in \
    pg_authid. It must be kept like a private key: owner-only, mode 0600. Comments and the order of \
    lines survive changes.\n\n\
    Exit codes: 0 done, 1 something has to be mended first, 2 wrong usage, 3 the system refused.";

#[cfg(test)]
mod tests;
