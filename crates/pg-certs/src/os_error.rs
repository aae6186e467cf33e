//! What the system said, in the words and codes of PostgreSQL: `%m`, and `errcode_for_file_access`.

use std::io;

use rustix::io::Errno;

/// The text of `strerror`, as `%m` prints it: without Rust's "(os error 2)".
#[must_use]
pub fn text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// The SQLSTATE of a failed access to a file: `errcode_for_file_access` in PostgreSQL's `elog.c`.
#[must_use]
pub fn sqlstate(error: &io::Error) -> &'static str {
    match Errno::from_io_error(error) {
        Some(Errno::PERM | Errno::ACCESS | Errno::ROFS) => "42501",
        Some(Errno::NOENT) => "58P01",
        Some(Errno::EXIST) => "58P02",
        Some(Errno::NAMETOOLONG) => "58P03",
        Some(Errno::NOTDIR | Errno::ISDIR | Errno::NOTEMPTY) => "42809",
        Some(Errno::NOSPC) => "53100",
        Some(Errno::NOMEM) => "53200",
        Some(Errno::NFILE | Errno::MFILE) => "53000",
        Some(Errno::IO) => "58030",
        _ => "XX000",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_codes_are_postgresqls() {
        #[track_caller]
        fn check(errno: Errno, expected_text: &str, expected_sqlstate: &str) {
            let error = io::Error::from(errno);
            assert_eq!(
                (text(&error).as_str(), sqlstate(&error)),
                (expected_text, expected_sqlstate)
            );
        }
        check(Errno::NOENT, "No such file or directory", "58P01");
        check(Errno::ACCESS, "Permission denied", "42501");
        check(Errno::NOTDIR, "Not a directory", "42809");
        check(Errno::NAMETOOLONG, "File name too long", "58P03");
        check(Errno::IO, "Input/output error", "58030");
        check(Errno::LOOP, "Too many levels of symbolic links", "XX000");
    }
}
