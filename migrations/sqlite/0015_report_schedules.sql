-- Schedules of reports: standing orders, each for one period after the other (gateway/src/store/reports/schedules.rs).

CREATE TABLE report_schedules (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  -- The entry that set it up, and the one that ended it.
  seq            INTEGER NOT NULL,
  ended_seq      INTEGER,
  type           TEXT NOT NULL,
  -- A JSON object with its members in order.
  parameters     TEXT NOT NULL,
  rhythm         TEXT NOT NULL CHECK (rhythm IN ('day', 'month', 'quarter', 'year')),
  after_days     INTEGER NOT NULL CHECK (after_days BETWEEN 0 AND 90),
  hour           INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
  first_period   TEXT NOT NULL,
  -- Whoever orders the report of this period moves on to the next one in the same transaction: none is ordered twice.
  next_period    TEXT NOT NULL,
  due_at_us      INTEGER NOT NULL,
  last_period    TEXT,
  last_at_us     INTEGER,
  -- The report that was ordered, or that was there already; and why none was ordered.
  last_report_id BLOB,
  last_code      TEXT,
  created_at_us  INTEGER NOT NULL,
  ended_at_us    INTEGER,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX report_schedules_seq ON report_schedules (institution_id, seq);
CREATE INDEX report_schedules_ended ON report_schedules (institution_id, ended_seq) WHERE ended_seq IS NOT NULL;
CREATE INDEX report_schedules_due ON report_schedules (institution_id, due_at_us) WHERE ended_seq IS NULL;
