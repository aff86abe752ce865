//! The document: elements of `PaymentData.xsd` 4.03, in the order in which the schema has them. Texts are escaped by
//! the writer; that they fit the schema is the caller's concern.

use std::io::{self, Write};

use jiff::Timestamp;
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use uuid::Uuid;

use super::{location::Country, payment::Payment};

/// The namespaces, by the prefixes that are used in documents and in paths of figures.
pub const NAMESPACES: [(&str, &str); 2] = [
    ("xmlns:cesop", "urn:ec.europa.eu:taxud:fiscalis:cesop:v1"),
    ("xmlns:cm", "urn:eu:taxud:commontypes:v1"),
];

/// What a message says of itself (`MessageTypeIndic`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// New data.
    New,
    /// Corrections and deletions.
    Correction,
    /// There is nothing to report.
    Nothing,
}

impl MessageType {
    const fn code(self) -> &'static str {
        match self {
            Self::New => "CESOP100",
            Self::Correction => "CESOP101",
            Self::Nothing => "CESOP102",
        }
    }
}

/// How a payee stands to what was sent before (`DocTypeIndic`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocType {
    /// It was not sent.
    New,
    /// It takes the place of the one of this `DocRefId`.
    Corrected(Uuid),
    /// It deletes the one of this `DocRefId`.
    Deleted(Uuid),
}

/// What stands at the head of a message.
#[derive(Clone, Debug)]
pub struct Head {
    /// The Member State that it is sent to.
    pub transmitting_country: String,
    /// `MessageRefId`.
    pub id: Uuid,
    /// `CorrMessageRefId`, which only corrections have.
    pub corrects: Uuid,
    /// The quarter, 1 to 4.
    pub quarter: i8,
    /// The year.
    pub year: i16,
    /// When it was made.
    pub at: Timestamp,
    /// The reporting payment service provider's BIC.
    pub psp_bic: String,
    /// Its name.
    pub psp_name: String,
}

/// Who a payee is.
#[derive(Clone, Debug)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Its country.
    pub country: Country,
    /// Its account.
    pub account: String,
    /// Whether that is an IBAN; it is an `OBAN` otherwise.
    pub iban: bool,
}

/// Writes elements, each payee and payment on a line of its own.
pub struct Elements<'a, W: Write>(Writer<&'a mut W>);

impl<'a, W: Write> Elements<'a, W> {
    /// A writer of elements.
    pub fn new(out: &'a mut W) -> Self {
        Self(Writer::new(out))
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.0.write_event(Event::Start(start))
    }

    fn shut(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    fn line(&mut self) -> io::Result<()> {
        self.0.get_mut().write_all(b"\n")
    }

    fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
        self.open(name, attributes)?;
        self.0.write_event(Event::Text(BytesText::new(text)))?;
        self.shut(name)
    }

    fn empty(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::Empty(BytesStart::new(name)))
    }

    /// Everything before the first payee.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn head(&mut self, head: &Head, of: MessageType) -> io::Result<()> {
        self.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        self.line()?;
        let [cesop, cm] = NAMESPACES;
        self.open("cesop:CESOP", &[cesop, cm, ("version", "4.03")])?;
        self.line()?;
        self.open("cesop:MessageSpec", &[])?;
        self.leaf("cesop:TransmittingCountry", &[], &head.transmitting_country)?;
        self.leaf("cesop:MessageType", &[], "PMT")?;
        self.leaf("cesop:MessageTypeIndic", &[], of.code())?;
        self.leaf("cesop:MessageRefId", &[], &head.id.to_string())?;
        if of == MessageType::Correction {
            self.leaf("cesop:CorrMessageRefId", &[], &head.corrects.to_string())?;
        }
        self.open("cesop:ReportingPeriod", &[])?;
        self.leaf("cesop:Quarter", &[], &head.quarter.to_string())?;
        self.leaf("cesop:Year", &[], &format!("{:04}", head.year))?;
        self.shut("cesop:ReportingPeriod")?;
        self.leaf("cesop:Timestamp", &[], &head.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())?;
        self.shut("cesop:MessageSpec")?;
        self.line()?;
        self.open("cesop:PaymentDataBody", &[])?;
        self.open("cesop:ReportingPSP", &[])?;
        self.leaf("cesop:PSPId", &[("PSPIdType", "BIC")], &head.psp_bic)?;
        self.leaf("cesop:Name", &[("nameType", "BUSINESS")], &head.psp_name)?;
        self.shut("cesop:ReportingPSP")?;
        self.line()
    }

    /// A payee's beginning. Of its address and its tax numbers nothing is on record, and they stand empty, as
    /// the schema's notes on both elements have it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn payee(&mut self, party: &Party) -> io::Result<()> {
        self.open("cesop:ReportedPayee", &[])?;
        self.leaf("cesop:Name", &[("nameType", "BUSINESS")], &party.name)?;
        self.leaf("cesop:Country", &[], party.country.code())?;
        self.empty("cesop:Address")?;
        self.empty("cesop:TAXIdentification")?;
        let kind = if party.iban { "IBAN" } else { "OBAN" };
        let attributes = [("CountryCode", party.country.code()), ("type", kind)];
        self.leaf("cesop:AccountIdentifier", &attributes, &party.account)?;
        self.line()
    }

    /// A payment or a refund; the amount is written as given. Of the time only the day is on record: the day on
    /// which it was booked, from its first second in UTC.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn payment(&mut self, payment: &Payment, amount: &str, method: &str) -> io::Result<()> {
        let refund = if payment.refund { "true" } else { "false" };
        self.open("cesop:ReportedTransaction", &[("IsRefund", refund)])?;
        self.leaf("cesop:TransactionIdentifier", &[], &payment.identifier)?;
        let time = format!("{}T00:00:00Z", payment.day);
        self.leaf("cesop:DateTime", &[("transactionDateType", "CESOP701")], &time)?;
        self.leaf("cesop:Amount", &[("currency", payment.currency.code())], amount)?;
        self.open("cesop:PaymentMethod", &[])?;
        self.leaf("cm:PaymentMethodType", &[], method)?;
        self.shut("cesop:PaymentMethod")?;
        let at_premises = if payment.at_premises { "true" } else { "false" };
        self.leaf("cesop:InitiatedAtPhysicalPremisesOfMerchant", &[], at_premises)?;
        self.leaf("cesop:PayerMS", &[("PayerMSSource", payment.source.as_str())], payment.payer.code())?;
        self.shut("cesop:ReportedTransaction")?;
        self.line()
    }

    /// A payee's end.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn payee_end(&mut self, id: Uuid, of: DocType) -> io::Result<()> {
        let (code, corrects) = match of {
            DocType::New => ("CESOP1", None),
            DocType::Corrected(before) => ("CESOP2", Some(before)),
            DocType::Deleted(before) => ("CESOP3", Some(before)),
        };
        self.open("cesop:DocSpec", &[])?;
        self.leaf("cm:DocTypeIndic", &[], code)?;
        self.leaf("cm:DocRefId", &[], &id.to_string())?;
        if let Some(before) = corrects {
            self.leaf("cm:CorrDocRefId", &[], &before.to_string())?;
        }
        self.shut("cesop:DocSpec")?;
        self.shut("cesop:ReportedPayee")?;
        self.line()
    }

    /// Everything after the last payee.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn foot(&mut self) -> io::Result<()> {
        self.shut("cesop:PaymentDataBody")?;
        self.line()?;
        self.shut("cesop:CESOP")?;
        self.line()
    }
}
