-- Files that feeders deliver: their way from upload to records, what was found in them, the statements they
-- held, and what the columns of a table mean.

CREATE TABLE intakes (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL CHECK (length(id) = 16),
  seq            INTEGER,
  state          TEXT NOT NULL CHECK (state IN
                   ('uploading', 'examining', 'storing', 'examined', 'stored', 'refused', 'failed')),
  reason         TEXT,
  actor          TEXT NOT NULL,
  format         TEXT NOT NULL,
  file_name      TEXT,
  mapping        TEXT,
  dry_run        INTEGER NOT NULL,
  skips          INTEGER NOT NULL,
  bytes          INTEGER NOT NULL CHECK (bytes >= 0),
  sha256         BLOB CHECK (length(sha256) = 32),
  statements     INTEGER NOT NULL,
  records        INTEGER NOT NULL,
  added          INTEGER NOT NULL,
  unchanged      INTEGER NOT NULL,
  faults         INTEGER NOT NULL,
  breaks         INTEGER NOT NULL,
  delivered      INTEGER NOT NULL,
  created_at_us  INTEGER NOT NULL,
  finished_at_us INTEGER,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX intakes_seq ON intakes (institution_id, seq);

CREATE TABLE intake_findings (
  institution_id BLOB NOT NULL,
  intake_id      BLOB NOT NULL,
  number         INTEGER NOT NULL,
  finding        TEXT NOT NULL,
  PRIMARY KEY (institution_id, intake_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE statements (
  institution_id BLOB NOT NULL,
  intake_id      BLOB NOT NULL,
  number         INTEGER NOT NULL,
  account        TEXT NOT NULL,
  statement      TEXT NOT NULL,
  currency       TEXT NOT NULL,
  closing_minor  INTEGER NOT NULL,
  closing_date   TEXT NOT NULL,
  PRIMARY KEY (institution_id, intake_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX statements_closing ON statements (institution_id, account, currency, closing_date);

CREATE TABLE intake_mappings (
  institution_id BLOB NOT NULL,
  name           TEXT NOT NULL,
  mapping        TEXT NOT NULL,
  seq            INTEGER NOT NULL,
  PRIMARY KEY (institution_id, name)
) STRICT, WITHOUT ROWID;
