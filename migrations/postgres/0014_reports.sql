-- Reports: what was ordered, what was made of it, and what became of it (gateway/src/store/reports). A version's
-- figures and contributions are written while it is made; they say nothing until its state is `ready`.

CREATE TABLE reports (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  -- The entry that ordered its first version.
  seq            BIGINT NOT NULL,
  type           TEXT NOT NULL,
  period         TEXT NOT NULL,
  -- A JSON object with its members in order.
  parameters     TEXT NOT NULL,
  -- A hash of them: they may be longer than an index takes.
  parameters_id  UUID NOT NULL,
  created_at_us  BIGINT NOT NULL,
  PRIMARY KEY (institution_id, id),
  UNIQUE (institution_id, type, period, parameters_id)
);

CREATE UNIQUE INDEX reports_seq ON reports (institution_id, seq);

CREATE TABLE report_versions (
  institution_id UUID NOT NULL,
  report_id      UUID NOT NULL,
  n              BIGINT NOT NULL,
  -- The entry that ordered it, and the one that says what it became.
  seq            BIGINT NOT NULL,
  made_seq       BIGINT,
  kind           TEXT NOT NULL CHECK (kind IN ('new', 'correction', 'cancellation', 'nothing_to_report')),
  reason         TEXT,
  supersedes     BIGINT,
  as_of          BIGINT NOT NULL,
  -- Whoever begins to make it takes the next number; whoever has another one writes nothing more.
  attempt        BIGINT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('producing', 'ready', 'refused', 'failed')),
  media_type     TEXT,
  sha256         BYTEA CHECK (octet_length(sha256) = 32),
  bytes          BIGINT,
  figures        BIGINT NOT NULL,
  figures_sha256 BYTEA,
  errors         BIGINT NOT NULL,
  warnings       BIGINT NOT NULL,
  created_at_us  BIGINT NOT NULL,
  touched_at_us  BIGINT NOT NULL,
  finished_at_us BIGINT,
  PRIMARY KEY (institution_id, report_id, n)
);

CREATE INDEX report_versions_unfinished ON report_versions (institution_id, touched_at_us) WHERE state = 'producing';

CREATE TABLE report_figures (
  institution_id UUID NOT NULL,
  report_id      UUID NOT NULL,
  n              BIGINT NOT NULL,
  position       BIGINT NOT NULL,
  name           TEXT NOT NULL,
  value          TEXT NOT NULL,
  unit           TEXT NOT NULL,
  decimals       BIGINT NOT NULL,
  formula        TEXT NOT NULL,
  path           TEXT NOT NULL,
  -- The figures that it is made of, with their factors: JSON.
  inputs         TEXT NOT NULL,
  parts          BIGINT NOT NULL,
  -- The root of the Merkle-sum tree over its contributions.
  credit         TEXT NOT NULL,
  debit          TEXT NOT NULL,
  root           BYTEA NOT NULL CHECK (octet_length(root) = 32),
  PRIMARY KEY (institution_id, report_id, n, position),
  UNIQUE (institution_id, report_id, n, name)
);

CREATE TABLE report_contributions (
  institution_id UUID NOT NULL,
  report_id      UUID NOT NULL,
  n              BIGINT NOT NULL,
  figure         BIGINT NOT NULL,
  position       BIGINT NOT NULL,
  seq            BIGINT NOT NULL,
  amount         BIGINT NOT NULL,
  PRIMARY KEY (institution_id, report_id, n, figure, position)
);

CREATE INDEX report_contributions_seq ON report_contributions (institution_id, seq);
CREATE INDEX report_contributions_version ON report_contributions (institution_id, report_id, n, seq);

CREATE TABLE report_remarks (
  institution_id UUID NOT NULL,
  report_id      UUID NOT NULL,
  n              BIGINT NOT NULL,
  position       BIGINT NOT NULL,
  remark         TEXT NOT NULL,
  PRIMARY KEY (institution_id, report_id, n, position)
);

CREATE TABLE report_validations (
  institution_id UUID NOT NULL,
  report_id      UUID NOT NULL,
  n              BIGINT NOT NULL,
  seq            BIGINT NOT NULL,
  validator      TEXT NOT NULL,
  version        TEXT NOT NULL,
  verdict        TEXT NOT NULL CHECK (verdict IN ('passed', 'failed')),
  output_sha256  BYTEA NOT NULL CHECK (octet_length(output_sha256) = 32),
  output_bytes   BIGINT NOT NULL,
  created_at_us  BIGINT NOT NULL,
  PRIMARY KEY (institution_id, report_id, n, seq)
);

CREATE TABLE report_deliveries (
  institution_id  UUID NOT NULL,
  report_id       UUID NOT NULL,
  n               BIGINT NOT NULL,
  seq             BIGINT NOT NULL,
  recipient       TEXT NOT NULL,
  channel         TEXT NOT NULL,
  reference       TEXT,
  delivered_at_us BIGINT NOT NULL,
  created_at_us   BIGINT NOT NULL,
  PRIMARY KEY (institution_id, report_id, n, seq)
);

CREATE TABLE report_adjustments (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  report_id      UUID NOT NULL,
  -- The entry that proposed it, and the one that approved or declined it.
  seq            BIGINT NOT NULL,
  decided_seq    BIGINT,
  figure         TEXT NOT NULL,
  unit           TEXT NOT NULL,
  amount         BIGINT NOT NULL,
  reason         TEXT NOT NULL,
  actor          TEXT NOT NULL,
  decided_by     TEXT,
  state          TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'declined')),
  created_at_us  BIGINT NOT NULL,
  decided_at_us  BIGINT,
  -- Nobody approves what they proposed.
  CHECK (decided_by IS NULL OR decided_by <> actor),
  PRIMARY KEY (institution_id, id)
);

CREATE UNIQUE INDEX report_adjustments_seq ON report_adjustments (institution_id, seq);
CREATE INDEX report_adjustments_report ON report_adjustments (institution_id, report_id, seq);

GRANT SELECT, INSERT ON reports, report_figures, report_contributions, report_remarks, report_validations,
                        report_deliveries, report_versions, report_adjustments TO veritrail_service;
GRANT DELETE ON report_figures, report_contributions, report_remarks TO veritrail_service;
GRANT UPDATE (attempt, made_seq, state, media_type, sha256, bytes, figures, figures_sha256, errors, warnings, touched_at_us,
              finished_at_us) ON report_versions TO veritrail_service;
GRANT UPDATE (decided_seq, decided_by, state, decided_at_us) ON report_adjustments TO veritrail_service;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['reports', 'report_versions', 'report_figures', 'report_contributions',
                              'report_remarks', 'report_validations', 'report_deliveries',
                              'report_adjustments'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY scope ON %I USING (institution_id IN (SELECT veritrail.scope()))', name);
  END LOOP;
END $$;
