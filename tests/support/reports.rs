//! Makes a report of records at hand, without a server.

use std::io::{Read as _, Seek as _};

use serde_json::json;
use veritrail::{
    domain::{Account, Transaction},
    reports::{Adjustment, Basis, Contribution, Definition, Figure, Recorded, Remark, Sheet},
};

use super::Caller;

/// A report that was made.
pub struct Made {
    /// Its document.
    pub document: Vec<u8>,
    /// Its figures, in the order in which they were told.
    pub figures: Vec<Figure>,
    /// What contributes to them.
    pub contributions: Vec<Contribution>,
    /// What was found.
    pub remarks: Vec<Remark>,
}

/// An account, and its transactions with their entries.
pub type OnAccount = (Account, Vec<(u64, Transaction)>);

/// Makes a report of these records: accounts in the order of their references, transactions by booking date.
pub fn make(
    definition: &Definition,
    basis: &Basis,
    records: &[OnAccount],
    adjustments: Vec<Adjustment>,
) -> Made {
    assert_eq!(definition.check(&basis.parameters), [], "the parameters are right");
    let mut sheet = Sheet::new(tempfile::tempfile().unwrap(), adjustments);
    let mut maker = (definition.maker)(basis);
    for (account, transactions) in records {
        if !maker.wants(account) {
            continue;
        }
        maker.account(account, &mut sheet).unwrap();
        for (seq, transaction) in transactions {
            maker.transaction(Recorded { seq: *seq, transaction }, &mut sheet).unwrap();
        }
    }
    maker.finish(&mut sheet).unwrap();
    let done = sheet.take();
    let mut file = sheet.finish().unwrap();
    file.rewind().unwrap();
    let mut document = Vec::new();
    file.read_to_end(&mut document).unwrap();
    let (figures, contributions, remarks) = (done.figures, done.contributions, done.remarks);
    Made { document, figures, contributions, remarks }
}

/// Has reports made that have something of everything: figures, remarks, verdicts, deliveries, adjustments; and a schedule.
pub async fn report_with_all(system: &Caller) {
    let order =
        json!({"type": "account-statement", "period": "2026-01", "parameters": {"accounts": "nobodys"}});
    system.report(&order).await;
    let report = system.report(&json!({"type": "account-statement", "period": "2026-01"})).await;
    let path = format!("/v1/reports/{}", report["id"].as_str().unwrap());
    let version = format!("{path}/versions/1");
    let made = system.get(&version).await.ok();
    let new = json!({
        "validator": "xsd", "version": "1", "verdict": "passed", "output": "fine", "sha256": made["sha256"],
    });
    system.post(&format!("{version}/validations"), &new).await.ok();
    let new = json!({"recipient": "the supervisor", "channel": "by hand"});
    system.post(&format!("{version}/deliveries"), &new).await.ok();
    let figures = system.get(&format!("{version}/figures?limit=1")).await.ok();
    let new = json!({"figure": figures["data"][0]["name"], "amount": "1.00", "reason": "a test"});
    system.post(&format!("{path}/adjustments"), &new).await.ok();
    let new = json!({"type": "account-statement", "every": "month"});
    system.post("/v1/report-schedules", &new).await.ok();
}

impl Made {
    /// The figure of this name.
    pub fn figure(&self, name: &str) -> &Figure {
        self.figures.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("no figure {name}"))
    }

    /// What every figure is: the sum of its contributions and of its inputs times their factors.
    pub fn assert_sums(&self) {
        for figure in &self.figures {
            let own = self.contributions.iter().filter(|part| part.figure == figure.position);
            let own: i128 = own.map(|part| i128::from(part.leaf.credit) - i128::from(part.leaf.debit)).sum();
            assert_eq!(own, figure.root.total(), "{}", figure.name);
            let of = |position| self.figures.iter().find(|figure| figure.position == position).unwrap();
            let inputs = figure.inputs.iter().map(|it| of(it.figure).amount * i128::from(it.factor));
            assert_eq!(figure.amount, own + inputs.sum::<i128>(), "{}", figure.name);
        }
    }
}
