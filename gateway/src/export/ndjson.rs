//! NDJSON out: one record a line, byte for byte as the ledger committed to it. An account of the looks
//! that were taken has a line for each look, canonical too, with the seq of the entry that lists it.

use std::io::{self, Write};

use super::{order::Of, record::Looks};

/// Writes a stored record's lines.
///
/// # Errors
/// When a payload can't be read, or the line not be written.
pub fn write(out: &mut impl Write, of: Of, seq: i64, record: &[u8]) -> io::Result<()> {
    if of != Of::Accesses {
        out.write_all(record)?;
        return out.write_all(b"\n");
    }
    let looks: Looks<'_> = serde_json::from_slice(record)?;
    for mut look in looks.accesses {
        look.seq = seq.to_string();
        serde_json::to_writer(&mut *out, &look)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
