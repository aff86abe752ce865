-- Webhook endpoints: whom an institution has told of its events, how far that got, and each attempt.
-- No secret is stored: signing keys are derived (gateway/src/webhooks/sign.rs), and a row holds which one.

CREATE TABLE webhook_endpoints (
  institution_id   BLOB NOT NULL,
  id               BLOB NOT NULL CHECK (length(id) = 16),
  seq              INTEGER NOT NULL,
  url              TEXT NOT NULL,
  events           TEXT NOT NULL,
  description      TEXT NOT NULL,
  scheme           TEXT NOT NULL CHECK (scheme IN ('ed25519', 'hmac_sha256')),
  generation       INTEGER NOT NULL DEFAULT 1 CHECK (generation > 0),
  overlap_until_us INTEGER NOT NULL DEFAULT 0,
  state            TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
  reason           TEXT,
  created_at_us    INTEGER NOT NULL,
  -- The last entry that it was told of, or that is not for it.
  position         INTEGER NOT NULL,
  attempts         INTEGER NOT NULL DEFAULT 0,
  failing_since_us INTEGER,
  next_at_us       INTEGER NOT NULL DEFAULT 0,
  -- The process that tells it now.
  holder           TEXT NOT NULL DEFAULT '',
  held_until_us    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_attempts (
  institution_id BLOB NOT NULL,
  endpoint_id    BLOB NOT NULL CHECK (length(endpoint_id) = 16),
  id             BLOB NOT NULL CHECK (length(id) = 16),
  message_id     TEXT NOT NULL,
  event_seq      INTEGER,
  event_type     TEXT NOT NULL,
  number         INTEGER NOT NULL CHECK (number > 0),
  state          TEXT NOT NULL CHECK (state IN ('ordered', 'succeeded', 'failed')),
  at_us          INTEGER NOT NULL,
  took_ms        INTEGER,
  status         INTEGER,
  answer         TEXT,
  error          TEXT,
  PRIMARY KEY (institution_id, endpoint_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_attempts_ordered ON webhook_attempts (institution_id, endpoint_id, id) WHERE state = 'ordered';
