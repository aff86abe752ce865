//! Parquet out, with typed columns: amounts are `DECIMAL(22, 4)`, exact for every currency; days are
//! `DATE`, instants `TIMESTAMP(MICROS)` in UTC, whole numbers 64 bits, text `STRING`. Pages are compressed
//! with zstd.
//!
//! A row group is held in memory until it is full, column by column: some 15 MiB with what the encoders take,
//! however long the file is.

use std::{io, sync::Arc};

use ::parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use jiff::{Timestamp, civil::Date};

use super::table::{Cell, Column, Kind};

/// Rows of a row group.
const GROUP_ROWS: usize = 16_384;
/// Bytes of a row group's text, whatever its rows.
const GROUP_TEXT: usize = 8 << 20;
/// Digits of a decimal, and those behind its point.
const DECIMAL: (i32, usize) = (22, 4);
/// Bytes that take so many digits.
const DECIMAL_BYTES: usize = 10;

/// Writes rows as Parquet.
pub struct ParquetWriter<W: io::Write + Send> {
    file: SerializedFileWriter<W>,
    gathered: Vec<Gathered>,
    rows: usize,
    text: usize,
}

/// A column's cells of the row group at work.
struct Gathered {
    kind: Kind,
    /// 1 where there is a value, 0 where there is none.
    levels: Vec<i16>,
    /// Text and decimals, one behind the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    numbers: Vec<i64>,
}

impl<W: io::Write + Send> ParquetWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn new(out: W, columns: &[Column]) -> io::Result<Self> {
        let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
        let schema = Type::group_type_builder("records").with_fields(fields).build();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("veritrail".to_owned())
            .build();
        let schema = Arc::new(schema.map_err(io::Error::other)?);
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(io::Error::other)?;
        let gathered = columns.iter().map(|column| Gathered::new(column.kind)).collect();
        Ok(Self { file, gathered, rows: 0, text: 0 })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When a cell is not of its column's kind, or it can't be written.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (column, cell) in self.gathered.iter_mut().zip(cells) {
            self.text += column.take(cell)?;
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.text >= GROUP_TEXT { self.close_group() } else { Ok(()) }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.close_group()?;
        self.file.into_inner().map_err(io::Error::other)
    }

    fn close_group(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group().map_err(io::Error::other)?;
        for column in &mut self.gathered {
            column.write(&mut group).map_err(io::Error::other)?;
        }
        group.close().map_err(io::Error::other)?;
        (self.rows, self.text) = (0, 0);
        Ok(())
    }
}

impl Gathered {
    fn new(kind: Kind) -> Self {
        Self { kind, levels: Vec::new(), bytes: Vec::new(), ends: Vec::new(), numbers: Vec::new() }
    }

    /// Takes a cell; how many bytes of text it has.
    fn take(&mut self, cell: &Cell<'_>) -> io::Result<usize> {
        if *cell == Cell::Empty {
            self.levels.push(0);
            return Ok(0);
        }
        self.levels.push(1);
        let unfit = || io::Error::other(format!("a {:?} column does not take {cell:?}", self.kind));
        match (self.kind, *cell) {
            (Kind::Text, Cell::Text(text)) => {
                self.bytes.extend_from_slice(text.as_bytes());
                self.ends.push(self.bytes.len());
                return Ok(text.len());
            }
            (Kind::Decimal, Cell::Decimal(negative, digits)) => {
                let unscaled = unscaled(digits).ok_or_else(unfit)?;
                let unscaled = if negative { -unscaled } else { unscaled };
                let whole = unscaled.to_be_bytes();
                self.bytes.extend_from_slice(&whole[whole.len() - DECIMAL_BYTES..]);
                self.ends.push(self.bytes.len());
            }
            (Kind::Whole, Cell::Whole(number)) => self.numbers.push(number),
            (Kind::Date, Cell::Date(date)) => {
                let date: Date = date.parse().map_err(|_| unfit())?;
                let days = (date - Date::constant(1970, 1, 1)).get_days();
                self.numbers.push(days.into());
            }
            (Kind::Time, Cell::Time(time)) => {
                let time: Timestamp = time.parse().map_err(|_| unfit())?;
                self.numbers.push(time.as_microsecond());
            }
            _ => return Err(unfit()),
        }
        Ok(0)
    }

    /// Writes what is gathered as a column of a row group.
    fn write<W: io::Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let missing = || ParquetError::General("a column is missing".to_owned());
        let mut column = group.next_column()?.ok_or_else(missing)?;
        let texts = self.texts();
        let levels = Some(&self.levels[..]);
        match self.kind {
            Kind::Text => {
                column.typed::<ByteArrayType>().write_batch(&texts, levels, None)?;
            }
            Kind::Decimal => {
                // Each for itself: the file's statistics keep two of them, and would keep the whole piece.
                let own = |text: ByteArray| FixedLenByteArray::from(text.data().to_vec());
                let values: Vec<FixedLenByteArray> = texts.into_iter().map(own).collect();
                column.typed::<FixedLenByteArrayType>().write_batch(&values, levels, None)?;
            }
            Kind::Date => {
                let days: Vec<i32> =
                    self.numbers.iter().map(|days| i32::try_from(*days).unwrap_or(i32::MAX)).collect();
                column.typed::<Int32Type>().write_batch(&days, levels, None)?;
            }
            Kind::Whole | Kind::Time => {
                column.typed::<Int64Type>().write_batch(&self.numbers, levels, None)?;
            }
        }
        column.close()?;
        self.levels.clear();
        self.ends.clear();
        self.numbers.clear();
        Ok(())
    }

    /// What is gathered as bytes: parts of one piece of memory.
    fn texts(&mut self) -> Vec<ByteArray> {
        let whole = ByteArray::from(std::mem::take(&mut self.bytes));
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| whole.slice(start, end - start)).collect()
    }
}

/// A column as the schema describes it.
fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Whole => (Physical::INT64, None),
        Kind::Decimal => (
            Physical::FIXED_LEN_BYTE_ARRAY,
            Some(LogicalType::decimal(i32::try_from(DECIMAL.1).unwrap_or_default(), DECIMAL.0)),
        ),
        Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
    };
    let mut field = Type::primitive_type_builder(column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    if column.kind == Kind::Decimal {
        let (precision, scale) = DECIMAL;
        field = field
            .with_length(i32::try_from(DECIMAL_BYTES).unwrap_or_default())
            .with_precision(precision)
            .with_scale(i32::try_from(scale).unwrap_or_default());
    }
    field.build().map(Arc::new)
}

/// A decimal's digits as a number of ten-thousandths.
fn unscaled(digits: &str) -> Option<i128> {
    let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let missing = DECIMAL.1.checked_sub(behind.len())?;
    let digits = whole.bytes().chain(behind.bytes()).chain(std::iter::repeat_n(b'0', missing));
    digits.filter(u8::is_ascii_digit).try_fold(0_i128, |number, digit| {
        let number = number * 10 + i128::from(digit - b'0');
        (number < 10_i128.pow(22)).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::unscaled;

    #[test]
    fn amounts_of_every_currency_fit() {
        assert_eq!(unscaled("0.01"), Some(100));
        assert_eq!(unscaled("999999999999999999"), Some(9_999_999_999_999_999_990_000));
        assert_eq!(unscaled("1.2345"), Some(12_345));
        assert_eq!(unscaled("1.23456"), None);
        assert_eq!(unscaled("9999999999999999999"), None);
    }
}
