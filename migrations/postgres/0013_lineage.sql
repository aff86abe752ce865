-- Lineage: OpenLineage events, and what they project to (gateway/src/store/lineage). Each projection's id is a
-- hash of what the row is about, and its seq the first entry that told of it. Projections can be made again from
-- the events.

CREATE TABLE lineage_events (
  institution_id UUID NOT NULL,
  seq            BIGINT NOT NULL,
  digest         BYTEA NOT NULL CHECK (octet_length(digest) = 32),
  time_us        BIGINT NOT NULL,
  PRIMARY KEY (institution_id, seq),
  UNIQUE (institution_id, digest)
);

CREATE TABLE lineage_jobs (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT NOT NULL,
  namespace      TEXT NOT NULL,
  name           TEXT NOT NULL,
  search         TEXT NOT NULL,
  PRIMARY KEY (institution_id, id)
);

CREATE TABLE lineage_datasets (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT NOT NULL,
  namespace      TEXT NOT NULL,
  name           TEXT NOT NULL,
  search         TEXT NOT NULL,
  -- The columns as the newest event has them, and when that happened.
  columns        TEXT,
  columns_at_us  BIGINT,
  PRIMARY KEY (institution_id, id)
);

CREATE TABLE lineage_versions (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT NOT NULL,
  dataset_id     UUID NOT NULL,
  version        TEXT NOT NULL,
  run_id         UUID,
  made_at_us     BIGINT NOT NULL,
  columns        TEXT,
  columns_at_us  BIGINT,
  PRIMARY KEY (institution_id, id)
);

CREATE INDEX lineage_versions_dataset ON lineage_versions (institution_id, dataset_id, made_at_us, id);

CREATE TABLE lineage_runs (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT NOT NULL,
  name           TEXT NOT NULL,
  job_id         UUID NOT NULL,
  -- The newest event's, but the end of a run once there was one.
  state          TEXT NOT NULL,
  ended          BIGINT NOT NULL,
  state_at_us    BIGINT NOT NULL,
  started_at_us  BIGINT NOT NULL,
  parent_id      UUID,
  PRIMARY KEY (institution_id, id)
);

CREATE INDEX lineage_runs_job ON lineage_runs (institution_id, job_id, started_at_us, id);
CREATE INDEX lineage_runs_parent ON lineage_runs (institution_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE lineage_edges (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT NOT NULL,
  job_id         UUID NOT NULL,
  run_id         UUID,
  dataset_id     UUID NOT NULL,
  direction      TEXT NOT NULL CHECK (direction IN ('input', 'output')),
  version        TEXT,
  PRIMARY KEY (institution_id, id)
);

CREATE INDEX lineage_edges_job ON lineage_edges (institution_id, job_id, direction, dataset_id);
CREATE INDEX lineage_edges_dataset ON lineage_edges (institution_id, dataset_id, direction, job_id);
CREATE INDEX lineage_edges_run ON lineage_edges (institution_id, run_id) WHERE run_id IS NOT NULL;

CREATE TABLE lineage_columns (
  institution_id  UUID NOT NULL,
  id              UUID NOT NULL,
  seq             BIGINT NOT NULL,
  job_id          UUID NOT NULL,
  run_id          UUID,
  dataset_id      UUID NOT NULL,
  field           TEXT NOT NULL,
  from_dataset_id UUID NOT NULL,
  from_field      TEXT NOT NULL,
  direct          BIGINT NOT NULL,
  how             TEXT,
  masked          BIGINT NOT NULL,
  PRIMARY KEY (institution_id, id)
);

CREATE INDEX lineage_columns_to ON lineage_columns (institution_id, dataset_id);
CREATE INDEX lineage_columns_from ON lineage_columns (institution_id, from_dataset_id);

GRANT SELECT, INSERT ON lineage_events TO veritrail_service;
GRANT SELECT, INSERT, DELETE ON lineage_jobs, lineage_datasets, lineage_versions, lineage_runs, lineage_edges,
                                lineage_columns TO veritrail_service;
GRANT UPDATE (columns, columns_at_us) ON lineage_datasets TO veritrail_service;
GRANT UPDATE (run_id, made_at_us, columns, columns_at_us) ON lineage_versions TO veritrail_service;
GRANT UPDATE (state, ended, state_at_us, started_at_us, parent_id) ON lineage_runs TO veritrail_service;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['lineage_events', 'lineage_jobs', 'lineage_datasets', 'lineage_versions',
                              'lineage_runs', 'lineage_edges', 'lineage_columns'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY scope ON %I USING (institution_id IN (SELECT veritrail.scope()))', name);
  END LOOP;
END $$;
