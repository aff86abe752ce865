-- When the process that has an intake's file last said so. For what is there, that is now: nobody could say so, and
-- it may well be in hand.
ALTER TABLE intakes ADD COLUMN touched_at_us INTEGER NOT NULL DEFAULT 0;
UPDATE intakes SET touched_at_us = CAST(strftime('%s', 'now') AS INTEGER) * 1000000 WHERE finished_at_us IS NULL;

CREATE INDEX intakes_unfinished ON intakes (institution_id, id) WHERE finished_at_us IS NULL;
