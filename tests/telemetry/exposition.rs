//! Prometheus' text format, read strictly.

use std::collections::BTreeMap;

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// Every sample, after each line was read; and the kinds of the families.
pub fn read(text: &str) -> (Vec<Sample>, BTreeMap<String, String>) {
    let (mut samples, mut kinds) = (Vec::new(), BTreeMap::new());
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, told) = help.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            assert!(is_name(name) && !told.is_empty(), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            assert!(is_name(name) && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kinds.insert(name.to_owned(), kind.to_owned()), None, "{name} stands twice");
        } else {
            let sample = sample(line).unwrap_or_else(|| panic!("no sample: {line}"));
            let family = kinds.keys().any(|name| {
                let part = sample.name.strip_prefix(name.as_str());
                part.is_some_and(|part| ["", "_bucket", "_sum", "_count"].contains(&part))
            });
            assert!(family, "its kind stands before a sample: {line}");
            samples.push(sample);
        }
    }
    (samples, kinds)
}

fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let (name, mut rest) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}')?),
        None => (series, ""),
    };
    let mut labels = BTreeMap::new();
    while !rest.is_empty() {
        let (label, quoted) = rest.split_once("=\"")?;
        let (value, after) = quoted.split_once('"')?;
        // None of ours needs escaping.
        if !is_name(label) || value.contains('\\') || labels.contains_key(label) {
            return None;
        }
        labels.insert(label.to_owned(), value.to_owned());
        rest = if after.is_empty() { after } else { after.strip_prefix(',')? };
    }
    is_name(name).then(|| Sample { name: name.to_owned(), labels, value })
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(letter) && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

#[test]
fn what_is_not_the_text_format_is_not_read() {
    for bad in [
        "a",
        "a b",
        "a{} x",
        "a{b=\"c\" 1",
        "a{b=c} 1",
        "a{b=\"c\"d=\"e\"} 1",
        "1a 1",
        "a{b=\"c\",b=\"d\"} 1",
    ] {
        assert_eq!(sample(bad), None, "{bad}");
    }
    let good = sample("a_b{c=\"GET /x/{id}\",d=\"2\"} 1.5").unwrap();
    assert_eq!((good.labels["c"].as_str(), good.labels["d"].as_str()), ("GET /x/{id}", "2"));
}
