-- Tries to prove who one is, counted before anything is checked: all replicas count here, and tries that come at
-- once can't pass.

CREATE TABLE tries (
  -- SHA-256 of what is counted: a network, an account from a network, a person's codes. No address stands here.
  key_sha256 BYTEA PRIMARY KEY CHECK (octet_length(key_sha256) = 32),
  -- When there are as many as ever again, in microseconds since the Unix epoch; then the row goes.
  full_at_us BIGINT NOT NULL
);

CREATE INDEX tries_full ON tries (full_at_us);

GRANT SELECT, INSERT, DELETE ON tries TO veritrail_service;
GRANT UPDATE (full_at_us) ON tries TO veritrail_service;

-- A second factor that is not confirmed leaves nothing here any longer. The column goes with a later migration:
-- processes of before still read it.
UPDATE users SET totp_pending = NULL WHERE totp_pending IS NOT NULL;
