//! What can be ordered: of what, in which form.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// As it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The one that is written so.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// What an export is of.
    Of {
        /// Transactions.
        Transactions = "transactions",
        /// Entries of the ledger.
        Entries = "entries",
        /// Looks that were taken, as the ledger's `access` entries list them.
        Accesses = "accesses",
        /// Events of lineage, as their clients sent them: all of them in one answer, never by an order.
        #[serde(skip)]
        LineageEvents = "lineage_events",
    }
}

words! {
    /// A file format.
    Format {
        /// RFC 4180, with a header line.
        Csv = "csv",
        /// One JSON document a line: the canonical bytes of each record.
        Ndjson = "ndjson",
        /// Apache Parquet with typed columns.
        Parquet = "parquet",
        /// An Excel workbook.
        Xlsx = "xlsx",
    }
}

words! {
    /// How a CSV or NDJSON file is compressed; Parquet and XLSX compress what is in them by themselves.
    Compression {
        /// Not at all.
        None = "none",
        /// RFC 1952.
        Gzip = "gzip",
        /// RFC 8878.
        Zstd = "zstd",
    }
}

/// Rows of an XLSX part at most: a sheet takes 1,048,576, and programs that open it take their time.
const XLSX_ROWS_MAX: i64 = 250_000;

/// A form of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its format.
    pub format: Format,
    /// Its compression.
    pub compression: Compression,
}

impl Form {
    /// A format without compression.
    #[must_use]
    pub fn plain(format: Format) -> Self {
        Self { format, compression: Compression::None }
    }

    /// Whether there is such a form.
    #[must_use]
    pub fn is_made(self) -> bool {
        self.compression == Compression::None || matches!(self.format, Format::Csv | Format::Ndjson)
    }

    /// How many rows a part of it has at most, where `most` is set for any.
    #[must_use]
    pub fn part_rows(self, most: i64) -> i64 {
        if self.format == Format::Xlsx { most.min(XLSX_ROWS_MAX) } else { most }
    }

    /// What file names end with, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match (self.format, self.compression) {
            (Format::Csv, Compression::None) => "csv",
            (Format::Csv, Compression::Gzip) => "csv.gz",
            (Format::Csv, Compression::Zstd) => "csv.zst",
            (Format::Ndjson, Compression::None) => "ndjson",
            (Format::Ndjson, Compression::Gzip) => "ndjson.gz",
            (Format::Ndjson, Compression::Zstd) => "ndjson.zst",
            (Format::Parquet, _) => "parquet",
            (Format::Xlsx, _) => "xlsx",
        }
    }

    /// The media type of a file.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match (self.format, self.compression) {
            (_, Compression::Gzip) => "application/gzip",
            (_, Compression::Zstd) => "application/zstd",
            (Format::Csv, _) => "text/csv; charset=utf-8; header=present",
            (Format::Ndjson, _) => "application/x-ndjson",
            (Format::Parquet, _) => "application/vnd.apache.parquet",
            (Format::Xlsx, _) => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}
