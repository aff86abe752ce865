-- Versions of a transaction, and columns for what transactions are searched by. A correction or a
-- reversal is a row of its own that names the one it supersedes; nothing is changed or removed.

ALTER TABLE transactions ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);
ALTER TABLE transactions ADD COLUMN supersedes INTEGER CHECK (supersedes < seq);
ALTER TABLE transactions ADD COLUMN reversed INTEGER NOT NULL DEFAULT 0 CHECK (reversed IN (0, 1));
ALTER TABLE transactions ADD COLUMN value_date TEXT;
ALTER TABLE transactions ADD COLUMN end_to_end_id TEXT;
ALTER TABLE transactions ADD COLUMN counterparty_account TEXT;
-- In lower case, to be searched.
ALTER TABLE transactions ADD COLUMN counterparty_name TEXT;
ALTER TABLE transactions ADD COLUMN remittance_information TEXT;

DROP INDEX transactions_id;
DROP INDEX transactions_reference;
CREATE UNIQUE INDEX transactions_id ON transactions (institution_id, id, version);
CREATE UNIQUE INDEX transactions_reference ON transactions (institution_id, reference, version);
-- No version is superseded twice: a transaction has one history.
CREATE UNIQUE INDEX transactions_supersedes ON transactions (institution_id, supersedes)
  WHERE supersedes IS NOT NULL;

-- What is there already gets its columns from its payload.
DROP TRIGGER transactions_no_update;
UPDATE transactions AS t SET
  value_date = json_extract(p.payload, '$.value_date'),
  end_to_end_id = json_extract(p.payload, '$.end_to_end_id'),
  counterparty_account = json_extract(p.payload, '$.counterparty.account'),
  counterparty_name = lower(json_extract(p.payload, '$.counterparty.name')),
  remittance_information = lower(json_extract(p.payload, '$.remittance_information'))
  FROM (SELECT institution_id, seq, CAST(payload AS TEXT) AS payload FROM payloads) AS p
  WHERE p.institution_id = t.institution_id AND p.seq = t.seq;
CREATE TRIGGER transactions_no_update BEFORE UPDATE ON transactions BEGIN SELECT RAISE(ABORT, 'transactions is append-only'); END;
