//! Invented names and account numbers.
//!
//! Account numbers are well formed and cannot be anyone's: their check digits are right (ISO 13616) and their
//! bank code is all noughts, which no country has given out. The BICs are test BICs (a 0 in the eighth place).

use super::random::Random;
use crate::domain::check_digits::remainder;

/// Someone to pay or be paid by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) name: String,
    pub(super) iban: String,
    pub(super) bic: String,
}

/// A country, how many digits its bank codes have, and how many its account numbers.
type Country = (&'static str, usize, usize);

pub(super) const GERMANY: Country = ("DE", 8, 10);
pub(super) const AUSTRIA: Country = ("AT", 5, 11);
pub(super) const SWITZERLAND: Country = ("CH", 5, 12);
const CZECHIA: Country = ("CZ", 4, 16);

const GIVEN: [&str; 16] = [
    "Zoë",
    "Jörg",
    "Małgorzata",
    "Søren",
    "Çağla",
    "François",
    "Ángela",
    "Žofie",
    "Åsa",
    "Günther",
    "Aurélie",
    "Łukasz",
    "Bjørk",
    "Nuño",
    "Štěpán",
    "Ilse",
];

const FAMILY: [&str; 16] = [
    "Quendelbach",
    "Täubchenholz",
    "Wiśniogórska",
    "Nordlysø",
    "Moosgrünwald",
    "Větrolamová",
    "Kühlfederer",
    "Çınarsulu",
    "Brandñar",
    "Sägeblümchen",
    "Fjälluggla-Holm",
    "Crèmebrune",
    "Hölzlgraben",
    "Źródłowska",
    "Pfützenreiter-Au",
    "Mëllerschen",
];

const TRADE: [&str; 16] = [
    "Bäckerei",
    "Spedition",
    "Gärtnerei",
    "Metallbau",
    "Café",
    "Architekturbüro",
    "Schreinerei",
    "Maschinenbau",
    "Brasserie",
    "Fahrradladen",
    "Druckerei",
    "Praxis",
    "Weingut",
    "Möbelhaus",
    "Softwareschmiede",
    "Tøjhus",
];

const FIRM: [&str; 16] = [
    "Krümelstern",
    "Żółwik",
    "Süßmilch & Söhne",
    "Lichtenröhren",
    "Fjordlys",
    "Überquer",
    "Drei Ähren",
    "Břízka",
    "L’Hêtre Pourpre",
    "Öchslein",
    "Sieben Schlüssel",
    "Blåbær",
    "Château Ficelle",
    "Ñublado",
    "Eichhörnchen",
    "Grünspan",
];

const FORM: [&str; 5] = ["GmbH", "AG", "KG", "S.à r.l.", "s.r.o."];

/// Shops where cards are used.
pub(super) const SHOPS: [&str; 12] = [
    "Lebensmittel Grünkorb",
    "Épicerie du Tilleul",
    "Tankhof Süd",
    "Apotheke Zum Blauen Bären",
    "Kino Lichtspüle",
    "Buchladen Seitenweise",
    "Kaffeerösterei Röstzeit",
    "Bahnreisen Nordwärts",
    "Drogerie Schönfein",
    "Pizzeria Da Còrnice",
    "Baumarkt Holzwürmle",
    "Velo Żuraw",
];

/// Utilities that collect by direct debit.
pub(super) const UTILITIES: [&str; 6] = [
    "Stadtwerke Grünau-Nirgendwo",
    "Fernmelde Äther AG",
    "Wasserverband Bächle",
    "Versicherung Schutzpatronin",
    "Énergie de Lune SA",
    "Kabelnetz Zvíře",
];

/// A private person.
pub(super) fn person(random: &mut Random) -> Party {
    let name = format!("{} {}", random.pick(&GIVEN), random.pick(&FAMILY));
    somewhere(random, name)
}

/// A firm.
pub(super) fn firm(random: &mut Random) -> Party {
    let name = format!("{} {} {}", random.pick(&TRADE), random.pick(&FIRM), random.pick(&FORM));
    somewhere(random, name)
}

/// A party of this name with an account in one of the countries around.
pub(super) fn somewhere(random: &mut Random, name: impl Into<String>) -> Party {
    let country = random.pick(&[GERMANY, GERMANY, AUSTRIA, SWITZERLAND, CZECHIA]);
    let number = random.below(10_000_000_000);
    Party { name: name.into(), iban: iban(country, number), bic: bic(country) }
}

/// The test BIC of our invented bank's branch in a country.
pub(super) fn bic((country, ..): Country) -> String {
    format!("XMPL{country}X0")
}

/// An account number of a bank whose code is all noughts.
pub(super) fn iban((country, bank_digits, account_digits): Country, number: u64) -> String {
    let width = bank_digits + account_digits;
    let bban = format!("{number:0width$}");
    let remainder = remainder(format!("{bban}{country}00").bytes()).unwrap_or_default();
    format!("{country}{:02}{bban}", 98 - remainder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_right() {
        for country in [GERMANY, AUSTRIA, SWITZERLAND, CZECHIA] {
            let iban = iban(country, 4711);
            let (head, bban) = iban.split_at(4);
            assert_eq!(remainder(format!("{bban}{head}").bytes()), Some(1), "{iban}");
            assert!(bban.starts_with(&"0".repeat(country.1)), "{iban}");
        }
    }
}
