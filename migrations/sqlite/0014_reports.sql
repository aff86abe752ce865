-- Reports: what was ordered, what was made of it, and what became of it (gateway/src/store/reports). A version's
-- figures and contributions are written while it is made; they say nothing until its state is `ready`.

CREATE TABLE reports (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  -- The entry that ordered its first version.
  seq            INTEGER NOT NULL,
  type           TEXT NOT NULL,
  period         TEXT NOT NULL,
  -- A JSON object with its members in order.
  parameters     TEXT NOT NULL,
  -- A hash of them: they may be longer than an index takes.
  parameters_id  BLOB NOT NULL,
  created_at_us  INTEGER NOT NULL,
  PRIMARY KEY (institution_id, id),
  UNIQUE (institution_id, type, period, parameters_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX reports_seq ON reports (institution_id, seq);

CREATE TABLE report_versions (
  institution_id BLOB NOT NULL,
  report_id      BLOB NOT NULL,
  n              INTEGER NOT NULL,
  -- The entry that ordered it, and the one that says what it became.
  seq            INTEGER NOT NULL,
  made_seq       INTEGER,
  kind           TEXT NOT NULL CHECK (kind IN ('new', 'correction', 'cancellation', 'nothing_to_report')),
  reason         TEXT,
  supersedes     INTEGER,
  as_of          INTEGER NOT NULL,
  -- Whoever begins to make it takes the next number; whoever has another one writes nothing more.
  attempt        INTEGER NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('producing', 'ready', 'refused', 'failed')),
  media_type     TEXT,
  sha256         BLOB CHECK (length(sha256) = 32),
  bytes          INTEGER,
  figures        INTEGER NOT NULL,
  figures_sha256 BLOB,
  errors         INTEGER NOT NULL,
  warnings       INTEGER NOT NULL,
  created_at_us  INTEGER NOT NULL,
  touched_at_us  INTEGER NOT NULL,
  finished_at_us INTEGER,
  PRIMARY KEY (institution_id, report_id, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX report_versions_unfinished ON report_versions (institution_id, touched_at_us) WHERE state = 'producing';

CREATE TABLE report_figures (
  institution_id BLOB NOT NULL,
  report_id      BLOB NOT NULL,
  n              INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  name           TEXT NOT NULL,
  value          TEXT NOT NULL,
  unit           TEXT NOT NULL,
  decimals       INTEGER NOT NULL,
  formula        TEXT NOT NULL,
  path           TEXT NOT NULL,
  -- The figures that it is made of, with their factors: JSON.
  inputs         TEXT NOT NULL,
  parts          INTEGER NOT NULL,
  -- The root of the Merkle-sum tree over its contributions.
  credit         TEXT NOT NULL,
  debit          TEXT NOT NULL,
  root           BLOB NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (institution_id, report_id, n, position),
  UNIQUE (institution_id, report_id, n, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE report_contributions (
  institution_id BLOB NOT NULL,
  report_id      BLOB NOT NULL,
  n              INTEGER NOT NULL,
  figure         INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  seq            INTEGER NOT NULL,
  amount         INTEGER NOT NULL,
  PRIMARY KEY (institution_id, report_id, n, figure, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX report_contributions_seq ON report_contributions (institution_id, seq);
CREATE INDEX report_contributions_version ON report_contributions (institution_id, report_id, n, seq);

CREATE TABLE report_remarks (
  institution_id BLOB NOT NULL,
  report_id      BLOB NOT NULL,
  n              INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  remark         TEXT NOT NULL,
  PRIMARY KEY (institution_id, report_id, n, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE report_validations (
  institution_id BLOB NOT NULL,
  report_id      BLOB NOT NULL,
  n              INTEGER NOT NULL,
  seq            INTEGER NOT NULL,
  validator      TEXT NOT NULL,
  version        TEXT NOT NULL,
  verdict        TEXT NOT NULL CHECK (verdict IN ('passed', 'failed')),
  output_sha256  BLOB NOT NULL CHECK (length(output_sha256) = 32),
  output_bytes   INTEGER NOT NULL,
  created_at_us  INTEGER NOT NULL,
  PRIMARY KEY (institution_id, report_id, n, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE report_deliveries (
  institution_id  BLOB NOT NULL,
  report_id       BLOB NOT NULL,
  n               INTEGER NOT NULL,
  seq             INTEGER NOT NULL,
  recipient       TEXT NOT NULL,
  channel         TEXT NOT NULL,
  reference       TEXT,
  delivered_at_us INTEGER NOT NULL,
  created_at_us   INTEGER NOT NULL,
  PRIMARY KEY (institution_id, report_id, n, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE report_adjustments (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  report_id      BLOB NOT NULL,
  -- The entry that proposed it, and the one that approved or declined it.
  seq            INTEGER NOT NULL,
  decided_seq    INTEGER,
  figure         TEXT NOT NULL,
  unit           TEXT NOT NULL,
  amount         INTEGER NOT NULL,
  reason         TEXT NOT NULL,
  actor          TEXT NOT NULL,
  decided_by     TEXT,
  state          TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'declined')),
  created_at_us  INTEGER NOT NULL,
  decided_at_us  INTEGER,
  -- Nobody approves what they proposed.
  CHECK (decided_by IS NULL OR decided_by <> actor),
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX report_adjustments_seq ON report_adjustments (institution_id, seq);
CREATE INDEX report_adjustments_report ON report_adjustments (institution_id, report_id, seq);
