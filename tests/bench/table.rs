//! What was measured, as a table for people and as JSON for machines.

use std::path::PathBuf;

use serde::Serialize;

/// Whether a ratio has to be at least or at most its target.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Told beside the others, and held to nothing.
    None,
}

/// One figure beside what it is measured against.
#[derive(Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What was measured, in `unit`.
    pub ours: f64,
    /// What it is held against, measured in the same run.
    pub floor: f64,
    pub unit: &'static str,
    /// What the floor is.
    pub against: String,
    /// `ours / floor`.
    pub ratio: f64,
    pub target: Target,
    pub met: Option<bool>,
    /// What makes a commit durable, where something is committed.
    pub durability: &'static str,
}

/// The setting under which every commit is made here.
pub const SQLITE_FULL: &str = "SQLite, WAL, synchronous=FULL";
/// The same on PostgreSQL.
pub const POSTGRES_ON: &str = "PostgreSQL, fsync=on, synchronous_commit=on";
/// Nothing is committed.
pub const NOTHING: &str = "nothing is written";

impl Row {
    pub fn new(what: impl Into<String>, ours: f64, floor: f64, unit: &'static str) -> Self {
        let (against, ratio, target) = (String::new(), ours / floor, Target::None);
        Self { what: what.into(), ours, floor, unit, against, ratio, target, met: None, durability: NOTHING }
    }

    pub fn against(mut self, against: impl Into<String>) -> Self {
        self.against = against.into();
        self
    }

    pub fn durable(mut self, durability: &'static str) -> Self {
        self.durability = durability;
        self
    }

    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self.met = match target {
            Target::AtLeast(least) => Some(self.ratio >= least),
            Target::AtMost(most) => Some(self.ratio <= most),
            Target::None => None,
        };
        self
    }

    pub fn print(&self) {
        let target = match self.target {
            Target::AtLeast(least) => format!(">= {least}"),
            Target::AtMost(most) => format!("<= {most}"),
            Target::None => String::new(),
        };
        let met = self.met.map_or("", |met| if met { "met" } else { "MISSED" });
        println!(
            "{:<62} {:>11} {:>11} {:<13} {:>7.3} {target:>7} {met:<6}  {} [{}]",
            self.what,
            short(self.ours),
            short(self.floor),
            self.unit,
            self.ratio,
            self.against,
            self.durability
        );
    }
}

pub fn heading() {
    println!(
        "{:<62} {:>11} {:>11} {:<13} {:>7} {:>7} {:<6}  measured against [durability]",
        "what", "ours", "floor", "unit", "ratio", "target", ""
    );
}

fn short(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// Writes all rows where `VERITRAIL_BENCH_JSON` says, or into the workspace's root.
pub fn save(rows: &[Row]) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../bench.json");
    let path = std::env::var_os("VERITRAIL_BENCH_JSON").map_or(root, PathBuf::from);
    std::fs::write(&path, serde_json::to_vec_pretty(rows).unwrap()).unwrap();
    println!("written to {}", path.display());
}
