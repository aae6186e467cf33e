//! Cuts a line into tokens: `next_token` of PostgreSQL's `hba.c`.

use std::iter::Peekable;
use std::str::Chars;

/// A word of a line, without its quotes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Whether it began with a quote: a quoted keyword is a name, a quoted `@x` no file.
    pub(crate) quoted: bool,
}

impl Token {
    /// Whether it is this keyword and not merely the same word in quotes.
    pub(crate) fn is_keyword(&self, keyword: &str) -> bool {
        !self.quoted && self.text == keyword
    }

    /// The regular expression after a slash. Quotes do not take this meaning away: they are how a
    /// regular expression with a blank or a comma is written.
    pub(crate) fn pattern(&self) -> Option<&str> {
        self.text.strip_prefix('/')
    }

    /// The group after an unquoted `+`.
    pub(crate) fn group(&self) -> Option<&str> {
        self.text.strip_prefix('+').filter(|_| !self.quoted)
    }
}

/// A token, and whether more of its list follows.
pub(super) struct Word {
    pub(super) token: Token,
    pub(super) comma: bool,
}

/// The words of a line.
pub(super) struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self {
            rest: line.chars().peekable(),
        }
    }

    /// The next word; `None` at the end of the line and at a comment. As in PostgreSQL, a quote that
    /// is never closed reaches to the end of the line.
    pub(super) fn word(&mut self) -> Option<Word> {
        while self.rest.next_if(|&c| is_blank(c) || c == ',').is_some() {}
        let mut token = Token {
            text: String::new(),
            quoted: false,
        };
        let (mut inside, mut seen, mut was_quote, mut comma) = (false, false, false, false);
        while let Some(c) = self.rest.next_if(|&c| inside || !is_blank(c)) {
            match c {
                '#' if !inside => {
                    self.rest.by_ref().for_each(drop);
                    break;
                }
                ',' if !inside => {
                    comma = true;
                    break;
                }
                '"' => {
                    // Two quotes inside quotes are one.
                    if was_quote {
                        token.text.push('"');
                    }
                    was_quote = inside && !was_quote;
                    inside = !inside;
                    seen = true;
                    token.quoted |= token.text.is_empty();
                }
                _ => {
                    was_quote = false;
                    token.text.push(c);
                }
            }
        }
        (seen || !token.text.is_empty()).then_some(Word { token, comma })
    }
}

/// `pg_isblank`; line feeds never reach it.
const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line: quoted ones in brackets, a comma after those that have one.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let mut lexer = Lexer::new(line);
        let mut words = Vec::new();
        while let Some(Word { token, comma }) = lexer.word() {
            let (open, close) = if token.quoted { ("[", "]") } else { ("", "") };
            let comma = if comma { "," } else { "" };
            words.push(format!("{open}{}{close}{comma}", token.text));
        }
        assert_eq!(words.join("|"), expected, "{line}");
    }

    #[test]
    fn words_end_at_blanks_and_commas() {
        check("local all  all\ttrust\r", "local|all|all|trust");
        check("a,b, c ,d,", "a,|b,|c|d,");
        check(" ,, a", "a");
        check("", "");
    }

    #[test]
    fn comments_end_the_line() {
        check("# all", "");
        check("a# b", "a");
        check("a #b\"c", "a");
        check("a \"#b\" c", "a|[#b]|c");
    }

    #[test]
    fn quotes_keep_everything_and_are_doubled() {
        check(r#""a b","c,d""#, "[a b],|[c,d]");
        check(r#""a""b" """" """#, r#"[a"b]|["]|[]"#);
        check(r#"a"b c"d"#, "ab cd");
        check(r#"@"my file""#, "@my file");
        check(r#""@file""#, "[@file]");
        check(r#""never closed # x"#, "[never closed # x]");
        check(r#""""a"#, "[\"a]");
    }
}
