-- Grants: what a regulator may see of an institution, from when to when, and why. What each says is on the
-- institution's ledger; the rows are what a look is held against (gateway/src/store/grants.rs).

CREATE TABLE grants (
  institution_id BLOB NOT NULL,
  id             BLOB NOT NULL,
  -- The entry that made it, and the one that revoked it.
  seq            INTEGER NOT NULL,
  revoked_seq    INTEGER,
  user_id        BLOB NOT NULL,
  -- By which the regulator signed in when it was made.
  email          TEXT NOT NULL,
  scopes         TEXT NOT NULL,
  purpose        TEXT NOT NULL,
  from_us        INTEGER NOT NULL,
  until_us       INTEGER NOT NULL,
  made_by        TEXT NOT NULL,
  created_at_us  INTEGER NOT NULL,
  revoked_by     TEXT,
  revoked_at_us  INTEGER,
  reason         TEXT,
  CHECK (until_us > from_us),
  CHECK ((revoked_seq IS NULL) = (revoked_at_us IS NULL)),
  PRIMARY KEY (institution_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX grants_seq ON grants (institution_id, seq);
CREATE UNIQUE INDEX grants_revoked_seq ON grants (institution_id, revoked_seq) WHERE revoked_seq IS NOT NULL;
-- What a regulator has, at one institution and at all of them.
CREATE INDEX grants_user ON grants (user_id, until_us);
