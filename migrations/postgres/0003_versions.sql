-- Versions of a transaction, and columns for what transactions are searched by. A correction or a
-- reversal is a row of its own that names the one it supersedes; nothing is changed or removed.

ALTER TABLE transactions
  ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version > 0),
  ADD COLUMN supersedes BIGINT CHECK (supersedes < seq),
  ADD COLUMN reversed BIGINT NOT NULL DEFAULT 0 CHECK (reversed IN (0, 1)),
  ADD COLUMN value_date DATE,
  ADD COLUMN end_to_end_id TEXT,
  ADD COLUMN counterparty_account TEXT,
  -- In lower case, to be searched.
  ADD COLUMN counterparty_name TEXT,
  ADD COLUMN remittance_information TEXT;

DROP INDEX transactions_id;
DROP INDEX transactions_reference;
CREATE UNIQUE INDEX transactions_id ON transactions (institution_id, id, version);
CREATE UNIQUE INDEX transactions_reference ON transactions (institution_id, reference, version);
-- No version is superseded twice: a transaction has one history.
CREATE UNIQUE INDEX transactions_supersedes ON transactions (institution_id, supersedes)
  WHERE supersedes IS NOT NULL;

-- What is there already gets its columns from its payload, whosever it is.
SELECT set_config('veritrail.scope', coalesce(string_agg(id::text, ','), ''), true) FROM institutions;
ALTER TABLE transactions DISABLE TRIGGER no_change;
UPDATE transactions t SET
  value_date = (p.record ->> 'value_date')::date,
  end_to_end_id = p.record ->> 'end_to_end_id',
  counterparty_account = p.record -> 'counterparty' ->> 'account',
  counterparty_name = lower(p.record -> 'counterparty' ->> 'name'),
  remittance_information = lower(p.record ->> 'remittance_information')
  FROM (SELECT institution_id, seq, convert_from(payload, 'UTF8')::jsonb AS record FROM payloads) p
  WHERE p.institution_id = t.institution_id AND p.seq = t.seq;
ALTER TABLE transactions ENABLE ALWAYS TRIGGER no_change;
SELECT set_config('veritrail.scope', '', true);
