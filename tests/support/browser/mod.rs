//! A real browser, Chromium, driven by its own driver. Each [`Browser`] is a session with a profile of its own;
//! the driver is shared by all tests of this process.

pub mod hand;
pub mod log;
mod wire;

use std::{
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::wire::{Element, Session};
use super::{programs, server::free_ports, watch::watch_over};

/// How long a test waits for what a page is to show.
const PATIENCE: Duration = Duration::from_secs(30);
/// The narrowest screen that a page must fit, and an ordinary one: CSS pixels.
pub const NARROW: u32 = 320;
pub const WIDE: u32 = 1280;
/// A page's height.
const HEIGHT: u32 = 900;

/// The driver's address.
fn driver() -> &'static str {
    static DRIVER: OnceLock<(String, Child)> = OnceLock::new();
    let (address, _) = DRIVER.get_or_init(|| {
        // The browser's profiles are made here, and go with the driver.
        let folder = TempDir::new().unwrap().keep();
        let port = free_ports();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .env("TMPDIR", &folder)
            // Days are typed as they are written there.
            .env("LANGUAGE", "en_US")
            .env("LC_ALL", "en_US.UTF-8")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: run `make test`, or `tests/install.sh` first");
        watch_over(process.id(), Some(&folder));
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "chromedriver does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        (format!("http://127.0.0.1:{port}"), process)
    });
    address
}

/// A browser with one page. Call [`Browser::close`] when done.
pub struct Browser {
    session: Session,
}

impl Browser {
    /// Opens one.
    pub async fn open() -> Self {
        let capabilities = json!({
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-extensions", "--disable-default-apps", format!("--window-size={WIDE},{HEIGHT}"),
                // What scrolls smoothly is not where it was when it is clicked.
                "--force-prefers-reduced-motion",
            ]},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let browser = Self { session: Session::begin(driver(), capabilities).await };
        browser.resize(WIDE).await;
        browser
    }

    /// Ends the session. A test that fails leaves it to the driver's end.
    pub async fn close(self) {
        self.session.end().await;
    }

    pub async fn go(&self, url: &str) {
        self.session.post("/url", json!({"url": url})).await.unwrap();
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        self.session.get("/url").await.unwrap().as_str().unwrap().to_owned()
    }

    pub async fn title(&self) -> String {
        self.session.get("/title").await.unwrap().as_str().unwrap().to_owned()
    }

    /// The first element that a CSS selector finds, once it is there.
    pub async fn find(&self, css: &str) -> Element<'_> {
        let began = Instant::now();
        loop {
            if let Some(found) = self.session.elements(css).await.into_iter().next() {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "there is no {css}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many there are now.
    pub async fn count(&self, css: &str) -> usize {
        self.session.elements(css).await.len()
    }

    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|error| panic!("clicking {css}: {}", error.0));
    }

    /// Empties a field and types into it; for a file's field, chooses the file.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        if field.attribute("type").await.unwrap().as_deref() != Some("file") {
            field.clear().await.unwrap();
        }
        field.send_keys(text).await.unwrap_or_else(|error| panic!("filling {css}: {}", error.0));
    }

    /// Types into whatever has the focus. `\u{e004}` is the tabulator, `\u{e007}` Enter: WebDriver's own code points.
    pub async fn press(&self, keys: &str) {
        let active = self.session.get("/element/active").await.unwrap();
        self.session.element(&active).send_keys(keys).await.unwrap();
    }

    /// What a person reads there.
    pub async fn text(&self, css: &str) -> String {
        let began = Instant::now();
        loop {
            match self.find(css).await.text().await {
                Ok(text) => return text,
                // The page put another in its place in between.
                Err(error) => assert!(began.elapsed() < PATIENCE, "reading {css}: {}", error.0),
            }
        }
    }

    /// Waits until the text there fulfils a condition; the text.
    pub async fn wait_for(&self, css: &str, holds: impl Fn(&str) -> bool) -> String {
        self.wait_longer(css, PATIENCE, holds).await
    }

    /// The same, with more patience.
    pub async fn wait_longer(&self, css: &str, patience: Duration, holds: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let text = self.text(css).await;
            if holds(&text) {
                return text;
            }
            assert!(began.elapsed() < patience, "{css} stays: {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it is at an address whose path begins so.
    pub async fn wait_for_path(&self, path: &str) {
        let began = Instant::now();
        loop {
            let url = self.url().await;
            let place = url.split_once("://").map_or("", |(_, place)| place);
            if place.find('/').is_some_and(|at| place[at..].starts_with(path)) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it stays at {url}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a script's text as a function's body in the page.
    pub async fn run(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.session.post("/execute/sync", body).await.unwrap_or_else(|error| panic!("{script}: {}", error.0))
    }

    /// The same, of a script that calls its last argument with what it comes to.
    pub async fn run_async(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.session
            .post("/execute/async", body)
            .await
            .unwrap_or_else(|error| panic!("{script}: {}", error.0))
    }

    /// Writes what is seen to a file.
    pub async fn screenshot(&self, file: &Path) {
        let picture = self.session.get("/screenshot").await.unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// Makes the page so many CSS pixels wide, as on such a screen.
    pub async fn resize(&self, width: u32) {
        let screen = json!({"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// Whether the person wants things dark.
    pub async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Whether pages may run scripts; holds from the next page on.
    pub async fn scripts(&self, on: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !on})).await;
    }

    /// Cuts the network.
    pub async fn offline(&self) {
        self.devtools("Network.enable", json!({})).await;
        let none = json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0});
        self.devtools("Network.emulateNetworkConditions", none).await;
    }

    /// Lets downloads go to a folder.
    pub async fn download_to(&self, folder: &Path) {
        let allow = json!({"behavior": "allow", "downloadPath": folder});
        self.devtools("Browser.setDownloadBehavior", allow).await;
    }

    /// A command of Chromium's own protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.session.post("/goog/cdp/execute", body).await.unwrap()
    }

    /// What axe-core finds on the page, a line each; nothing is good. Rules of WCAG 2.2 AA and best practice.
    pub async fn axe(&self) -> Vec<String> {
        self.axe_of("{}").await
    }

    /// The same by some of its rules, which its options name.
    async fn axe_of(&self, options: &str) -> Vec<String> {
        static AXE: OnceLock<String> = OnceLock::new();
        let axe = AXE.get_or_init(|| programs::node_file("axe-core/axe.min.js"));
        if self.run("return window.axe === undefined").await == true {
            self.run(axe).await;
        }
        let script = format!(
            "const done = arguments[arguments.length - 1];
            axe.run(document, {{resultTypes: ['violations'], ...{options}}}).then(
                (found) => done(found.violations.flatMap((rule) => rule.nodes.map(
                    (node) => `${{rule.id}}: ${{node.target.join(' ')}}: ${{node.failureSummary}}`))),
                (error) => done([`axe failed: ${{error}}`]));"
        );
        let found = self.run_async(&script).await;
        let lines = found.as_array().unwrap().iter();
        lines.map(|line| line.as_str().unwrap().to_owned()).collect()
    }

    /// Whether nothing has to be scrolled sideways but what scrolls by itself: the page's width is the screen's.
    pub async fn fits(&self) -> bool {
        self.run("return document.documentElement.scrollWidth <= window.innerWidth").await
            == Value::Bool(true)
    }

    /// What keeps somebody from using the page, in either colour and width, by axe-core; and where it doesn't fit.
    pub async fn access(&self) -> Vec<String> {
        let mut found = Vec::new();
        for dark in [false, true] {
            self.dark(dark).await;
            for width in [NARROW, WIDE] {
                self.resize(width).await;
                let here = format!("dark: {dark}, {width} px");
                // In the dark nothing is other than colours.
                let options = if dark { "{runOnly: ['color-contrast', 'link-in-text-block']}" } else { "{}" };
                found.extend(self.axe_of(options).await.into_iter().map(|it| format!("{here}: {it}")));
                if !self.fits().await {
                    found.push(format!("{here}: it is wider than the screen"));
                }
            }
        }
        found
    }

    /// Holds the page against [`access`](Self::access).
    pub async fn check_access(&self) {
        let found = self.access().await;
        assert!(found.is_empty(), "{}:\n{}", self.url().await, found.join("\n"));
    }
}
