//! The house rules that a compiler does not check: the table of layers, who may name the kernel, an argument
//! for each unsafe block, a partner for each memory ordering, and files of a size that can be read.

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer, and the layers it may import. A file in `src` that is in none of these folders belongs to the
/// layer `top`, which may import all.
const LAYERS: [(&str, &[&str]); 17] = [
    ("world", &[]),
    ("check", &[]),
    ("sys", &["world"]),
    ("shm", &["world", "sys"]),
    ("raw", &["world"]),
    ("sync", &["world", "sys", "shm", "raw"]),
    ("data", &["world", "sys", "shm", "raw", "sync"]),
    (
        "process",
        &["world", "sys", "shm", "raw", "sync", "data", "net"],
    ),
    ("net", &["world", "sys", "shm", "raw", "sync", "data"]),
    (
        "manager",
        &[
            "world", "sys", "shm", "raw", "sync", "data", "process", "net",
        ],
    ),
    ("explore", &["world", "sys", "shm", "check"]),
    ("models", &["world", "raw", "shm", "check", "explore"]),
    ("zoo", &["world", "sys", "raw", "shm", "check", "explore"]),
    ("tutorial", ALL),
    ("conform", ALL),
    ("verify", ALL),
    ("top", ALL),
];
const ALL: &[&str] = &["*"];

/// Only `sys` talks to the kernel.
const SYSTEM_CRATES: [&str; 4] = ["libc", "nix", "rustix", "memmap2"];

const MOST_LINES: usize = 500;

struct Source {
    path: PathBuf,
    layer: String,
    text: String,
}

impl Source {
    /// Lines of code, numbered from 1, without the text of comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let within = path.strip_prefix(root.join("src")).unwrap();
                let first = within
                    .components()
                    .next()
                    .unwrap()
                    .as_os_str()
                    .to_str()
                    .unwrap();
                let name = first.trim_end_matches(".rs");
                let known = LAYERS.iter().any(|(layer, _)| *layer == name);
                let layer = if known { name } else { "top" }.to_owned();
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source {
                    path: path.strip_prefix(root).unwrap().to_owned(),
                    layer,
                    text,
                });
            }
        }
    }
    assert!(sources.len() > 30, "the sources were not found");
    sources
}

/// The first names behind `crate::` in a line, `crate::{a, b::c}` included.
fn imports(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group.split(',').map(first_name)),
            None => found.push(first_name(rest)),
        }
    }
    found
}

fn first_name(path: &str) -> &str {
    let path = path.trim();
    let end = path
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(path.len());
    &path[..end]
}

fn violations(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let (_, allowed) = LAYERS
            .iter()
            .find(|(layer, _)| *layer == source.layer)
            .unwrap();
        for (number, line) in source.code() {
            for import in imports(line) {
                let is_layer = LAYERS.iter().any(|(layer, _)| *layer == import);
                let root = import.starts_with(char::is_uppercase) && source.layer != "top";
                let fine = *allowed == ALL || import == source.layer || allowed.contains(&import);
                if (is_layer || root) && !fine {
                    found.push(format!(
                        "{}: {} imports {import}",
                        source.place(number),
                        source.layer
                    ));
                }
            }
            let names = |name: &str| {
                let mut before = line.split(&format!("{name}::")).collect::<Vec<_>>();
                before.pop();
                before
                    .iter()
                    .any(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            };
            if source.layer != "sys" && SYSTEM_CRATES.into_iter().any(names) {
                found.push(format!(
                    "{}: only sys names the system's crates",
                    source.place(number)
                ));
            }
        }
        let lines: Vec<_> = source.text.lines().collect();
        let shipped = lines.iter().take_while(|line| **line != "#[cfg(test)]");
        for (at, line) in shipped.enumerate() {
            if opens_unsafe(line) && !is_argued(&lines, at) {
                found.push(format!(
                    "{}: an unsafe block without an argument",
                    source.place(at + 1)
                ));
            }
            if orders(line) && !is_explained(&lines, at) {
                found.push(format!(
                    "{}: a memory ordering without a partner",
                    source.place(at + 1)
                ));
            }
        }
        if lines.len() > MOST_LINES {
            found.push(format!(
                "{}: more than {MOST_LINES} lines",
                source.place(lines.len())
            ));
        }
    }
    found
}

fn opens_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.contains("unsafe {") || code.contains("unsafe impl")
}

/// `SAFETY:` in the comment above the statement, or above its first line.
fn is_argued(lines: &[&str], at: usize) -> bool {
    lines[..at]
        .iter()
        .rev()
        .take(12)
        .any(|line| line.contains("SAFETY:"))
}

fn orders(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let named = ["Acquire", "Release", "AcqRel", "SeqCst", "Relaxed"]
        .into_iter()
        .any(|order| {
            code.split(order)
                .skip(1)
                .any(|rest| rest.starts_with([')', ',']))
        });
    named && !code.trim_start().starts_with("use ") && !code.contains("=>")
}

/// The order's name in a comment of the same function, above or beside; or a word at the head of the file on
/// all of them: that it is the same `throughout`, or that they are those of another file, which `names each
/// one's partner`.
fn is_explained(lines: &[&str], at: usize) -> bool {
    let named = ["Acquire", "Release", "AcqRel", "SeqCst", "Relaxed"];
    let order = named
        .into_iter()
        .find(|order| lines[at].contains(order))
        .unwrap_or_default();
    let near = lines[..=at].iter().rev().take(20);
    let throughout = format!("// {order} throughout");
    near.into_iter()
        .any(|line| line.contains("//") && line.contains(order))
        || lines
            .iter()
            .any(|line| line.contains(&throughout) || line.contains("names each one's partner"))
}

#[test]
fn the_house_is_tidy() {
    let found = violations(&sources());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each rule, broken once.
#[test]
fn an_untidy_house_is_told() {
    let broken = |layer: &str, text: &str| {
        let path = PathBuf::from("src/broken.rs");
        violations(&[Source {
            path,
            layer: layer.to_owned(),
            text: text.to_owned(),
        }])
    };
    for (layer, text) in [
        ("sys", "use crate::sync::Lock;"),
        ("raw", "use crate::{world, sys};"),
        ("check", "fn f() -> crate::world::Woken {}"),
        ("explore", "use crate::Value;"),
        ("shm", "let id = libc::gettid();"),
        (
            "shm",
            "use std::os::unix::fs::MetadataExt; let id = nix::unistd::gettid();",
        ),
        ("sys", "fn f() {\n    unsafe { g() }\n}"),
        ("raw", "fn f() {\n    word.load(Acquire);\n}"),
        ("data", &"\n".repeat(501)),
    ] {
        assert_eq!(broken(layer, text).len(), 1, "{layer}: {text}");
    }
    for (layer, text) in [
        ("sync", "use crate::shm::Block;"),
        ("shm", "use std::os::unix::fs::MetadataExt;"),
        ("verify", "use crate::{Value, models};"),
        ("sys", "// SAFETY: it is.\nunsafe { libc::gettid() };"),
        (
            "raw",
            "// Acquire: pairs with the Release in unlock().\nword.load(Acquire);",
        ),
    ] {
        assert_eq!(broken(layer, text), Vec::<String>::new(), "{layer}: {text}");
    }
}
