//! One script out of the verifier's modules, with no bundler: each module is written so that its text holds
//! when imports and the word `export` are taken away, and the modules stand in the order of their needs.

use std::{fmt::Write as _, sync::LazyLock};

use crate::portal::joined::joinable;

/// A module: its name and its text.
struct Module(&'static str, &'static str);

macro_rules! modules {
    ($($name:literal),* $(,)?) => {
        &[$(Module($name, include_str!(concat!("../assets/verify/", $name)))),*]
    };
}

/// The modules, each after those that it imports.
const MODULES: &[Module] = modules![
    "bytes.js",
    "sha256.js",
    "crc32.js",
    "point.js",
    "merkle.js",
    "entry.js",
    "json.js",
    "zip.js",
    "note.js",
    "level.js",
    "members.js",
    "bundle.js",
    "blocks.js",
    "work.js",
    "fold.js",
    "diagnose.js",
    "evidence.js",
    "stream.js",
    "sums.js",
    "report_entries.js",
    "report_figures.js",
    "report.js",
    "verify.js",
    "pool.js",
    "worker.js",
    "show.js",
    "spawn.js",
    "page.js",
    "main.js",
];

/// The script. All of it is within a function, so that it shares no name with anybody.
pub(super) static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let mut script = String::from("\"use strict\";\n(() => {\n");
    for Module(name, text) in MODULES {
        let _ = write!(script, "\n// {name}\n{}", joinable(text));
    }
    script + "})();\n"
});

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use sha2::{Digest as _, Sha256};

    use super::*;

    /// What a line declares at a module's top: its names.
    fn declared(line: &str) -> Vec<&str> {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let rest = ["function ", "class ", "const ", "let "].iter().find_map(|word| line.strip_prefix(word));
        let name = rest
            .and_then(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next());
        name.into_iter().collect()
    }

    /// A module's imports: each file with the names taken from it.
    fn imports(text: &str) -> Vec<(String, Vec<String>)> {
        let mut found = Vec::new();
        let mut statement = String::new();
        for line in text.lines() {
            if !line.starts_with("import ") && statement.is_empty() {
                continue;
            }
            statement += line;
            if !line.ends_with("\";") {
                continue;
            }
            let (names, file) = statement
                .strip_prefix("import {")
                .and_then(|rest| rest.strip_suffix("\";"))
                .and_then(|rest| rest.split_once("} from \"./"))
                .unwrap_or_else(|| panic!("this import is not of the one form: {statement}"));
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            let names: Vec<String> = names.map(ToOwned::to_owned).collect();
            assert!(names.iter().all(|name| !name.contains(' ')), "no name is changed: {statement}");
            found.push((file.to_owned(), names));
            statement.clear();
        }
        found
    }

    #[test]
    fn every_module_is_part_of_the_script() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/portal/assets/verify");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let there: BTreeSet<String> =
            files.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".js")).collect();
        let listed: BTreeSet<String> = MODULES.iter().map(|Module(name, _)| (*name).to_owned()).collect();
        assert_eq!(there, listed);
    }

    #[test]
    fn modules_can_be_joined() {
        let mut exported: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for Module(name, text) in MODULES {
            for (file, wanted) in imports(text) {
                let there = exported.get(file.as_str());
                let there = there.unwrap_or_else(|| panic!("{name} imports {file}, which comes later"));
                for word in &wanted {
                    assert!(
                        there.contains(&word.as_str()),
                        "{name} imports {word}, which {file} does not export"
                    );
                    let uses = text.matches(word.as_str()).count();
                    assert!(uses > 1, "{name} imports {word} and does not use it");
                }
            }
            for line in text.lines() {
                for word in declared(line) {
                    assert!(names.insert(word), "{word} of {name} is declared in another module too");
                }
                if line.starts_with("export ") {
                    exported.entry(name).or_default().extend(declared(line));
                    assert!(!declared(line).is_empty(), "{name} exports in another form: {line}");
                }
            }
            exported.entry(name).or_default();
        }
        assert!(names.len() > 150, "declarations are found: {}", names.len());
        let script = SCRIPT.as_str();
        assert!(!script.contains("\nimport ") && !script.contains("\nexport "));
    }

    #[test]
    fn the_script_knows_the_texts_of_the_format() {
        for text in [
            include_str!("../../../../audit/src/bundle_readme.txt"),
            include_str!("../../../../audit/src/report_bundle/readme.txt"),
        ] {
            let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(SCRIPT.contains(&hash));
        }
        let first = include_str!("../../../../audit/src/report_bundle/readme.txt").lines().next().unwrap();
        assert!(SCRIPT.contains(first));
    }
}
