-- Foundation: who may call, one log per institution, and the records that it commits to.
-- Tenant tables have institution_id as the first column of every key.
-- Ledger tables are append-only: triggers refuse UPDATE and DELETE (recursive_triggers is ON,
-- so that INSERT OR REPLACE cannot slip past them).

-- The directory: not tenant data, read before a caller's institution is known.

CREATE TABLE plans (
  name                   TEXT PRIMARY KEY,
  client_per_second      INTEGER NOT NULL CHECK (client_per_second > 0),
  client_burst           INTEGER NOT NULL CHECK (client_burst > 0),
  institution_per_second INTEGER NOT NULL CHECK (institution_per_second > 0),
  institution_burst      INTEGER NOT NULL CHECK (institution_burst > 0)
) STRICT;

CREATE TABLE institutions (
  id            BLOB PRIMARY KEY CHECK (length(id) = 16),
  name          TEXT NOT NULL,
  role          TEXT NOT NULL CHECK (role IN ('institution', 'provider')),
  plan          TEXT NOT NULL REFERENCES plans (name),
  created_at_us INTEGER NOT NULL
) STRICT;

-- The provider has exactly one log of its own.
CREATE UNIQUE INDEX institutions_one_provider ON institutions (role) WHERE role = 'provider';

CREATE TABLE clients (
  id             BLOB PRIMARY KEY CHECK (length(id) = 16),
  institution_id BLOB NOT NULL REFERENCES institutions (id),
  name           TEXT NOT NULL,
  kind           TEXT NOT NULL CHECK (kind IN ('system', 'feeder', 'operator')),
  scopes         TEXT NOT NULL,
  reach          TEXT NOT NULL,
  secret_sha256  BLOB CHECK (length(secret_sha256) = 32),
  jwks           TEXT,
  created_at_us  INTEGER NOT NULL,
  revoked_at_us  INTEGER
) STRICT;

CREATE INDEX clients_institution ON clients (institution_id, id);

-- A client assertion's jti is used once (RFC 7523 section 3).
CREATE TABLE assertions (
  client_id     BLOB NOT NULL REFERENCES clients (id),
  jti           TEXT NOT NULL,
  expires_at_us INTEGER NOT NULL,
  PRIMARY KEY (client_id, jti)
) STRICT, WITHOUT ROWID;

CREATE INDEX assertions_expiry ON assertions (expires_at_us);

CREATE TABLE revoked_tokens (
  jti           TEXT PRIMARY KEY,
  expires_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The ledger.

CREATE TABLE logs (
  institution_id BLOB PRIMARY KEY REFERENCES institutions (id),
  origin         TEXT NOT NULL UNIQUE,
  size           INTEGER NOT NULL CHECK (size >= 0),
  root           BLOB NOT NULL CHECK (length(root) = 32),
  prev           BLOB NOT NULL CHECK (length(prev) = 32),
  at_us          INTEGER NOT NULL
) STRICT;

CREATE TABLE entries (
  institution_id BLOB NOT NULL,
  seq            INTEGER NOT NULL CHECK (seq >= 0),
  kind           TEXT NOT NULL,
  at_us          INTEGER NOT NULL,
  bytes          BLOB NOT NULL,
  PRIMARY KEY (institution_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX entries_kind ON entries (institution_id, kind, seq);

CREATE TABLE payloads (
  institution_id BLOB NOT NULL,
  seq            INTEGER NOT NULL,
  salt           BLOB NOT NULL CHECK (length(salt) = 32),
  payload        BLOB NOT NULL,
  PRIMARY KEY (institution_id, seq)
) STRICT, WITHOUT ROWID;

-- Full tiles of 256 hashes; partial ones are derived from entries and from the roots below.
CREATE TABLE tiles (
  institution_id BLOB NOT NULL,
  level          INTEGER NOT NULL,
  tile           INTEGER NOT NULL,
  root           BLOB NOT NULL CHECK (length(root) = 32),
  hashes         BLOB NOT NULL CHECK (length(hashes) = 8192),
  PRIMARY KEY (institution_id, level, tile)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  institution_id BLOB NOT NULL,
  size           INTEGER NOT NULL,
  note           TEXT NOT NULL,
  signed_at_us   INTEGER NOT NULL,
  PRIMARY KEY (institution_id, size)
) STRICT, WITHOUT ROWID;

-- Records: the payload holds what is served; the columns are there to find it.

CREATE TABLE accounts (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL CHECK (length(id) = 16),
  seq            INTEGER NOT NULL,
  reference      TEXT NOT NULL,
  currency       TEXT NOT NULL,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX accounts_reference ON accounts (institution_id, reference);
CREATE UNIQUE INDEX accounts_seq ON accounts (institution_id, seq);

CREATE TABLE transactions (
  institution_id BLOB NOT NULL,
  seq            INTEGER NOT NULL,
  id             BLOB NOT NULL CHECK (length(id) = 16),
  account_id     BLOB NOT NULL CHECK (length(account_id) = 16),
  reference      TEXT NOT NULL,
  booking_date   TEXT NOT NULL,
  amount_minor   INTEGER NOT NULL CHECK (amount_minor >= 0),
  currency       TEXT NOT NULL,
  direction      TEXT NOT NULL CHECK (direction IN ('credit', 'debit')),
  status         TEXT NOT NULL,
  PRIMARY KEY (institution_id, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX transactions_id ON transactions (institution_id, id);
CREATE UNIQUE INDEX transactions_reference ON transactions (institution_id, reference);
CREATE INDEX transactions_booked ON transactions (institution_id, booking_date, seq);
CREATE INDEX transactions_account ON transactions (institution_id, account_id, booking_date, seq);

-- Work that goes on after its answer.

CREATE TABLE evidence_bundles (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL CHECK (length(id) = 16),
  seq            INTEGER NOT NULL,
  from_seq       INTEGER NOT NULL,
  to_seq         INTEGER NOT NULL CHECK (to_seq > from_seq),
  state          TEXT NOT NULL CHECK (state IN ('preparing', 'ready', 'failed')),
  bytes          INTEGER,
  sha256         BLOB CHECK (length(sha256) = 32),
  created_at_us  INTEGER NOT NULL,
  finished_at_us INTEGER,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  institution_id BLOB NOT NULL,
  client_id      BLOB NOT NULL,
  route          TEXT NOT NULL,
  key            TEXT NOT NULL,
  body_sha256    BLOB NOT NULL CHECK (length(body_sha256) = 32),
  outcome        TEXT NOT NULL,
  created_at_us  INTEGER NOT NULL,
  PRIMARY KEY (institution_id, client_id, route, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_age ON idempotency (created_at_us);

-- Append-only.

CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;
CREATE TRIGGER payloads_no_update BEFORE UPDATE ON payloads BEGIN SELECT RAISE(ABORT, 'payloads is append-only'); END;
CREATE TRIGGER payloads_no_delete BEFORE DELETE ON payloads BEGIN SELECT RAISE(ABORT, 'payloads is append-only'); END;
CREATE TRIGGER tiles_no_update BEFORE UPDATE ON tiles BEGIN SELECT RAISE(ABORT, 'tiles is append-only'); END;
CREATE TRIGGER tiles_no_delete BEFORE DELETE ON tiles BEGIN SELECT RAISE(ABORT, 'tiles is append-only'); END;
CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints is append-only'); END;
CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints is append-only'); END;
CREATE TRIGGER accounts_no_update BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts is append-only'); END;
CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts is append-only'); END;
CREATE TRIGGER transactions_no_update BEFORE UPDATE ON transactions BEGIN SELECT RAISE(ABORT, 'transactions is append-only'); END;
CREATE TRIGGER transactions_no_delete BEFORE DELETE ON transactions BEGIN SELECT RAISE(ABORT, 'transactions is append-only'); END;
CREATE TRIGGER logs_no_delete BEFORE DELETE ON logs BEGIN SELECT RAISE(ABORT, 'a log is never deleted'); END;
CREATE TRIGGER logs_only_grow BEFORE UPDATE ON logs
  WHEN NEW.size <= OLD.size OR NEW.origin <> OLD.origin OR NEW.institution_id <> OLD.institution_id OR NEW.at_us < OLD.at_us
  BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
