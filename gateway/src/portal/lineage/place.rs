//! Where the nodes of a graph are drawn: layers from left to right, what the centre was made from on its left.
//!
//! The two sides are laid out each for itself, from the centre outwards. So a node's layer is its longest way to
//! the centre, and what is handed to the layout has one source, no cycle and no edge over more than a layer.

use std::collections::{BTreeMap, BTreeSet};

use rust_sugiyama::{
    configure::{Config, RankingType},
    from_vertices_and_edges,
};

use super::graph::Graph;

/// The size of a node's box.
pub const WIDTH: f64 = 208.0;
/// Its height.
pub const HEIGHT: f64 = 44.0;
/// From a layer to the next.
const PITCH: f64 = WIDTH + 64.0;
/// Between the boxes of a layer.
const GAP: f64 = 16.0;
/// Room for an edge that passes by.
const PASSAGE: f64 = 12.0;
/// Around the whole.
const MARGIN: f64 = 12.0;
/// Nodes that are drawn.
pub const NODES_MAX: usize = 300;
/// Nodes, and places where edges pass a layer.
const POINTS_MAX: usize = 2_000;
/// Edges that are drawn.
const EDGES_MAX: usize = 1_500;

/// What is to be placed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For each node, whether it is drawn on the left; node 0 is the centre.
    is_left: Vec<bool>,
    edges: Vec<(usize, usize)>,
}

impl Plan {
    /// Of a graph, if it is not too large to be drawn.
    #[must_use]
    pub fn of(graph: &Graph<'_>) -> Option<Self> {
        let fits = graph.nodes.len() <= NODES_MAX && graph.edges.len() <= EDGES_MAX;
        fits.then(|| Self {
            is_left: graph.nodes.iter().map(|node| node.up.is_some()).collect(),
            edges: graph.edges.iter().map(|edge| (edge.from, edge.to)).collect(),
        })
    }
}

/// A point.
pub type Point = (f64, f64);

/// Where everything is.
#[derive(Debug)]
pub struct Placed {
    /// The middle of each node.
    pub nodes: Vec<Point>,
    /// Where an edge passes layers on its way.
    pub bends: BTreeMap<(usize, usize), Vec<Point>>,
    /// How wide the whole is.
    pub width: f64,
    /// How high.
    pub height: f64,
}

/// Places a graph; none where it is too tangled for that.
#[must_use]
pub fn place(plan: &Plan) -> Option<Placed> {
    let mut nodes = vec![(0.0, 0.0); plan.is_left.len()];
    let mut bends: BTreeMap<(usize, usize), Vec<Point>> = BTreeMap::new();
    for left in [true, false] {
        let side = Side::of(plan, left);
        let spots = side.spots()?;
        let x = |layer: usize| if left { -(layer as f64) * PITCH } else { layer as f64 * PITCH };
        for (point, y) in side.points.iter().zip(spots) {
            match *point {
                Spot::Node(node, layer) => nodes[node] = (x(layer), y),
                Spot::Bend(way, layer) => {
                    let (from, to) = if left { (way.1, way.0) } else { way };
                    bends.entry((from, to)).or_default().push((x(layer), y));
                }
            }
        }
    }
    // From left to right, as the edge goes.
    bends.values_mut().for_each(|points| points.sort_by(|a: &Point, b: &Point| a.0.total_cmp(&b.0)));
    let all = || nodes.iter().chain(bends.values().flatten());
    if !all().all(|(x, y)| x.is_finite() && y.is_finite()) {
        return None;
    }
    let least = |of: fn(&Point) -> f64| all().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&Point) -> f64| all().map(of).fold(f64::NEG_INFINITY, f64::max);
    let (left, right) = (least(|point| point.0), most(|point| point.0));
    let (top, bottom) = (least(|point| point.1), most(|point| point.1));
    let shift = (MARGIN + WIDTH / 2.0 - left, MARGIN + HEIGHT / 2.0 - top);
    let moved = |point: &mut Point| *point = (point.0 + shift.0, point.1 + shift.1);
    nodes.iter_mut().for_each(moved);
    bends.values_mut().flatten().for_each(moved);
    let (width, height) = (right - left + WIDTH + 2.0 * MARGIN, bottom - top + HEIGHT + 2.0 * MARGIN);
    Some(Placed { nodes, bends, width, height })
}

/// What stands in a layer.
#[derive(Clone, Copy, Debug)]
enum Spot {
    /// A node, and its layer.
    Node(usize, usize),
    /// A way, from the nearer node to the farther one, and a layer that it passes.
    Bend((usize, usize), usize),
}

impl Spot {
    fn layer(self) -> usize {
        match self {
            Self::Node(_, layer) | Self::Bend(_, layer) => layer,
        }
    }

    fn height(self) -> f64 {
        match self {
            Self::Node(..) => HEIGHT,
            Self::Bend(..) => PASSAGE,
        }
    }
}

/// One side of the centre.
struct Side {
    points: Vec<Spot>,
    /// Between points of neighbouring layers, from the centre outwards.
    steps: Vec<(usize, usize)>,
}

impl Side {
    fn of(plan: &Plan, left: bool) -> Self {
        let count = plan.is_left.len();
        let has = |node: usize| node == 0 || plan.is_left[node] == left;
        let mut ways: BTreeSet<(usize, usize)> = BTreeSet::new();
        for &(from, to) in &plan.edges {
            let (near, far) = if left { (to, from) } else { (from, to) };
            if near == far || far == 0 || !has(far) {
                continue;
            }
            if has(near) {
                ways.insert((near, far));
            } else if !left {
                // From the other side, in a circle: as if from the centre.
                ways.insert((0, far));
            }
        }
        let (ways, layers) = forward(count, &ways);
        let own = (0..count).filter(|node| has(*node));
        let mut points: Vec<Spot> = own.map(|node| Spot::Node(node, layers[node])).collect();
        let places: BTreeMap<usize, usize> = (0..)
            .zip(&points)
            .filter_map(|(place, point)| match point {
                Spot::Node(node, _) => Some((*node, place)),
                Spot::Bend(..) => None,
            })
            .collect();
        let mut steps = Vec::new();
        for (near, far) in ways {
            let mut last = places[&near];
            for layer in layers[near] + 1..layers[far] {
                points.push(Spot::Bend((near, far), layer));
                steps.push((last, points.len() - 1));
                last = points.len() - 1;
            }
            steps.push((last, places[&far]));
        }
        Self { points, steps }
    }

    /// How far up or down of the centre each point is.
    fn spots(&self) -> Option<Vec<f64>> {
        if self.points.len() <= 1 {
            return Some(vec![0.0; self.points.len()]);
        }
        if self.points.len() > POINTS_MAX {
            return None;
        }
        let number = |place: usize| u32::try_from(place).ok();
        // The layout is from top to bottom: height and width change places.
        let sized = |(place, point): (usize, &Spot)| Some((number(place)?, (point.height(), WIDTH)));
        let vertices: Vec<(u32, Point)> = self.points.iter().enumerate().map(sized).collect::<Option<_>>()?;
        let step = |(from, to): &(usize, usize)| Some((number(*from)?, number(*to)?));
        let steps: Vec<(u32, u32)> = self.steps.iter().map(step).collect::<Option<_>>()?;
        let config = Config { vertex_spacing: GAP, ranking_type: RankingType::Up, ..Config::default() };
        let mut spots = vec![f64::NAN; self.points.len()];
        for (layout, ..) in from_vertices_and_edges(&vertices, &steps, &config) {
            for (place, (across, _)) in layout {
                *spots.get_mut(place)? = across;
            }
        }
        self.part(&mut spots);
        let centre = spots[0];
        Some(spots.into_iter().map(|spot| spot - centre).collect())
    }

    /// Sees to it that nothing of a layer lies on another.
    fn part(&self, spots: &mut [f64]) {
        let mut layers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, point) in self.points.iter().enumerate() {
            layers.entry(point.layer()).or_default().push(place);
        }
        for mut layer in layers.into_values() {
            layer.sort_by(|a, b| spots[*a].total_cmp(&spots[*b]));
            for pair in layer.windows(2) {
                let [above, below] = [pair[0], pair[1]];
                let room = (self.points[above].height() + self.points[below].height()) / 2.0 + GAP / 2.0;
                spots[below] = spots[below].max(spots[above] + room);
            }
        }
    }
}

/// Ways without those that lead back in a circle, and each node's layer: its longest way from node 0.
fn forward(count: usize, ways: &BTreeSet<(usize, usize)>) -> (Vec<(usize, usize)>, Vec<usize>) {
    let mut next = vec![Vec::new(); count];
    let mut is_reached = vec![false; count];
    for &(from, to) in ways {
        next[from].push(to);
    }
    let (mut kept, mut done, mut is_open) = (Vec::new(), Vec::new(), vec![false; count]);
    // Each open node, and how many of its ways were followed.
    let mut open: Vec<(usize, usize)> = vec![(0, 0)];
    (is_reached[0], is_open[0]) = (true, true);
    while let Some((node, followed)) = open.last_mut() {
        let Some(&to) = next[*node].get(*followed) else {
            is_open[*node] = false;
            done.push(*node);
            open.pop();
            continue;
        };
        *followed += 1;
        if !is_open[to] {
            kept.push((*node, to));
        }
        if !is_reached[to] {
            (is_reached[to], is_open[to]) = (true, true);
            open.push((to, 0));
        }
    }
    let mut layers = vec![0; count];
    let mut after = vec![Vec::new(); count];
    for &(from, to) in &kept {
        after[from].push(to);
    }
    for &node in done.iter().rev() {
        for &to in &after[node] {
            layers[to] = layers[to].max(layers[node] + 1);
        }
    }
    (kept, layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(is_left: &[bool], edges: &[(usize, usize)]) -> Plan {
        Plan { is_left: is_left.to_vec(), edges: edges.to_vec() }
    }

    #[test]
    fn sources_are_on_the_left_and_nothing_lies_on_another() {
        // 1 and 2 into the centre, 3 into 1 and by a longer way over 2; 4, 5 and 6 of it.
        let edges = [(1, 0), (2, 0), (3, 1), (3, 2), (1, 2), (0, 4), (0, 5), (0, 6)];
        let placed = place(&plan(&[true, true, true, true, false, false, false], &edges)).unwrap();
        let x = |node: usize| placed.nodes[node].0;
        assert!(x(3) < x(1) && x(1) < x(2) && x(2) < x(0) && x(0) < x(4), "{placed:?}");
        assert!(placed.bends.contains_key(&(1, 0)) && placed.bends.contains_key(&(3, 2)), "{placed:?}");
        let mut column: Vec<f64> = [4, 5, 6].map(|node| placed.nodes[node].1).to_vec();
        column.sort_by(f64::total_cmp);
        assert!(column.windows(2).all(|pair| pair[1] - pair[0] >= HEIGHT), "{column:?}");
        let is_within = |(x, y): &Point| {
            (WIDTH / 2.0..placed.width).contains(x) && (HEIGHT / 2.0..placed.height).contains(y)
        };
        assert!(placed.nodes.iter().all(is_within), "{placed:?}");
    }

    #[test]
    fn circles_loops_and_a_node_alone_are_placed() {
        assert!(place(&plan(&[true], &[(0, 0)])).is_some());
        // What the centre made is read by what makes it; a job reads and writes one dataset.
        let circle =
            place(&plan(&[true, true, true, false], &[(0, 1), (1, 2), (2, 0), (2, 1), (1, 3), (3, 3)]));
        let places: BTreeSet<String> =
            circle.unwrap().nodes.iter().map(|point| format!("{point:?}")).collect();
        assert_eq!(places.len(), 4);
    }

    #[test]
    fn what_is_too_tangled_is_not_placed() {
        // A chain, each node of which leads to the centre, too.
        let chain = (1..NODES_MAX).flat_map(|node| [(node, node - 1), (node, 0)]);
        assert!(place(&plan(&[true; NODES_MAX], &chain.collect::<Vec<_>>())).is_none());
    }
}
