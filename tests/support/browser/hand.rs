//! What a person does on a page, by the words that stand there. All of it works in a page without scripts.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Browser, PATIENCE, wire::Element};

/// How often it is looked again.
const PAUSE: Duration = Duration::from_millis(20);

/// A text within an XPath.
fn quoted(text: &str) -> String {
    assert!(!text.contains('"'), "{text} can't be quoted");
    format!("\"{text}\"")
}

/// A field by its label.
fn field(label: &str) -> String {
    let is_field = "self::input or self::textarea or self::select";
    format!("//label[span[normalize-space()={}]]//*[{is_field}]", quoted(label))
}

impl Browser {
    /// The first element that an XPath finds, once it is there.
    async fn spot(&self, xpath: &str) -> Element<'_> {
        let began = Instant::now();
        loop {
            if let Some(found) = self.session.found("xpath", xpath).await.into_iter().next() {
                return found;
            }
            if began.elapsed() > PATIENCE {
                panic!("there is no {xpath} at {}:\n{}", self.url().await, self.text("body").await);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Clicks on what an XPath finds; again, if the page put another in its place in between.
    async fn hit(&self, xpath: &str) {
        let began = Instant::now();
        while let Err(error) = self.spot(xpath).await.click().await {
            assert!(began.elapsed() < PATIENCE, "clicking {xpath}: {}", error.0);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Follows a link of a part of the page, such as `main` or `nav`.
    pub async fn follow(&self, part: &str, words: &str) {
        self.hit(&format!("//{part}//a[normalize-space()={}]", quoted(words))).await;
    }

    /// Follows a link of the row that has these words.
    pub async fn follow_in_row(&self, row: &str, words: &str) {
        let (row, words) = (quoted(row), quoted(words));
        self.hit(&format!("//tr[contains(normalize-space(), {row})]//a[normalize-space()={words}]")).await;
    }

    /// Pushes a button.
    pub async fn push(&self, words: &str) {
        self.hit(&format!("//button[normalize-space()={}]", quoted(words))).await;
    }

    /// Ticks a box.
    pub async fn tick(&self, label: &str) {
        self.hit(&format!("//label[normalize-space()={}]/input", quoted(label))).await;
    }

    /// Types into a field in place of what stands there.
    pub async fn enter(&self, label: &str, text: &str) {
        let field = self.spot(&field(label)).await;
        field.clear().await.unwrap_or_else(|error| panic!("emptying {label}: {}", error.0));
        field.send_keys(text).await.unwrap_or_else(|error| panic!("filling {label}: {}", error.0));
    }

    /// Types a day, written as RFC 3339 has it, into a field for one.
    pub async fn enter_day(&self, label: &str, day: &str) {
        let (year, month_and_day) = day.split_once('-').unwrap();
        self.enter(label, &format!("{}{year}", month_and_day.replace('-', ""))).await;
    }

    /// Chooses one of a list.
    pub async fn choose(&self, label: &str, option: &str) {
        self.hit(&format!("{}/option[normalize-space()={}]", field(label), quoted(option))).await;
    }

    /// Waits until the page with this heading is there.
    pub async fn arrive(&self, heading: &str) {
        self.wait_for("main h1", |text| text == heading).await;
    }

    /// Waits until the address has this in it.
    pub async fn wait_for_address(&self, part: &str) {
        let began = Instant::now();
        while !self.url().await.contains(part) {
            assert!(began.elapsed() < PATIENCE, "{part} never comes into the address");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Loads the page again until a CSS selector finds something on it.
    pub async fn reload_for(&self, css: &str) {
        let began = Instant::now();
        while self.count(css).await == 0 {
            assert!(began.elapsed() < PATIENCE, "{css} never comes");
            tokio::time::sleep(PAUSE).await;
            self.session.post("/refresh", json!({})).await.unwrap();
        }
    }
}

/// The one file that is downloaded to a folder, once it is whole.
pub async fn downloaded(folder: &Path) -> PathBuf {
    let began = Instant::now();
    loop {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<PathBuf> = files.collect();
        // Until it is whole, there is one with a name of the browser's own.
        let is_whole = |path: &PathBuf| path.extension().is_some_and(|it| it != "crdownload");
        if let [file] = files.as_slice()
            && is_whole(file)
            && file.metadata().is_ok_and(|it| it.len() > 0)
        {
            return file.clone();
        }
        assert!(began.elapsed() < PATIENCE, "nothing was downloaded: {files:?}");
        tokio::time::sleep(PAUSE).await;
    }
}
