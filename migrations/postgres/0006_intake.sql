-- Files that feeders deliver: their way from upload to records, what was found in them, the statements they
-- held, and what the columns of a table mean.

CREATE TABLE intakes (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT,
  state          TEXT NOT NULL CHECK (state IN
                   ('uploading', 'examining', 'storing', 'examined', 'stored', 'refused', 'failed')),
  reason         TEXT,
  actor          TEXT NOT NULL,
  format         TEXT NOT NULL,
  file_name      TEXT,
  mapping        TEXT,
  dry_run        BIGINT NOT NULL,
  skips          BIGINT NOT NULL,
  bytes          BIGINT NOT NULL CHECK (bytes >= 0),
  sha256         BYTEA CHECK (octet_length(sha256) = 32),
  statements     BIGINT NOT NULL,
  records        BIGINT NOT NULL,
  added          BIGINT NOT NULL,
  unchanged      BIGINT NOT NULL,
  faults         BIGINT NOT NULL,
  breaks         BIGINT NOT NULL,
  delivered      BIGINT NOT NULL,
  created_at_us  BIGINT NOT NULL,
  finished_at_us BIGINT,
  PRIMARY KEY (institution_id, id)
);

CREATE INDEX intakes_seq ON intakes (institution_id, seq);

CREATE TABLE intake_findings (
  institution_id UUID NOT NULL,
  intake_id      UUID NOT NULL,
  number         BIGINT NOT NULL,
  finding        TEXT NOT NULL,
  PRIMARY KEY (institution_id, intake_id, number)
);

CREATE TABLE statements (
  institution_id UUID NOT NULL,
  intake_id      UUID NOT NULL,
  number         BIGINT NOT NULL,
  account        TEXT NOT NULL,
  statement      TEXT NOT NULL,
  currency       TEXT NOT NULL,
  closing_minor  BIGINT NOT NULL,
  closing_date   TEXT NOT NULL,
  PRIMARY KEY (institution_id, intake_id, number)
);

CREATE INDEX statements_closing ON statements (institution_id, account, currency, closing_date);

CREATE TABLE intake_mappings (
  institution_id UUID NOT NULL,
  name           TEXT NOT NULL,
  mapping        TEXT NOT NULL,
  seq            BIGINT NOT NULL,
  PRIMARY KEY (institution_id, name)
);

GRANT SELECT, INSERT ON intakes, intake_findings, statements, intake_mappings TO veritrail_service;
GRANT UPDATE (seq, state, reason, sha256, statements, records, added, unchanged, faults, breaks, delivered,
              finished_at_us) ON intakes TO veritrail_service;
GRANT UPDATE (mapping, seq) ON intake_mappings TO veritrail_service;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['intakes', 'intake_findings', 'statements', 'intake_mappings'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY scope ON %I USING (institution_id IN (SELECT veritrail.scope()))', name);
  END LOOP;
END $$;
