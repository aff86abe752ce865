//! The image: built from this tree with its lock file, and nothing in it but the two programs. It is read
//! here, not built.

use super::{file, only, read, rendered};

/// The instructions of the Containerfile: a word and what follows it.
fn instructions() -> Vec<(String, String)> {
    let text = read("helm/Containerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// What stands after a word, each time.
fn all(instructions: &[(String, String)], word: &str) -> Vec<String> {
    instructions.iter().filter(|(found, _)| found == word).map(|(_, rest)| rest.clone()).collect()
}

/// The instructions of the last stage, which is what runs.
fn last_stage() -> Vec<(String, String)> {
    let all = instructions();
    let from = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    all[from..].to_vec()
}

#[test]
fn nothing_but_crates_is_fetched() {
    let instructions = instructions();
    assert!(all(&instructions, "ADD").is_empty(), "ADD fetches and unpacks");
    assert_eq!(all(&instructions, "RUN"), ["cargo build --locked --profile dist --bins"]);
    assert!(read("Cargo.toml").contains("[profile.dist]"));
    assert!(all(&last_stage(), "RUN").is_empty(), "there is no shell to run anything");
}

#[test]
fn it_is_built_with_the_compiler_that_the_project_names() {
    let images = all(&instructions(), "ARG");
    let manifest = read("Cargo.toml");
    let version = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(images.iter().any(|image| image.contains(&format!("/rust:{version}-trixie"))), "{images:?}");
    // The C library that it is linked with is the one that it runs on.
    assert!(images.iter().any(|image| image.contains("cc-debian13:nonroot")), "{images:?}");
    assert!(images.iter().all(|image| !image.contains(":latest")), "{images:?}");
}

#[test]
fn everything_that_the_build_reads_is_copied() {
    let copied = all(&instructions(), "COPY").join(" ");
    for name in ["Cargo.toml", "Cargo.lock", "audit", "gateway", "migrations", "tests"] {
        assert!(copied.split(' ').any(|word| word == name), "{name} is not copied");
    }
    for word in copied.split(' ').filter(|word| !word.starts_with(['/', '-', '.'])) {
        assert!(file(word).exists(), "{word} is copied, and is not there");
    }
}

#[test]
fn it_runs_the_service_as_nobody_in_particular() {
    let stage = last_stage();
    let [user] = &all(&stage, "USER")[..] else { panic!("{stage:?}") };
    let ids: Vec<u32> = user.split(':').map(|id| id.parse().expect("a number")).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| *id > 0), "{user}");
    let manifests = rendered("least");
    let context = &only(&manifests, "Deployment")["spec"]["template"]["spec"]["securityContext"];
    assert_eq!(context["runAsUser"], ids[0], "the chart names the same user");
    assert_eq!(all(&stage, "ENTRYPOINT"), ["[\"/usr/local/bin/veritrail\"]"]);
    assert_eq!(all(&stage, "CMD"), ["[\"serve\"]"]);
}

#[test]
fn both_programs_are_in_it() {
    let copied = all(&last_stage(), "COPY").join(" ");
    for program in ["veritrail", "veritrail-verify"] {
        let path = format!("/src/target/dist/{program}");
        assert!(copied.split(' ').any(|word| word == path), "{program}: {copied}");
    }
}
