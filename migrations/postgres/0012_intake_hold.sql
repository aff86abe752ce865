-- When the process that has an intake's file last said so. For what is there, and for what processes before this
-- one add, that is when it is added here: nobody could say so, and it may well be in hand.
ALTER TABLE intakes ADD COLUMN touched_at_us BIGINT NOT NULL
  DEFAULT (extract(epoch FROM now()) * 1000000)::bigint;
GRANT UPDATE (touched_at_us) ON intakes TO veritrail_service;

CREATE INDEX intakes_unfinished ON intakes (institution_id, id) WHERE finished_at_us IS NULL;
