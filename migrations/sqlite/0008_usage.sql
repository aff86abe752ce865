-- What clients used: added up by day, route and outcome. Not part of the ledger, which has every look.

CREATE TABLE usage (
  institution_id BLOB NOT NULL,
  day            TEXT NOT NULL CHECK (length(day) = 10),
  client_id      BLOB NOT NULL CHECK (length(client_id) = 16),
  route          TEXT NOT NULL,
  code           TEXT NOT NULL,
  requests       INTEGER NOT NULL CHECK (requests >= 0),
  units          INTEGER NOT NULL CHECK (units >= 0),
  bytes          INTEGER NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (institution_id, day, client_id, route, code)
) STRICT, WITHOUT ROWID;
