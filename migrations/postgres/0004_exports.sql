-- Exports: what was ordered, and the parts that were written of it. Files are beside the service; what
-- is here is enough to write each of them again, to the byte.

CREATE TABLE exports (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT NOT NULL,
  what           TEXT NOT NULL CHECK (what IN ('transactions', 'entries', 'accesses')),
  format         TEXT NOT NULL CHECK (format IN ('csv', 'ndjson', 'parquet', 'xlsx')),
  compression    TEXT NOT NULL CHECK (compression IN ('none', 'gzip', 'zstd')),
  filter         TEXT NOT NULL,
  selection      TEXT NOT NULL,
  as_of          BIGINT NOT NULL,
  part_rows      BIGINT NOT NULL CHECK (part_rows > 0),
  state          TEXT NOT NULL CHECK (state IN ('preparing', 'ready', 'failed')),
  rows_done      BIGINT NOT NULL,
  created_at_us  BIGINT NOT NULL,
  touched_at_us  BIGINT NOT NULL,
  finished_at_us BIGINT,
  expires_at_us  BIGINT,
  PRIMARY KEY (institution_id, id)
);

CREATE INDEX exports_by_seq ON exports (institution_id, seq);

CREATE TABLE export_parts (
  institution_id UUID NOT NULL,
  export_id      UUID NOT NULL,
  n              BIGINT NOT NULL CHECK (n > 0),
  after_seq      BIGINT NOT NULL,
  last_seq       BIGINT NOT NULL CHECK (last_seq >= after_seq),
  rows_in        BIGINT NOT NULL,
  bytes          BIGINT NOT NULL,
  sha256         BYTEA NOT NULL CHECK (octet_length(sha256) = 32),
  PRIMARY KEY (institution_id, export_id, n)
);

GRANT SELECT, INSERT ON exports, export_parts TO veritrail_service;
GRANT UPDATE (state, rows_done, touched_at_us, finished_at_us, expires_at_us) ON exports TO veritrail_service;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['exports', 'export_parts'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY scope ON %I USING (institution_id IN (SELECT veritrail.scope()))', name);
  END LOOP;
END $$;
