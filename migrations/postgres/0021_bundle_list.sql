-- Evidence bundles are listed: who ordered each of them, and how far it is. Of those ordered before, the ledger
-- alone says by whom.

ALTER TABLE evidence_bundles ADD COLUMN actor TEXT;
-- Entries and payloads that are in the file so far.
ALTER TABLE evidence_bundles ADD COLUMN written BIGINT NOT NULL DEFAULT 0;
GRANT UPDATE (written) ON evidence_bundles TO veritrail_service;
CREATE INDEX evidence_bundles_by_seq ON evidence_bundles (institution_id, seq);
