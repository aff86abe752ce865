//! Schedules are held against the limiter itself, whose clock is moved.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use governor::clock::FakeRelativeClock;
use proptest::prelude::*;

use super::{
    Limits, Rate,
    schedule::{Bound, Impossible, Schedule, Work, schedule},
};
use crate::{
    domain::{Actor, ClientId, InstitutionId},
    store::plans::Plan,
};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PLAN: &str = "p";

fn institution() -> InstitutionId {
    InstitutionId::from_parts(1, [1; 10])
}

fn client(n: u8) -> Actor {
    Actor::Client(ClientId::from_parts(1, [n; 10]))
}

/// The limiter, and what is planned for it.
struct Scene {
    clock: FakeRelativeClock,
    now_s: f64,
    limits: Limits<FakeRelativeClock>,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    /// With rates and bursts of an address, an institution and a client.
    fn new([address, institution, client]: [(u32, u32); 3]) -> Self {
        let plan = Plan {
            name: PLAN.to_owned(),
            client_per_second: client.0,
            client_burst: client.1,
            institution_per_second: institution.0,
            institution_burst: institution.1,
        };
        let clock = FakeRelativeClock::default();
        let limits = Limits::timed(clock.clone(), Rate::new(address.0, address.1), &[plan], None);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { clock, now_s: 0.0, limits, runtime }
    }

    fn until(&mut self, at_s: f64) {
        if at_s > self.now_s {
            self.clock.advance(Duration::from_secs_f64(at_s - self.now_s));
            self.now_s = at_s;
        }
    }

    /// As the gate and a permit do.
    fn send(&self, who: u8, cost: u32) -> bool {
        let caller = || self.limits.caller(PLAN, institution(), client(who), cost);
        self.limits.address(ADDRESS).is_ok() && (cost == 0 || self.runtime.block_on(caller()).is_ok())
    }

    fn bounds(&self, others: f64, asked: &[(u32, u32)]) -> [Bound; 3] {
        let levels = self.limits.levels(ADDRESS, PLAN, institution(), client(1)).unwrap();
        let dearest = asked.iter().map(|(_, cost)| *cost).max().unwrap_or(1);
        let of = |d: usize| {
            let dearest = dearest.min(levels[d].rate.burst.get()).max(1);
            Bound::of(
                &levels[d],
                if d == 2 { 0.0 } else { others },
                if d == 0 { 1.0 } else { dearest.into() },
            )
        };
        std::array::from_fn(|d| of(d).unwrap())
    }

    /// Counts and costs as works: a cost above a burst takes the whole burst.
    fn works(&self, asked: &[(u32, u32)]) -> Vec<Work<3>> {
        let levels = self.limits.levels(ADDRESS, PLAN, institution(), client(1)).unwrap();
        let cost = |d: usize, cost: u32| f64::from(cost.min(levels[d].rate.burst.get()));
        let work =
            |&(count, units): &(u32, u32)| Work { count, costs: [1.0, cost(1, units), cost(2, units)] };
        asked.iter().map(work).collect()
    }

    /// Sends all of it, each request as late as `late` says; how many were refused.
    fn refused(&mut self, made: &Schedule, asked: &[(u32, u32)], mut late: impl FnMut() -> f64) -> usize {
        let mut all = Vec::new();
        for step in &made.steps {
            for k in 0..step.count {
                let at_s = step.at_s + f64::from(k) * step.every_s;
                all.push((at_s + late(), asked[step.work].1));
            }
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let start_s = self.now_s;
        let refused = all.iter().filter(|(at_s, cost)| {
            self.until(start_s + at_s);
            !self.send(1, *cost)
        });
        refused.count()
    }
}

/// No schedule is quicker: in seconds.
fn fastest(bounds: &[Bound; 3], works: &[Work<3>]) -> f64 {
    let one = |d: usize| {
        let total: f64 = works.iter().map(|work| f64::from(work.count) * work.costs[d]).sum();
        (total - bounds[d].left) * bounds[d].unit_s
    };
    (0..3).map(one).fold(0.0, f64::max)
}

fn limit() -> impl Strategy<Value = (u32, u32)> {
    prop_oneof![(1_u32..2_000, 1_u32..4_000), (1_u32..30, 1_u32..40), (50_u32..400, 100_u32..800)]
}

fn asked() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec((1_u32..400, prop_oneof![Just(0_u32), Just(1), Just(5), Just(20), 1_u32..60]), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_schedule_meets_no_refusal_and_is_within_5_percent_of_the_fastest(
        rates in [limit(), limit(), limit()],
        before in prop::collection::vec((0_u32..30, 0_u64..300), 0..60),
        asked in asked(),
        late_s in prop_oneof![Just(0.0), 0.0..0.5],
        lates in prop::collection::vec(0.0..=1.0, 1..50),
    ) {
        let mut scene = Scene::new(rates);
        for (cost, wait_ms) in before {
            scene.send(1, cost);
            scene.until(scene.now_s + wait_ms as f64 / 1e3);
        }
        let (bounds, works) = (scene.bounds(0.0, &asked), scene.works(&asked));
        let made = schedule(bounds, &works, late_s).unwrap();
        let planned: u32 = made.steps.iter().map(|step| step.count).sum();
        prop_assert_eq!(planned, works.iter().map(|work| work.count).sum::<u32>());
        prop_assert!(made.steps.len() <= 4 * works.len());

        let one_of_each = |d: usize| works.iter().map(|work| work.costs[d]).sum::<f64>();
        let side_by_side = (0..3).all(|d| {
            bounds[d].burst - one_of_each(d) - (late_s + 1e-3) / bounds[d].unit_s >= 0.0
        });
        let ahead_s = (0..3).map(|d| one_of_each(d) * bounds[d].unit_s).fold(0.0, f64::max);
        let most_s = fastest(&bounds, &works) * 1.05 + ahead_s + late_s + 1e-3;
        if side_by_side {
            prop_assert!(made.duration_s <= most_s, "{} s, and {most_s} s would do", made.duration_s);
        }
        let mut lates = lates.into_iter().cycle();
        let refused = scene.refused(&made, &asked, || lates.next().unwrap() * late_s);
        prop_assert_eq!(refused, 0, "{:?}", made);
    }

    #[test]
    fn nor_while_others_spend_what_was_said(
        rates in [limit(), limit(), limit()],
        asked in asked(),
        part in 0.05..0.9,
        phase in 0.0..1.0,
    ) {
        let mut scene = Scene::new(rates);
        let others = f64::from(rates[0].0.min(rates[1].0)) * part;
        let (bounds, works) = (scene.bounds(others, &asked), scene.works(&asked));
        let made = match schedule(bounds, &works, 0.0) {
            Ok(made) => made,
            Err(Impossible::Cost(which, policy)) => {
                let d = bounds.iter().position(|bound| bound.policy == policy).unwrap();
                prop_assert!(works[which].costs[d] > bounds[d].burst);
                return Ok(());
            }
            Err(Impossible::Load(policy)) => panic!("others leave something of {policy}"),
        };
        let mut all = Vec::new();
        for step in &made.steps {
            let at = |k: u32| step.at_s + f64::from(k) * step.every_s;
            all.extend((0..step.count).map(|k| (at(k), 1, asked[step.work].1)));
        }
        let mut at_s = phase / others;
        while at_s <= made.duration_s && all.len() < 50_000 {
            all.push((at_s, 2, 1));
            at_s += 1.0 / others;
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at_s, who, cost) in all {
            scene.until(at_s);
            let sent = scene.send(who, cost);
            prop_assert!(sent || who == 2, "refused at {at_s} s: {made:?}");
        }
    }
}

#[test]
fn what_fits_is_sent_at_once_and_the_rest_evenly() {
    let bound = Bound { policy: "client", unit_s: 0.01, burst: 200.0, left: 100.0 };
    let all = schedule([bound], &[Work { count: 100, costs: [1.0] }], 0.1).unwrap();
    assert_eq!((all.duration_s, all.held_by, all.steps.len()), (0.0, None, 1));
    let more = schedule([bound], &[Work { count: 1_000_000, costs: [1.0] }], 0.1).unwrap();
    assert_eq!((more.held_by, more.steps.len()), (Some("client"), 2));
    assert_eq!((more.steps[0].count, more.steps[0].at_s, more.steps[0].every_s), (100, 0.0, 0.0));
    assert!((more.steps[1].every_s - 0.01).abs() < 1e-9 && more.duration_s < 9_999.1);
}

#[test]
fn what_can_never_be_is_named() {
    let bound = |unit_s| Bound { policy: "client", unit_s, burst: 10.0, left: 10.0 };
    let works = [Work { count: 1, costs: [1.0] }, Work { count: 1, costs: [11.0] }];
    assert_eq!(schedule([bound(1.0)], &works, 0.0), Err(Impossible::Cost(1, "client")));
    for unit_s in [-1.0, f64::INFINITY] {
        assert_eq!(schedule([bound(unit_s)], &works[..1], 0.0), Err(Impossible::Load("client")));
    }
}
