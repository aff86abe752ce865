-- What a client's tokens are bound to, from where it may call, how its keys are changed, and whom another
-- issuer knows it as.

-- RFC 9449 section 5.2 and RFC 8705 section 3.4: whether its tokens must be bound.
ALTER TABLE clients ADD COLUMN dpop_bound INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN certificate_bound INTEGER NOT NULL DEFAULT 0;
-- Networks (CIDR) with spaces between them; empty for any.
ALTER TABLE clients ADD COLUMN allowed_addresses TEXT NOT NULL DEFAULT '';
-- The secret of before, and until when it still counts.
ALTER TABLE clients ADD COLUMN old_secret_sha256 BLOB CHECK (length(old_secret_sha256) = 32);
ALTER TABLE clients ADD COLUMN old_secret_until_us INTEGER;
-- The client as another issuer knows it: the issuer's name in the configuration, and what its tokens say.
ALTER TABLE clients ADD COLUMN external_issuer TEXT;
ALTER TABLE clients ADD COLUMN external_subject TEXT;

CREATE UNIQUE INDEX clients_external ON clients (external_issuer, external_subject)
  WHERE external_issuer IS NOT NULL;

-- A DPoP proof is used once (RFC 9449 section 11.1): SHA-256 of its key's thumbprint and its jti.
CREATE TABLE dpop_proofs (
  proof         BLOB PRIMARY KEY CHECK (length(proof) = 32),
  expires_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX dpop_proofs_expiry ON dpop_proofs (expires_at_us);
