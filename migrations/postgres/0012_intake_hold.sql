-- When the process that has an intake's file last said so.
ALTER TABLE intakes ADD COLUMN touched_at_us BIGINT NOT NULL DEFAULT 0;
GRANT UPDATE (touched_at_us) ON intakes TO veritrail_service;

CREATE INDEX intakes_unfinished ON intakes (institution_id, id) WHERE finished_at_us IS NULL;
