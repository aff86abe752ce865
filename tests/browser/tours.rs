//! Every page, and who is shown it. A page that is made new has its place here: a test below names
//! those that have none.
//!
//! Names in braces are things of the [`Stage`](super::stage::Stage). Names of pictures that begin with `no-` are of
//! pages that say why there is nothing to see.

use std::{collections::BTreeSet, fs, path::Path};

/// Pages that one person looks at, one after the other.
pub struct Tour {
    pub name: &'static str,
    /// One of the demo's roles, the newcomer, or nobody.
    pub who: &'static str,
    /// Each page: its name on pictures, and its path.
    pub pages: &'static [(&'static str, &'static str)],
}

const OFFICER: &str = "compliance-officer";
const ENGINEER: &str = "integration-engineer";

pub const TOURS: &[Tour] = &[
    Tour {
        name: "records",
        who: OFFICER,
        pages: &[
            ("today", "/"),
            ("transactions", "/transactions"),
            (
                "transactions-filtered",
                "/transactions?direction=credit&currency=EUR&sort=booking_date&limit=10",
            ),
            ("transactions-empty", "/transactions?reference=nothing-has-this"),
            ("transactions-unfit", "/transactions?amount%5Bgte%5D=ten"),
            ("transaction", "/transactions/{transaction}"),
            ("transaction-withdrawn", "/transactions/{withdrawn}"),
            ("no-transaction", "/transactions/txn_00000000000000000000000000000000"),
            ("lineage", "/lineage"),
            ("lineage-empty", "/lineage?q=nowhere"),
            ("lineage-graph", "/lineage?node={dataset}&columns=true"),
            ("lineage-graph-unknown", "/lineage?node=job%3Aetl%3Anone"),
            ("lineage-dataset", "/lineage/node?node={dataset}"),
            ("lineage-job", "/lineage/node?node={job}"),
            ("no-lineage-node", "/lineage/node?node=job%3Aetl%3Anone"),
            ("lineage-impact", "/lineage/impact?node={source}"),
            ("lineage-impact-column", "/lineage/impact?node={source}&column=amount"),
            ("lineage-impact-empty", "/lineage/impact?node={dataset}"),
        ],
    },
    Tour {
        name: "reports",
        who: OFFICER,
        pages: &[
            ("reports", "/reports"),
            ("reports-empty", "/reports?type=account-statement&period=1999-01"),
            ("report-types", "/reports/new"),
            ("report-order", "/reports/new?type=account-statement"),
            ("report", "/reports/{report}"),
            ("report-version", "/reports/{report}/versions/2"),
            ("report-version-before", "/reports/{report}/versions/1"),
            ("report-figure", "/reports/{report}/versions/1/figures/0"),
            ("report-compare", "/reports/{report}/compare?from=1&to=2"),
            ("report-compare-none", "/reports/{report}/compare"),
            ("report-next", "/reports/{report}/next"),
            ("report-withdraw", "/reports/{report}/next?kind=cancellation"),
            ("report-adjust", "/reports/{report}/adjustments/new"),
            ("report-decide", "/reports/{report}/adjustments/{adjustment}"),
            ("report-verdict", "/reports/{report}/versions/2/validations/new"),
            ("report-deliver", "/reports/{report}/versions/2/deliveries/new"),
            ("no-report", "/reports/rep_00000000000000000000000000000000"),
        ],
    },
    Tour {
        name: "audit",
        who: OFFICER,
        pages: &[
            ("audit", "/audit"),
            ("audit-of-a-kind", "/audit?kind=denied"),
            ("audit-empty", "/audit?from=1999-01-01&to=1999-01-31"),
            ("audit-unfit", "/audit?subject=nonsense"),
            ("audit-record", "/audit/{record}"),
            ("audit-report", "/audit/{made}"),
            ("audit-look", "/audit/{look}"),
            ("audit-refusal", "/audit/{refusal}"),
            ("audit-grant", "/audit/{granted}"),
            ("audit-change", "/audit/{change}"),
            ("no-audit-entry", "/audit/99999999"),
            ("looks", "/audit/looks"),
            ("looks-refused", "/audit/looks?kind=denied"),
            ("evidence", "/evidence"),
            ("evidence-bundle", "/evidence/{bundle}"),
            ("no-evidence-bundle", "/evidence/nonsense"),
        ],
    },
    Tour {
        name: "access",
        who: OFFICER,
        pages: &[
            ("grants", "/grants"),
            ("grant-new", "/grants/new"),
            ("grant", "/grants/{grant}"),
            ("grant-revoked", "/grants/{revoked}"),
            ("no-grant", "/grants/grt_00000000000000000000000000000000"),
            ("no-grants-of-ones-own", "/reg"),
            ("account", "/account"),
            ("second-factor", "/account/second-factor"),
            ("keys", "/keys"),
            ("no-clients", "/developers/clients"),
        ],
    },
    Tour {
        name: "developers",
        who: ENGINEER,
        pages: &[
            ("today", "/"),
            ("developers", "/developers"),
            ("clients", "/developers/clients"),
            ("client-with-a-secret", "/developers/clients/{secret}"),
            ("client-rotate", "/developers/clients/{secret}/rotate-secret"),
            ("client-with-keys", "/developers/clients/{keyed}"),
            ("client-end-key", "/developers/clients/{keyed}/keys/old/end"),
            ("no-client", "/developers/clients/none"),
            ("webhooks", "/developers/webhooks"),
            ("webhook", "/developers/webhooks/{webhook}"),
            ("webhook-rotate", "/developers/webhooks/{webhook}/rotate"),
            ("webhook-delete", "/developers/webhooks/{webhook}/delete"),
            ("events", "/developers/events"),
            ("events-empty", "/developers/events?after=99999999"),
            ("diagnose", "/developers/diagnose"),
            ("lineage", "/lineage"),
            ("no-transactions", "/transactions"),
        ],
    },
    Tour {
        name: "regulator",
        who: "regulator",
        pages: &[
            ("today", "/"),
            ("grants", "/reg"),
            ("transactions", "/transactions?institution={institution}"),
            ("transaction", "/transactions/{transaction}?institution={institution}"),
            ("report", "/reports/{report}?institution={institution}"),
            ("lineage-graph", "/lineage?node={dataset}&institution={institution}"),
            ("audit", "/audit?institution={institution}"),
            ("evidence", "/evidence?institution={institution}"),
            ("no-transactions", "/transactions"),
        ],
    },
    Tour {
        name: "newcomer",
        who: "newcomer",
        pages: &[("grants-empty", "/reg"), ("no-audit", "/audit?institution={institution}")],
    },
    Tour {
        name: "operator",
        who: "operator",
        pages: &[
            ("today", "/"),
            ("transactions", "/transactions?institution={institution}"),
            ("reports", "/reports?institution={institution}"),
            ("audit", "/audit?institution={institution}"),
            ("grants", "/grants?institution={institution}"),
            ("ops", "/ops"),
            ("ops-institutions", "/ops/institutions"),
            ("ops-institution", "/ops/institutions/{institution}"),
            ("ops-client-new", "/ops/institutions/{institution}/clients/new"),
            ("ops-client", "/ops/institutions/{institution}/clients/{secret}"),
            ("ops-client-revoke", "/ops/institutions/{institution}/clients/{secret}/revoke"),
            ("ops-plans", "/ops/plans"),
            ("ops-feeds", "/ops/feeds"),
            ("ops-ledgers", "/ops/ledgers"),
            ("ops-incidents", "/ops/incidents"),
            ("ops-incident", "/ops/incidents/{incident}"),
        ],
    },
    Tour {
        name: "public",
        who: "nobody",
        pages: &[
            ("sign-in", "/sign-in"),
            ("sign-in-again", "/sign-in?password=set"),
            ("set-password", "/set-password?token={token}"),
            ("status", "/status"),
            ("status-incident", "/status/incidents/{incident}"),
            ("no-incident", "/status/incidents/nonsense"),
            ("verify", "/verify"),
            ("verify-good", "/verify"),
            ("no-page", "/reports/1/2/3/4"),
        ],
    },
];

/// Routes that are on no tour, and why.
const OFF_THE_WAY: &[(&str, &str)] = &[
    ("/assets/{version}/{name:.*}", "a style or a script"),
    ("/verify/{version}/{name}", "a style or a script"),
    ("/verify/offline", "a download: verify_file.rs opens it"),
    ("/status.atom", "a feed"),
    ("/transactions.csv", "a download"),
    ("/audit.csv", "a download"),
    ("/lineage.svg", "a download"),
    ("/audit/{seq:[0-9]{1,18}}/entry", "a download"),
    ("/audit/{seq:[0-9]{1,18}}/payload", "a download"),
    ("/evidence/{id}/content", "a download: journeys/evidence.rs takes it"),
    ("/reports/{id}/versions/{n}/content", "a download"),
    ("/reports/{id}/versions/{n}/bundle", "a download"),
    ("/reports/{id}/versions/{n}/validations/{seq}/output", "a download"),
    ("/sign-in/code", "journeys/account.rs comes there"),
    ("/sign-in/with/{issuer}", "it leads to an issuer"),
    ("/sign-in/callback/{issuer}", "an issuer leads there"),
];

/// The routes of pages, as the sources have them.
fn routes(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let attributes = source.lines().filter_map(|line| line.trim().strip_prefix("#[get(\""));
            found.extend(attributes.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
}

/// How many parts of a path a route names, if it fits.
fn fits(route: &str, path: &str) -> Option<usize> {
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    let mut named = 0;
    loop {
        match (route.next(), path.next()) {
            (None, None) => return Some(named),
            (Some(wanted), Some(part)) if wanted == part => named += 1,
            (Some(wanted), Some(part)) if wanted.starts_with('{') && !part.is_empty() => {}
            _ => return None,
        }
    }
}

#[test]
fn every_page_is_on_a_tour() {
    let mut all = BTreeSet::new();
    routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/src/portal"), &mut all);
    assert!(all.len() > 40, "only {} routes were found", all.len());
    let mut missing = all.clone();
    for (name, template) in TOURS.iter().flat_map(|tour| tour.pages) {
        let path = template.split('?').next().unwrap();
        let route = all.iter().filter(|route| fits(route, path).is_some());
        let route = route.max_by_key(|route| fits(route, path));
        match route {
            Some(route) => {
                missing.remove(route);
            }
            None => assert!(name.starts_with("no-"), "no route fits {path}"),
        }
    }
    for (route, _) in OFF_THE_WAY {
        assert!(missing.remove(*route), "{route} is no route, or is on a tour");
    }
    assert!(missing.is_empty(), "these pages are on no tour: {missing:?}");
}

#[test]
fn pictures_have_names_of_their_own() {
    let mut names = BTreeSet::new();
    for tour in TOURS {
        for (name, _) in tour.pages {
            assert!(names.insert((tour.who, name)), "{} {name} stands twice", tour.who);
        }
    }
}
