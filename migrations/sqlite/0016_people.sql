-- People who sign in to the portal, and their sessions. Like clients they are the directory's, and no tenant's
-- data.

CREATE TABLE users (
  id                BLOB PRIMARY KEY CHECK (length(id) = 16),
  -- Whose employee: an institution's; of the provider for operators and regulators.
  institution_id    BLOB NOT NULL REFERENCES institutions (id),
  email             TEXT NOT NULL CHECK (email = lower(email)),
  name              TEXT NOT NULL,
  role              TEXT NOT NULL
                    CHECK (role IN ('compliance-officer', 'integration-engineer', 'regulator', 'operator')),
  -- Argon2id, as a PHC string; none until a password is set, or for who signs in elsewhere.
  password_hash     TEXT,
  -- The link by which a password may be set, once and until then.
  invite_sha256     BLOB CHECK (length(invite_sha256) = 32),
  invite_until_us   INTEGER,
  -- The second factor (RFC 6238): its secret is derived from this and a key that is not in the database.
  totp_salt         BLOB CHECK (length(totp_salt) = 32),
  -- One that is not confirmed yet.
  totp_pending      BLOB CHECK (length(totp_pending) = 32),
  -- The last time step whose code was taken: each is taken once.
  totp_step         INTEGER,
  -- The person as an issuer knows them: the issuer's name in the configuration, and its `sub`.
  external_issuer   TEXT,
  external_subject  TEXT,
  created_at_us     INTEGER NOT NULL,
  disabled_at_us    INTEGER
) STRICT;

CREATE UNIQUE INDEX users_email ON users (email);
CREATE INDEX users_institution ON users (institution_id, id);
CREATE UNIQUE INDEX users_invite ON users (invite_sha256) WHERE invite_sha256 IS NOT NULL;
CREATE UNIQUE INDEX users_external ON users (external_issuer, external_subject) WHERE external_issuer IS NOT NULL;

-- Codes that stand in for a lost second factor, each once: SHA-256 of 80 random bits.
CREATE TABLE recovery_codes (
  user_id BLOB NOT NULL REFERENCES users (id),
  sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
  PRIMARY KEY (user_id, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  -- SHA-256 of the cookie's value: who reads this table has no session.
  id_sha256     BLOB PRIMARY KEY CHECK (length(id_sha256) = 32),
  user_id       BLOB NOT NULL REFERENCES users (id),
  created_at_us INTEGER NOT NULL,
  seen_at_us    INTEGER NOT NULL,
  expires_at_us INTEGER NOT NULL,
  -- By what: `password`, `password totp`, `password recovery`, `oidc NAME`.
  factors       TEXT NOT NULL,
  address       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at_us);
