//! A reader of EDN and of JSON, one line at a time, that knows the column of what it reads.
//!
//! Of EDN it reads what histories are made of: nil, booleans, whole numbers of 64 bits, floats, strings, keywords,
//! vectors, lists and maps; a tag is passed over. Not symbols, characters, sets, and ratios. (There is no EDN crate that
//! is kept up; and serde_json does not tell where a field stood, which is half of a complaint about a history.)

use std::collections::BTreeSet;

use super::datum::Datum;

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Edn,
    Json,
}

/// What is wrong at a column, counted in characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub column: usize,
    pub problem: String,
}

/// An entry of a map, and the column of its value.
pub struct Field {
    pub name: Datum,
    pub value: Datum,
    pub column: usize,
}

/// How deep values may be nested: so that reading them takes no deep stack.
const DEEPEST: usize = 64;

pub struct Reader<'a> {
    text: &'a str,
    dialect: Dialect,
    /// In bytes.
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str, dialect: Dialect) -> Reader<'a> {
        Reader {
            text,
            dialect,
            at: 0,
            depth: 0,
        }
    }

    /// A value.
    ///
    /// # Errors
    /// There is none, or no whole one.
    pub fn value(&mut self) -> Result<Datum, Complaint> {
        self.skip_space();
        let Some(first) = self.peek() else {
            return Err(self.expected("a value"));
        };
        match (first, self.dialect) {
            ('"', _) => self.string(),
            ('[', _) => self.nested(|reader| reader.items(']')),
            ('(', Dialect::Edn) => self.nested(|reader| reader.items(')')),
            ('{', _) => {
                let fields = self.map()?.into_iter();
                let mut entries: Vec<_> = fields.map(|field| (field.name, field.value)).collect();
                entries.sort_unstable(); // so that equal maps are equal, however they were written
                Ok(Datum::Map(entries.into()))
            }
            (':', Dialect::Edn) => {
                self.at += 1;
                match self.word() {
                    "" => Err(self.expected("a keyword's name")),
                    name => Ok(Datum::Keyword(name.into())),
                }
            }
            ('#', Dialect::Edn) if !self.rest().starts_with("#{") => {
                self.at += 1;
                if self.word().is_empty() {
                    return Err(self.expected("a tag's name"));
                }
                self.nested(Reader::value)
            }
            _ => self.atom(),
        }
    }

    /// A map, with the columns of its values.
    ///
    /// # Errors
    /// There is none, or no whole one; a key is there twice.
    pub fn map(&mut self) -> Result<Vec<Field>, Complaint> {
        self.nested(Reader::entries)
    }

    /// Nothing more, but space.
    ///
    /// # Errors
    /// There is more.
    pub fn end(&mut self) -> Result<(), Complaint> {
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end of the line")),
        }
    }

    /// Of what comes next, when the space before it is skipped.
    pub fn column(&mut self) -> usize {
        self.skip_space();
        self.text[..self.at].chars().count() + 1
    }

    pub fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.peek().is_none()
    }

    fn entries(&mut self) -> Result<Vec<Field>, Complaint> {
        self.skip_space();
        if !self.eat('{') {
            return Err(self.expected("a map"));
        }
        let mut fields: Vec<Field> = Vec::new();
        let mut names = BTreeSet::new();
        while !self.closes('}', !fields.is_empty())? {
            let column = self.column();
            let name = self.value()?;
            if self.dialect == Dialect::Json {
                if !matches!(name, Datum::Text(_)) {
                    return Err(complaint(
                        column,
                        format!("expected a string as a name, and found {name}"),
                    ));
                }
                self.skip_space();
                if !self.eat(':') {
                    return Err(self.expected("a colon"));
                }
            }
            if !names.insert(name.clone()) {
                return Err(complaint(column, format!("{name} is there twice")));
            }
            let column = self.column();
            let value = self.value()?;
            fields.push(Field {
                name,
                value,
                column,
            });
        }
        Ok(fields)
    }

    fn items(&mut self, close: char) -> Result<Datum, Complaint> {
        self.at += 1; // what opened it
        let mut items = Vec::new();
        while !self.closes(close, !items.is_empty())? {
            items.push(self.value()?);
        }
        Ok(Datum::List(items.into()))
    }

    /// Whether the closing mark comes next, and takes it; else, in JSON, takes the comma between two items.
    fn closes(&mut self, close: char, has_items: bool) -> Result<bool, Complaint> {
        self.skip_space();
        if self.eat(close) {
            return Ok(true);
        }
        if self.peek().is_none() {
            return Err(self.expected(&format!("{close:?}")));
        }
        if has_items && self.dialect == Dialect::Json && !self.eat(',') {
            return Err(self.expected(&format!("a comma or {close:?}")));
        }
        Ok(false)
    }

    fn nested<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, Complaint>,
    ) -> Result<T, Complaint> {
        if self.depth == DEEPEST {
            return Err(self.expected(&format!("values nested no deeper than {DEEPEST}")));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn string(&mut self) -> Result<Datum, Complaint> {
        let column = self.column();
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(character) = self.peek() else {
                return Err(complaint(column, "this string has no end".to_owned()));
            };
            match character {
                '"' => {
                    self.at += 1;
                    return Ok(Datum::Text(text.into()));
                }
                '\\' => text.push(self.escaped()?),
                _ => {
                    self.at += character.len_utf8();
                    text.push(character);
                }
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Complaint> {
        let escapes = [
            ('"', '"'),
            ('\\', '\\'),
            ('/', '/'),
            ('n', '\n'),
            ('t', '\t'),
            ('r', '\r'),
            ('b', '\u{8}'),
            ('f', '\u{c}'),
        ];
        let second = self.rest().chars().nth(1);
        if let Some((_, character)) = escapes
            .into_iter()
            .find(|(escape, _)| second == Some(*escape))
        {
            self.at += 2;
            return Ok(character);
        }
        let start = self.at;
        let first = self.unit();
        let character = match first {
            // Two halves of a character beyond 2^16.
            Some(high @ 0xd800..0xdc00) => self
                .unit()
                .filter(|low| (0xdc00..0xe000).contains(low))
                .and_then(|low| {
                    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                }),
            unit => unit.and_then(char::from_u32),
        };
        character.ok_or_else(|| {
            self.at = start;
            self.expected("an escape that stands for a character")
        })
    }

    /// `\u` and four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest().strip_prefix("\\u")?.get(..4)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let unit = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        self.at += 6;
        Some(unit)
    }

    fn atom(&mut self) -> Result<Datum, Complaint> {
        let start = self.at;
        let word = self.word();
        let nil = match self.dialect {
            Dialect::Edn => "nil",
            Dialect::Json => "null",
        };
        let known = match word {
            "true" => Some(Datum::Bool(true)),
            "false" => Some(Datum::Bool(false)),
            _ if word == nil => Some(Datum::Nil),
            _ if word
                .trim_start_matches(['-', '+'])
                .starts_with(|first: char| first.is_ascii_digit()) =>
            {
                number(word)
            }
            _ => None,
        };
        known.ok_or_else(|| {
            self.at = start;
            self.expected("a value")
        })
    }

    /// Up to what may not stand in a word.
    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let ends = |c: char| {
            c.is_whitespace()
                || ",\"[](){};".contains(c)
                || (c == ':' && self.dialect == Dialect::Json)
        };
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.at += wanted.len_utf8();
        }
        is_next
    }

    /// In EDN a comma is space, and a semicolon begins a comment.
    fn skip_space(&mut self) {
        let is_edn = self.dialect == Dialect::Edn;
        let is_space = |c: char| c.is_whitespace() || (is_edn && c == ',');
        self.at = self.text.len() - self.rest().trim_start_matches(is_space).len();
        if is_edn && self.peek() == Some(';') {
            self.at = self.text.len();
        }
    }

    /// `what` was expected here, and something else was found.
    fn expected(&mut self, what: &str) -> Complaint {
        let column = self.column();
        let found = match self.rest().split_whitespace().next() {
            None => "the end of the line".to_owned(),
            Some(word) => format!("{:?}", word.chars().take(20).collect::<String>()),
        };
        complaint(column, format!("expected {what}, and found {found}"))
    }
}

fn complaint(column: usize, problem: String) -> Complaint {
    Complaint { column, problem }
}

fn number(word: &str) -> Option<Datum> {
    match word.parse() {
        Ok(number) => Some(Datum::Int(number)),
        // A whole number that is too large is not rounded.
        Err(_) if !word.contains(['.', 'e', 'E']) => None,
        Err(_) => word
            .parse()
            .ok()
            .filter(|it: &f64| it.is_finite())
            .map(|it| Datum::Float(it.to_bits())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dialect::{Edn, Json};

    fn check(dialect: Dialect, text: &str, expected: Result<&str, (usize, &str)>) {
        let mut reader = Reader::new(text, dialect);
        let read = reader
            .value()
            .and_then(|value| reader.end().map(|()| value));
        match (read, expected) {
            (Ok(value), Ok(edn)) => assert_eq!(value.to_string(), edn, "{text}"),
            (Err(complaint), Err((column, problem))) => {
                assert_eq!(complaint.column, column, "{}", complaint.problem);
                assert!(
                    complaint.problem.contains(problem),
                    "{text}: {}",
                    complaint.problem
                );
            }
            (read, _) => panic!("{text}: {read:?}"),
        }
    }

    #[test]
    fn values_are_read() {
        check(Edn, "nil", Ok("nil"));
        check(Edn, " -12 ; a comment", Ok("-12"));
        check(Edn, "+12", Ok("12"));
        check(Edn, "1.50", Ok("1.5"));
        check(
            Edn,
            "[1, :a/b (2 \"x\\n\\u00e9\") {} [] true]",
            Ok("[1 :a/b [2 \"x\\né\"] {} [] true]"),
        );
        check(
            Edn,
            "#jepsen.history.Op{:a 1, \"b\" nil}",
            Ok("{\"b\" nil, :a 1}"),
        );
        check(Edn, "#inst \"2026\"", Ok("\"2026\""));
        check(
            Json,
            r#"{"a" : [1 , 2.5e1,null , false], "b":{"c":""}}"#,
            Ok("{\"a\" [1 25.0 nil false], \"b\" {\"c\" \"\"}}"),
        );
        check(Json, r#""\ud83d\ude00\/""#, Ok("\"😀/\""));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_column() {
        check(Edn, "", Err((1, "expected a value, and found the end")));
        check(Edn, "[1 2", Err((5, "expected ']'")));
        check(Edn, "é [", Err((1, "expected a value")));
        check(
            Edn,
            "\"é\" 2",
            Err((5, "expected the end of the line, and found \"2\"")),
        );
        check(Edn, "[nul]", Err((2, "expected a value")));
        check(Edn, " \"abc", Err((2, "no end")));
        check(Edn, "\"a\\q\"", Err((3, "an escape")));
        check(Edn, "{:a 1, :a 2}", Err((8, "twice")));
        check(Edn, "{:a}", Err((4, "expected a value")));
        check(Edn, "#{1}", Err((1, "expected a value")));
        check(Edn, ":", Err((2, "a keyword's name")));
        check(Edn, "12345678901234567890", Err((1, "expected a value")));
        check(Json, "{\"a\" 1}", Err((6, "a colon")));
        check(Json, "[1 2]", Err((4, "a comma")));
        check(Json, "{1: 2}", Err((2, "a string as a name")));
        check(Json, "nil", Err((1, "expected a value")));
        check(Json, "\"\\ud83d\"", Err((2, "an escape")));
        check(Json, "\"\\u+123\"", Err((2, "an escape")));
        check(Edn, &"[".repeat(100_000), Err((65, "nested no deeper")));
        check(Edn, &"#a ".repeat(100_000), Err((196, "nested no deeper")));
    }
}
