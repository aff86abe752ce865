-- Schedules of reports: standing orders, each for one period after the other (gateway/src/store/reports/schedules.rs).

CREATE TABLE report_schedules (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  -- The entry that set it up, and the one that ended it.
  seq            BIGINT NOT NULL,
  ended_seq      BIGINT,
  type           TEXT NOT NULL,
  -- A JSON object with its members in order.
  parameters     TEXT NOT NULL,
  rhythm         TEXT NOT NULL CHECK (rhythm IN ('day', 'month', 'quarter', 'year')),
  after_days     BIGINT NOT NULL CHECK (after_days BETWEEN 0 AND 90),
  hour           BIGINT NOT NULL CHECK (hour BETWEEN 0 AND 23),
  first_period   TEXT NOT NULL,
  -- Whoever orders the report of this period moves on to the next one in the same transaction: none is ordered twice.
  next_period    TEXT NOT NULL,
  due_at_us      BIGINT NOT NULL,
  last_period    TEXT,
  last_at_us     BIGINT,
  -- The report that was ordered, or that was there already; and why none was ordered.
  last_report_id UUID,
  last_code      TEXT,
  created_at_us  BIGINT NOT NULL,
  ended_at_us    BIGINT,
  PRIMARY KEY (institution_id, id)
);

CREATE UNIQUE INDEX report_schedules_seq ON report_schedules (institution_id, seq);
CREATE INDEX report_schedules_ended ON report_schedules (institution_id, ended_seq) WHERE ended_seq IS NOT NULL;
CREATE INDEX report_schedules_due ON report_schedules (institution_id, due_at_us) WHERE ended_seq IS NULL;

GRANT SELECT, INSERT ON report_schedules TO veritrail_service;
GRANT UPDATE (ended_seq, ended_at_us, next_period, due_at_us, last_period, last_at_us, last_report_id, last_code)
  ON report_schedules TO veritrail_service;

ALTER TABLE report_schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE report_schedules FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON report_schedules USING (institution_id IN (SELECT veritrail.scope()));
