-- Exports: what was ordered, and the parts that were written of it. Files are beside the database; what
-- is here is enough to write each of them again, to the byte.

CREATE TABLE exports (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL CHECK (length(id) = 16),
  seq            INTEGER NOT NULL,
  what           TEXT NOT NULL CHECK (what IN ('transactions', 'entries', 'accesses')),
  format         TEXT NOT NULL CHECK (format IN ('csv', 'ndjson', 'parquet', 'xlsx')),
  compression    TEXT NOT NULL CHECK (compression IN ('none', 'gzip', 'zstd')),
  filter         TEXT NOT NULL,
  selection      TEXT NOT NULL,
  as_of          INTEGER NOT NULL,
  part_rows      INTEGER NOT NULL CHECK (part_rows > 0),
  state          TEXT NOT NULL CHECK (state IN ('preparing', 'ready', 'failed')),
  rows_done      INTEGER NOT NULL,
  created_at_us  INTEGER NOT NULL,
  touched_at_us  INTEGER NOT NULL,
  finished_at_us INTEGER,
  expires_at_us  INTEGER,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX exports_by_seq ON exports (institution_id, seq);

CREATE TABLE export_parts (
  institution_id BLOB NOT NULL,
  export_id      BLOB NOT NULL,
  n              INTEGER NOT NULL CHECK (n > 0),
  after_seq      INTEGER NOT NULL,
  last_seq       INTEGER NOT NULL CHECK (last_seq >= after_seq),
  rows_in        INTEGER NOT NULL,
  bytes          INTEGER NOT NULL,
  sha256         BLOB NOT NULL CHECK (length(sha256) = 32),
  PRIMARY KEY (institution_id, export_id, n)
) STRICT, WITHOUT ROWID;
