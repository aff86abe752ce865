-- Foundation: who may call, one log per institution, and the records that it commits to.
-- The same tables as sqlite/0001_foundation.sql, which a test holds; here the database itself guards them:
--   grants       the service may do what is granted below, and nothing else
--   row security a transaction sees the institutions that it names in veritrail.scope, and no others
--   triggers     ledger tables refuse UPDATE, DELETE and TRUNCATE from everyone, the owner included

GRANT USAGE ON SCHEMA veritrail TO veritrail_service;
GRANT SELECT ON _sqlx_migrations TO veritrail_service;

-- The institutions of this transaction. Unset, and after a SET LOCAL has ended (''), there are none.
CREATE FUNCTION scope() RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog AS
  $$ SELECT unnest(string_to_array(nullif(current_setting('veritrail.scope', true), ''), ','))::uuid $$;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS
  $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;

-- The directory: not tenant data, read before a caller's institution is known.

CREATE TABLE plans (
  name                   TEXT PRIMARY KEY,
  client_per_second      BIGINT NOT NULL CHECK (client_per_second > 0),
  client_burst           BIGINT NOT NULL CHECK (client_burst > 0),
  institution_per_second BIGINT NOT NULL CHECK (institution_per_second > 0),
  institution_burst      BIGINT NOT NULL CHECK (institution_burst > 0)
);

CREATE TABLE institutions (
  id            UUID PRIMARY KEY,
  name          TEXT NOT NULL,
  role          TEXT NOT NULL CHECK (role IN ('institution', 'provider')),
  plan          TEXT NOT NULL REFERENCES plans (name),
  created_at_us BIGINT NOT NULL
);

-- The provider has exactly one log of its own.
CREATE UNIQUE INDEX institutions_one_provider ON institutions (role) WHERE role = 'provider';

CREATE TABLE clients (
  id             UUID PRIMARY KEY,
  institution_id UUID NOT NULL REFERENCES institutions (id),
  name           TEXT NOT NULL,
  kind           TEXT NOT NULL CHECK (kind IN ('system', 'feeder', 'operator')),
  scopes         TEXT NOT NULL,
  reach          TEXT NOT NULL,
  secret_sha256  BYTEA CHECK (octet_length(secret_sha256) = 32),
  jwks           TEXT,
  created_at_us  BIGINT NOT NULL,
  revoked_at_us  BIGINT
);

CREATE INDEX clients_institution ON clients (institution_id, id);

-- A client assertion's jti is used once (RFC 7523 section 3).
CREATE TABLE assertions (
  client_id     UUID NOT NULL REFERENCES clients (id),
  jti           TEXT NOT NULL,
  expires_at_us BIGINT NOT NULL,
  PRIMARY KEY (client_id, jti)
);

CREATE INDEX assertions_expiry ON assertions (expires_at_us);

CREATE TABLE revoked_tokens (
  jti           TEXT PRIMARY KEY,
  expires_at_us BIGINT NOT NULL
);

-- The ledger.

CREATE TABLE logs (
  institution_id UUID PRIMARY KEY REFERENCES institutions (id),
  origin         TEXT NOT NULL,
  size           BIGINT NOT NULL CHECK (size >= 0),
  root           BYTEA NOT NULL CHECK (octet_length(root) = 32),
  prev           BYTEA NOT NULL CHECK (octet_length(prev) = 32),
  at_us          BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX logs_origin ON logs (institution_id, origin);

-- Entries and payloads come in ranges of seq, so that years of a log stay quick to append to and old
-- ranges can be moved to cheaper storage. Each range of entries has a unique index on prev as well
-- (make_partitions): no two entries follow the same one.
CREATE TABLE entries (
  institution_id UUID NOT NULL,
  seq            BIGINT NOT NULL CHECK (seq >= 0),
  kind           TEXT NOT NULL,
  at_us          BIGINT NOT NULL,
  prev           BYTEA NOT NULL CHECK (octet_length(prev) = 32),
  bytes          BYTEA NOT NULL,
  PRIMARY KEY (institution_id, seq)
) PARTITION BY RANGE (seq);

CREATE INDEX entries_kind ON entries (institution_id, kind, seq);

CREATE TABLE payloads (
  institution_id UUID NOT NULL,
  seq            BIGINT NOT NULL,
  salt           BYTEA NOT NULL CHECK (octet_length(salt) = 32),
  payload        BYTEA NOT NULL,
  PRIMARY KEY (institution_id, seq)
) PARTITION BY RANGE (seq);

-- Full tiles of 256 hashes; partial ones are derived from entries and from the roots below.
CREATE TABLE tiles (
  institution_id UUID NOT NULL,
  level          BIGINT NOT NULL,
  tile           BIGINT NOT NULL,
  root           BYTEA NOT NULL CHECK (octet_length(root) = 32),
  hashes         BYTEA NOT NULL CHECK (octet_length(hashes) = 8192),
  PRIMARY KEY (institution_id, level, tile)
);

-- Hashes do not compress, and trying takes time.
ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE checkpoints (
  institution_id UUID NOT NULL,
  size           BIGINT NOT NULL,
  note           TEXT NOT NULL,
  signed_at_us   BIGINT NOT NULL,
  PRIMARY KEY (institution_id, size)
);

-- Records: the payload holds what is served; the columns are there to find it.

CREATE TABLE accounts (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT NOT NULL,
  reference      TEXT NOT NULL,
  currency       TEXT NOT NULL,
  PRIMARY KEY (institution_id, id)
);

CREATE UNIQUE INDEX accounts_reference ON accounts (institution_id, reference);
CREATE UNIQUE INDEX accounts_seq ON accounts (institution_id, seq);

CREATE TABLE transactions (
  institution_id UUID NOT NULL,
  seq            BIGINT NOT NULL,
  id             UUID NOT NULL,
  account_id     UUID NOT NULL,
  reference      TEXT NOT NULL,
  booking_date   DATE NOT NULL,
  amount_minor   BIGINT NOT NULL CHECK (amount_minor >= 0),
  currency       TEXT NOT NULL,
  direction      TEXT NOT NULL CHECK (direction IN ('credit', 'debit')),
  status         TEXT NOT NULL,
  PRIMARY KEY (institution_id, seq)
);

CREATE UNIQUE INDEX transactions_id ON transactions (institution_id, id);
CREATE UNIQUE INDEX transactions_reference ON transactions (institution_id, reference);
CREATE INDEX transactions_booked ON transactions (institution_id, booking_date, seq);
CREATE INDEX transactions_account ON transactions (institution_id, account_id, booking_date, seq);

-- Work that goes on after its answer.

CREATE TABLE evidence_bundles (
  institution_id UUID NOT NULL,
  id             UUID NOT NULL,
  seq            BIGINT NOT NULL,
  from_seq       BIGINT NOT NULL,
  to_seq         BIGINT NOT NULL CHECK (to_seq > from_seq),
  state          TEXT NOT NULL CHECK (state IN ('preparing', 'ready', 'failed')),
  bytes          BIGINT,
  sha256         BYTEA CHECK (octet_length(sha256) = 32),
  created_at_us  BIGINT NOT NULL,
  finished_at_us BIGINT,
  PRIMARY KEY (institution_id, id)
);

CREATE TABLE idempotency (
  institution_id UUID NOT NULL,
  client_id      UUID NOT NULL,
  route          TEXT NOT NULL,
  key            TEXT NOT NULL,
  body_sha256    BYTEA NOT NULL CHECK (octet_length(body_sha256) = 32),
  outcome        TEXT NOT NULL,
  created_at_us  BIGINT NOT NULL,
  PRIMARY KEY (institution_id, client_id, route, key)
);

CREATE INDEX idempotency_age ON idempotency (created_at_us);

-- What the service may do.

GRANT SELECT, INSERT ON plans, institutions, clients TO veritrail_service;
GRANT UPDATE (client_per_second, client_burst, institution_per_second, institution_burst) ON plans TO veritrail_service;
GRANT UPDATE (plan) ON institutions TO veritrail_service;
GRANT UPDATE (revoked_at_us) ON clients TO veritrail_service;
GRANT SELECT, INSERT, DELETE ON assertions, revoked_tokens, idempotency TO veritrail_service;
GRANT SELECT, INSERT ON logs, entries, payloads, tiles, checkpoints, accounts, transactions TO veritrail_service;
GRANT UPDATE (size, root, prev, at_us) ON logs TO veritrail_service;
GRANT SELECT, INSERT ON evidence_bundles TO veritrail_service;
GRANT UPDATE (state, bytes, sha256, finished_at_us) ON evidence_bundles TO veritrail_service;

-- Whose rows a transaction sees and writes: those of the institutions that it names. FORCE holds the
-- owner to it too.

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['logs', 'entries', 'payloads', 'tiles', 'checkpoints', 'accounts',
                              'transactions', 'evidence_bundles', 'idempotency'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY scope ON %I USING (institution_id IN (SELECT veritrail.scope()))', name);
  END LOOP;
END $$;

-- Append-only, also for the owner and while triggers are off for replication (ENABLE ALWAYS).

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['entries', 'payloads', 'tiles', 'checkpoints', 'accounts', 'transactions'] LOOP
    EXECUTE format('CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse()', name);
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I EXECUTE FUNCTION refuse()', name);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER no_change', name);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER no_truncate', name);
  END LOOP;
END $$;

CREATE FUNCTION only_grow() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF NEW.size <= OLD.size OR NEW.origin <> OLD.origin OR NEW.institution_id <> OLD.institution_id
     OR NEW.at_us < OLD.at_us THEN
    RAISE EXCEPTION 'a log only grows' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER only_grow BEFORE UPDATE ON logs FOR EACH ROW EXECUTE FUNCTION only_grow();
CREATE TRIGGER no_delete BEFORE DELETE ON logs FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON logs EXECUTE FUNCTION refuse();
ALTER TABLE logs ENABLE ALWAYS TRIGGER only_grow;
ALTER TABLE logs ENABLE ALWAYS TRIGGER no_delete;
ALTER TABLE logs ENABLE ALWAYS TRIGGER no_truncate;

-- Makes the ranges of entries and payloads that are missing up to a seq, each `width` wide. The service
-- calls it ahead of need; it runs as the owner, since the service may make no tables. A range is
-- attached when it is whole, so that appending goes on meanwhile.
CREATE FUNCTION make_partitions(up_to bigint, width bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = veritrail, pg_catalog, pg_temp AS $$
DECLARE
  parent text;
  part text;
  low bigint;
  made integer := 0;
BEGIN
  IF width < 256 OR up_to < 0 OR up_to > 9000000000000000 THEN
    RAISE EXCEPTION 'a range is at least 256 wide, and below 9000000000000000';
  END IF;
  -- One process at a time.
  PERFORM pg_advisory_xact_lock(hashtext('veritrail.make_partitions'));
  FOREACH parent IN ARRAY ARRAY['entries', 'payloads'] LOOP
    LOOP
      SELECT coalesce(max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''(\d+)''\)')::bigint), 0)
        INTO low
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = format('veritrail.%I', parent)::regclass;
      EXIT WHEN low > up_to;
      part := format('%s_from_%s', parent, low);
      EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', part, parent);
      EXECUTE format('ALTER TABLE %I ADD CHECK (seq >= %s AND seq < %s)', part, low, low + width);
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
      IF parent = 'entries' THEN
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (institution_id, prev)', part || '_prev', part);
      END IF;
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part, low, low + width);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER no_change', part);
      EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I EXECUTE FUNCTION refuse()', part);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER no_truncate', part);
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

REVOKE ALL ON FUNCTION make_partitions(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_partitions(bigint, bigint) TO veritrail_service;
