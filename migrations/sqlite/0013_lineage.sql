-- Lineage: OpenLineage events, and what they project to (gateway/src/store/lineage). Each projection's id is a
-- hash of what the row is about, and its seq the first entry that told of it. Projections can be made again from
-- the events.

CREATE TABLE lineage_events (
  institution_id BLOB NOT NULL,
  seq            INTEGER NOT NULL,
  digest         BLOB NOT NULL CHECK (length(digest) = 32),
  time_us        INTEGER NOT NULL,
  PRIMARY KEY (institution_id, seq),
  UNIQUE (institution_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE lineage_jobs (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  seq            INTEGER NOT NULL,
  namespace      TEXT NOT NULL,
  name           TEXT NOT NULL,
  search         TEXT NOT NULL,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lineage_datasets (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  seq            INTEGER NOT NULL,
  namespace      TEXT NOT NULL,
  name           TEXT NOT NULL,
  search         TEXT NOT NULL,
  -- The columns as the newest event has them, and when that happened.
  columns        TEXT,
  columns_at_us  INTEGER,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lineage_versions (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  seq            INTEGER NOT NULL,
  dataset_id     BLOB NOT NULL,
  version        TEXT NOT NULL,
  run_id         BLOB,
  made_at_us     INTEGER NOT NULL,
  columns        TEXT,
  columns_at_us  INTEGER,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX lineage_versions_dataset ON lineage_versions (institution_id, dataset_id, made_at_us, id);

CREATE TABLE lineage_runs (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  seq            INTEGER NOT NULL,
  name           TEXT NOT NULL,
  job_id         BLOB NOT NULL,
  -- The newest event's, but the end of a run once there was one.
  state          TEXT NOT NULL,
  ended          INTEGER NOT NULL,
  state_at_us    INTEGER NOT NULL,
  started_at_us  INTEGER NOT NULL,
  parent_id      BLOB,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX lineage_runs_job ON lineage_runs (institution_id, job_id, started_at_us, id);
CREATE INDEX lineage_runs_parent ON lineage_runs (institution_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE lineage_edges (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  seq            INTEGER NOT NULL,
  job_id         BLOB NOT NULL,
  run_id         BLOB,
  dataset_id     BLOB NOT NULL,
  direction      TEXT NOT NULL CHECK (direction IN ('input', 'output')),
  version        TEXT,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX lineage_edges_job ON lineage_edges (institution_id, job_id, direction, dataset_id);
CREATE INDEX lineage_edges_dataset ON lineage_edges (institution_id, dataset_id, direction, job_id);
CREATE INDEX lineage_edges_run ON lineage_edges (institution_id, run_id) WHERE run_id IS NOT NULL;

CREATE TABLE lineage_columns (
  institution_id  BLOB NOT NULL,
  id              BLOB NOT NULL,
  seq             INTEGER NOT NULL,
  job_id          BLOB NOT NULL,
  run_id          BLOB,
  dataset_id      BLOB NOT NULL,
  field           TEXT NOT NULL,
  from_dataset_id BLOB NOT NULL,
  from_field      TEXT NOT NULL,
  direct          INTEGER NOT NULL,
  how             TEXT,
  masked          INTEGER NOT NULL,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX lineage_columns_to ON lineage_columns (institution_id, dataset_id);
CREATE INDEX lineage_columns_from ON lineage_columns (institution_id, from_dataset_id);
