//! An entry: `Ntry`, one transaction.

use std::io::{self, Write};

use super::xml::Xml;
use crate::domain::{Counterparty, Direction, Transaction};

/// `CreditDebitCode`.
pub(super) fn side(is_debit: bool) -> &'static str {
    if is_debit { "DBIT" } else { "CRDT" }
}

/// Writes an entry.
pub(super) fn write<W: Write>(out: W, transaction: &Transaction) -> io::Result<()> {
    let mut xml = Xml::new(out);
    let Transaction { amount, reference, .. } = transaction;
    let is_debit = transaction.direction == Direction::Debit;
    xml.open("Ntry")?;
    xml.amount(&amount.amount(), amount.currency().code())?;
    xml.text("CdtDbtInd", side(is_debit))?;
    xml.nested("Sts/Cd", "BOOK")?;
    xml.nested("BookgDt/Dt", &transaction.booking_date.to_string())?;
    if let Some(day) = transaction.value_date {
        xml.nested("ValDt/Dt", &day.to_string())?;
    }
    let fits = reference.as_str().chars().count() <= 35;
    if fits {
        xml.text("AcctSvcrRef", reference.as_str())?;
    }
    let code = transaction.bank_transaction_code.as_ref().map_or("NTAV", |code| code.as_str());
    code_of(&mut xml, code)?;
    details(&mut xml, transaction, is_debit)?;
    if !fits {
        xml.text("AddtlNtryInf", reference.as_str())?;
    }
    xml.close("Ntry")
}

/// `BkTxCd`: ISO 20022's own codes are three words of four letters, the servicer's are anything.
fn code_of<W: Write>(xml: &mut Xml<W>, code: &str) -> io::Result<()> {
    let parts: Vec<&str> = code.split('-').collect();
    let is_word = |word: &&str| word.len() == 4 && word.bytes().all(|it| it.is_ascii_uppercase());
    xml.open("BkTxCd")?;
    match parts.as_slice() {
        [domain, family, sub] if parts.iter().all(is_word) => {
            xml.open("Domn")?;
            xml.text("Cd", domain)?;
            xml.open("Fmly")?;
            xml.text("Cd", family)?;
            xml.text("SubFmlyCd", sub)?;
            xml.close("Fmly")?;
            xml.close("Domn")?;
        }
        _ => xml.nested("Prtry/Cd", code)?,
    }
    xml.close("BkTxCd")
}

/// `NtryDtls/TxDtls`, if there is anything to say.
fn details<W: Write>(xml: &mut Xml<W>, transaction: &Transaction, is_debit: bool) -> io::Result<()> {
    let Transaction { counterparty, end_to_end_id, purpose, remittance_information, .. } = transaction;
    if counterparty.is_none()
        && end_to_end_id.is_none()
        && purpose.is_none()
        && remittance_information.is_none()
    {
        return Ok(());
    }
    xml.open("NtryDtls")?;
    xml.open("TxDtls")?;
    if let Some(id) = end_to_end_id {
        xml.nested("Refs/EndToEndId", id.as_str())?;
    }
    if let Some(party) = counterparty {
        party_of(xml, party, is_debit)?;
    }
    if let Some(purpose) = purpose {
        let is_code =
            purpose.as_str().len() == 4 && purpose.as_str().bytes().all(|it| it.is_ascii_uppercase());
        xml.nested(if is_code { "Purp/Cd" } else { "Purp/Prtry" }, purpose.as_str())?;
    }
    if let Some(text) = remittance_information {
        let letters: Vec<char> = text.as_str().chars().collect();
        xml.open("RmtInf")?;
        for part in letters.chunks(140) {
            xml.text("Ustrd", &part.iter().collect::<String>())?;
        }
        xml.close("RmtInf")?;
    }
    xml.close("TxDtls")?;
    xml.close("NtryDtls")
}

/// `RltdPties` and `RltdAgts`: the other side is the debtor of what came in, and the creditor of what went out.
fn party_of<W: Write>(xml: &mut Xml<W>, party: &Counterparty, is_debit: bool) -> io::Result<()> {
    let role = if is_debit { "Cdtr" } else { "Dbtr" };
    if party.name.is_some() || party.account.is_some() {
        xml.open("RltdPties")?;
        if let Some(name) = &party.name {
            xml.nested(&format!("{role}/Pty/Nm"), name.as_str())?;
        }
        if let Some(account) = &party.account {
            xml.nested(&format!("{role}Acct/Id/{}", id_element(account.as_str())), account.as_str())?;
        }
        xml.close("RltdPties")?;
    }
    if let Some(agent) = &party.agent {
        xml.nested(
            &format!("RltdAgts/{role}Agt/FinInstnId/{}", agent_element(agent.as_str())),
            agent.as_str(),
        )?;
    }
    Ok(())
}

/// The element of an account's id (`AccountIdentification4Choice`).
pub(super) fn id_element(id: &str) -> &'static str {
    let bytes = id.as_bytes();
    let is_iban = (5..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(u8::is_ascii_alphanumeric);
    if is_iban { "IBAN" } else { "Othr/Id" }
}

/// The element of a bank's name or BIC (`BICFIDec2014Identifier`).
pub(super) fn agent_element(agent: &str) -> &'static str {
    let bytes = agent.as_bytes();
    let is_upper = |it: &u8| it.is_ascii_uppercase() || it.is_ascii_digit();
    let is_bic = matches!(bytes.len(), 8 | 11)
        && bytes.iter().all(is_upper)
        && bytes[4..6].iter().all(u8::is_ascii_uppercase);
    if is_bic { "BICFI" } else { "Nm" }
}
