//! The examples' own lines: the function of each, and what of its file that uses.

use super::Example;

const FILES: [(&str, &str); 5] = [
    ("000", include_str!("t000.rs")),
    ("001", include_str!("t001.rs")),
    ("002", include_str!("t002.rs")),
    ("003", include_str!("t003.rs")),
    ("004", include_str!("t004.rs")),
];

/// An item at the top of a file: a function, a static, a type; with what is written above it.
struct Item<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

/// The lines of an example, in the order of its file.
pub fn lines(example: &Example) -> String {
    let (_, text) = FILES
        .iter()
        .find(|(tutorial, _)| example.id.starts_with(tutorial))
        .expect("every example is in a tutorial");
    let items = items(text);
    let mut used = vec![false; items.len()];
    let mut found = vec![example.name];
    while let Some(name) = found.pop() {
        for (item, used) in items.iter().zip(&mut used) {
            if item.name == name && !*used {
                *used = true;
                found.extend(item.lines.iter().flat_map(|line| words(line)));
            }
        }
    }
    let used = items.iter().zip(used).filter(|(_, used)| *used);
    let texts: Vec<String> = used.map(|(item, _)| item.lines.join("\n")).collect();
    texts.join("\n\n")
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// What stands between empty lines at the left edge, and has a name; the code is as rustfmt leaves it.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        lines.push(line);
        let closes = line == "}" || (line.ends_with(';') && !line.starts_with([' ', '}']));
        if closes {
            let head = lines.iter().find_map(|line| name_of(line));
            let lines: Vec<&str> = std::mem::take(&mut lines);
            if let Some(name) = head {
                let lines = lines.into_iter().skip_while(|line| line.is_empty());
                let lines = lines.collect();
                items.push(Item { name, lines });
            }
        }
    }
    items
}

/// Of a line that begins an item.
fn name_of(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let kinds = ["fn ", "static ", "type "];
    let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
    words(rest).next()
}

#[cfg(test)]
mod tests {
    use crate::tutorial::{EXAMPLES, find};

    #[test]
    fn every_example_has_its_lines() {
        for example in EXAMPLES {
            let text = super::lines(example);
            let head = format!("pub fn {}()", example.name);
            assert!(text.contains(&head), "{}:\n{text}", example.id);
            assert!(text.contains(&format!("/// {}: ", example.id)), "{text}");
        }
    }

    #[test]
    fn what_it_uses_comes_along_and_nothing_else() {
        let text = super::lines(find("004.8c").unwrap());
        for name in [
            "deposit_carelessly",
            "withdraw_carelessly",
            "bank_without_lock",
        ] {
            assert!(text.contains(&format!("pub fn {name}(")), "{text}");
        }
        assert_eq!(text.matches("pub fn ").count(), 3, "{text}");
    }
}
