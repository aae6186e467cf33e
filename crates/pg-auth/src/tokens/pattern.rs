//! Regular expressions: PostgreSQL's AREs, as far as they mean something to the `regex` crate.
//!
//! The pattern is read by PostgreSQL's rules and written anew in the crate's syntax, so that nothing can
//! silently mean something else: `\w` is ASCII as in PostgreSQL's C collation, `.` matches a line feed,
//! `[[a]` is a bracket with `[` and `a`. What the crate cannot do (back references, lookaround, embedded
//! options) is refused.

use std::iter::Peekable;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};

use super::Fault;

/// What a compiled pattern may take, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// PostgreSQL's `DUPMAX`.
const MAX_REPETITION: u32 = 255;

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    source: String,
    compiled: Regex,
}

impl Pattern {
    /// # Errors
    ///
    /// `invalid regular expression "%s": %s`, PostgreSQL's text and wherever possible its reason.
    pub(crate) fn new(source: &str) -> Result<Self, Fault> {
        let fault =
            |reason: &str| Fault::new(format!("invalid regular expression \"{source}\": {reason}"));
        let translated = Translator::new(source).run().map_err(fault)?;
        let compiled = RegexBuilder::new(&translated)
            .dot_matches_new_line(true)
            .size_limit(MAX_COMPILED)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => fault("regular expression is too complex"),
                other => fault(other.to_string().lines().last().unwrap_or_default().trim()),
            })?;
        Ok(Self {
            source: source.to_owned(),
            compiled,
        })
    }

    /// As written in the file, without the slash.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it matches anywhere in the text: anchors are up to whoever wrote it.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.compiled.is_match(text)
    }

    /// `None` if it does not match, else what `\1` stands for, if anything.
    pub(crate) fn first_group<'t>(&self, text: &'t [u8]) -> Option<Option<&'t [u8]>> {
        let groups = self.compiled.captures(text)?;
        Some(groups.get(1).map(|group| group.as_bytes()))
    }
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    /// How many parentheses are open.
    open: usize,
    /// Whether there is something that a quantifier could repeat.
    operand: bool,
}

type Reason = &'static str;

impl<'a> Translator<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            rest: source.chars().peekable(),
            out: String::new(),
            open: 0,
            operand: false,
        }
    }

    fn run(mut self) -> Result<String, Reason> {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escape()?,
                '[' => {
                    self.bracket()?;
                    self.operand = true;
                }
                '(' => self.group()?,
                ')' => {
                    self.open = self.open.checked_sub(1).ok_or(UNBALANCED_PARENTHESES)?;
                    self.put(")", true);
                }
                '|' | '^' | '$' => self.put(c.encode_utf8(&mut [0; 4]), false),
                '*' | '+' | '?' => self.quantifier(c.encode_utf8(&mut [0; 4]))?,
                '{' if self.rest.peek().is_some_and(char::is_ascii_digit) => {
                    let bounds = self.bounds()?;
                    self.quantifier(&bounds)?;
                }
                '.' => self.put(".", true),
                _ => self.literal(c),
            }
        }
        match self.open {
            0 => Ok(self.out),
            _ => Err(UNBALANCED_PARENTHESES),
        }
    }

    fn put(&mut self, text: &str, operand: bool) {
        self.out.push_str(text);
        self.operand = operand;
    }

    fn literal(&mut self, c: char) {
        self.out
            .push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        self.operand = true;
    }

    fn group(&mut self) -> Result<(), Reason> {
        self.open += 1;
        if self.rest.next_if_eq(&'?').is_none() {
            self.put("(", false);
            return Ok(());
        }
        match self.rest.next() {
            Some(':') => {
                self.put("(?:", false);
                Ok(())
            }
            _ => Err("lookaround and embedded options are not supported by this server"),
        }
    }

    fn quantifier(&mut self, text: &str) -> Result<(), Reason> {
        if !self.operand {
            return Err("quantifier operand invalid");
        }
        self.put(text, false);
        if self.rest.next_if_eq(&'?').is_some() {
            self.put("?", false);
        }
        Ok(())
    }

    /// `{m}`, `{m,}` or `{m,n}`, from behind the brace.
    fn bounds(&mut self) -> Result<String, Reason> {
        let invalid = "invalid repetition count(s)";
        let least = self.count().ok_or(invalid)?;
        let mut bounds = format!("{{{least}");
        if self.rest.next_if_eq(&',').is_some() {
            bounds.push(',');
            if self.rest.peek().is_some_and(char::is_ascii_digit) {
                let most = self.count().filter(|most| *most >= least).ok_or(invalid)?;
                bounds.push_str(&most.to_string());
            }
        }
        bounds.push('}');
        match self.rest.next() {
            Some('}') => Ok(bounds),
            _ => Err("braces {} not balanced"),
        }
    }

    fn count(&mut self) -> Option<u32> {
        let mut count = 0_u32;
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            count = count.checked_mul(10)?.checked_add(digit.to_digit(10)?)?;
        }
        (count <= MAX_REPETITION).then_some(count)
    }

    /// What a backslash outside of brackets begins.
    fn escape(&mut self) -> Result<(), Reason> {
        match read_escape(&mut self.rest)? {
            Escape::Literal(c) => self.literal(c),
            Escape::Class { members, negated } => {
                let open = if negated { "[^" } else { "[" };
                self.put(&format!("{open}{members}]"), true);
            }
            Escape::Constraint(constraint) => self.put(constraint, false),
        }
        Ok(())
    }

    /// A bracket expression, from behind its `[`.
    fn bracket(&mut self) -> Result<(), Reason> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let c = self.rest.next().ok_or(UNBALANCED_BRACKETS)?;
            if c == ']' && !first {
                self.out.push(']');
                return Ok(());
            }
            first = false;
            let Some(low) = self.member(c)? else { continue };
            // A hyphen right before the closing bracket stands for itself.
            let mut ahead = self.rest.clone();
            if ahead.next() != Some('-') || matches!(ahead.next(), Some(']') | None) {
                self.put_member(low);
                continue;
            }
            self.rest.next();
            let c = self.rest.next().ok_or(UNBALANCED_BRACKETS)?;
            let high = self.member(c)?.ok_or(INVALID_RANGE)?;
            if low > high {
                return Err(INVALID_RANGE);
            }
            self.put_member(low);
            self.out.push('-');
            self.put_member(high);
        }
    }

    /// A character of a bracket expression; `None` if it was a class, which is written already.
    fn member(&mut self, c: char) -> Result<Option<char>, Reason> {
        match c {
            '[' => match self.rest.peek() {
                Some(':') => {
                    self.rest.next();
                    self.named_class()?;
                    Ok(None)
                }
                Some('.' | '=') => Err("collating elements are not supported by this server"),
                _ => Ok(Some('[')),
            },
            '\\' => match read_escape(&mut self.rest)? {
                Escape::Literal(c) => Ok(Some(c)),
                Escape::Class { members, negated } => {
                    let open = if negated { "[^" } else { "[" };
                    self.out.push_str(&format!("{open}{members}]"));
                    Ok(None)
                }
                Escape::Constraint(_) => Err(INVALID_ESCAPE),
            },
            _ => Ok(Some(c)),
        }
    }

    /// `[:alpha:]`, from behind the first colon.
    fn named_class(&mut self) -> Result<(), Reason> {
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(char::is_ascii_alphabetic) {
            name.push(c);
        }
        if self.rest.next() != Some(':') || self.rest.next() != Some(']') {
            return Err(UNBALANCED_BRACKETS);
        }
        if !CLASSES.contains(&name.as_str()) {
            return Err("invalid character class");
        }
        self.out.push_str(&format!("[:{name}:]"));
        Ok(())
    }

    /// By its number: no character of a bracket expression is then anything but itself.
    fn put_member(&mut self, c: char) {
        self.out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }
}

/// What a backslash begins.
enum Escape {
    Literal(char),
    Class {
        members: &'static str,
        negated: bool,
    },
    Constraint(&'static str),
}

/// Reads an escape from behind its backslash. Source: `lexescape` in PostgreSQL's `regc_lex.c`.
fn read_escape(rest: &mut Peekable<Chars<'_>>) -> Result<Escape, Reason> {
    let c = rest.next().ok_or(INVALID_ESCAPE)?;
    let class = |members, negated| Escape::Class { members, negated };
    Ok(match c {
        'd' => class(DIGIT, false),
        'D' => class(DIGIT, true),
        's' => class(SPACE, false),
        'S' => class(SPACE, true),
        'w' => class(WORD, false),
        'W' => class(WORD, true),
        'A' => Escape::Constraint(r"\A"),
        'm' => Escape::Constraint(r"(?-u:\b{start})"),
        'M' => Escape::Constraint(r"(?-u:\b{end})"),
        'y' => Escape::Constraint(r"(?-u:\b)"),
        'Y' => Escape::Constraint(r"(?-u:\B)"),
        'Z' => Escape::Constraint(r"\z"),
        'a' => Escape::Literal('\x07'),
        'b' => Escape::Literal('\x08'),
        'B' => Escape::Literal('\\'),
        'e' => Escape::Literal('\x1b'),
        'f' => Escape::Literal('\x0c'),
        'n' => Escape::Literal('\n'),
        'r' => Escape::Literal('\r'),
        't' => Escape::Literal('\t'),
        'v' => Escape::Literal('\x0b'),
        '1'..='9' => return Err("back references are not supported by this server"),
        '0' | 'c' | 'u' | 'U' | 'x' => {
            return Err("characters by number are not supported by this server");
        }
        _ if c.is_ascii_alphanumeric() => return Err(INVALID_ESCAPE),
        _ => Escape::Literal(c),
    })
}

const DIGIT: &str = "0-9";
const SPACE: &str = r" \t\n\r\x0b\x0c";
const WORD: &str = "0-9A-Za-z_";

const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

// PostgreSQL's reasons, from `regerrs.h`.
const INVALID_ESCAPE: Reason = "invalid escape \\ sequence";
const INVALID_RANGE: Reason = "invalid character range";
const UNBALANCED_BRACKETS: Reason = "brackets [] not balanced";
const UNBALANCED_PARENTHESES: Reason = "parentheses () not balanced";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_what_postgresql_matches() {
        #[track_caller]
        fn check(pattern: &str, text: &str, expected: bool) {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(
                pattern.is_match(text.as_bytes()),
                expected,
                "{pattern:?} {text:?}"
            );
        }
        check("^app_", "app_rw", true);
        check("app", "myapp1", true);
        check("^(a|b)$", "b", true);
        check(r"^\w+$", "alice_1", true);
        check(r"^\w+$", "ålice", false);
        check(r"^\d{2,3}$", "12", true);
        check(r"^\d{2,3}$", "1234", false);
        check(r"^\d$", "٣", false);
        check("^a.c$", "a\nc", true);
        check("^a.c$", "aéc", true);
        check(r"^a\.c$", "abc", false);
        check("^[]a]$", "]", true);
        check("^[^]a]$", "b", true);
        check("^[[a]$", "[", true);
        check("^[a&&b]$", "&", true);
        check("^[a-]$", "-", true);
        check("^[+--]$", ",", true);
        check("^[[:alpha:]_]+$", "ab_c", true);
        check("^[[:alpha:]]+$", "é", false);
        check(r"^[\w.]+$", "a.b", true);
        check(r"^[^\W]$", "a", true);
        check("^a{,3}$", "a{,3}", true);
        check("^a{2}$", "aa", true);
        check(r"a\Z", "ba", true);
        check(r"\mfoo\M", "a foo b", true);
        check(r"\yfoo\y", "afoo", false);
        check(r"^\<a$", "<a", true);
        check("^(?:ab)+?$", "abab", true);
        check("", "anything", true);
        check("a|", "b", true);
        check("a#b c", "a#b c", true);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        #[track_caller]
        fn check(pattern: &str, reason: &str) {
            assert_eq!(
                Pattern::new(pattern).unwrap_err().message,
                format!("invalid regular expression \"{pattern}\": {reason}")
            );
        }
        check("(a", "parentheses () not balanced");
        check("a)", "parentheses () not balanced");
        check("[a", "brackets [] not balanced");
        check("[", "brackets [] not balanced");
        check("[[:alpha]", "brackets [] not balanced");
        check("[[:alfa:]]", "invalid character class");
        check("[b-a]", "invalid character range");
        check("[a--]", "invalid character range");
        check("*a", "quantifier operand invalid");
        check("(+a)", "quantifier operand invalid");
        check("a{2", "braces {} not balanced");
        check("a**", "quantifier operand invalid");
        check("a{3,2}", "invalid repetition count(s)");
        check("a{256}", "invalid repetition count(s)");
        check("a\\", "invalid escape \\ sequence");
        check(r"\q", "invalid escape \\ sequence");
        check(r"(a)\1", "back references are not supported by this server");
        check(
            r"\x41",
            "characters by number are not supported by this server",
        );
        let options = "lookaround and embedded options are not supported by this server";
        check("(?i)a", options);
        check("(?=a)", options);
        check("(?P<n>a)", options);
        check(
            "[[.a.]]",
            "collating elements are not supported by this server",
        );
        check("((.{255}){255}){255}", "regular expression is too complex");
    }

    #[test]
    fn the_first_group_is_what_backreferences_mean() {
        #[track_caller]
        fn check(pattern: &str, text: &str, expected: Option<Option<&str>>) {
            let pattern = Pattern::new(pattern).unwrap();
            let group = pattern.first_group(text.as_bytes());
            assert_eq!(group, expected.map(|group| group.map(str::as_bytes)));
        }
        check("^(.*)@example$", "bob@example", Some(Some("bob")));
        check("^.*@example$", "bob@example", Some(None));
        check("^(.*)@example$", "bob", None);
        check("^(?:a)(b)?$", "a", Some(None));
    }
}
