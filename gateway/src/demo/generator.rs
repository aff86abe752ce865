//! Two years of an invented institution's accounts and transactions.
//!
//! The same seed, flavour and last day give the same log, byte for byte, in every version of the service. Every
//! account begins at nought and every booked transaction's balance is right to the minor unit. A leasing
//! instalment stands on both sides: as a direct debit on the lessee's account and as a collection on the lessor's,
//! under one end-to-end id.

use jiff::ToSpan;
use jiff::civil::Date;

use super::ledger::{self, Amount, Movement, text};
use super::names::{self, Party};
use super::random::Random;
use super::routine::{Kind, Planner, Window, business_day};
use crate::domain::Direction::{Credit, Debit};
use crate::domain::{Currency, NewAccount, NewTransaction};

/// What business an invented institution does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// A leasing bank in Germany: EUR, lessees of both kinds, and accounts on which instalments are collected.
    Leasing,
    /// A payments bank in Switzerland: EUR and CHF, households, and merchants with card settlements.
    Payments,
}

/// An institution's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The accounts, all of them opened by the first day.
    pub accounts: Vec<NewAccount>,
    /// The transactions in the order of their booking dates, 6,000 to 10,000 of them.
    pub transactions: Vec<NewTransaction>,
}

const ACCOUNTS: usize = 38;
const HOUSEHOLDS: usize = 20;
/// The places of the accounts on which a leasing bank collects.
const COLLECTIONS: std::ops::Range<usize> = 35..ACCOUNTS;

/// The log of the two years up to and with `last_day`.
#[must_use]
pub fn generate(seed: u64, flavour: Flavour, last_day: Date) -> Log {
    let window = Window::two_years_to(last_day);
    let holders: Vec<Holder> = (0..ACCOUNTS).map(|index| Holder::new(seed, flavour, index)).collect();
    let mut movements = Vec::new();
    for holder in &holders {
        let random = holder.random.clone();
        let mut planner = Planner { account: holder.index, window, random, movements: &mut movements };
        match holder.role {
            Role::Household => household(&mut planner),
            Role::Firm => firm(&mut planner, flavour),
            Role::Collection => collection(&mut planner),
        }
    }
    if flavour == Flavour::Leasing {
        for lessee in &holders[..COLLECTIONS.start] {
            lease(seed, window, lessee, &holders, &mut movements);
        }
    }
    let accounts: Vec<NewAccount> = holders.iter().map(|holder| holder.account(window)).collect();
    let transactions = ledger::book(&accounts, movements);
    Log { accounts, transactions }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Household,
    Firm,
    Collection,
}

/// Who holds an account.
struct Holder {
    index: usize,
    role: Role,
    currency: &'static str,
    party: Party,
    random: Random,
}

impl Holder {
    fn new(seed: u64, flavour: Flavour, index: usize) -> Self {
        let mut random = Random::new(seed, index as u64);
        let role = match index {
            ..HOUSEHOLDS => Role::Household,
            _ if flavour == Flavour::Leasing && COLLECTIONS.contains(&index) => Role::Collection,
            _ => Role::Firm,
        };
        let (country, currency) = match flavour {
            Flavour::Leasing => (names::GERMANY, "EUR"),
            Flavour::Payments if index.is_multiple_of(2) => (names::SWITZERLAND, "CHF"),
            Flavour::Payments => (names::AUSTRIA, "EUR"),
        };
        let name = match role {
            Role::Household => names::person(&mut random).name,
            Role::Firm => names::firm(&mut random).name,
            Role::Collection => format!("Leasing-Einzug Süd {}", index + 1 - COLLECTIONS.start),
        };
        let number = random.below(1_000_000) * 100 + index as u64;
        let party = Party { name, iban: names::iban(country, number), bic: names::bic(country) };
        Self { index, role, currency, party, random }
    }

    fn account(&self, window: Window) -> NewAccount {
        let mut random = self.random.clone();
        NewAccount {
            currency: Currency::parse(self.currency).expect("a code of ISO 4217"),
            name: Some(text(self.party.name.as_str())),
            opened_on: Some(window.first.saturating_sub(random.between(0, 28).days())),
            reference: text(self.party.iban.as_str()),
            servicer: Some(text(self.party.bic.as_str())),
        }
    }
}

/// Salary, rent, two utilities, cards, and now and then a transfer.
fn household(planner: &mut Planner<'_>) {
    let employer = names::firm(&mut planner.random);
    let landlord = names::person(&mut planner.random);
    let salary = planner.random.between(265_000, 485_000);
    let rent = salary * planner.random.between(24, 33) / 100;
    let payday = planner.random.between(24, 27);
    let utilities = [0, 1].map(|_| {
        let name = planner.random.pick(&names::UTILITIES);
        (names::somewhere(&mut planner.random, name), planner.random.between(2_400, 11_900))
    });
    planner.opening(120_000, 900_000, employer.clone());
    for month in planner.window.months() {
        let label = month.strftime("%Y-%m").to_string();
        let kind = Kind::new("PMNT-ICDT-STDO", format!("Miete {label}")).with(landlord.clone());
        planner.standing(month, Debit, rent, kind.purposed("RENT", format!("RENT-{label}")));
        for (utility, minor) in &utilities {
            let kind = Kind::new("PMNT-RDDT-ESDD", format!("Abschlag {label}")).with(utility.clone());
            let day = month.saturating_add(4.days());
            planner.standing(day, Debit, *minor, kind.purposed("OTHR", format!("DD-{label}-{minor}")));
        }
        let cards = planner.random.between(2, 4);
        planner.cards(month, cards);
        if planner.random.chance(400) {
            let friend = names::person(&mut planner.random);
            let direction = planner.random.pick(&[Credit, Debit]);
            planner.transfer(month, direction, (1_500, 38_000), friend);
        }
        let kind = Kind::new("PMNT-RCDT-SALA", format!("Lohn/Gehalt {label}")).with(employer.clone());
        let day = month.saturating_add((payday - 1).days());
        planner.standing(day, Credit, salary, kind.purposed("SALA", format!("SAL-{label}")));
        planner.bank(month, 490);
    }
}

/// Customers, suppliers, wages, tax; a merchant's card settlements and the disputes that come of them.
fn firm(planner: &mut Planner<'_>, flavour: Flavour) {
    let suppliers = [0, 1, 2].map(|_| names::firm(&mut planner.random));
    let customers = [0, 1, 2, 3, 4].map(|_| names::firm(&mut planner.random));
    let staff =
        [0, 1].map(|_| (names::person(&mut planner.random), planner.random.between(240_000, 390_000)));
    let office = names::somewhere(&mut planner.random, "Finanzkasse Nirgendwo-Süd");
    planner.opening(900_000, 6_000_000, customers[0].clone());
    for month in planner.window.months() {
        let label = month.strftime("%Y-%m").to_string();
        for _ in 0..planner.random.between(2, 3) {
            let supplier = suppliers[planner.random.pick(&[0, 1, 2])].clone();
            planner.transfer(month, Debit, (18_000, 310_000), supplier);
        }
        for _ in 0..planner.random.between(2, 4) {
            let customer = customers[planner.random.pick(&[0, 1, 2, 3, 4])].clone();
            planner.transfer(month, Credit, (240_000, 690_000), customer);
        }
        if flavour == Flavour::Payments {
            settlements(planner, month);
        }
        for (person, minor) in &staff {
            let kind = Kind::new("PMNT-ICDT-ESCT", format!("Lohn {label}")).with(person.clone());
            let day = month.saturating_add(25.days());
            planner.standing(day, Debit, *minor, kind.purposed("SALA", format!("PAY-{label}-{minor}")));
        }
        let tax = planner.random.between(21_000, 98_000);
        let kind =
            Kind::new("PMNT-ICDT-ESCT", format!("Umsatzsteuer-Voranmeldung {label}")).with(office.clone());
        planner.standing(
            month.saturating_add(9.days()),
            Debit,
            tax,
            kind.purposed("TAXS", format!("TAX-{label}")),
        );
        planner.bank(month, 1_290);
    }
}

/// A fortnight's card sales in one sum, twice a month; one in thirty has a sale charged back.
fn settlements(planner: &mut Planner<'_>, month: Date) {
    for fortnight in [1, 2] {
        let day = month.saturating_add((fortnight * 14 - 1).days());
        let (sum, sales) = (planner.random.between(120_000, 1_880_000), planner.random.between(24, 320));
        let note = format!("Settlement of {sales} card sales up to {day}");
        planner.standing(day, Credit, sum, Kind::new("PMNT-MCRD-POSP", note));
        if planner.random.chance(33) {
            let disputed = planner.random.between(1_200, 24_000);
            let note = format!("Chargeback of a card sale settled on {day}: cardholder dispute");
            let later = day.saturating_add(planner.random.between(10, 45).days());
            planner.standing(later, Debit, disputed, Kind::new("PMNT-MCRD-DAJT", note));
        }
    }
}

/// Beside what is collected: most of it goes to the treasury twice a month.
fn collection(planner: &mut Planner<'_>) {
    let treasury = names::somewhere(&mut planner.random, "Leasingbank Drei Ähren AG, Treasury");
    planner.opening(2_000_000, 4_000_000, treasury.clone());
    for month in planner.window.months() {
        for day in [11, 26] {
            let kind = Kind::new("PMNT-ICDT-ICCT", format!("Abführung {}", month.strftime("%Y-%m")));
            let kind = kind.with(treasury.clone());
            planner.add(month.saturating_add(day.days()), Debit, Amount::Sweep(85), kind);
        }
        planner.bank(month, 0);
    }
}

/// A lessee's instalments, on both accounts; now and then one comes back unpaid.
fn lease(seed: u64, window: Window, lessee: &Holder, holders: &[Holder], movements: &mut Vec<Movement>) {
    let mut random = Random::new(seed, 1_000 + lessee.index as u64);
    let lessor = &holders[COLLECTIONS.start + lessee.index % COLLECTIONS.len()];
    let contract = format!("LV-{:06}", random.between(100_000, 999_999));
    let (minor, thing) = match lessee.role {
        Role::Household => {
            (random.between(15_900, 52_000), random.pick(&["Lastenrad", "Elektroauto", "Flügel"]))
        }
        _ => {
            let things = ["Kühlfahrzeug", "Bürodrucker", "Gabelstapler", "Fräsmaschine"];
            (random.between(48_000, 260_000), random.pick(&things))
        }
    };
    let mut both = |day: Date, is_returned: bool, note: &str, reference: &str| {
        let (ours, theirs) = if is_returned { (Credit, Debit) } else { (Debit, Credit) };
        let codes = if is_returned {
            ["PMNT-RDDT-UPDD", "PMNT-IDDT-UPDD"]
        } else {
            ["PMNT-RDDT-ESDD", "PMNT-IDDT-ESDD"]
        };
        for (account, direction, code, party) in
            [(lessee.index, ours, codes[0], &lessor.party), (lessor.index, theirs, codes[1], &lessee.party)]
        {
            let kind = Kind { end_to_end_id: Some(reference.to_owned()), ..Kind::new(code, note) };
            let random = random.clone();
            let mut planner = Planner { account, window, random, movements: &mut *movements };
            planner.standing(day, direction, minor, kind.with(party.clone()));
        }
    };
    let mut returns = Random::new(seed, 2_000 + lessee.index as u64);
    for month in window.months() {
        let reference = format!("{contract}-{}", month.strftime("%Y%m"));
        let day = business_day(month.saturating_add(2.days()));
        both(day, false, &format!("Leasingrate {thing}, Vertrag {contract}"), &reference);
        if returns.chance(15) {
            let later = day.saturating_add(returns.between(2, 5).days());
            both(
                later,
                true,
                &format!("Rücklastschrift, Widerspruch des Zahlers, Vertrag {contract}"),
                &reference,
            );
        }
    }
}

#[cfg(test)]
#[path = "generator_tests.rs"]
mod tests;
