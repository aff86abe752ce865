//! The drawing of a graph, as SVG: in a page, where style sheets colour it and each node leads on; and as a file,
//! which carries its colours.

use std::{collections::BTreeSet, fmt::Write as _};

use maud::{Markup, html};

use super::{
    graph::{Graph, Node},
    place::{HEIGHT, Placed, Point, WIDTH},
};

/// Letters of a name in a box; a wide one counts twice.
const NAME_MAX: usize = 25;
/// Letters of the line below.
const KIND_MAX: usize = 31;
/// How far an arrow's head stands off.
const HEAD: f64 = 9.0;
const INK: &str = "#18222d";
const SOFT: &str = "#55616f";
const LINK: &str = "#0b5563";

/// A graph to be drawn.
pub struct Drawing<'a> {
    /// The graph.
    pub graph: &'a Graph<'a>,
    /// Where its nodes are.
    pub placed: &'a Placed,
    /// The edges along which columns are told.
    pub told: &'a BTreeSet<(usize, usize)>,
}

impl Drawing<'_> {
    /// In a page; `link` says where a node leads.
    #[must_use]
    pub fn page(&self, link: impl Fn(&str) -> String) -> Markup {
        // A group and no image: what leads on within an image is not heard of.
        html! {
            svg.lineage text-anchor="middle" role="group" aria-labelledby="lineage-title" aria-describedby="lineage-desc"
                width=(round(self.placed.width)) height=(round(self.placed.height)) viewBox=(self.view_box()) {
                title #lineage-title { (self.title()) }
                desc #lineage-desc { (self.description()) }
                defs { marker #lineage-head viewBox="0 0 8 8" refX="0" refY="4" markerWidth="9" markerHeight="9"
                    markerUnits="userSpaceOnUse" orient="auto" { path.head d="M0 0L8 4L0 8z" {} } }
                // What all of them have is said once: a graph may have a thousand edges.
                g marker-end="url(#lineage-head)" {
                    @for (edge, way) in self.ways() {
                        path class=(if self.told.contains(&edge) { "flow told" } else { "flow" }) d=(way) {}
                    }
                }
                @for (number, node) in self.graph.nodes.iter().enumerate() {
                    g class=(class(number, node)) transform=(self.at(number)) {
                        a href=(link(node.id)) { (boxed(number, node, false)) }
                    }
                }
            }
        }
    }

    /// As a file of its own.
    #[must_use]
    pub fn file(&self) -> Markup {
        html! {
            svg xmlns="http://www.w3.org/2000/svg" text-anchor="middle" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif"
                width=(round(self.placed.width)) height=(round(self.placed.height)) viewBox=(self.view_box()) {
                title #title { (self.title()) }
                desc #desc { (self.description()) }
                defs { marker #head viewBox="0 0 8 8" refX="0" refY="4" markerWidth="9" markerHeight="9"
                    markerUnits="userSpaceOnUse" orient="auto" { path d="M0 0L8 4L0 8z" fill=(SOFT) {} } }
                rect width="100%" height="100%" fill="#ffffff" {}
                g fill="none" marker-end="url(#head)" {
                    @for (edge, way) in self.ways() {
                        @let is_told = self.told.contains(&edge);
                        path d=(way) stroke=(if is_told { LINK } else { SOFT })
                            stroke-width=(if is_told { "2.5" } else { "1.25" }) {}
                    }
                }
                @for (number, node) in self.graph.nodes.iter().enumerate() {
                    g transform=(self.at(number)) { (boxed(number, node, true)) }
                }
            }
        }
    }

    fn title(&self) -> String {
        let centre = &self.graph.nodes[0];
        clean(&format!("Lineage of the {} {} in {}", kind(centre), centre.name, centre.namespace))
    }

    fn description(&self) -> String {
        let jobs = self.graph.nodes.iter().filter(|node| node.is_job).count();
        let datasets = self.graph.nodes.len() - jobs;
        format!(
            "{datasets} datasets and {jobs} jobs. Data flows from left to right. Datasets are rectangles, jobs are rounded. The list says the same."
        )
    }

    fn view_box(&self) -> String {
        format!("0 0 {} {}", round(self.placed.width), round(self.placed.height))
    }

    /// Where a node's box begins.
    fn at(&self, number: usize) -> String {
        let (x, y) = self.placed.nodes[number];
        format!("translate({} {})", round(x - WIDTH / 2.0), round(y - HEIGHT / 2.0))
    }

    /// Each edge, and how it is drawn; those from a node to itself are not.
    fn ways(&self) -> impl Iterator<Item = ((usize, usize), String)> {
        self.graph.edges.iter().map(|edge| (edge.from, edge.to)).filter(|(from, to)| from != to).map(|edge| {
            let bends = self.placed.bends.get(&edge).map_or(&[][..], Vec::as_slice);
            (edge, way(self.placed.nodes[edge.0], bends, self.placed.nodes[edge.1]))
        })
    }
}

/// A line from the right of a box to the left of another, by way of its bends.
fn way(from: Point, bends: &[Point], to: Point) -> String {
    let mut at = (from.0 + WIDTH / 2.0, from.1);
    let mut line = format!("M{} {}", round(at.0), round(at.1));
    let ends = bends.iter().map(|bend| (*bend, WIDTH / 2.0, true)).chain([(to, WIDTH / 2.0 + HEAD, false)]);
    for ((x, y), before, passes) in ends {
        let next = (x - before, y);
        let reach = ((next.0 - at.0) / 2.0).abs().clamp(24.0, 96.0);
        // Writing to a string does not fail.
        let _ = write!(
            line,
            "C{} {} {} {} {} {}",
            round(at.0 + reach),
            round(at.1),
            round(next.0 - reach),
            round(y),
            round(next.0),
            round(y),
        );
        at = next;
        if passes {
            at.0 = x + WIDTH / 2.0;
            let _ = write!(line, "H{}", round(at.0));
        }
    }
    line
}

/// What is within a node's box. A file's boxes carry their colours.
fn boxed(number: usize, node: &Node<'_>, carries: bool) -> Markup {
    let radius = if node.is_job { HEIGHT / 2.0 } else { 0.0 };
    let below = if node.is_job { "Job" } else { "Dataset" };
    let fill = if node.is_job { "#f2f0ea" } else { "#ffffff" };
    let (stroke, width) = if number == 0 { (LINK, "3") } else { (INK, "1") };
    let middle = round(WIDTH / 2.0);
    html! {
        title { (clean(&format!("{} {} in {}", below, node.name, node.namespace))) }
        rect width=(round(WIDTH)) height=(round(HEIGHT)) rx=(round(radius)) fill=[carries.then_some(fill)]
            stroke=[carries.then_some(stroke)] stroke-width=[carries.then_some(width)] {}
        text x=(middle) y="19" font-size=[carries.then_some("13")]
            fill=[carries.then_some(INK)] { (cut(node.name, NAME_MAX)) }
        text class=[(!carries).then_some("kind")] x=(middle) y="35" font-size=[carries.then_some("11")]
            fill=[carries.then_some(SOFT)] { (cut(&format!("{below} · {}", node.namespace), KIND_MAX)) }
    }
}

fn class(number: usize, node: &Node<'_>) -> &'static str {
    match (number, node.is_job) {
        (0, true) => "job centre",
        (0, false) => "dataset centre",
        (_, true) => "job",
        (_, false) => "dataset",
    }
}

/// What a node is, in a word.
#[must_use]
pub fn kind(node: &Node<'_>) -> &'static str {
    if node.is_job { "job" } else { "dataset" }
}

/// A text without its middle where it is too long.
fn cut(text: &str, most: usize) -> String {
    let text = clean(text);
    if text.chars().map(width).sum::<usize>() <= most {
        return text;
    }
    let tail = (most - 1) / 2;
    let head: String = taken(text.chars(), most - 1 - tail).into_iter().collect();
    let tail: String = taken(text.chars().rev(), tail).into_iter().rev().collect();
    format!("{head}…{tail}")
}

/// As many letters as there is room for.
fn taken(letters: impl Iterator<Item = char>, room: usize) -> Vec<char> {
    let mut used = 0;
    letters
        .take_while(|letter| {
            used += width(*letter);
            used <= room
        })
        .collect()
}

/// How wide a letter is, about.
fn width(letter: char) -> usize {
    if u32::from(letter) < 0x1100 { 1 } else { 2 }
}

/// Without what XML can't hold (XML 1.0, production 2).
fn clean(text: &str) -> String {
    let holds = |letter: char| {
        matches!(letter, '\t' | '\n' | '\r') || (letter >= ' ' && !matches!(letter, '\u{fffe}' | '\u{ffff}'))
    };
    text.chars().map(|letter| if holds(letter) { letter } else { '\u{fffd}' }).collect()
}

/// To a whole pixel; without a minus at nought.
fn round(number: f64) -> String {
    format!("{:.0}", number.round() + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_two_ends() {
        assert_eq!(cut("settlement.daily", 16), "settlement.daily");
        assert_eq!(cut("settlement.daily.2026", 11), "settl….2026");
        assert_eq!(cut("日本日本日本", 9), "日本…日本");
        assert_eq!(clean("a\u{1}b"), "a\u{fffd}b");
    }

    #[test]
    fn an_edge_goes_from_box_to_box_by_its_bends() {
        let straight = way((0.0, 0.0), &[], (400.0, 10.0));
        assert_eq!(straight, "M104 0C196 0 196 10 287 10");
        assert!(way((0.0, 0.0), &[(300.0, 50.0)], (600.0, 0.0)).contains("H404"));
    }
}
