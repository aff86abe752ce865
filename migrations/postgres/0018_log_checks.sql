-- What `veritrail fsck` last found in each log, and an index to find each feed's newest file by.

CREATE TABLE log_checks (
  institution_id UUID PRIMARY KEY,
  checked_at_us  BIGINT NOT NULL,
  -- Entries that the log had then.
  size           BIGINT NOT NULL CHECK (size >= 0),
  -- The first fault, with its place; none when it was clean.
  fault          TEXT
);

-- A feed is who delivers, and in which format; what was only looked at, or is not whole yet, is no delivery.
CREATE INDEX intakes_feed ON intakes (institution_id, actor, format, created_at_us)
  WHERE dry_run = 0 AND seq IS NOT NULL;

GRANT SELECT, INSERT ON log_checks TO veritrail_service;
GRANT UPDATE (checked_at_us, size, fault) ON log_checks TO veritrail_service;

ALTER TABLE log_checks ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_checks FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON log_checks USING (institution_id IN (SELECT veritrail.scope()));
