-- What `veritrail fsck` last found in each log, and an index to find each feed's newest file by.

CREATE TABLE log_checks (
  institution_id BLOB NOT NULL PRIMARY KEY,
  checked_at_us  INTEGER NOT NULL,
  -- Entries that the log had then.
  size           INTEGER NOT NULL CHECK (size >= 0),
  -- The first fault, with its place; none when it was clean.
  fault          TEXT
) STRICT, WITHOUT ROWID;

-- A feed is who delivers, and in which format; what was only looked at, or is not whole yet, is no delivery.
CREATE INDEX intakes_feed ON intakes (institution_id, actor, format, created_at_us)
  WHERE dry_run = 0 AND seq IS NOT NULL;
