//! One script out of modules, with no bundler: each module is written so that its text holds when imports and the
//! word `export` are taken away, and it stands behind those that it imports. So a page loads a file and not six.

use std::fmt::Write as _;

/// A module: its name, which is its path, and its text.
pub type Module = (&'static str, &'static str);

/// A module behind all that it imports, out of `modules`. It exports what it does alone.
#[must_use]
pub fn joined(name: &str, modules: &[Module]) -> String {
    let mut script = String::new();
    let mut done = Vec::new();
    let Some((name, text)) = modules.iter().find(|(known, _)| *known == name) else { return script };
    for file in imported(name, text) {
        put(&file, modules, &mut done, &mut script);
    }
    // Writing to a string does not fail.
    let _ = write!(script, "\n// {name}\n");
    for line in own_lines(text) {
        script += line;
        script.push('\n');
    }
    script
}

/// Puts a module into a script, if it is not there yet, and before it what it imports.
fn put(name: &str, modules: &[Module], done: &mut Vec<String>, script: &mut String) {
    let Some((_, text)) = modules.iter().find(|(known, _)| *known == name) else { return };
    if done.iter().any(|known| known == name) {
        return;
    }
    done.push(name.to_owned());
    for file in imported(name, text) {
        put(&file, modules, done, script);
    }
    let _ = write!(script, "\n// {name}\n{}", joinable(text));
}

/// A module's text without its imports, which end with the line that names a file, and without `export`.
#[must_use]
pub fn joinable(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for line in own_lines(text) {
        joined += line.strip_prefix("export ").unwrap_or(line);
        joined.push('\n');
    }
    joined
}

/// A module's lines without its imports.
fn own_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut importing = false;
    text.lines().filter(move |line| {
        importing |= line.starts_with("import ");
        let is_own = !importing;
        importing &= !line.ends_with("\";");
        is_own
    })
}

/// The modules that a module imports, by their names.
fn imported(name: &str, text: &str) -> Vec<String> {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    let mut importing = false;
    for line in text.lines() {
        importing |= line.starts_with("import ");
        if importing && let Some((_, file)) = line.trim_end_matches("\";").rsplit_once("from \"./") {
            found.push(if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") });
        }
        importing &= !line.ends_with("\";");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULES: &[Module] = &[
        (
            "a.js",
            "import { b } from \"./in/b.js\";\nimport {\n  c,\n} from \"./in/c.js\";\nexport const a = b + c;",
        ),
        ("in/b.js", "import { c } from \"./c.js\";\nexport function b() {\n  return c;\n}"),
        ("in/c.js", "export const c = 1;"),
    ];

    #[test]
    fn each_module_stands_once_behind_what_it_imports() {
        let script = joined("a.js", MODULES);
        let wanted = "\n// in/c.js\nconst c = 1;\n\n// in/b.js\nfunction b() {\n  return c;\n}\n\
                      \n// a.js\nexport const a = b + c;\n";
        assert_eq!(script, wanted);
        assert_eq!(joined("in/c.js", MODULES), "\n// in/c.js\nexport const c = 1;\n");
    }
}
