//! The shape of the code: which module may use which, and what stands nowhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const FILE_LINES_MAX: usize = 600;

/// What puts the service together, and so may use all of it.
const ASSEMBLY: &[&str] = &["cli", "lib", "main", "openapi", "router", "server", "service"];

/// The arrows of `gateway/src/lib.rs`: a module, and what it may use of ours. `world` (time and
/// randomness) and `keys` (secrets) are beneath all but the pure ones.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "api",
        &[
            "access",
            "directory",
            "domain",
            "error",
            "export",
            "intake",
            "keys",
            "ledger",
            "lineage",
            "packed",
            "receiving",
            "reporting",
            "reports",
            "status",
            "store",
            "webhooks",
            "world",
        ],
    ),
    ("receiving", &["domain", "intake", "ledger", "lineage", "store", "world"]),
    ("portal", &["access", "domain", "error", "packed", "world"]),
    ("access", &["domain", "error", "keys", "ledger", "shared", "store", "world"]),
    ("directory", &["domain", "ledger", "store", "world"]),
    ("export", &["domain", "keys", "ledger", "lineage", "store", "world"]),
    ("webhooks", &["config", "domain", "keys", "ledger", "store", "world"]),
    ("status", &["domain", "ledger", "shared", "store", "webhooks", "world"]),
    ("ledger", &["domain", "intake", "keys", "store", "world"]),
    ("lineage", &["domain", "ledger", "store"]),
    ("reporting", &["config", "domain", "keys", "ledger", "lineage", "reports", "store", "world"]),
    ("reports", &["domain"]),
    ("error", &["domain", "ledger", "store"]),
    ("store", &["domain"]),
    ("shared", &["config", "domain", "world"]),
    ("demo", &["domain", "intake"]),
    ("intake", &["domain"]),
    ("keys", &["config", "world"]),
    ("telemetry", &["config", "world"]),
    ("tls", &["config"]),
    ("config", &["domain"]),
    ("domain", &[]),
    ("packed", &[]),
    ("world", &[]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every source file of the repository, by its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["audit", "gateway", "tests"].map(|name| root().join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 100, "only {} files were found", found.len());
    found.sort();
    found
}

/// The code without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| match line.trim_start().starts_with("//") {
        true => "",
        false => line.split(" // ").next().unwrap(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The gateway's module of a file: the first folder or file below `src`.
fn module(name: &str) -> Option<&str> {
    let inside = name.strip_prefix("gateway/src/")?;
    Some(inside.split('/').next().unwrap().trim_end_matches(".rs"))
}

/// The modules that code names by `crate::…`, in a `use` or anywhere else.
fn named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        let text = text.trim_start();
        text.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
    };
    let mut named = BTreeSet::new();
    for (place, _) in code.match_indices("crate::") {
        let before = code[..place].chars().next_back();
        if before.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            continue;
        }
        let after = &code[place + "crate::".len()..];
        let Some(group) = after.strip_prefix('{') else {
            named.insert(word(after));
            continue;
        };
        let mut depth = 1;
        named.insert(word(group));
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    named.insert(word(&group[at + 1..]));
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    named.remove("");
    named
}

/// Which module of the gateway names which.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in sources() {
        if let Some(module) = module(&name) {
            uses.entry(module.to_owned()).or_default().extend(named(&code(&text)));
        }
    }
    for (module, named) in &mut uses {
        named.remove(module);
    }
    // What is not a module is an item of the crate's root.
    let modules: BTreeSet<String> = uses.keys().cloned().collect();
    uses.values_mut().for_each(|named| named.retain(|name| modules.contains(name)));
    uses
}

#[test]
fn names_are_read_from_paths_and_groups() {
    let text = "use crate::{\n a::{b, c},\n d,\n};\nfn f() { crate::e::g(); mycrate::h() }";
    assert_eq!(named(text), ["a", "d", "e"].map(ToOwned::to_owned).into());
}

#[test]
fn the_arrows_between_modules_hold() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (module, named) in uses() {
        if ASSEMBLY.contains(&module.as_str()) {
            continue;
        }
        let allowed =
            arrows.get(module.as_str()).unwrap_or_else(|| panic!("say in ARROWS what {module} may use"));
        for name in named {
            assert!(
                allowed.contains(&name.as_str()),
                "{module} uses {name}, against the map in gateway/src/lib.rs"
            );
        }
    }
}

#[test]
fn nothing_but_what_puts_the_service_together_uses_the_api() {
    for (module, named) in uses() {
        assert!(!named.contains("api") || ASSEMBLY.contains(&module.as_str()), "{module} uses api");
    }
}

#[test]
fn modules_do_not_go_in_circles() {
    let mut left = uses();
    loop {
        let free: Vec<String> =
            left.iter().filter(|(_, named)| named.is_empty()).map(|(name, _)| name.clone()).collect();
        if free.is_empty() {
            break;
        }
        for name in free {
            left.remove(&name);
            for named in left.values_mut() {
                named.remove(&name);
            }
        }
    }
    assert!(left.is_empty(), "these go in circles, or lead into one: {left:#?}");
}

#[test]
fn a_tenant_is_vouched_for_only_where_somebody_was_authenticated_or_the_service_acts() {
    let mut places = 0;
    for (name, text) in sources() {
        let Some(module) = module(&name) else { continue };
        if code(&text).contains("Tenant::vouched") {
            let may = ["access", "ledger", "export", "reporting", "service", "cli"].contains(&module);
            assert!(may, "{name} makes a Tenant without a permit");
            places += 1;
        }
    }
    assert!(places > 5, "the rule is looked for under the right name");
}

#[test]
fn no_file_is_longer_than_one_can_hold_in_mind() {
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= FILE_LINES_MAX, "{name} has {lines} lines, and {FILE_LINES_MAX} are the most");
    }
}

#[test]
fn nothing_is_left_undone_skipped_or_silenced() {
    // In parts, so that this file does not find itself.
    let banned =
        [("to", "do!("), ("unimple", "mented!("), ("#[igno", "re"), ("#[all", "ow("), ("#![all", "ow(")];
    for (name, text) in sources() {
        for (first, rest) in banned {
            let word = format!("{first}{rest}");
            assert!(!code(&text).contains(&word), "{name} has {word}");
        }
    }
}
