use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Files in a directory, given as name and text.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// What the file `main` says: `file:line field|field`, tokens of a field joined by commas, and errors
/// with `!`. The directory is shown as `DIR`.
fn show(dir: &TempDir) -> Vec<String> {
    let name = |path: &Path| {
        let path = path.strip_prefix(dir.path()).unwrap();
        path.display().to_string()
    };
    let lines = read(&dir.path().join("main"));
    let shown = lines.into_iter().map(|line| match line {
        Ok(line) => {
            let fields = line.fields.iter().map(|field| {
                let tokens: Vec<&str> = field.iter().map(|token| token.text.as_str()).collect();
                tokens.join(",")
            });
            let fields: Vec<String> = fields.collect();
            format!(
                "{}:{} {}",
                name(&line.place.file),
                line.place.line,
                fields.join("|")
            )
        }
        Err(error) => {
            let line = error.line().map(|line| line.to_string());
            let line = line.as_deref().unwrap_or("-");
            format!("{}:{line} ! {}", name(error.file()), error.message())
        }
    });
    let dir = dir.path().to_str().unwrap();
    shown.map(|line| line.replace(dir, "DIR")).collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(show(&folder(files)), expected);
}

#[test]
fn lines_are_numbered_as_they_stand_in_the_file() {
    check(
        &[("main", "# comment\n\na b\r\n\n  c\nd # x\n")],
        &["main:3 a|b", "main:5 c", "main:6 d"],
    );
    check(&[("main", "")], &[]);
    check(
        &[("main", "no line feed at the end")],
        &["main:1 no|line|feed|at|the|end"],
    );
}

#[test]
fn backslashes_continue_lines() {
    check(
        &[("main", "a\\\nb \\\n c\nd\n")],
        &["main:1 ab|c", "main:4 d"],
    );
    // In comments and quotes too, as PostgreSQL's documentation warns.
    check(
        &[("main", "a # x\\\nb\n\"c\\\nd\"\n")],
        &["main:1 a", "main:3 cd"],
    );
    // The first of two is a character, and an empty line does not make it the end of one.
    check(&[("main", "a\\\\\nb\nc\n")], &["main:1 a\\b", "main:3 c"]);
    check(&[("main", "a\\\\\n\nb\n")], &["main:1 a\\", "main:3 b"]);
    check(&[("main", "a\\\n\\\nb\n")], &["main:1 ab"]);
    check(&[("main", "a\\")], &["main:1 a"]);
}

#[test]
fn lists_take_in_files() {
    check(
        &[
            ("main", "a,@sub/list,b @sub/list \"@sub/list\" @\n"),
            ("sub/list", "x, y # comment\n@more\n"),
            ("sub/more", "\"z z\"\n"),
        ],
        &["main:1 a,x,y,z z,b|x,y,z z|@sub/list|@"],
    );
    check(
        &[("main", "a @empty b\n"), ("empty", "# nothing\n")],
        &["main:1 a|b"],
    );
    check(
        &[("main", "a @\"my list\"\n"), ("my list", "x")],
        &["main:1 a|x"],
    );
    check(
        &[("main", "a @list\nb\n"), ("list", "x\n@missing y\n")],
        &[
            "list:2 ! could not open file \"DIR/missing\": No such file or directory",
            "main:2 b",
        ],
    );
}

#[test]
fn files_include_files() {
    check(
        &[
            (
                "main",
                "a\ninclude sub/x\n\"include\" ./sub/x\ninclude_if_exists missing\nb\n",
            ),
            ("sub/x", "include y\n"),
            ("sub/y", "y\n"),
        ],
        &["main:1 a", "sub/y:1 y", "sub/y:1 y", "main:5 b"],
    );
    check(
        &[("main", "include missing\ninclude a b\ninclude a,b\n")],
        &[
            "main:1 ! could not open file \"DIR/missing\": No such file or directory",
            "main:2 include|a|b",
            "main:3 include|a,b",
        ],
    );
    check(
        &[("main", "include_if_exists sub\n"), ("sub/x", "")],
        &["main:1 ! could not read file \"DIR/sub\": Is a directory"],
    );
}

#[test]
fn directories_are_included_in_the_order_of_names() {
    check(
        &[
            ("main", "include_dir conf.d\ninclude_dir missing\n"),
            ("conf.d/b.conf", "b\n"),
            ("conf.d/B.conf", "B\n"),
            ("conf.d/10.conf", "10\n"),
            ("conf.d/9.conf", "include missing\n"),
            ("conf.d/.hidden.conf", "hidden\n"),
            ("conf.d/.conf", "hidden\n"),
            ("conf.d/c.conf.bak", "other\n"),
            ("conf.d/d.conf/x.conf", "a directory\n"),
        ],
        &[
            "conf.d/10.conf:1 10",
            "conf.d/9.conf:1 ! could not open file \"DIR/conf.d/missing\": No such file or directory",
            "conf.d/B.conf:1 B",
            "conf.d/b.conf:1 b",
            "main:2 ! could not open configuration directory \"DIR/missing\": No such file or directory",
        ],
    );
}

#[test]
fn includes_do_not_go_on_for_ever() {
    check(
        &[("main", "include main\n")],
        &["main:1 ! could not open file \"DIR/main\": maximum nesting depth exceeded"],
    );
    check(
        &[("main", "a @list\n"), ("list", "@list\n")],
        &["list:1 ! could not open file \"DIR/list\": maximum nesting depth exceeded"],
    );
    let dir = folder(&[("main", &"include main\n".repeat(50))]);
    let errors = show(&dir);
    let last = errors.last().unwrap();
    assert_eq!(
        last,
        "main:50 ! could not open file \"DIR/main\": too many files are included"
    );
    assert!(errors.len() <= MAX_FILES * 50, "{}", errors.len());
}

#[test]
fn what_is_no_text_is_an_error_of_its_line() {
    let dir = folder(&[("main", "")]);
    fs::write(dir.path().join("main"), b"a\nb\xff\nc\0d\ne\n").unwrap();
    assert_eq!(
        show(&dir),
        [
            "main:1 a",
            "main:2 ! line is not UTF-8 text",
            "main:3 ! line contains a NUL byte",
            "main:4 e"
        ]
    );
}

#[test]
fn a_missing_file_is_an_error_without_a_line() {
    check(
        &[],
        &["main:- ! could not open file \"DIR/main\": No such file or directory"],
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let dir = folder(&[]);
        fs::write(dir.path().join("main"), text).unwrap();
        read(&dir.path().join("main"));
    }

    /// Text of the characters that mean something.
    #[test]
    fn no_syntax_panics(text in "[a@,\"#\\\\ \t\r\n/=]{0,80}") {
        let dir = folder(&[("main", &text)]);
        for line in read(&dir.path().join("main")).into_iter().flatten() {
            prop_assert!(!line.fields.is_empty());
            prop_assert!(line.fields.iter().all(|field| !field.is_empty()));
        }
    }
}

#[test]
fn all_that_reading_leads_to_is_told_whatever_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write(
        "top",
        "include second\nnonsense \"\ninclude_dir parts\ninclude missing\nlocal @names all x\n\
         include second\n",
    );
    write("second", "include_if_exists third\n");
    write("names", "a,@more\n");
    fs::create_dir(dir.path().join("parts")).unwrap();
    write("parts/b.conf", "");
    write("parts/a.conf", "");
    write("parts/other", "");
    let files = files_of(dir.path().join("top"));
    let names: Vec<&Path> = files
        .iter()
        .map(|path| path.strip_prefix(dir.path()).unwrap())
        .collect();
    let expected = [
        "top",
        "second",
        "third",
        "parts",
        "parts/a.conf",
        "parts/b.conf",
        "missing",
        "names",
        "more",
    ];
    assert_eq!(names, expected.map(Path::new));
    let missing = dir.path().join("nowhere");
    assert_eq!(files_of(&missing), [missing]);
}
