-- What a client's tokens are bound to, from where it may call, how its keys are changed, and whom another
-- issuer knows it as.

-- RFC 9449 section 5.2 and RFC 8705 section 3.4: whether its tokens must be bound.
ALTER TABLE clients ADD COLUMN dpop_bound BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE clients ADD COLUMN certificate_bound BOOLEAN NOT NULL DEFAULT FALSE;
-- Networks (CIDR) with spaces between them; empty for any.
ALTER TABLE clients ADD COLUMN allowed_addresses TEXT NOT NULL DEFAULT '';
-- The secret of before, and until when it still counts.
ALTER TABLE clients ADD COLUMN old_secret_sha256 BYTEA CHECK (octet_length(old_secret_sha256) = 32);
ALTER TABLE clients ADD COLUMN old_secret_until_us BIGINT;
-- The client as another issuer knows it: the issuer's name in the configuration, and what its tokens say.
ALTER TABLE clients ADD COLUMN external_issuer TEXT;
ALTER TABLE clients ADD COLUMN external_subject TEXT;

CREATE UNIQUE INDEX clients_external ON clients (external_issuer, external_subject)
  WHERE external_issuer IS NOT NULL;

GRANT UPDATE (jwks, secret_sha256, old_secret_sha256, old_secret_until_us, dpop_bound, certificate_bound,
              allowed_addresses) ON clients TO veritrail_service;

-- A DPoP proof is used once (RFC 9449 section 11.1): SHA-256 of its key's thumbprint and its jti.
CREATE TABLE dpop_proofs (
  proof         BYTEA PRIMARY KEY CHECK (octet_length(proof) = 32),
  expires_at_us BIGINT NOT NULL
);

CREATE INDEX dpop_proofs_expiry ON dpop_proofs (expires_at_us);

GRANT SELECT, INSERT, DELETE ON dpop_proofs TO veritrail_service;
