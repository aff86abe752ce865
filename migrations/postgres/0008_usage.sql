-- What clients used: added up by day, route and outcome. Not part of the ledger, which has every look.

CREATE TABLE usage (
  institution_id UUID NOT NULL,
  day            TEXT NOT NULL CHECK (length(day) = 10),
  client_id      UUID NOT NULL,
  route          TEXT NOT NULL,
  code           TEXT NOT NULL,
  requests       BIGINT NOT NULL CHECK (requests >= 0),
  units          BIGINT NOT NULL CHECK (units >= 0),
  bytes          BIGINT NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (institution_id, day, client_id, route, code)
);

GRANT SELECT, INSERT, UPDATE (requests, units, bytes) ON usage TO veritrail_service;

ALTER TABLE usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON usage USING (institution_id IN (SELECT veritrail.scope()));
