//! Holds the code against the table in ARCHITECTURE.md: a `crate::room` that the table does not allow
//! fails, and so does a room that the table does not name.

#![allow(
    clippy::unwrap_used,
    reason = "tests may; clippy knows it of test functions, not of their helpers"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_arrow_in_the_code_is_drawn_in_the_table() {
    let allowed = table();
    let mut faults = Vec::new();
    for file in sources(&root().join("src")) {
        let room = room_of(&file);
        if room == "lib" {
            continue;
        }
        let Some(may_use) = allowed.get(&room) else {
            faults.push(format!(
                "{}: the room `{room}` is not in ARCHITECTURE.md",
                file.display()
            ));
            continue;
        };
        for (line, used) in arrows(&fs::read_to_string(&file).unwrap()) {
            if used != room && !may_use.contains(&used) {
                faults.push(format!(
                    "{}:{line}: `{room}` uses `{used}`, an arrow that ARCHITECTURE.md does not draw",
                    file.display()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_room_of_the_table_exists_and_is_listed_in_lib() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for room in table().keys().filter(|room| *room != "main") {
        assert!(
            lib.contains(&format!("pub mod {room};")),
            "src/lib.rs does not list `{room}`"
        );
    }
}

#[test]
fn the_table_has_no_circle() {
    let table = table();
    for room in table.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = table[room].iter().collect();
        while let Some(other) = next.pop() {
            assert_ne!(other, room, "`{room}` reaches itself");
            if seen.insert(other) {
                next.extend(table.get(other).into_iter().flatten());
            }
        }
    }
}

#[test]
fn the_arrows_of_a_file_are_found_in_every_spelling() {
    let text = "use crate::plan::{Plan, UserId};\nuse crate::{net::Wire, scenario};\nlet x = crate::exit::Exit::Pass;\n// crate::judge\n";
    let found: BTreeSet<String> = arrows(text).into_iter().map(|(_, room)| room).collect();
    assert_eq!(
        found,
        ["exit", "net", "plan", "scenario"].map(String::from).into()
    );
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Rows `| `room` | … | may use |` of the table under "## Rooms".
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rooms = text
        .split("## Rooms")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let table: BTreeMap<_, _> = rooms
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let room = cells[0].trim_matches('`').to_owned();
            let uses = cells[2]
                .split(',')
                .map(|word| word.trim().to_owned())
                .filter(|word| !word.is_empty() && word != "–");
            (room, uses.collect())
        })
        .collect();
    assert!(
        table.len() > 10,
        "the table of rooms was not found in ARCHITECTURE.md"
    );
    table
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Each mention of `crate::room` outside comments, with its line.
fn arrows(text: &str) -> Vec<(usize, String)> {
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, path) in code.match_indices("crate::") {
            // `$crate::` and `mycrate::` are others' business.
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &code[at + path.len()..];
            if let Some(list) = rest.strip_prefix('{') {
                let mut list = list.to_owned();
                while !list.contains("};") {
                    let Some((_, more)) = lines.next() else { break };
                    list.push_str(more);
                }
                let mut depth = 0;
                for part in list.split_inclusive(['{', '}', ',']) {
                    if depth == 0 && !word(part.trim()).is_empty() {
                        found.push((index + 1, word(part.trim())));
                    }
                    depth += part.matches('{').count();
                    depth = depth.saturating_sub(part.matches('}').count());
                }
            } else {
                found.push((index + 1, word(rest)));
            }
        }
    }
    found
}
