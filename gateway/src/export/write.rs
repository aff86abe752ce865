//! Records into a file, in any form.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use flate2::write::GzEncoder;

use super::{
    csv::CsvWriter,
    ndjson,
    order::{Compression, Form, Format, Of},
    parquet::ParquetWriter,
    table,
    xlsx::XlsxWriter,
};

/// How hard zstd tries: its own default.
const ZSTD_LEVEL: i32 = 3;
/// How much is gathered for one write to the disk.
const BUFFER: usize = 1 << 16;

/// Writes records into a file.
pub struct RecordWriter {
    of: Of,
    out: Out,
}

enum Out {
    Ndjson(Squeeze),
    Csv(Box<CsvWriter<Squeeze>>),
    Parquet(Box<ParquetWriter<Squeeze>>),
    Xlsx(Box<XlsxWriter>, Squeeze),
}

impl RecordWriter {
    /// Begins a file; `scratch` is a folder for what a format needs on the way.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn begin(of: Of, form: Form, file: File, scratch: &Path) -> io::Result<Self> {
        let squeeze = Squeeze::new(file, form.compression)?;
        let out = match form.format {
            Format::Ndjson => Out::Ndjson(squeeze),
            Format::Csv => Out::Csv(Box::new(CsvWriter::new(squeeze, table::columns(of))?)),
            Format::Parquet => Out::Parquet(Box::new(ParquetWriter::new(squeeze, table::columns(of))?)),
            Format::Xlsx => {
                Out::Xlsx(Box::new(XlsxWriter::new(of.as_str(), table::columns(of), scratch)?), squeeze)
            }
        };
        Ok(Self { of, out })
    }

    /// Writes a stored record.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn record(&mut self, seq: i64, record: &[u8]) -> io::Result<()> {
        match &mut self.out {
            Out::Ndjson(out) => ndjson::write(out, self.of, seq, record),
            Out::Csv(out) => table::rows(self.of, seq, record, |cells| out.row(cells)),
            Out::Parquet(out) => table::rows(self.of, seq, record, |cells| out.row(cells)),
            Out::Xlsx(out, _) => table::rows(self.of, seq, record, |cells| out.row(cells)),
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(self) -> io::Result<File> {
        match self.out {
            Out::Ndjson(out) => out,
            Out::Csv(out) => out.finish()?,
            Out::Parquet(out) => out.finish()?,
            Out::Xlsx(sheet, mut out) => {
                sheet.finish(&mut out)?;
                out
            }
        }
        .finish()
    }
}

/// A file that is compressed on the way, or not. No name and no time stands in it, so the same content
/// makes the same bytes.
enum Squeeze {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Squeeze {
    fn new(file: File, compression: Compression) -> io::Result<Self> {
        let out = BufWriter::with_capacity(BUFFER, file);
        Ok(match compression {
            Compression::None => Self::Plain(out),
            Compression::Gzip => Self::Gzip(GzEncoder::new(out, flate2::Compression::default())),
            Compression::Zstd => Self::Zstd(zstd::Encoder::new(out, ZSTD_LEVEL)?),
        })
    }

    fn finish(self) -> io::Result<File> {
        let out = match self {
            Self::Plain(out) => out,
            Self::Gzip(out) => out.finish()?,
            Self::Zstd(out) => out.finish()?,
        };
        out.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Write for Squeeze {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Gzip(out) => out.write(bytes),
            Self::Zstd(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.flush(),
            Self::Zstd(out) => out.flush(),
        }
    }
}
