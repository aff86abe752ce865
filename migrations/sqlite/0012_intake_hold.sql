-- When the process that has an intake's file last said so.
ALTER TABLE intakes ADD COLUMN touched_at_us INTEGER NOT NULL DEFAULT 0;

CREATE INDEX intakes_unfinished ON intakes (institution_id, id) WHERE finished_at_us IS NULL;
