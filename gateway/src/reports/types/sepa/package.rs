//! An EBA xBRL-CSV report package (XBRL Report Packages 1.0, xBRL-CSV 1.0, EBA filing rules v5).
//!
//! It is a zip with one folder of its own name. The members, their order and every byte follow from what is
//! reported.

use std::fmt::Write as _;

use veritrail_audit::stored_zip;

use super::super::super::{Basis, Value};

/// The module's entry point.
pub const MODULE: &str = "http://www.eba.europa.eu/eu/fr/xbrl/crr/fws/pay/4.2/mod/sepa_ipr.json";
/// Framework `PAY`, version 1.1.0 of the module, as file names have it.
const FRAMEWORK: &str = "PAY010100";
/// The module, as file names have it.
const MODULE_NAME: &str = "SEPAIPR";

/// A fact: its datapoint, its value, and whether it is money.
#[derive(Debug)]
pub struct Fact {
    datapoint: &'static str,
    text: String,
    money: bool,
}

impl Fact {
    /// A figure as the fact of a datapoint.
    pub fn new(datapoint: &'static str, value: Value) -> Self {
        let money = matches!(value.unit, super::super::super::Unit::Money(_));
        Self { datapoint, text: value.text(), money }
    }
}

/// A template of the module: its filing indicator, and its facts where it is reported.
#[derive(Debug)]
pub struct Template {
    /// Its filing indicator, such as `S_01.01`.
    pub indicator: &'static str,
    /// Its facts; none where the template is not reported.
    pub facts: Option<Vec<Fact>>,
}

/// The name of a version's package without its extension, as the EBA has it: subject, country, framework with
/// the module's version, module, reference date and time of creation.
#[must_use]
pub fn name(basis: &Basis) -> String {
    let (subject, country) = (subject(basis), basis.parameter("country").unwrap_or_default());
    let created = basis.ordered_at.strftime("%Y%m%d%H%M%S%3f");
    format!("{subject}_{country}_{FRAMEWORK}_{MODULE_NAME}_{}_{created}", basis.period.last)
}

/// Who reports: the LEI, and whether for itself or for its group.
fn subject(basis: &Basis) -> String {
    let scope = basis.parameter("consolidation").unwrap_or("IND");
    format!("{}.{scope}", basis.parameter("lei").unwrap_or_default())
}

/// The package's bytes.
pub fn write(basis: &Basis, templates: &[Template]) -> Vec<u8> {
    let folder = name(basis);
    let package = r#"{"documentInfo":{"documentType":"https://xbrl.org/report-package/2023"}}"#;
    let report = format!(
        r#"{{"documentInfo":{{"documentType":"https://xbrl.org/2021/xbrl-csv","extends":["{MODULE}"]}}}}"#
    );
    let parameters = format!(
        "name,value\nentityID,lei:{}\nrefPeriod,{}\nbaseCurrency,iso4217:EUR\ndecimalsInteger,0\ndecimalsMonetary,2\n",
        subject(basis),
        basis.period.last
    );
    let mut indicators = "templateID,reported\n".to_owned();
    for Template { indicator, facts } in templates {
        // Writing to a string can't fail.
        let _ = writeln!(indicators, "{indicator},{}", facts.is_some());
    }
    let mut members = vec![
        (format!("{folder}/META-INF/reportPackage.json"), package.to_owned()),
        (format!("{folder}/reports/report.json"), report),
        (format!("{folder}/reports/parameters.csv"), parameters),
        (format!("{folder}/reports/FilingIndicators.csv"), indicators),
    ];
    for Template { indicator, facts } in templates {
        if let Some(facts) = facts {
            let path = format!("{folder}/reports/{}.csv", indicator.to_lowercase());
            members.push((path, table(indicator, facts)));
        }
    }
    let members: Vec<_> = members.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    stored_zip(&members)
}

/// A table of facts. Those that count have no unit, which is the pure number's.
fn table(indicator: &str, facts: &[Fact]) -> String {
    // The module gives this template no column for units: nothing in it is money.
    let units = indicator != "S_04.00";
    let mut text = if units { "datapoint,factValue,unit\n" } else { "datapoint,factValue\n" }.to_owned();
    for Fact { datapoint, text: value, money } in facts {
        let unit = match (units, money) {
            (true, true) => ",iso4217:EUR",
            (true, false) => ",",
            (false, _) => "",
        };
        let _ = writeln!(text, "{datapoint},{value}{unit}");
    }
    text
}
