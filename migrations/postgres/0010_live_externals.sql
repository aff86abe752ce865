-- Whom another issuer knows by a name is one client among those that are not revoked: a client can be enrolled
-- anew under the name of one that was revoked.
DROP INDEX clients_external;

CREATE UNIQUE INDEX clients_external ON clients (external_issuer, external_subject)
  WHERE external_issuer IS NOT NULL AND revoked_at_us IS NULL;
