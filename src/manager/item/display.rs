//! An item as Python's repr shows it.

use std::fmt::{self, Display, Formatter, Write};

use super::Item;

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Item::None => f.write_str("None"),
            Item::Bool(true) => f.write_str("True"),
            Item::Bool(false) => f.write_str("False"),
            Item::Int(number) => write!(f, "{number}"),
            Item::Float(number) => float(f, *number),
            Item::Str(text) => quoted(f, text),
            Item::Bytes(bytes) => bytes_literal(f, bytes),
            Item::List(items) => {
                f.write_char('[')?;
                joined(f, items)?;
                f.write_char(']')
            }
            Item::Tuple(items) => {
                f.write_char('(')?;
                joined(f, items)?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Item::Dict(dict) => {
                f.write_char('{')?;
                for (place, (key, value)) in dict.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(f, "{comma}{key}: {value}")?;
                }
                f.write_char('}')
            }
            Item::Proxy(proxy) => write!(f, "{proxy:?}"),
        }
    }
}

/// Of a list's items, as a whole.
pub fn repr(items: &[Item]) -> String {
    struct Listed<'a>(&'a [Item]);
    impl Display for Listed<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_char('[')?;
            joined(f, self.0)?;
            f.write_char(']')
        }
    }
    Listed(items).to_string()
}

fn joined(f: &mut Formatter<'_>, items: &[Item]) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

/// The shortest digits that read back as the same number, with an exponent from 1e16 on and below 1e-4.
fn float(f: &mut Formatter<'_>, number: f64) -> fmt::Result {
    if number.is_nan() {
        return f.write_str("nan");
    }
    if number.is_infinite() {
        return f.write_str(if number > 0.0 { "inf" } else { "-inf" });
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return write!(f, "{digits}e{sign}{exponent:0>2}");
    }
    let text = format!("{number}");
    let point = if text.contains('.') { "" } else { ".0" };
    write!(f, "{text}{point}")
}

/// In single quotes, unless there are some in it and no double ones.
fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    f.write_char(quote)?;
    for letter in text.chars() {
        match letter {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            letter if letter == quote => write!(f, "\\{letter}")?,
            letter if letter.is_control() => match u32::from(letter) {
                code @ ..0x100 => write!(f, "\\x{code:02x}")?,
                code => write!(f, "\\u{code:04x}")?,
            },
            letter => f.write_char(letter)?,
        }
    }
    f.write_char(quote)
}

fn bytes_literal(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        b'"'
    } else {
        b'\''
    };
    write!(f, "b{}", char::from(quote))?;
    for &byte in bytes {
        match byte {
            b'\\' => f.write_str("\\\\")?,
            b'\n' => f.write_str("\\n")?,
            b'\r' => f.write_str("\\r")?,
            b'\t' => f.write_str("\\t")?,
            byte if byte == quote => write!(f, "\\{}", char::from(byte))?,
            b' '..=b'~' => f.write_char(char::from(byte))?,
            byte => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_char(char::from(quote))
}
