-- How the service is, for everybody: what checks of its parts found, by day and now, and incidents. Nobody's data.

-- Checks of a part in a day, added up by any number of replicas; the rest of them found it as it should be.
CREATE TABLE status_days (
  component TEXT NOT NULL,
  day       TEXT NOT NULL CHECK (length(day) = 10),
  checks    BIGINT NOT NULL CHECK (checks > 0),
  degraded  BIGINT NOT NULL CHECK (degraded >= 0),
  down      BIGINT NOT NULL CHECK (down >= 0),
  PRIMARY KEY (component, day),
  CHECK (degraded + down <= checks)
);

-- What each replica found last, and until when that says something.
CREATE TABLE status_checks (
  component      TEXT NOT NULL,
  checker        TEXT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('operational', 'degraded', 'down')),
  at_us          BIGINT NOT NULL,
  fresh_until_us BIGINT NOT NULL,
  PRIMARY KEY (component, checker)
);

-- Incidents, as their newest update says. Entries are those of the provider's own log.
CREATE TABLE incidents (
  id             UUID PRIMARY KEY,
  -- The entry that opened it, and that of its newest update.
  seq            BIGINT NOT NULL UNIQUE,
  last_seq       BIGINT NOT NULL,
  title          TEXT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('investigating', 'identified', 'monitoring', 'resolved')),
  impact         TEXT NOT NULL CHECK (impact IN ('none', 'minor', 'major', 'critical')),
  -- Names, with spaces between them.
  components     TEXT NOT NULL,
  updates        BIGINT NOT NULL CHECK (updates > 0),
  opened_at_us   BIGINT NOT NULL,
  updated_at_us  BIGINT NOT NULL,
  resolved_at_us BIGINT,
  CHECK ((resolved_at_us IS NULL) = (status <> 'resolved'))
);

CREATE INDEX incidents_open ON incidents (seq) WHERE resolved_at_us IS NULL;
CREATE INDEX incidents_resolved ON incidents (resolved_at_us) WHERE resolved_at_us IS NOT NULL;

CREATE TABLE incident_updates (
  seq         BIGINT PRIMARY KEY,
  incident_id UUID NOT NULL REFERENCES incidents (id),
  status      TEXT NOT NULL,
  impact      TEXT NOT NULL,
  components  TEXT NOT NULL,
  body        TEXT NOT NULL,
  made_by     TEXT NOT NULL,
  at_us       BIGINT NOT NULL
);

CREATE INDEX incident_updates_incident ON incident_updates (incident_id, seq);

-- What checks look for, among all that was made.
CREATE INDEX exports_unfinished ON exports (institution_id, touched_at_us) WHERE state = 'preparing';
CREATE INDEX exports_failed ON exports (institution_id, finished_at_us) WHERE state = 'failed';
CREATE INDEX report_versions_failed ON report_versions (institution_id, finished_at_us) WHERE state = 'failed';

GRANT SELECT, INSERT, DELETE ON status_days, status_checks TO veritrail_service;
GRANT UPDATE (checks, degraded, down) ON status_days TO veritrail_service;
GRANT UPDATE (state, at_us, fresh_until_us) ON status_checks TO veritrail_service;
GRANT SELECT, INSERT ON incidents, incident_updates TO veritrail_service;
GRANT UPDATE (last_seq, status, impact, components, updates, updated_at_us, resolved_at_us) ON incidents
  TO veritrail_service;
