-- Webhook endpoints: whom an institution has told of its events, how far that got, and each attempt.
-- No secret is stored: signing keys are derived (gateway/src/webhooks/sign.rs), and a row holds which one.

CREATE TABLE webhook_endpoints (
  institution_id   UUID NOT NULL,
  id               UUID NOT NULL,
  seq              BIGINT NOT NULL,
  url              TEXT NOT NULL,
  events           TEXT NOT NULL,
  description      TEXT NOT NULL,
  scheme           TEXT NOT NULL CHECK (scheme IN ('ed25519', 'hmac_sha256')),
  generation       BIGINT NOT NULL DEFAULT 1 CHECK (generation > 0),
  overlap_until_us BIGINT NOT NULL DEFAULT 0,
  state            TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
  reason           TEXT,
  created_at_us    BIGINT NOT NULL,
  -- The last entry that it was told of, or that is not for it.
  position         BIGINT NOT NULL,
  attempts         BIGINT NOT NULL DEFAULT 0,
  failing_since_us BIGINT,
  next_at_us       BIGINT NOT NULL DEFAULT 0,
  -- The process that tells it now.
  holder           TEXT NOT NULL DEFAULT '',
  held_until_us    BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (institution_id, id)
);

CREATE TABLE webhook_attempts (
  institution_id UUID NOT NULL,
  endpoint_id    UUID NOT NULL,
  id             UUID NOT NULL,
  message_id     TEXT NOT NULL,
  event_seq      BIGINT,
  event_type     TEXT NOT NULL,
  number         BIGINT NOT NULL CHECK (number > 0),
  state          TEXT NOT NULL CHECK (state IN ('ordered', 'succeeded', 'failed')),
  at_us          BIGINT NOT NULL,
  took_ms        BIGINT,
  status         BIGINT,
  answer         TEXT,
  error          TEXT,
  PRIMARY KEY (institution_id, endpoint_id, id)
);

CREATE INDEX webhook_attempts_ordered ON webhook_attempts (institution_id, endpoint_id, id) WHERE state = 'ordered';

GRANT SELECT, INSERT, DELETE ON webhook_endpoints, webhook_attempts TO veritrail_service;
GRANT UPDATE (url, events, description, generation, overlap_until_us, state, reason, position, attempts,
              failing_since_us, next_at_us, holder, held_until_us) ON webhook_endpoints TO veritrail_service;
GRANT UPDATE (state, at_us, took_ms, status, answer, error) ON webhook_attempts TO veritrail_service;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['webhook_endpoints', 'webhook_attempts'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY scope ON %I USING (institution_id IN (SELECT veritrail.scope()))', name);
  END LOOP;
END $$;
